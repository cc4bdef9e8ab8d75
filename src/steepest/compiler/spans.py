"""Spans: where arrays are in memory."""

from ctypes import addressof, c_char
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

__all__ = ["address", "memory", "span"]


def address(array: Any) -> int:
    """Where the first element is; found three times as fast as `array.ctypes.data` where the array
    may be written and has no gaps."""
    try:
        return addressof(c_char.from_buffer(array))
    except (TypeError, ValueError):
        return array.ctypes.data


def memory(array: np.ndarray) -> tuple:
    """What makes two arrays one: the same elements at the same place."""
    return (address(array), array.shape, array.strides, array.dtype)


def span(array: np.ndarray) -> tuple[int, int]:
    """Where in memory an array begins and where it ends."""
    if not array.flags.c_contiguous:
        return byte_bounds(array)
    start = address(array)
    return start, start + array.nbytes
