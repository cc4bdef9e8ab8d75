"""Pages: the memory of large arrays, made before a program's results are copied there.

An array of zeros, such as an optimizer begins with, has none of its own before it is written to:
whoever reads it sees one page of zeros everywhere. Made one after the other, each when the first
number reaches it, pages take three times as long as all at once.
"""

import ctypes
import sys
from functools import lru_cache
from mmap import PAGESIZE

import numpy as np

from steepest.compiler.spans import span

__all__ = ["LARGE", "make_pages"]

LARGE = 1 << 20  # bytes that no longer stay in the nearer caches
_POPULATE = 23  # Linux's MADV_POPULATE_WRITE; one that does not know it yet makes pages as ever


def make_pages(array: np.ndarray) -> None:
    """Let the system make all pages of a large array, whose numbers stay as they are."""
    if sys.platform == "linux" and array.nbytes >= LARGE:
        start, stop = span(array)
        first, last = -(-start // PAGESIZE) * PAGESIZE, stop // PAGESIZE * PAGESIZE
        _system().madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _POPULATE)


@lru_cache(1)
def _system() -> ctypes.CDLL:
    return ctypes.CDLL(None)
