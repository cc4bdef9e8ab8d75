"""OpenBLAS, where it is installed: products of matrices by the address of a function.

Generated tiles are faster where vectors are wide; where they are narrow, or matrices very large, a
timing may prefer the library (see `tune`). Generated code then calls its function by a name that is
bound to the function's address when the code is loaded. One thread computes each product: the
program divides work among threads itself.
"""

import ctypes
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from steepest.core import lazy

openblas = lazy("scipy_openblas32", "blas")

__all__ = ["FUNCTIONS", "addresses", "is_installed"]

FUNCTIONS = {np.dtype(np.float32): "cblas_sgemm", np.dtype(np.float64): "cblas_dgemm"}


@lru_cache(1)
def is_installed() -> bool:
    return find_spec("scipy_openblas32") is not None


@lru_cache(1)
def addresses() -> dict[str, int]:
    """Where the functions are that generated code may call."""
    library = ctypes.CDLL(str(Path(openblas.get_lib_dir()) / openblas.get_library(fullname=True)))
    library.scipy_openblas_set_num_threads(1)
    found = {name: getattr(library, f"scipy_{name}") for name in FUNCTIONS.values()}
    return {name: ctypes.cast(f, ctypes.c_void_p).value or 0 for name, f in found.items()}
