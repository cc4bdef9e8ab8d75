"""Adaptive pooling: as many means as wanted, whatever the size of the input.

Of `count` results along an axis of n elements the i-th is the mean of the elements from
⌊i n / count⌋ up to, and without, ⌈(i + 1) n / count⌉: neighbours overlap where count does not
divide n.
"""

from typing import Any

import numpy as np

from steepest.core import said
from steepest.functional.math import where
from steepest.functional.reduction import mean, sum
from steepest.functional.shape import reshape, unsqueeze
from steepest.tensors import Tensor

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d"]


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """`output_size` means along the last axis of (N, C, L) or (C, L).

    Raises:
        RuntimeError: the input has other axes, or nothing to take a mean of.
    """
    return _adaptive("adaptive_avg_pool1d", input, output_size, 1)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """`output_size` means along each of the last two axes of (N, C, H, W) or (C, H, W).

    Args:
        output_size: one number, or one per axis; None keeps an axis as it is.

    Raises:
        RuntimeError: the input has other axes, or nothing to take a mean of.
    """
    return _adaptive("adaptive_avg_pool2d", input, output_size, 2)


def _adaptive(name: str, x: Tensor, output_size: Any, axes: int) -> Tensor:
    if x.ndim not in (axes + 1, axes + 2) or 0 in x.shape[-axes - 1 :]:
        expected = f"{axes + 1} or {axes + 2} axes, none empty but the first"
        raise RuntimeError(said(name, "wrong shape", expected=expected, got=x.shape))
    plain = isinstance(output_size, int)
    wanted = (output_size,) * axes if plain else tuple(output_size)
    if len(wanted) != axes or any(n is not None and n < 0 for n in wanted):
        raise RuntimeError(said(name, f"output_size is {axes} sizes", got=output_size))
    for axis, count in enumerate(wanted, x.ndim - axes):
        if count is not None:
            x = _means(x, axis, count)
    return x


def _means(x: Tensor, axis: int, count: int) -> Tensor:
    """`count` means along one axis."""
    n = x.shape[axis]
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    if count and n % count == 0:  # neighbours do not overlap
        return mean(reshape(x, (*before, count, n // count, *after)), axis + 1)
    result, element = np.arange(count)[:, None], np.arange(n)
    inside = (element >= result * n // count) & (element * count < (result + 1) * n)
    shape = (count, n, *(1,) * len(after))
    # where, not a product with 0 and 1: an element outside may be infinite
    seen = where(Tensor(inside.reshape(shape)), unsqueeze(x, axis), 0.0)
    sizes = inside.sum(1).reshape(count, *shape[2:])
    return sum(seen, axis + 1) / Tensor(sizes.astype(x.dtype))
