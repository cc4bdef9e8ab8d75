"""Everything that `import steepest as torch` offers, in one namespace.

What computes (tensors, gradients, layers, optimizers) is here at once; what is heavy (tables,
files, progress bars, figures) loads when it is first used.
"""

import importlib
from math import e, inf, nan, pi
from typing import Any

import numpy as np

from steepest import autograd, cuda, linalg, nn, optim, random, special
from steepest.autograd import gradcheck, numerical_gradient
from steepest.core import DEFAULT_DTYPE, get_num_threads, set_num_threads
from steepest.functional import *
from steepest.nn import summary
from steepest.random import (
    Generator,
    initial_seed,
    manual_seed,
    normal,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
    seed,
)
from steepest.tensors import (
    Tensor,
    as_tensor,
    device,
    enable_grad,
    from_numpy,
    inference_mode,
    no_grad,
    set_grad_enabled,
    tensor,
)
from steepest.tensors import recording as is_grad_enabled
from steepest.tensors.tensor import Size

finfo, iinfo, dtype = np.finfo, np.iinfo, np.dtype

float16 = half = np.dtype(np.float16)
float32 = float = np.dtype(np.float32)
float64 = double = np.dtype(np.float64)
int8, int16 = np.dtype(np.int8), np.dtype(np.int16)
int32 = int = np.dtype(np.int32)
int64 = long = np.dtype(np.int64)
uint8 = np.dtype(np.uint8)
bool = np.dtype(np.bool_)


def is_tensor(x: Any) -> Any:
    """Whether x is a Tensor."""
    return isinstance(x, Tensor)


def get_default_dtype() -> np.dtype:
    """The dtype of what is made of Python's floats: float32."""
    return DEFAULT_DTYPE


# Where the names live that load on first use.
_LAZY = {
    "compile": "steepest.compiler:compile",
    "data": "steepest.data",
    "utils": "steepest.utils",
    "models": "steepest.models",
    "training": "steepest.training",
    "explain": "steepest.explain",
    "interop": "steepest.interop",
    "plot": "steepest.plot",
    "load_data": "steepest.data:load_data",
    "fit": "steepest.training:fit",
    "evaluate": "steepest.training:evaluate",
    "predict": "steepest.training:predict",
    "save": "steepest.training:save",
    "load": "steepest.training:load",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'steepest' has no attribute {name!r}")
    module, _, attribute = _LAZY[name].partition(":")
    loaded = importlib.import_module(module)
    found = getattr(loaded, attribute) if attribute else loaded
    globals()[name] = found
    return found


_PLUMBING = {"importlib", "Any", "np"}
__all__ = [*(n for n in globals() if not n.startswith("_") and n not in _PLUMBING), *_LAZY]
