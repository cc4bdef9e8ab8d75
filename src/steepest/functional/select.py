"""Choosing elements by data: gather, index_select, masks, one-hot codes."""

from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import said
from steepest.tensors import Tensor, get_item, in_place, method, reshape, where

__all__ = [
    "embedding",
    "gather",
    "index_select",
    "masked_fill",
    "masked_select",
    "nonzero",
    "one_hot",
    "take_along_dim",
]


@method
def gather(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """out[i, j] = x[index[i, j], j] (for dim 0): one element per entry of `index`."""
    axis = dim % x.ndim
    if index.ndim != x.ndim:
        raise RuntimeError(
            said("gather", "index and input need as many axes", expected=x.ndim, got=index.ndim)
        )
    grid: list[Any] = list(np.indices(index.shape, sparse=True))
    grid[axis] = index
    return get_item(x, tuple(grid))


@method
def take_along_dim(x: Tensor, indices: Tensor, dim: int) -> Tensor:
    """`gather`, as NumPy names it."""
    return gather(x, dim, indices)


@method
def index_select(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """The entries of one axis that `index` lists."""
    return get_item(x, (slice(None),) * (dim % x.ndim) + (index,))


@method
def masked_fill(x: Tensor, mask: Tensor, value: Any) -> Tensor:
    """x with `value` wherever the mask is true."""
    return where(mask, value, x)


@method
def masked_select(x: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask is true, in one axis."""
    return get_item(x, mask)


@method
def nonzero(x: Tensor) -> Tensor:
    """The indices of all elements that are not zero, one row each."""
    return Tensor(np.argwhere(x.value))


def one_hot(labels: Tensor, num_classes: int = -1) -> Tensor:
    """A row of zeros with a one at the label, for each label: shape (*labels, num_classes)."""
    count = int(labels.value.max()) + 1 if num_classes == -1 else num_classes
    if isinstance(labels.value, np.ndarray) and labels.value.size:
        low, high = int(labels.value.min()), int(labels.value.max())
        if low < 0 or high >= count:
            bad = low if low < 0 else high
            raise RuntimeError(
                said("one_hot", "a label is not a class", expected=f"0 to {count - 1}", got=bad)
            )
    return P.cast(is_class(labels, count), dtype=np.dtype(np.int64))


def is_class(labels: Tensor, count: int) -> Tensor:
    """Bools of shape (*labels, count): where the class is the label's."""
    shape = (*labels.shape, count)
    last = labels.ndim
    spread = P.broadcast(labels, shape=shape, axes=(last,))
    classes = Tensor(np.arange(count, dtype=labels.dtype))
    return P.equal(spread, P.broadcast(classes, shape=shape, axes=tuple(range(last))))


def embedding(index: Tensor, weight: Tensor) -> Tensor:
    """The rows of `weight` that `index` lists: shape (*index, features)."""
    return get_item(weight, reshape(index, index.shape))


in_place(masked_fill)
