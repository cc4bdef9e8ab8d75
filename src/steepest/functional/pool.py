"""Pooling: every window of the input becomes one number, its largest or its mean.

The largest is a chain of `maximum` over the elements of a window, each of them a slice of the whole
input, so a tie goes to the first element (as in PyTorch) and NaN stays NaN. The mean is a sum over
`windows`.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import product
from typing import Any

import numpy as np

from steepest.core import is_float, said
from steepest.functional.comparison import gt, isnan, logical_or
from steepest.functional.elementary import div
from steepest.functional.reduction import sum
from steepest.functional.sliding import cut, pad, per_axis, reaches, sliding
from steepest.tensors import Tensor, broadcast_to, maximum, where

__all__ = ["avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool2d"]


def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of every window along the last axis of (n, channels, length), or of one signal.

    Args and Raises: as for `max_pool2d`.
    """
    given = (kernel_size, stride, padding, dilation, ceil_mode, return_indices)
    return _max_pool("max_pool1d", 1, input, *given)


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of every window over the last two axes.

    Args:
        input: (n, channels, height, width), or one image without the first axis.
        kernel_size: of a window.
        stride: by how many elements windows lie apart; the size of a window by default.
        padding: −∞ on either side, at most half a window.
        dilation: the distance between the elements of a window.
        ceil_mode: also windows that reach over the end, as long as they begin before it.
        return_indices: give the pair of the largest and where they are, as numbers of the elements
            of an image counted row by row.

    Raises:
        RuntimeError: sizes that do not fit together.
    """
    given = (kernel_size, stride, padding, dilation, ceil_mode, return_indices)
    return _max_pool("max_pool2d", 2, input, *given)


def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of every window along the last axis of (n, channels, length), or of one signal.

    Args and Raises: as for `avg_pool2d`, without `divisor_override`.
    """
    given = (kernel_size, stride, padding, ceil_mode, count_include_pad, None)
    return _avg_pool("avg_pool1d", 1, input, *given)


def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of every window over the last two axes.

    Args:
        input, kernel_size, stride, ceil_mode: as for `max_pool2d`.
        padding: zeros on either side, at most half a window.
        count_include_pad: whether those zeros count as elements.
        divisor_override: divide the sum by this number instead; 1 gives the sum.

    Raises:
        RuntimeError: sizes that do not fit together.
    """
    given = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return _avg_pool("avg_pool2d", 2, input, *given)


def _max_pool(
    name: str,
    axes: int,
    x: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    size, step, edge = _settings(name, axes, x, kernel_size, stride, padding)
    gap = per_axis(name, "dilation", dilation, axes, 1)
    reach = reaches(size, gap)
    counts = _counts(name, x.shape[-axes:], reach, step, edge, ceil_mode)
    lengths = x.shape[-axes:]
    nothing = -float("inf") if is_float(x.dtype) else int(np.iinfo(x.dtype).min)
    x = pad(x, _around(x, reach, step, edge, counts), value=nothing)
    offsets = [
        [d * i for d, i in zip(gap, at, strict=True)] for at in product(*(range(k) for k in size))
    ]
    taps = [cut(x, at, counts, step) for at in offsets]
    largest = reduce(maximum, taps[::-1])  # of two that tie, the gradient is the later operand's
    if not return_indices:
        return largest
    starts = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), -1) * step - edge
    places = [_numbered(starts + np.array(at), gap, lengths) for at in offsets]
    return largest, _winners([tap.detach() for tap in taps], places)


def _numbered(at: np.ndarray, gap: tuple[int, ...], lengths: Sequence[int]) -> np.ndarray:
    """The numbers of elements by their coordinates; of one before the edge, the next one inside."""
    inside = np.where(at < 0, at % np.array(gap), at)
    return np.ravel_multi_index(tuple(np.moveaxis(inside, -1, 0)), lengths, mode="clip")


def _winners(taps: list[Tensor], places: list[np.ndarray]) -> Tensor:
    """For every window the place of its first largest element, or of its last NaN."""
    best, where_best = taps[0], broadcast_to(Tensor(places[0]), taps[0].shape)
    for tap, place in zip(taps[1:], places[1:], strict=True):
        better = logical_or(gt(tap, best), isnan(tap))
        best, where_best = where(better, tap, best), where(better, Tensor(place), where_best)
    return where_best


def _avg_pool(
    name: str,
    axes: int,
    x: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: Any,
) -> Tensor:
    size, step, edge = _settings(name, axes, x, kernel_size, stride, padding)
    if divisor == 0:
        raise RuntimeError(said(name, "the divisor is not 0", got=divisor))
    ends = x.shape[-axes:]
    counts = _counts(name, ends, size, step, edge, ceil_mode)
    padded = pad(x, _around(x, size, step, edge, counts))
    total = sum(sliding(padded, size, step, (1,) * axes), tuple(range(-axes, 0)))
    if divisor is None:
        elements = _elements(ends, size, step, edge, counts, count_include_pad)
        alike = (elements == elements.flat[0]).all()
        divisor = int(elements.flat[0]) if alike else Tensor(elements.astype(x.dtype))
    elif divisor == 1:
        return total
    return div(total, divisor, rounding_mode=None if is_float(x.dtype) else "trunc")


def _settings(
    name: str, axes: int, x: Tensor, kernel_size: Any, stride: Any, padding: Any
) -> tuple[tuple[int, ...], ...]:
    """Window, step and padding, one number per axis."""
    if x.ndim not in (axes + 1, axes + 2):
        raise RuntimeError(
            said(name, "wrong number of axes", expected=f"{axes + 2} or {axes + 1}", got=x.shape)
        )
    size = per_axis(name, "kernel_size", kernel_size, axes, 1)
    no_stride = stride is None or stride == () or stride == []
    step = size if no_stride else per_axis(name, "stride", stride, axes, 1)
    edge = per_axis(name, "padding", padding, axes, 0)
    if any(2 * p > k for p, k in zip(edge, size, strict=True)):
        raise RuntimeError(
            said(name, "padding is at most half a window", expected=f"window {size}", got=edge)
        )
    return size, step, edge


def _counts(
    name: str,
    lengths: Sequence[int],
    reach: tuple[int, ...],
    step: tuple[int, ...],
    edge: tuple[int, ...],
    ceil_mode: bool,
) -> tuple[int, ...]:
    """How many windows there are along each axis."""
    found = []
    for n, r, s, p in zip(lengths, reach, step, edge, strict=True):
        room = n + 2 * p - r
        count = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (count - 1) * s >= n + p:  # it would begin behind the end
            count -= 1
        found.append(count)
    if min(found) < 1:
        raise RuntimeError(
            said(
                name,
                "the window is larger than the padded input",
                expected=f"at least {'×'.join(map(str, reach))}",
                got="×".join(map(str, lengths)),
            )
        )
    return tuple(found)


def _around(
    x: Tensor,
    reach: tuple[int, ...],
    step: tuple[int, ...],
    edge: tuple[int, ...],
    counts: tuple[int, ...],
) -> list[int]:
    """What `pad` has to add for all windows to lie inside, the last axis first."""
    lengths = x.shape[-len(edge) :]
    pairs = [
        (p, max(p, (c - 1) * s + r - n - p))
        for n, r, s, p, c in zip(lengths, reach, step, edge, counts, strict=True)
    ]
    return [n for pair in pairs[::-1] for n in pair]


def _elements(
    lengths: Sequence[int],
    size: tuple[int, ...],
    step: tuple[int, ...],
    edge: tuple[int, ...],
    counts: tuple[int, ...],
    count_include_pad: bool,
) -> np.ndarray:
    """How many elements each window has, of shape `counts`."""
    found = np.ones((), np.int64)
    for n, k, s, p, c in zip(lengths, size, step, edge, counts, strict=True):
        starts = np.arange(c) * s - p
        ends = np.minimum(starts + k, n + p)
        if not count_include_pad:
            starts, ends = np.maximum(starts, 0), np.minimum(ends, n)
        found = np.multiply.outer(found, ends - starts)
    return found
