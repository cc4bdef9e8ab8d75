"""Reductions: sums, means, extremes, norms. `dim` may be one axis, several, or none for all."""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from steepest import primitives as P
from steepest.core import DEFAULT_DTYPE, is_float, said
from steepest.functional.axes import Dim, axes_of
from steepest.functional.comparison import eq, isfinite, logical_not, ne
from steepest.functional.math import abs, exp, log, sqrt, where
from steepest.functional.math import maximum as _maximum
from steepest.functional.math import minimum as _minimum
from steepest.functional.select import gather
from steepest.tensors import Tensor, cast_to, constant, method, neg, reshape

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "logsumexp",
    "max",
    "mean",
    "min",
    "norm",
    "std",
    "sum",
    "var",
]


class Extreme(NamedTuple):
    """What max and min along an axis return."""

    values: Tensor
    indices: Tensor


def _upside_down(x: Tensor) -> Tensor:
    """The smallest becomes the largest; done twice, x again. Integers wrap, so none is lost."""
    if is_float(x.dtype):
        return neg(x)
    if x.dtype == bool:
        return logical_not(x)
    ends = np.iinfo(x.dtype)
    return P.add(neg(x), constant(ends.max + ends.min, x))


def _kept(out: Tensor, x: Tensor, axes: tuple[int, ...], keepdim: bool) -> Tensor:
    if not keepdim:
        return out
    return P.reshape(out, shape=_flattened(x.value.shape, axes))


@lru_cache(maxsize=1024)
def _flattened(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with those axes of size 1."""
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


@method
def sum(x: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum; bools and integers add up in int64."""
    if dtype is not None:
        x = cast_to(x, np.dtype(dtype))
    elif x.value.dtype.kind != "f":
        x = cast_to(x, np.dtype(np.int64))
    axes = axes_of(x, dim)
    return _kept(P.sum_(x, axes=axes), x, axes, keepdim)


def _count(x: Tensor, axes: tuple[int, ...]) -> int:
    shape = x.value.shape
    return math.prod([shape[i] for i in axes])


@method
def mean(x: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The arithmetic mean."""
    x = x if dtype is None else cast_to(x, np.dtype(dtype))
    if not is_float(x.dtype):
        raise RuntimeError(
            said("mean", "needs a floating-point tensor", got=x.dtype, write="x.float().mean()")
        )
    count = _count(x, axes_of(x, dim))
    return sum(x, dim, keepdim) / (count or float("nan"))


@method
def var(
    x: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The variance, Σ(x − x̄)² / (n − correction); the correction is 1, or 0 if not `unbiased`."""
    if isinstance(dim, bool):  # var(x, unbiased)
        dim, unbiased = None, dim
    correction = float(unbiased) if correction is None else correction
    centred = x - mean(x, dim, keepdim=True)
    freedom = _count(x, axes_of(x, dim)) - correction
    return sum(centred * centred, dim, keepdim) / (freedom if freedom > 0 else 0.0)


@method
def std(
    x: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The standard deviation, the square root of `var`."""
    return sqrt(var(x, dim, unbiased, keepdim, correction=correction))


def _check_some(name: str, x: Tensor, axes: tuple[int, ...], error: Any = IndexError) -> None:
    if _count(x, axes) == 0:
        raise error(said(name, "nothing to reduce over", got=f"shape {x.shape}"))


@method
def amax(x: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The largest element; NaN wins. Elements that tie share the gradient."""
    axes = axes_of(x, dim)
    _check_some("amax", x, axes)
    return _kept(P.max_(x, axes=axes), x, axes, keepdim)


@method
def amin(x: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The smallest element; NaN wins. Elements that tie share the gradient."""
    return _upside_down(amax(_upside_down(x), dim, keepdim))


@method
def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest element is: its index along `dim`, or in the flattened tensor."""
    axes = axes_of(x, dim)
    _check_some("argmax", x, axes)
    if dim is None or not x.ndim:
        out = P.argmax(reshape(x, -1), axis=0)
        return reshape(out, (1,) * x.ndim) if keepdim else out
    return _kept(P.argmax(x, axis=axes[0]), x, axes, keepdim)


@method
def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest element is."""
    return argmax(_upside_down(x), dim, keepdim)


@method
def max(x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest element; along an axis (values, indices); of two tensors, elementwise."""
    if isinstance(dim, Tensor):
        return _maximum(x, dim)
    if dim is None:
        axes = axes_of(x, None)
        _check_some("max", x, axes, RuntimeError)
        return P.max_(x, axes=axes)
    return _extreme(x, argmax(x, dim, True), dim, keepdim)


@method
def min(x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest element; along an axis (values, indices); of two tensors, elementwise."""
    if isinstance(dim, Tensor):
        return _minimum(x, dim)
    if dim is None:
        _check_some("min", x, axes_of(x, None), RuntimeError)
        return amin(x)
    return _extreme(x, argmin(x, dim, True), dim, keepdim)


def _extreme(x: Tensor, indices: Tensor, dim: int, keepdim: bool) -> Extreme:
    values = gather(x, dim, indices)
    if not keepdim and x.ndim:
        shape = [n for i, n in enumerate(x.shape) if i != dim % x.ndim]
        values, indices = reshape(values, shape), reshape(indices, shape)
    return Extreme(values, indices)


@method
def any(x: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether some element is true."""
    return ne(sum(ne(x, 0), dim, keepdim), 0)


@method
def all(x: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether every element is true."""
    return eq(sum(eq(x, 0), dim, keepdim), 0)


@method
def count_nonzero(x: Tensor, dim: Dim = None) -> Tensor:
    """How many elements are not zero."""
    return sum(ne(x, 0), dim)


@method
def logsumexp(x: Tensor, dim: Dim, keepdim: bool = False) -> Tensor:
    """log Σ eˣ, computed from the largest element so that nothing overflows."""
    axes = axes_of(x, dim)
    if _count(x, axes) == 0:
        return log(sum(exp(x), dim, keepdim))
    largest = amax(x.detach(), dim, keepdim=True)
    largest = where(isfinite(largest), largest, 0.0)
    out = log(sum(exp(x - largest), dim, keepdim=True)) + largest
    return out if keepdim else reshape(out, [n for i, n in enumerate(x.shape) if i not in axes])


@method
def norm(x: Tensor, p: Any = 2, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The p-norm, (Σ |x|ᵖ)^(1/p); p may be inf, and "fro" means 2. Its derivative at 0 is 0."""
    x = x if is_float(x.dtype) else cast_to(x, DEFAULT_DTYPE)
    if p in (2, "fro"):
        squares = sum(x * x, dim, keepdim)
        nought = eq(squares, 0.0)
        return where(nought, 0.0, sqrt(where(nought, 1.0, squares)))
    if p == float("inf"):
        return amax(abs(x), dim, keepdim)
    if p == -float("inf"):
        return amin(abs(x), dim, keepdim)
    if p == 0:
        return sum(where(ne(x, 0), 1.0, x * 0), dim, keepdim)
    if p == 1:
        return sum(abs(x), dim, keepdim)
    return sum(abs(x) ** p, dim, keepdim) ** (1 / p)
