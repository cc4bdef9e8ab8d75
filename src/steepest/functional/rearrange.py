"""Rearranging: reversing, rolling, tiling, diagonals and triangles, stacking, grids."""

from typing import Any

import numpy as np

from steepest.core import said, sizes
from steepest.functional.axes import axes_of
from steepest.functional.math import where
from steepest.functional.shape import (
    broadcast_to,
    cat,
    narrow,
    repeat,
    reshape,
    split,
)
from steepest.tensors import Tensor, get_item, in_place, method

__all__ = [
    "diag",
    "diagonal",
    "flip",
    "hstack",
    "meshgrid",
    "repeat_interleave",
    "roll",
    "select",
    "split_with_sizes",
    "tile",
    "tril",
    "triu",
    "vstack",
]


def _along(axis: int, index: Any) -> tuple:
    return (*(slice(None),) * axis, index)


@method
def select(x: Tensor, dim: int, index: int) -> Tensor:
    """One entry of an axis; the axis is gone."""
    if not x.ndim:
        raise IndexError(said("select", "a single number has no axis"))
    return get_item(x, _along(axes_of(x, dim)[0], int(index)))


@method
def split_with_sizes(x: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of the sizes listed along an axis."""
    return split(x, list(split_sizes), dim)


@method
def flip(x: Tensor, dims: Any, *more: int) -> Tensor:
    """x with the order along some axes reversed."""
    named = sizes((dims, *more))
    for axis in axes_of(x, named) if named else ():
        x = get_item(x, _along(axis, np.arange(x.shape[axis])[::-1].copy()))
    return x.clone()


@method
def roll(x: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """x shifted along axes; what leaves at the end comes back at the front."""
    if dims is None or dims == () or dims == []:
        return reshape(roll(reshape(x, -1), shifts, 0), x.shape)
    steps, axes = sizes((shifts,)), sizes((dims,))
    if len(steps) != len(axes):
        raise RuntimeError(said("roll", "one shift per axis", expected=len(axes), got=len(steps)))
    for step, dim in zip(steps, axes, strict=True):
        for axis in axes_of(x, dim):
            length = x.shape[axis]
            if length:
                cut = -step % length
                x = cat([narrow(x, axis, cut, length - cut), narrow(x, axis, 0, cut)], axis)
    return x


@method
def tile(x: Tensor, *dims: Any) -> Tensor:
    """`repeat`, where axes in front that are not mentioned are left as they are."""
    times = sizes(dims)
    return repeat(x, (1,) * (x.ndim - len(times)) + times)


@method
def repeat_interleave(
    x: Tensor, repeats: Any, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Every entry of an axis (of the flat tensor, for no dim) several times in a row."""
    del output_size  # what PyTorch saves time with; it follows from the repeats
    if dim is None:
        x, dim = reshape(x, -1), 0
    axis = axes_of(x, dim)[0]
    times = repeats.numbers("repeat_interleave") if isinstance(repeats, Tensor) else repeats
    return get_item(x, _along(axis, np.repeat(np.arange(x.shape[axis]), times)))


@method
def diagonal(x: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of every matrix that two axes make, as the last axis."""
    first, second = axes_of(x, dim1)[0], axes_of(x, dim2)[0]
    if first == second:
        raise RuntimeError(said("diagonal", "two different axes", got=(dim1, dim2)))
    order = [i for i in range(x.ndim) if i not in (first, second)]
    moved = x.permute(*order, first, second)
    rows, columns = moved.shape[-2:]
    start, shift = max(-offset, 0), max(offset, 0)
    at = np.arange(max(min(rows - start, columns - shift), 0))
    return get_item(moved, (..., at + start, at + shift))


@method
def diag(x: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix, or the matrix with this diagonal and zeros elsewhere."""
    if x.ndim == 2:
        return _diagonal(x, diagonal)
    if x.ndim != 1:
        raise RuntimeError(said("diag", "a vector or a matrix", got=x.shape))
    length = x.shape[0] + abs(diagonal)
    square = np.eye(length, k=diagonal, dtype=bool)
    line = cat([x.new_zeros(max(diagonal, 0)), x, x.new_zeros(max(-diagonal, 0))])
    return where(Tensor(square), broadcast_to(line, (length, length)), x.new_zeros(()))


_diagonal = diagonal


def _triangle(name: str, x: Tensor, diagonal: int, below: bool) -> Tensor:
    """x on one side of a diagonal (which belongs to the lower side), 0 on the other."""
    if x.ndim < 2:
        raise RuntimeError(said(name, "at least a matrix", got=x.shape))
    lower = np.tri(x.shape[-2], x.shape[-1], diagonal, bool)
    return where(Tensor(lower == below), x, x.new_zeros(()))


@method
def tril(x: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangles of matrices, zeros above the given diagonal."""
    return _triangle("tril", x, diagonal, True)


@method
def triu(x: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangles of matrices, zeros below the given diagonal."""
    return _triangle("triu", x, diagonal - 1, False)


def hstack(tensors: Any) -> Tensor:
    """Tensors joined along their second axis (vectors along their only one)."""
    tensors = [reshape(x, 1) if not x.ndim else x for x in tensors]
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1)


def vstack(tensors: Any) -> Tensor:
    """Tensors joined along their first axis; a vector counts as a row."""
    return cat([reshape(x, (1, -1)) if x.ndim < 2 else x for x in tensors], 0)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinates of all points of a grid: one tensor per axis, of the shape of the grid."""
    listed = len(tensors) == 1 and not isinstance(tensors[0], Tensor)
    lines = list(tensors[0] if listed else tensors)
    if indexing not in ("ij", "xy"):
        raise RuntimeError(said("meshgrid", "no such indexing", expected="ij or xy", got=indexing))
    swap = indexing == "xy" and len(lines) > 1
    if swap:
        lines[:2] = lines[1::-1]
    shape = tuple(x.shape.numel() for x in lines)
    grid = [
        broadcast_to(reshape(x, [-1 if i == j else 1 for j in range(len(lines))]), shape)
        for i, x in enumerate(lines)
    ]
    if swap:
        grid[:2] = grid[1::-1]
    return tuple(grid)


for _function in (tril, triu):
    in_place(_function)
