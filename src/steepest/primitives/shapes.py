"""Shape rules: what a row gives, from what it is given, without computing.

Each takes the operands' avals and the row's metadata and returns the aval of the result, or raises
with the row's name and both shapes. They are the compiler's type checker.
"""

from functools import lru_cache
from math import prod

import numpy as np

from steepest.core import Aval, said
from steepest.primitives.evaluate import split_spec

__all__ = [
    "arg_reduced",
    "broadcasted",
    "casted",
    "chosen",
    "contracted",
    "drawn",
    "filled",
    "folded",
    "padded",
    "permuted",
    "reduced",
    "reshaped",
    "same",
    "scattered",
    "sliced",
    "taken",
    "truth",
    "windowed",
]

# The same few shapes meet all through a step, and in every pass of a compilation.
_remembered = lru_cache(maxsize=1024)


def _refuse(row: str, what: str, expected: object, got: object) -> None:
    raise RuntimeError(said(row, what, expected=expected, got=got))


def same(*xs: Aval) -> Aval:
    first = xs[0]
    for x in xs:
        if x is not first and (x.shape != first.shape or x.dtype != first.dtype):
            got = ", ".join(map(str, xs))
            _refuse("elementwise row", "operands must be alike", "one shape, dtype", got)
    return first


@_remembered
def truth(*xs: Aval) -> Aval:
    return Aval(same(*xs).shape, np.dtype(bool))


def chosen(condition: Aval, x: Aval, y: Aval) -> Aval:
    if condition.dtype != bool or condition.shape != x.shape:
        _refuse("where", "the condition must be bool, shaped like the rest", x.shape, condition)
    return same(x, y)


@_remembered
def casted(x: Aval, *, dtype: np.dtype) -> Aval:
    return Aval(x.shape, np.dtype(dtype))


@_remembered
def reduced(x: Aval, *, axes: tuple[int, ...]) -> Aval:
    if any(not 0 <= axis < len(x.shape) for axis in axes) or len(set(axes)) != len(axes):
        _refuse("reduction", "axes must be distinct and in range", f"0..{len(x.shape) - 1}", axes)
    return Aval(tuple(n for i, n in enumerate(x.shape) if i not in axes), x.dtype)


def filled(x: Aval, *, axes: tuple[int, ...]) -> Aval:
    """`reduced`, for reductions that have no value over nothing."""
    out = reduced(x, axes=axes)
    if any(x.shape[axis] == 0 for axis in axes):
        _refuse("max", "the axes reduced over must not be empty", "at least 1", x.shape)
    return out


def arg_reduced(x: Aval, *, axis: int) -> Aval:
    return Aval(filled(x, axes=(axis,)).shape, np.dtype(np.int64))


@_remembered
def contracted(x: Aval, y: Aval, *, spec: str) -> Aval:
    a, b, out = split_spec(spec)
    sizes: dict[str, int] = {}
    for letters, aval in ((a, x), (b, y)):
        if len(letters) != len(aval.shape) or any(
            sizes.setdefault(letter, n) != n for letter, n in zip(letters, aval.shape, strict=True)
        ):
            _refuse("contract", f"{spec} does not fit", "equal sizes per letter", f"{x} and {y}")
    if any((i in a) + (i in b) + (i in out) < 2 for i in a + b + out):
        _refuse("contract", "a letter appears only once", "each letter in two of three", spec)
    if x.dtype != y.dtype:
        _refuse("contract", "operands must have one dtype", x.dtype, y.dtype)
    return Aval(tuple(sizes[i] for i in out), x.dtype)


@_remembered
def reshaped(x: Aval, *, shape: tuple[int, ...]) -> Aval:
    if prod(shape) != prod(x.shape):
        _refuse("reshape", "the number of elements must stay", prod(x.shape), f"{shape}")
    return Aval(tuple(shape), x.dtype)


@_remembered
def permuted(x: Aval, *, order: tuple[int, ...]) -> Aval:
    if sorted(order) != list(range(len(x.shape))):
        _refuse("permute", "order must name every axis once", f"{len(x.shape)} axes", order)
    return Aval(tuple(x.shape[i] for i in order), x.dtype)


@_remembered
def broadcasted(x: Aval, *, shape: tuple[int, ...], axes: tuple[int, ...]) -> Aval:
    kept = tuple(n for i, n in enumerate(shape) if i not in axes)
    if kept != x.shape:
        _refuse("broadcast", "the axes that are not new must be x's", x.shape, kept)
    return Aval(tuple(shape), x.dtype)


def _last(start: int, size: int, step: int) -> int:
    return start + (size - 1) * step


@_remembered
def sliced(
    x: Aval, *, starts: tuple[int, ...], sizes: tuple[int, ...], steps: tuple[int, ...]
) -> Aval:
    for n, start, size, step in zip(x.shape, starts, sizes, steps, strict=True):
        if size and not (0 <= start < n and 0 <= _last(start, size, step) < n):
            _refuse("slice", "the slice leaves the array", f"0..{n - 1}", (start, size, step))
    return Aval(tuple(sizes), x.dtype)


@_remembered
def padded(
    x: Aval, *, shape: tuple[int, ...], starts: tuple[int, ...], steps: tuple[int, ...]
) -> Aval:
    sliced(Aval(tuple(shape), x.dtype), starts=starts, sizes=x.shape, steps=steps)
    return Aval(tuple(shape), x.dtype)


@_remembered
def windowed(x: Aval, *, size: tuple[int, ...], step: tuple[int, ...]) -> Aval:
    k = len(size)
    if any(w > n for n, w in zip(x.shape[-k:], size, strict=True)):
        _refuse("windows", "a window is larger than the array", x.shape[-k:], size)
    counts = tuple((n - w) // s + 1 for n, w, s in zip(x.shape[-k:], size, step, strict=True))
    return Aval(x.shape[:-k] + counts + tuple(size), x.dtype)


def folded(
    x: Aval, *, shape: tuple[int, ...], size: tuple[int, ...], step: tuple[int, ...]
) -> Aval:
    expected = windowed(Aval(tuple(shape), x.dtype), size=size, step=step)
    if expected.shape != x.shape:
        _refuse("fold", "the windows do not come from that shape", expected.shape, x.shape)
    return Aval(tuple(shape), x.dtype)


def _check_index(row: str, index: Aval) -> None:
    if index.dtype.kind not in "iu":
        _refuse(row, "an index holds whole numbers", "int64", index)


def taken(x: Aval, index: Aval) -> Aval:
    _check_index("take", index)
    if not x.shape:
        _refuse("take", "a single number has no rows", "at least 1 axis", x)
    return Aval(index.shape + x.shape[1:], x.dtype)


def scattered(x: Aval, index: Aval, *, rows: int) -> Aval:
    _check_index("scatter_add", index)
    if x.shape[: len(index.shape)] != index.shape:
        _refuse("scatter_add", "one entry of x per index", index.shape, x.shape)
    return Aval((rows, *x.shape[len(index.shape) :]), x.dtype)


def drawn(key: Aval, *, shape: tuple[int, ...]) -> Aval:
    if key != Aval((2,), np.dtype(np.uint32)):
        _refuse("uniform", "the key is two 32-bit words", "uint32[2]", key)
    return Aval(tuple(shape), np.dtype(np.float32))
