"""Indexing, reading and writing: `x[1:, None, ..., mask]`, `x[i] = v`.

Whatever the index, reading is made of three rows: a slice for integers, ranges and new axes, and,
where index arrays or masks are involved, one take of rows by their number. Writing computes the
tensor with the new elements in place and hands it to `assign`.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import Eager, interpreting, said
from steepest.tensors.inplace import assign
from steepest.tensors.operators import broadcast_to, cast_to, reshape
from steepest.tensors.tape import Tape, computing, occurs, recording, renewed
from steepest.tensors.tensor import Tensor, as_tensor, method

__all__ = ["get_item", "set_item"]


def get_item(x: Tensor, index: Any) -> Tensor:
    """x[index], as NumPy and PyTorch define it; ranges need a positive step."""
    if isinstance(index, Tensor) and index.dtype.kind in "iu" and not computing():
        return _rows(x, index)
    numbers = all(type(part) is int for part in (index if type(index) is tuple else (index,)))
    split = _resolve_numbers if numbers else _resolve
    basic, advanced, shape = split(x.value.shape, index)
    out = _sliced(x, basic, shape)
    return _gathered(out, advanced) if advanced else out


def _rows(x: Tensor, index: Tensor) -> Tensor:
    """x[index] along the first axis, in a program that reads the index at every step."""
    index = cast_to(index, np.dtype(np.int64))
    zero, count = (
        broadcast_to(Tensor(np.asarray(n, np.int64)), index.shape) for n in (0, x.shape[0])
    )
    index = P.where(P.less(index, zero), P.add(index, count), index)
    negative = P.less(index, zero)
    occurs(P.where(negative, negative, P.equal(P.less(index, count), negative)))
    return P.take(x, index)


def set_item(x: Tensor, index: Any, new: Any) -> None:
    """x[index] = new. Elements named twice keep the last value."""
    new = as_tensor(new, dtype=None if isinstance(new, Tensor) else x.dtype)
    at = _places(x, index)
    shape = np.broadcast_to(np.False_, x.shape)[at].shape
    if new.ndim > len(shape) and set(new.shape[: new.ndim - len(shape)]) == {1}:
        new = reshape(new, new.shape[new.ndim - len(shape) :])  # PyTorch drops leading axes of 1
    if computing() and not (recording() and (x.requires_grad or new.requires_grad)):
        assign(x, new, "assignment", at=at)
        return
    # Which element of `new` lands on each element of x (-1: none), found by doing it to numbers.
    renewed(x)
    origin = np.full(x.shape, -1, np.int64)
    origin[at] = np.arange(int(np.prod(shape))).reshape(shape)
    source = reshape(broadcast_to(cast_to(new, x.dtype), shape, "assignment"), -1)
    if source.shape[0] == 0:
        return
    values = P.take(source, Tensor(np.maximum(origin, 0)))
    assign(x, P.where(Tensor(origin >= 0), values, x.alias()), "assignment")


def _places(x: Tensor, index: Any) -> tuple:
    """The elements that an index names, in the order in which it reads them, as a NumPy index."""
    parts = index if isinstance(index, tuple) else (index,)
    plain = tuple(p.numbers("indexing") if isinstance(p, Tensor) else p for p in parts)
    _, advanced, _ = _resolve(x.value.shape, plain)
    if not advanced:
        return tuple(int(p) if isinstance(p, np.ndarray) else p for p in plain)
    # NumPy puts the axes of index arrays elsewhere when numbers stand between them.
    numbers = Tensor(np.arange(x.shape.numel()).reshape(x.shape))
    with interpreting(Tape(Eager())):  # even while a program is traced
        return np.unravel_index(get_item(numbers, plain).value, tuple(x.shape))


def _array(part: Any) -> np.ndarray:
    array = part.numbers("indexing") if isinstance(part, Tensor) else np.asarray(part)
    if array.size == 0 and array.dtype.kind == "f":
        array = array.astype(np.int64)
    if array.dtype.kind not in "biu":
        raise IndexError(
            said("indexing", "an index must be whole numbers or bools", got=array.dtype)
        )
    return array


def _consumed(part: Any) -> int:
    """How many axes of x a part of the index speaks about."""
    if part is None or part is Ellipsis or isinstance(part, bool | np.bool_):
        return 0
    return part.ndim if _is_mask(part) else 1


def _is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype == bool


def _parts(sizes: tuple[int, ...], index: Any) -> list:
    """An index's parts, as many as use up all axes of those sizes."""
    parts = list(index) if isinstance(index, tuple) else [index]
    parts = [_array(p) if isinstance(p, Tensor | list | np.ndarray) else p for p in parts]
    at = next((i for i, p in enumerate(parts) if p is Ellipsis), len(parts))
    missing = len(sizes) - sum(map(_consumed, parts))
    if missing < 0:
        raise IndexError(
            said("indexing", f"too many indices for a tensor of {len(sizes)} dimensions", got=index)
        )
    parts[at : at + 1] = [slice(None)] * missing
    return parts


def _resolve(sizes: tuple[int, ...], index: Any) -> tuple[list, dict[int, np.ndarray], list[int]]:
    """Split an index into one range per axis of a tensor of those sizes, index arrays by axis of
    the result, and its shape.

    The result's shape still has the axes that index arrays will replace, and has lost those that
    integers removed.
    """
    basic: list[tuple[int, int, int]] = []
    shape: list[int] = []
    advanced: dict[int, np.ndarray] = {}
    for part in _parts(sizes, index):
        if part is None:
            shape.append(1)
            continue
        axis = len(basic)
        if isinstance(part, bool | np.bool_) or (_is_mask(part) and not part.ndim):
            advanced[len(shape)] = np.zeros(int(part), np.int64)  # a new axis, of length 1 or 0
            shape.append(1)
        elif isinstance(part, slice):
            start, stop, step = part.indices(sizes[axis])
            if step < 0:
                raise ValueError(said("indexing", "the step must be positive", write="flip(x)"))
            basic.append((start, len(range(start, stop, step)), step))
            shape.append(basic[-1][1])
        elif _is_mask(part):
            _check_mask(sizes, axis, part)
            for found in np.nonzero(part):
                advanced[len(shape)] = found
                basic.append((0, sizes[len(basic)], 1))
                shape.append(basic[-1][1])
        elif isinstance(part, np.ndarray) and part.ndim:
            advanced[len(shape)] = _in_range(part, sizes[axis], axis)
            basic.append((0, sizes[axis], 1))
            shape.append(sizes[axis])
        else:
            basic.append((_whole(part, sizes[axis], axis), 1, 1))
    return basic, advanced, shape


# for plain numbers alone: True, which is equal to 1, is another index
_resolve_numbers = lru_cache(maxsize=1024)(_resolve)


def _whole(part: Any, size: int, axis: int) -> int:
    """An index of one entry, counted from the front."""
    try:
        number = part.__index__()
    except (AttributeError, TypeError):
        raise IndexError(
            said("indexing", "an index is a number, a range, a mask, None or …", got=repr(part))
        ) from None
    if not -size <= number < size:
        raise _out_of_range(axis, size, number)
    return number % size


def _check_mask(sizes: tuple[int, ...], axis: int, mask: np.ndarray) -> None:
    covered = sizes[axis : axis + mask.ndim]
    if mask.shape != covered:
        raise IndexError(
            said("indexing", "the mask's shape differs", expected=covered, got=mask.shape)
        )


def _in_range(index: np.ndarray, size: int, axis: int) -> np.ndarray:
    bad = (index < -size) | (index >= size)
    if bad.any():
        raise _out_of_range(axis, size, index[bad].flat[0])
    return np.where(index < 0, index + size, index)


def _out_of_range(axis: int, size: int, number: int) -> IndexError:
    return IndexError(said("indexing", f"axis {axis} has {size} entries", got=f"index {number}"))


def _sliced(x: Tensor, basic: list[tuple[int, int, int]], shape: list[int]) -> Tensor:
    if basic != [(0, n, 1) for n in x.value.shape]:
        starts, sizes, steps = zip(*basic, strict=True)
        x = P.slice_(x, starts=starts, sizes=sizes, steps=steps)
    made = tuple(shape)
    return x if x.value.shape == made and x.view_of else P.reshape(x, shape=made)


def _gathered(x: Tensor, advanced: dict[int, np.ndarray]) -> Tensor:
    """Index arrays on some axes: bring those axes to the front as one, and take rows by number."""
    axes = list(advanced)
    if axes == [0]:
        return P.take(x, Tensor(np.asarray(advanced[0], np.int64)))
    try:
        arrays = np.broadcast_arrays(*advanced.values())
    except ValueError:
        shapes = " and ".join(str(a.shape) for a in advanced.values())
        raise IndexError(
            said("indexing", "the index arrays do not fit together", got=shapes)
        ) from None
    rest = [i for i in range(x.ndim) if i not in axes]
    sizes = [x.shape[i] for i in axes]
    rows = np.ravel_multi_index(tuple(arrays), sizes) if arrays[0].size else arrays[0]
    moved = P.permute(x, order=(*axes, *rest))
    flat = P.reshape(moved, shape=(int(np.prod(sizes)), *(x.shape[i] for i in rest)))
    out = P.take(flat, Tensor(np.asarray(rows, np.int64)))
    adjacent = axes == list(range(axes[0], axes[0] + len(axes)))
    if not adjacent or axes[0] == 0:
        return out
    k = arrays[0].ndim
    before = [k + i for i in range(axes[0])]
    after = [k + i for i in range(axes[0], len(rest))]
    return P.permute(out, order=(*before, *range(k), *after))


method(get_item, "__getitem__")
method(set_item, "__setitem__")
