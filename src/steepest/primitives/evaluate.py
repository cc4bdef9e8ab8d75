"""The rows' NumPy evaluations that are longer than one expression.

This is the eager engine. It is written to be read and to be right; speed is the compiler's
business.
"""

import math
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "broadcast",
    "contract",
    "erf",
    "fold",
    "pad",
    "scatter_add",
    "sigmoid",
    "slice_",
    "split_spec",
    "threefry",
    "uniform",
    "windows",
]

_erf = np.frompyfunc(math.erf, 1, 1)  # NumPy has no erf; the C library's is correct to the last bit


def erf(x: np.ndarray) -> np.ndarray:
    return np.asarray(_erf(x), np.float64).astype(x.dtype)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e⁻ˣ), from e^−|x|: nothing overflows and small values keep all their digits."""
    e = np.exp(-np.abs(x))
    return (np.where(x < 0, e, 1) / (1 + e)).astype(x.dtype)


# ---- contraction --------------------------------------------------------------------------------


def split_spec(spec: str) -> tuple[str, str, str]:
    """The letters of both operands and of the result of `"bi,oi->bo"`."""
    operands, out = spec.split("->")
    a, b = operands.split(",")
    return a, b, out


class Arrangement(NamedTuple):
    """How a contraction is one matrix product: axes reordered, then grouped, before and after."""

    orders: tuple[tuple[int, ...], tuple[int, ...]]
    groups: tuple[tuple[int, ...], tuple[int, ...]]
    shape: tuple[int, ...]
    order: tuple[int, ...]


@lru_cache(maxsize=1024)
def arrangement(spec: str, x: tuple[int, ...], y: tuple[int, ...]) -> Arrangement:
    """The product of (…, rows, inner) by (…, inner, columns) that a spec is on two shapes."""
    a, b, out = split_spec(spec)
    batch = [i for i in a if i in b and i in out]
    inner = [i for i in a if i in b and i not in out]
    rows = [i for i in out if i not in b]
    columns = [i for i in out if i not in a]
    size = dict(zip(a + b, x + y, strict=True))

    def grouped(*groups: list[str]) -> tuple[int, ...]:
        return tuple(prod(size[i] for i in group) for group in groups)

    def order(letters: str | list[str], wanted: str | list[str]) -> tuple[int, ...]:
        return tuple(letters.index(i) for i in wanted)

    made, many = batch + rows + columns, [batch] if batch else []
    return Arrangement(
        (order(a, batch + rows + inner), order(b, batch + inner + columns)),
        (grouped(*many, rows, inner), grouped(*many, inner, columns)),
        tuple(size[i] for i in made),
        order(made, out),
    )


def contract(x: np.ndarray, y: np.ndarray, *, spec: str) -> np.ndarray:
    """A two-operand einsum as one matrix product of (…, rows, inner) by (…, inner, columns)."""
    orders, groups, shape, order = arrangement(spec, x.shape, y.shape)
    left = x.transpose(orders[0]).reshape(groups[0])
    right = y.transpose(orders[1]).reshape(groups[1])
    return np.matmul(left, right).reshape(shape).transpose(order)


# ---- movement -----------------------------------------------------------------------------------


def broadcast(x: np.ndarray, *, shape: tuple[int, ...], axes: tuple[int, ...]) -> np.ndarray:
    if x.flags.c_contiguous:  # ten times faster than broadcast_to
        own = iter(x.strides)
        strides = [0 if i in axes else next(own) for i in range(len(shape))]
        view: np.ndarray = np.ndarray(shape, x.dtype, x, 0, strides)
        view.flags.writeable = False
        return view
    return np.broadcast_to(np.expand_dims(x, axes), shape)


@lru_cache(maxsize=1024)
def _slices(
    starts: tuple[int, ...], sizes: tuple[int, ...], steps: tuple[int, ...]
) -> tuple[slice, ...]:
    def one(start: int, size: int, step: int) -> slice:
        stop = start + size * step
        return slice(start, None if stop < 0 else stop, step) if size else slice(0, 0)

    return tuple(map(one, starts, sizes, steps))


def slice_(
    x: np.ndarray, *, starts: tuple[int, ...], sizes: tuple[int, ...], steps: tuple[int, ...]
) -> np.ndarray:
    return x[_slices(starts, sizes, steps)]


def pad(
    x: np.ndarray, *, shape: tuple[int, ...], starts: tuple[int, ...], steps: tuple[int, ...]
) -> np.ndarray:
    """The adjoint of slice: x written into zeros at that slice."""
    out = np.zeros(shape, x.dtype)
    out[_slices(starts, x.shape, steps)] = x
    return out


def windows(x: np.ndarray, *, size: tuple[int, ...], step: tuple[int, ...]) -> np.ndarray:
    """(…, H, W) -> (…, rows, columns, height, width): every window, as a view."""
    k = len(size)
    view: Any = np.lib.stride_tricks.sliding_window_view(x, size, axis=tuple(range(-k, 0)))
    return view[(..., *(slice(None, None, s) for s in step), *(slice(None),) * k)]


def fold(
    x: np.ndarray, *, shape: tuple[int, ...], size: tuple[int, ...], step: tuple[int, ...]
) -> np.ndarray:
    """The adjoint of windows: windows added up where they overlap."""
    out: Any = np.zeros(shape, x.dtype)
    counts = x.shape[-2 * len(size) : -len(size)]
    for at in np.ndindex(*size):
        touched = tuple(slice(a, a + s * n, s) for a, s, n in zip(at, step, counts, strict=True))
        out[..., *touched] += x[..., *at]
    return out


# ---- gather and scatter -------------------------------------------------------------------------


def scatter_add(x: np.ndarray, index: np.ndarray, *, rows: int) -> np.ndarray:
    """The adjoint of take: rows of x added up where the index sends them."""
    out = np.zeros((rows, *x.shape[index.ndim :]), x.dtype)
    np.add.at(out, index, x)
    return out


# ---- random -------------------------------------------------------------------------------------


def threefry(key: Any, counter: Any, xor: Any, add: Any, rotate: Any) -> tuple[Any, Any]:
    """Threefry-2x32 in 20 rounds, over any arithmetic: NumPy here, vectors in the compiler.

    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
    """
    keys = [*key, xor(xor(key[0], key[1]), 0x1BD11BDA)]
    x, y = add(counter[0], keys[0]), add(counter[1], keys[1])
    for i in range(5):
        for by in ((13, 15, 26, 6), (17, 29, 16, 24))[i % 2]:
            x = add(x, y)
            y = xor(rotate(y, by), x)
        x, y = add(x, keys[(i + 1) % 3]), add(add(y, keys[(i + 2) % 3]), i + 1)
    return x, y


def uniform(key: np.ndarray, *, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform on [0, 1): the top 24 bits of word i of the key's stream, in float32."""
    word = np.uint32
    count = prod(shape)
    bits, _ = threefry(
        (key[0], key[1]),
        (np.arange(count, dtype=word), np.zeros(count, word)),
        xor=lambda x, y: x ^ word(y),
        add=lambda x, y: x + word(y) if isinstance(y, int) else x + y,
        rotate=lambda x, by: (x << word(by)) | (x >> word(32 - by)),
    )
    return (bits >> word(8)).astype(np.float32).reshape(shape) * np.float32(2.0**-24)
