"""Choosing elements by data: gather, index_select, masks, one-hot codes."""

from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import said
from steepest.functional.axes import axes_of
from steepest.tensors import (
    Tensor,
    broadcast_to,
    cast_to,
    common_shape,
    get_item,
    in_place,
    method,
    occurs,
    reshape,
    where,
)

__all__ = [
    "gather",
    "index_select",
    "masked_fill",
    "masked_select",
    "nonzero",
    "one_hot",
    "take_along_dim",
]


def check_index(name: str, index: Tensor, count: int, error: type[Exception]) -> None:
    """Whole numbers from 0 to count − 1: a negative index is more often a mistake than a wish."""
    if index.dtype.kind not in "iu":
        raise RuntimeError(said(name, "an index holds whole numbers", got=index.dtype))
    wrong = outside(index, count)
    if occurs(wrong):
        got = int(index.value[wrong.value].flat[0])
        raise error(said(name, "index out of range", expected=f"0 to {count - 1}", got=got))


def outside(index: Tensor, count: int) -> Tensor:
    """Where a whole number is none of 0 … count − 1."""
    whole = np.dtype(np.int64)
    index = cast_to(index, whole)
    first, last = (broadcast_to(Tensor(np.asarray(n, whole)), index.shape) for n in (0, count - 1))
    return P.maximum(P.less(index, first), P.less(last, index))


@method
def gather(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """out[i, j] = x[index[i, j], j] (for dim 0): one element per entry of `index`."""
    axes = axes_of(x, dim)
    if not axes:
        return reshape(gather(reshape(x, 1), 0, reshape(index, -1)), index.shape)
    axis = axes[0]
    sizes = [m for i, m in enumerate(x.shape) if i != axis]
    wanted = [n for i, n in enumerate(index.shape) if i != axis]
    if not index.shape.numel():
        return get_item(reshape(x, -1), slice(0, 0)).reshape(tuple(index.shape))
    if index.ndim != x.ndim or any(n > m for m, n in zip(sizes, wanted, strict=True)):
        raise RuntimeError(
            said("gather", "index does not fit into the input", expected=x.shape, got=index.shape)
        )
    check_index("gather", index, x.shape[axis], RuntimeError)
    grid: list[Any] = list(np.indices(index.shape, sparse=True))
    grid[axis] = index
    return get_item(x, tuple(grid))


@method
def take_along_dim(x: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`gather`, as NumPy names it: the other axes broadcast, and no dim means the flat tensor."""
    if dim is None:
        return take_along_dim(reshape(x, -1), reshape(indices, -1), 0)
    axis = axes_of(x, dim)[0]
    cut = (slice(None),) * axis + (slice(0, 1),)
    shape = common_shape("take_along_dim", get_item(x, cut), get_item(indices, cut))
    indices = where(indices < 0, indices + x.shape[axis], indices)

    def fitted(y: Tensor) -> Tensor:
        return broadcast_to(y, (*shape[:axis], y.shape[axis], *shape[axis + 1 :]))

    return gather(fitted(x), axis, fitted(indices))


@method
def index_select(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """The entries of one axis that `index` lists."""
    if not x.ndim:
        return reshape(index_select(reshape(x, 1), dim, index), ())
    axis = axes_of(x, dim)[0]
    if index.ndim > 1:
        raise IndexError(
            said("index_select", "index is a list", expected="1 axis", got=index.shape)
        )
    check_index("index_select", index, x.shape[axis], IndexError)
    return get_item(x, (slice(None),) * axis + (reshape(index, -1),))


@method
def masked_fill(x: Tensor, mask: Tensor, value: Any) -> Tensor:
    """x with `value` wherever the mask is true."""
    if mask.dtype != bool:
        raise RuntimeError(
            said("masked_fill", "a mask holds bools", got=mask.dtype, write="mask.bool()")
        )
    return cast_to(where(mask, value, x), x.dtype)


@method
def masked_select(x: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask is true, in one axis."""
    shape = common_shape("masked_select", x, mask)
    return get_item(broadcast_to(x, shape), broadcast_to(mask, shape))


@method
def nonzero(x: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of all elements that are not zero: one row each, or one vector per axis."""
    found = np.argwhere(x.numbers("nonzero"))
    if as_tuple:
        columns = found.T if x.ndim else np.zeros((1, len(found)), np.int64)
        return tuple(Tensor(column.copy()) for column in columns)
    return Tensor(found)


def one_hot(labels: Tensor, num_classes: int = -1) -> Tensor:
    """A row of zeros with a one at the label, for each label: shape (*labels, num_classes).

    Args:
        labels: whole numbers, 0 or more, of any shape.
        num_classes: the largest label and one more, unless said otherwise.

    Raises:
        RuntimeError: a label that is not below num_classes, or no label to count.
    """
    if num_classes == -1:
        if not labels.shape.numel():
            raise RuntimeError(said("one_hot", "no labels to count", write="one_hot(x, classes)"))
        num_classes = int(labels.numbers("one_hot").max()) + 1
    check_index("one_hot", labels, num_classes, RuntimeError)
    return P.cast(is_class(labels, num_classes), dtype=np.dtype(np.int64))


def is_class(labels: Tensor, count: int) -> Tensor:
    """Bools of shape (*labels, count): where the class is the label's."""
    shape = (*labels.shape, count)
    last = labels.ndim
    spread = P.broadcast(labels, shape=shape, axes=(last,))
    classes = Tensor(np.arange(count, dtype=labels.dtype))
    return P.equal(spread, P.broadcast(classes, shape=shape, axes=tuple(range(last))))


in_place(masked_fill)
