"""steepest: deep learning on a plain processor, in PyTorch's words.

    import steepest as torch

    x = torch.tensor(3.0, requires_grad=True)
    y = 2 * x**2
    y.backward()
    x.grad                      # tensor(12.)

The import itself costs a millisecond; the first name that is used loads the library (`api`).
"""

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steepest.api import *

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name.startswith("__") and name != "__all__":
        raise AttributeError(f"module 'steepest' has no attribute {name!r}")
    # A module of the library first: one floor asking for another must not load all of them.
    if importlib.util.find_spec(f"steepest.{name}") is not None:
        return importlib.import_module(f"steepest.{name}")
    found = getattr(importlib.import_module("steepest.api"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *importlib.import_module("steepest.api").__all__])
