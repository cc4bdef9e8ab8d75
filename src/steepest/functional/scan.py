"""Along one axis: products, running sums, sorting; and spread with its mean."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from steepest.core import is_float
from steepest.functional.axes import axes_of
from steepest.functional.math import add, mul, sqrt
from steepest.functional.reduction import mean, sum, var
from steepest.functional.select import gather
from steepest.functional.shape import cat, narrow, reshape
from steepest.tensors import Tensor, cast_to, get_item, in_place, method

__all__ = ["argsort", "cumprod", "cumsum", "prod", "sort", "std_mean", "topk", "var_mean"]


class Sorted(NamedTuple):
    """What sort and topk return."""

    values: Tensor
    indices: Tensor


def _whole(x: Tensor, dtype: Any) -> Tensor:
    """Bools and integers are counted in int64."""
    if dtype is None:
        return x if is_float(x.dtype) else cast_to(x, np.dtype(np.int64))
    return cast_to(x, np.dtype(dtype))


@method
def prod(x: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The product, in pairs of pairs: its derivative needs no division, so zeros are no matter."""
    x = _whole(x, dtype)
    if dim is None:
        x, dim = reshape(x, -1), 0
    if not x.ndim:
        return mul(x, 1)
    axis = axes_of(x, dim)[0]
    length = x.shape[axis]
    if not length:
        x = add(sum(x, axis, True), 1)  # the product of nothing, still a function of x
    while length > 1:
        half = length // 2
        pairs = mul(narrow(x, axis, 0, half), narrow(x, axis, half, half))
        x = cat([pairs, narrow(x, axis, length - 1, 1)], axis) if length % 2 else pairs
        length = x.shape[axis]
    return x if keepdim else get_item(x, (*(slice(None),) * axis, 0))


def _running(x: Tensor, dim: int, step: Callable[..., Tensor], neutral: int) -> Tensor:
    """Every entry combined with all before it, by doubling how far each one has looked back."""
    if not x.ndim:
        axes_of(x, dim)
        return mul(x, 1)
    axis = axes_of(x, dim)[0]
    length, reach = x.shape[axis], 1
    while reach < length:
        shape = [reach if i == axis else n for i, n in enumerate(x.shape)]
        earlier = cat([x.new_full(shape, neutral), narrow(x, axis, 0, length - reach)], axis)
        x, reach = step(earlier, x), 2 * reach
    return mul(x, 1) if length < 2 else x


@method
def cumsum(x: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The sum of each entry and all before it along an axis."""
    return _running(_whole(x, dtype), dim, add, 0)


@method
def cumprod(x: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The product of each entry and all before it along an axis."""
    return _running(_whole(x, dtype), dim, mul, 1)


@method
def argsort(x: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The order that sorts an axis: the smallest first, or the largest; equal ones as they came."""
    del stable  # it always is
    axes = axes_of(x, dim)
    if not axes:
        return Tensor(np.zeros((), np.int64))
    numbers = x.numbers("sort")
    if not descending:
        return Tensor(np.argsort(numbers, axes[0], kind="stable"))
    backward = np.argsort(np.flip(numbers, axes[0]), axes[0], kind="stable")
    return Tensor(x.shape[axes[0]] - 1 - np.flip(backward, axes[0]))


@method
def sort(x: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Sorted:
    """An axis in order, and where its entries were; NaN is the largest."""
    order = argsort(x, dim, descending, stable)
    return Sorted(gather(x, dim, order), order)


@method
def topk(x: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Sorted:
    """The k largest (or smallest) entries of an axis, and where they were."""
    del sorted  # they always are
    if not x.ndim:
        values, order = topk(reshape(x, 1), k, dim, largest)
        return Sorted(reshape(values, ()), reshape(order, ())) if k else Sorted(values, order)
    values, order = sort(x, dim, largest)
    return Sorted(narrow(values, dim, 0, k), narrow(order, dim, 0, k))


@method
def var_mean(
    x: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """The variance and the mean; arguments as for `var`."""
    spread = var(x, dim, unbiased, keepdim, correction=correction)
    return spread, mean(x, None if isinstance(dim, bool) else dim, keepdim)


@method
def std_mean(
    x: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean; arguments as for `std`."""
    spread, centre = var_mean(x, dim, unbiased, keepdim, correction=correction)
    return sqrt(spread), centre


for _function in (cumsum, cumprod):
    in_place(_function)
