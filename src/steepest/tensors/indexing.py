"""Indexing, reading and writing: `x[1:, None, ..., mask]`, `x[i] = v`.

Whatever the index, reading is made of three rows: a slice for integers, ranges and new axes, and,
where index arrays or masks are involved, one take of rows by their number. Writing computes the
tensor with the new elements in place and hands it to `assign`.

While a program is traced, an index tensor of whole numbers is data of the program like any other:
the numbers of the rows are computed in it, and an index that is no row's is one of its conditions.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import Eager, interpreting, said
from steepest.tensors.inplace import assign
from steepest.tensors.operators import add, broadcast_to, cast_to, mul, reshape
from steepest.tensors.tape import Tape, computing, occurs, recording, renewed
from steepest.tensors.tensor import Tensor, as_tensor, method

__all__ = ["get_item", "set_item", "sliced"]

_WHOLE = np.dtype(np.int64)


def get_item(x: Tensor, index: Any) -> Tensor:
    """x[index], as NumPy and PyTorch define it; ranges need a positive step."""
    if isinstance(index, Tensor) and index.dtype.kind in "iu" and not computing():
        return _rows(x, index)
    numbers = all(type(part) is int for part in (index if type(index) is tuple else (index,)))
    split = _resolve_numbers if numbers else _resolve
    basic, advanced, shape = split(x.value.shape, index)
    out = sliced(x, basic, shape)
    return _gathered(out, advanced) if advanced else out


def _rows(x: Tensor, index: Tensor) -> Tensor:
    """x[index] along the first axis, in a program that reads the index at every step."""
    return P.take(x, _from_the_front(index, x.shape[0]))


def _from_the_front(index: Tensor, size: int) -> Tensor:
    """Numbers of an axis's entries, some counted from its end, in a program."""
    index = cast_to(index, _WHOLE)
    zero, count = (broadcast_to(Tensor(np.asarray(n, _WHOLE)), index.shape) for n in (0, size))
    index = P.where(P.less(index, zero), P.add(index, count), index)
    negative = P.less(index, zero)
    occurs(P.where(negative, negative, P.equal(P.less(index, count), negative)))
    return index


def set_item(x: Tensor, index: Any, new: Any) -> None:
    """x[index] = new. Elements named twice keep the last value."""
    new = as_tensor(new, dtype=None if isinstance(new, Tensor) else x.dtype)
    if not computing() and _is_data(index):
        assign(x, _written(x, index, new), "assignment")
        return
    at = _places(x, index)
    shape = np.broadcast_to(np.False_, x.shape)[at].shape
    new = _without_leading_ones(new, len(shape))
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


def _is_data(index: Any) -> bool:
    """Whether an index has tensors in it, which a program reads at every step."""
    return any(isinstance(p, Tensor) for p in (index if isinstance(index, tuple) else (index,)))


def _written(x: Tensor, index: Any, new: Tensor) -> Tensor:
    """x after x[index] = new, in a program.

    Of elements that are named twice the last would count, which a sum cannot tell: such a step is
    run eagerly.
    """
    shape, size, one = tuple(x.shape), x.shape.numel(), new.shape.numel() == 1
    everywhere = broadcast_to(cast_to(reshape(new, ()), x.dtype), shape) if one else None
    if everywhere is not None and isinstance(index, Tensor) and index.dtype == bool:
        _check_mask(shape, 0, index)
        mask = P.broadcast(index, shape=shape, axes=tuple(range(index.ndim, len(shape))))
        return P.where(mask, everywhere, x.alias())
    places = get_item(Tensor(np.arange(size).reshape(shape)), index)
    flat = reshape(places, -1)
    ones, none = Tensor(np.ones(flat.shape, np.float32)), Tensor(np.zeros(size, np.float32))
    times = P.scatter_add(ones, flat, rows=size)
    if everywhere is None:
        occurs(P.less(Tensor(np.ones(size, np.float32)), times))
        new = cast_to(_without_leading_ones(new, places.ndim), x.dtype)
        new = reshape(broadcast_to(new, tuple(places.shape), "assignment"), -1)
        everywhere = reshape(P.scatter_add(new, flat, rows=size), shape)
    return P.where(reshape(P.less(none, times), shape), everywhere, x.alias())


def _without_leading_ones(new: Tensor, ndim: int) -> Tensor:
    """PyTorch drops leading axes of 1 that what is assigned has too many."""
    more = new.ndim - ndim
    return reshape(new, new.shape[more:]) if more > 0 and {*new.shape[:more]} == {1} else new


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


def _array(part: Any) -> Any:
    """A part of an index that is an array, or in a program a tensor of whole numbers."""
    if isinstance(part, Tensor) and part.dtype.kind in "iu" and part.ndim and not computing():
        return part
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


def _resolve(sizes: tuple[int, ...], index: Any) -> tuple[list, dict[int, Any], list[int]]:
    """Split an index into one range per axis of a tensor of those sizes, index arrays by axis of
    the result, and its shape.

    The result's shape still has the axes that index arrays will replace, and has lost those that
    integers removed.
    """
    basic: list[tuple[int, int, int]] = []
    shape: list[int] = []
    advanced: dict[int, Any] = {}
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
        elif isinstance(part, np.ndarray | Tensor) and part.ndim:
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


def _check_mask(sizes: tuple[int, ...], axis: int, mask: np.ndarray | Tensor) -> None:
    covered = sizes[axis : axis + mask.ndim]
    if mask.shape != covered:
        raise IndexError(
            said("indexing", "the mask's shape differs", expected=covered, got=mask.shape)
        )


def _in_range(index: Any, size: int, axis: int) -> Any:
    if isinstance(index, Tensor):
        return _from_the_front(index, size)
    bad = (index < -size) | (index >= size)
    if bad.any():
        raise _out_of_range(axis, size, index[bad].flat[0])
    return np.where(index < 0, index + size, index)


def _out_of_range(axis: int, size: int, number: int) -> IndexError:
    return IndexError(said("indexing", f"axis {axis} has {size} entries", got=f"index {number}"))


def sliced(x: Tensor, basic: list[tuple[int, int, int]], shape: list[int]) -> Tensor:
    """A range of every axis, (start, size, step), as a tensor of this shape."""
    if basic != [(0, n, 1) for n in x.value.shape]:
        starts, sizes, steps = zip(*basic, strict=True)
        x = P.slice_(x, starts=starts, sizes=sizes, steps=steps)
    made = tuple(shape)
    return x if x.value.shape == made and x.view_of else P.reshape(x, shape=made)


def _gathered(x: Tensor, advanced: dict[int, Any]) -> Tensor:
    """Index arrays on some axes: bring those axes to the front as one, and take rows by number."""
    axes = list(advanced)
    if axes == [0]:
        return P.take(x, as_tensor(advanced[0], dtype=_WHOLE))
    rest = [i for i in range(x.ndim) if i not in axes]
    sizes = [x.shape[i] for i in axes]
    rows = _joined([*advanced.values()], sizes)
    moved = P.permute(x, order=(*axes, *rest))
    flat = P.reshape(moved, shape=(int(np.prod(sizes)), *(x.shape[i] for i in rest)))
    out = P.take(flat, rows)
    adjacent = axes == list(range(axes[0], axes[0] + len(axes)))
    if not adjacent or axes[0] == 0:
        return out
    k = rows.ndim
    before = [k + i for i in range(axes[0])]
    after = [k + i for i in range(axes[0], len(rest))]
    return P.permute(out, order=(*before, *range(k), *after))


def _joined(indices: list[Any], sizes: list[int]) -> Tensor:
    """The numbers of the places that indices into axes of those sizes name together."""
    try:
        shape = np.broadcast_shapes(*(index.shape for index in indices))
    except ValueError:
        shapes = " and ".join(str(tuple(index.shape)) for index in indices)
        raise IndexError(
            said("indexing", "the index arrays do not fit together", got=shapes)
        ) from None
    first, *more = (as_tensor(index, dtype=_WHOLE) for index in indices)
    for size, index in zip(sizes[1:], more, strict=True):
        first = add(mul(first, size), index)
    return broadcast_to(first, shape)


method(get_item, "__getitem__")
method(set_item, "__setitem__")
