"""Buffers: places in memory, and the orders in which values lie in them."""

from dataclasses import dataclass
from math import prod

import numpy as np

from steepest.compiler.graph import Value
from steepest.compiler.nests.nest import squeeze

__all__ = ["BASES", "Buffer", "Buffers", "lanes", "padded", "plain"]

BASES: dict[np.dtype, str] = {np.dtype(f"{k}{n}"): f"i{8 * n}" for k in "iu" for n in (1, 2, 4, 8)}
BASES |= {np.dtype(np.float32): "float", np.dtype(np.float64): "double", np.dtype(bool): "i8"}
_PAGE = 4096


def lanes(n: int, width: int) -> int:
    """The vector width for a dimension of n: the smallest power of two that holds it, at most
    `width`."""
    w = 1
    while w < min(n, width):
        w *= 2
    return w


@dataclass(eq=False)
class Buffer:
    """A place in memory: strides and size in elements, `offset` in bytes from its block's start.

    place   "memory" (the program's own block), "gathered" or "stepped" (the user's arrays)
    within  the buffer of which this is a part that begins at element `start`
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    strides: tuple[int, ...]
    size: int
    place: str = "memory"
    offset: int = 0
    pointer: str = ""
    within: "Buffer | None" = None
    start: int = 0

    @property
    def whole(self) -> "Buffer":
        """What has memory of its own: the buffer, or what it is a part of."""
        return self.within or self

    @property
    def base(self) -> str:
        return BASES[self.dtype]

    @property
    def bytes(self) -> int:
        return self.size * self.dtype.itemsize


Buffers = dict[Value, Buffer]  # where each value is


def padded(shape: tuple[int, ...], dtype: np.dtype, contiguous: int, width: int) -> Buffer:
    """A buffer whose dimension `contiguous` has stride 1 and whole vectors."""
    order = [d for d in range(len(shape)) if d != contiguous] + [contiguous] * bool(shape)
    strides, step = [0] * len(shape), 1
    for k, d in enumerate(reversed(order)):
        strides[d] = step
        n = shape[d]
        if k == 0:
            w = lanes(n, width)
            n = -(-n // w) * w
            if len(squeeze(shape)) > 1 and n * dtype.itemsize % _PAGE == 0:
                n += width
        step *= n
    return Buffer(shape, dtype, tuple(strides), max(step, 1))


def plain(shape: tuple[int, ...], dtype: np.dtype, place: str) -> Buffer:
    """The user's memory: rows one after the other, without padding."""
    strides = tuple(prod(shape[d + 1 :]) for d in range(len(shape)))
    return Buffer(shape, dtype, strides, prod(shape), place)
