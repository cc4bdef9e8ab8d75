"""Shapes: reshape, reorder, join, split. Nothing here computes; gradients follow the elements."""

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import result_dtype, said, sizes
from steepest.functional.axes import axes_of
from steepest.tensors import (
    Tensor,
    broadcast_to,
    cast_to,
    common_shape,
    computing,
    constant,
    get_item,
    method,
    recording,
    renewed,
    reshape,
    reshaping,
    sliced,
)

__all__ = [
    "broadcast_tensors",
    "broadcast_to",
    "cat",
    "chunk",
    "dim",
    "expand",
    "expand_as",
    "flatten",
    "movedim",
    "narrow",
    "numel",
    "permute",
    "ravel",
    "repeat",
    "reshape",
    "reshape_as",
    "size",
    "split",
    "squeeze",
    "stack",
    "t",
    "transpose",
    "unbind",
    "unflatten",
    "unsqueeze",
    "view",
    "view_as",
]


@method
def size(x: Tensor, dim: int | None = None) -> Any:
    """The shape, or the length of one axis."""
    return x.shape if dim is None else x.shape[dim]


@method
def dim(x: Tensor) -> int:
    """The number of axes."""
    return x.ndim


@method
def numel(x: Tensor) -> int:
    """The number of elements."""
    return x.shape.numel()


method(numel, "nelement")


@method
def view(x: Tensor, *shape: Any) -> Tensor:
    """`reshape`: the same elements in another shape, sharing memory where possible."""
    return reshape(x, *shape)


@method
def view_as(x: Tensor, other: Tensor) -> Tensor:
    """x in the shape of another tensor."""
    return reshape(x, other.shape)


@method
def reshape_as(x: Tensor, other: Tensor) -> Tensor:
    """x in the shape of another tensor."""
    return reshape(x, other.shape)


@method
def permute(x: Tensor, *dims: Any) -> Tensor:
    """The axes in another order."""
    order = sizes(dims)
    if len(order) != x.ndim:
        raise RuntimeError(said("permute", "name every axis", expected=x.ndim, got=order))
    return P.permute(x, order=tuple(axes_of(x, d)[0] for d in order))


@method
def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged."""
    if not x.ndim:
        return x
    i, j = axes_of(x, dim0)[0], axes_of(x, dim1)[0]
    order = list(range(x.ndim))
    order[i], order[j] = j, i
    return P.permute(x, order=tuple(order))


@method
def t(x: Tensor) -> Tensor:
    """The transpose of a matrix (a vector stays as it is)."""
    if x.ndim > 2:
        raise RuntimeError(said("t", "expected at most 2 axes", got=x.shape, write="x.mT"))
    return transpose(x, 0, -1)


@method
def movedim(x: Tensor, source: Any, destination: Any) -> Tensor:
    """One axis, or several, moved to other places, the others in order."""
    if not x.ndim:
        return x
    pairs = zip(sizes((destination,)), sizes((source,)), strict=True)
    moved = sorted((axes_of(x, d)[0], axes_of(x, s)[0]) for d, s in pairs)
    order = [i for i in range(x.ndim) if i not in [s for _, s in moved]]
    for place, axis in moved:
        order.insert(place, axis)
    return P.permute(x, order=tuple(order))


@method
def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """A new axis of length 1 at `dim`."""
    if not -x.ndim - 1 <= dim <= x.ndim:
        raise IndexError(said("unsqueeze", "dim out of range", got=dim))
    at = dim % (x.ndim + 1)
    return reshape(x, (*x.shape[:at], 1, *x.shape[at:]))


@method
def squeeze(x: Tensor, dim: Any = None) -> Tensor:
    """Axes of length 1 removed: all, or those named."""
    axes = () if dim == () else axes_of(x, dim)
    return reshape(x, [n for i, n in enumerate(x.shape) if i not in axes or n != 1])


@method
def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The axes from start_dim to end_dim as one."""
    if not x.ndim:
        return reshape(x, 1)
    first, last = axes_of(x, start_dim)[0], axes_of(x, end_dim)[0]
    if first > last:
        raise RuntimeError(said("flatten", "start_dim comes after end_dim", got=(first, last)))
    middle = int(np.prod(x.shape[first : last + 1]))
    return reshape(x, (*x.shape[:first], middle, *x.shape[last + 1 :]))


@method
def unflatten(x: Tensor, dim: int, shape: Any) -> Tensor:
    """One axis as several; one of the sizes may be -1."""
    axis = axes_of(x, dim)[0]
    return reshape(x, (*x.shape[:axis], *sizes((shape,)), *x.shape[axis + 1 :]))


@method
def ravel(x: Tensor) -> Tensor:
    """All elements in one axis."""
    return reshape(x, -1)


@method
def expand(x: Tensor, *shape: Any) -> Tensor:
    """Axes of length 1 repeated without copying; -1 leaves an axis as it is."""
    given = sizes(shape)
    lead = len(given) - x.ndim
    if lead < 0 or -1 in given[:lead]:
        raise RuntimeError(said("expand", "a new axis needs a size", expected=x.shape, got=given))
    shape = tuple(x.shape[i - lead] if n == -1 else n for i, n in enumerate(given))
    return broadcast_to(x, shape, "expand")


@method
def expand_as(x: Tensor, other: Tensor) -> Tensor:
    """x repeated to the shape of another tensor."""
    return broadcast_to(x, other.shape, "expand_as")


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """All tensors in the shape they broadcast to together."""
    shape = common_shape("broadcast_tensors", *tensors)
    return tuple(broadcast_to(x, shape) for x in tensors)


@method
def repeat(x: Tensor, *repeats: Any) -> Tensor:
    """x laid out several times along each axis."""
    times = sizes(repeats)
    if len(times) < x.ndim or min(times, default=0) < 0:
        raise RuntimeError(
            said("repeat", "one count, 0 or more, per axis", expected=x.ndim, got=times)
        )
    shape = (1,) * (len(times) - x.ndim) + tuple(x.shape)
    paired = [n for m, k in zip(times, shape, strict=True) for n in (m, k)]
    spread = broadcast_to(reshape(x, [n for k in shape for n in (1, k)]), tuple(paired))
    out = reshape(spread, [m * k for m, k in zip(times, shape, strict=True)])
    return P.cast(out, dtype=out.dtype)  # memory of its own, as in PyTorch


def _check_joinable(tensors: list[Tensor], axis: int) -> None:
    first = tensors[0].shape
    for x in tensors:
        if x.value.shape == first:
            continue
        rest = [(m, n) for i, (m, n) in enumerate(zip(first, x.shape, strict=False)) if i != axis]
        if x.ndim != len(first) or any(m != n for m, n in rest):
            raise RuntimeError(
                said(
                    "cat",
                    f"shapes must agree except along axis {axis}",
                    expected=first,
                    got=x.shape,
                )
            )


def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors joined along an existing axis: each is padded to its place."""
    tensors = list(tensors)
    if not tensors:
        raise ValueError(said("cat", "expected at least one tensor"))
    if any(not x.ndim for x in tensors):
        raise RuntimeError(said("cat", "single numbers have no axis", write="stack(tensors)"))
    dtype = result_dtype(*tensors)
    # PyTorch lets an empty vector stand for nothing at all.
    tensors = [x for x in tensors if x.shape != (0,)] or tensors[:1]
    axis = axes_of(tensors[0], dim)[0]
    _check_joinable(tensors, axis)
    if computing() and not (recording() and any(map(renewed, tensors))):
        parts = [x.value.astype(dtype, copy=False) for x in tensors]
        return Tensor(np.concatenate(parts, axis))
    parts = [cast_to(x, dtype) for x in tensors]
    return _joined(parts, axis) if len(parts) > 1 else _placed(parts[0], parts[0].shape, axis, 0)


def _joined(tensors: list[Tensor], axis: int) -> Tensor:
    """Half and half, so that an element is moved once per halving, not once per tensor."""
    if len(tensors) == 1:
        return tensors[0]
    half = len(tensors) // 2
    x, y = _joined(tensors[:half], axis), _joined(tensors[half:], axis)
    length = x.shape[axis]
    shape = (*x.shape[:axis], length + y.shape[axis], *x.shape[axis + 1 :])
    # where, not add: 0 + (−0) would lose the sign and 0 · NaN is not 0
    inside = _placed(constant(True, y, np.dtype(bool)), shape, axis, length)
    return P.where(inside, _placed(y, shape, axis, length), _placed(x, shape, axis, 0))


def _placed(x: Tensor, shape: Sequence[int], axis: int, start: int) -> Tensor:
    """x, with zeros before and behind it along an axis."""
    starts = tuple(start if i == axis else 0 for i in range(x.ndim))
    return P.pad(x, shape=tuple(shape), starts=starts, steps=(1,) * x.ndim)


def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis."""
    tensors = list(tensors)
    if not tensors or any(x.shape != tensors[0].shape for x in tensors):
        raise RuntimeError(
            said("stack", "expected tensors of one shape", got=[tuple(x.shape) for x in tensors])
        )
    return cat([unsqueeze(x, dim) for x in tensors], dim)


@method
def narrow(x: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`length` entries of one axis from `start`."""
    axis, start, length = axes_of(x, dim)[0], index(start), index(length)
    first = start + x.shape[axis] if start < 0 else start
    if length < 0 or not 0 <= first <= x.shape[axis] - length:
        raise (IndexError if length == 0 else RuntimeError)(
            said("narrow", f"axis {axis} has {x.shape[axis]} entries", got=f"{length} from {start}")
        )
    shape = [*x.value.shape]
    ranges = [(0, n, 1) for n in shape]
    ranges[axis], shape[axis] = (first, length, 1), length
    return sliced(x, ranges, shape)


@method
def split(x: Tensor, split_size: int | list[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Parts along an axis: of one size (the last may be smaller), or of the sizes listed."""
    length = x.shape[axes_of(x, dim)[0]]
    if isinstance(split_size, int):
        if split_size < (0 if length == 0 else 1):
            raise RuntimeError(said("split", "the size must be positive", got=split_size))
        starts = range(0, max(length, 1), max(split_size, 1))
        lengths = [min(split_size, length - start) for start in starts]
    else:
        lengths = list(split_size)
        if sum(lengths) != length:
            raise RuntimeError(said("split", "sizes must add up", expected=length, got=lengths))
    starts_at = [sum(lengths[:i]) for i in range(len(lengths))]
    return tuple(narrow(x, dim, s, n) for s, n in zip(starts_at, lengths, strict=True))


@method
def chunk(x: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` parts of equal size along an axis, the last one possibly smaller."""
    if chunks < 1:
        raise RuntimeError(said("chunk", "at least one chunk is needed", got=chunks))
    length = x.shape[axes_of(x, dim)[0]]
    return split(x, max(1, -(-length // chunks)), dim)


@method
def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The entries of an axis, one tensor each."""
    axis = axes_of(x, dim)[0]
    return tuple(get_item(x, (slice(None),) * axis + (i,)) for i in range(x.shape[axis]))


for _function in (squeeze, t, transpose, unsqueeze):
    reshaping(_function)
method(broadcast_to)
Tensor.T = property(lambda x: permute(x, tuple(range(x.ndim))[::-1]))  # type: ignore[attr-defined]
Tensor.mT = property(lambda x: transpose(x, -1, -2))  # type: ignore[attr-defined]
