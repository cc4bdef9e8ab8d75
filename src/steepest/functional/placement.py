"""Writing by index: scatter, scatter_add, index_add, index_put. Each gives a new tensor."""

from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.functional.axes import axes_of
from steepest.functional.math import add, mul
from steepest.functional.select import check_index
from steepest.functional.shape import broadcast_to, movedim, reshape
from steepest.tensors import (
    Tensor,
    as_tensor,
    cast_to,
    get_item,
    in_place,
    method,
    set_item,
)

__all__ = ["index_add", "index_put", "scatter", "scatter_add"]


def _grid(name: str, x: Tensor, dim: int, index: Tensor) -> tuple[Any, ...]:
    """The place in x that index[i, j] names along the axis, and i, j along the others."""
    axis = axes_of(x, dim)[0]
    check_index(name, index, x.shape[axis], RuntimeError)
    grid: list[Any] = list(np.indices(index.shape, sparse=True))
    grid[axis] = index
    return tuple(grid)


def _part(src: Tensor, index: Tensor) -> Tensor:
    """The entries of src that index speaks of."""
    return get_item(src, tuple(slice(0, n) for n in index.shape))


@method
def scatter(
    x: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None
) -> Tensor:
    """x with out[index[i, j], j] = src[i, j] (for dim 0); reduce "add" or "multiply" combines."""
    src = value if src is None else src
    if not x.ndim:
        one = reshape(src, 1) if isinstance(src, Tensor) else src
        return reshape(scatter(reshape(x, 1), 0, reshape(index, 1), one, reduce=reduce), ())
    if not index.shape.numel():
        return x.clone()
    new = _part(src, index) if isinstance(src, Tensor) else as_tensor(src, dtype=x.dtype)
    at = _grid("scatter", x, dim, index)
    if reduce == "add":
        return index_put(x, at, new, True)
    out = x.clone()
    set_item(out, at, mul(get_item(x, at), new) if reduce == "multiply" else new)
    return out


@method
def scatter_add(x: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """x with src[i, j] added at [index[i, j], j] (for dim 0); equal places add up."""
    if not x.ndim:
        return reshape(scatter_add(reshape(x, 1), 0, reshape(index, 1), reshape(src, 1)), ())
    if not index.shape.numel():
        return x.clone()
    return index_put(x, _grid("scatter_add", x, dim, index), _part(src, index), True)


@method
def index_add(x: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """x with alpha·source[i] added to its entry index[i] along an axis."""
    if not x.ndim:
        given = reshape(index, -1), reshape(source, -1)
        return reshape(index_add(reshape(x, 1), 0, *given, alpha=alpha), ())
    axis = axes_of(x, dim)[0]
    check_index("index_add", index, x.shape[axis], RuntimeError)
    parts = movedim(source if source.ndim else reshape(source, 1), axis, 0)
    parts = parts if alpha == 1 else mul(parts, alpha)
    index = cast_to(reshape(index, -1), np.dtype(np.int64))
    total = P.scatter_add(cast_to(parts, x.dtype), index, rows=x.shape[axis])
    return add(x, movedim(total, 0, axis))


@method
def index_put(x: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """x with x[indices] = values, or, accumulating, with the values added there."""
    at = tuple(indices)
    if not accumulate:
        out = x.clone()
        set_item(out, at, values)
        return out
    count = x.shape.numel()
    numbers = Tensor(np.arange(count).reshape(x.shape))
    places = get_item(numbers, at)
    flat = reshape(broadcast_to(cast_to(values, x.dtype), tuple(places.shape)), -1)
    total = P.scatter_add(flat, reshape(places, -1), rows=count)
    return add(x, reshape(total, x.shape))


for _function in (scatter, scatter_add, index_add, index_put):
    in_place(_function)
