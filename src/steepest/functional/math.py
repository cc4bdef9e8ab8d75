"""Elementwise mathematics, composed from the table. Each function is also a method of Tensor."""

import builtins
from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import DEFAULT_DTYPE, is_float, said
from steepest.tensors import (
    Tensor,
    add,
    aligned,
    cast_to,
    constant,
    div,
    in_place,
    method,
    mul,
    neg,
    no_grad,
    operand,
    pow,
    sub,
    where,
)

__all__ = [
    "abs",
    "add",
    "ceil",
    "clamp",
    "clone",
    "cos",
    "erf",
    "exp",
    "expm1",
    "floor",
    "lerp",
    "log",
    "log10",
    "log1p",
    "log2",
    "maximum",
    "minimum",
    "mul",
    "neg",
    "pow",
    "reciprocal",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sqrt",
    "square",
    "sub",
    "tan",
    "tanh",
    "trunc",
    "where",
]


def floating(x: Tensor) -> Tensor:
    """Functions with real values take integers as floats."""
    if not isinstance(x, Tensor):
        raise TypeError(said("operation", "expected a tensor", got=type(x).__name__))
    return x if is_float(x.dtype) else cast_to(x, DEFAULT_DTYPE)


@method
def exp(x: Tensor) -> Tensor:
    """eˣ."""
    return P.exp(floating(x))


@method
def log(x: Tensor) -> Tensor:
    """The natural logarithm; −inf at 0, NaN below."""
    return P.log(floating(x))


@method
def sqrt(x: Tensor) -> Tensor:
    """The square root; NaN below 0."""
    return P.sqrt(floating(x))


@method
def sin(x: Tensor) -> Tensor:
    """The sine of x in radians."""
    return P.sin(floating(x))


@method
def cos(x: Tensor) -> Tensor:
    """The cosine of x in radians."""
    return P.cos(floating(x))


@method
def tan(x: Tensor) -> Tensor:
    """The tangent of x in radians."""
    return sin(x) / cos(x)


@method
def tanh(x: Tensor) -> Tensor:
    """The hyperbolic tangent, (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)."""
    return P.tanh(floating(x))


@method
def sigmoid(x: Tensor) -> Tensor:
    """The logistic function, 1 / (1 + e⁻ˣ)."""
    return P.sigmoid(floating(x))


@method
def erf(x: Tensor) -> Tensor:
    """The error function, 2/√π ∫₀ˣ exp(−t²) dt."""
    return P.erf(floating(x))


@method
def log2(x: Tensor) -> Tensor:
    """The logarithm to base 2."""
    return log(x) * float(1 / np.log(2.0))


@method
def log10(x: Tensor) -> Tensor:
    """The logarithm to base 10."""
    return log(x) * float(1 / np.log(10.0))


@method
def log1p(x: Tensor) -> Tensor:
    """log(1 + x), exact for small x: what 1 + x loses in rounding is added back to first order."""
    x = floating(x)
    y = x + 1
    with no_grad():
        lost = where((P.equal(y, y * 2)), 0.0, (x - (y - 1)) / y)
    return log(y) + lost


@method
def expm1(x: Tensor) -> Tensor:
    """eˣ − 1, exact for small x, where it is 2t / (1 − t) with t = tanh(x / 2)."""
    x = floating(x)
    small = P.less(P.mul(x, x), constant(1, x))
    t = tanh(where(small, x, 0.0) * 0.5)
    return where(small, 2 * t / (1 - t), exp(x) - 1)


@method
def square(x: Tensor) -> Tensor:
    """x²."""
    return pow(x, 2)


@method
def reciprocal(x: Tensor) -> Tensor:
    """1 / x."""
    return div(1.0, x)


@method
def rsqrt(x: Tensor) -> Tensor:
    """1 / √x."""
    return div(1.0, sqrt(x))


@method
def sign(x: Tensor) -> Tensor:
    """−1, 0 or 1; its derivative is 0."""
    if x.dtype == bool:
        return x
    nought = constant(0, x)
    positive, negative = P.less(nought, x), P.less(x, nought)
    out = P.cast(positive, dtype=x.dtype) - P.cast(negative, dtype=x.dtype)
    return P.where(P.less(x, x), x, out)  # x is never chosen: the gradient 0 flows to it


@method
def abs(x: Tensor) -> Tensor:
    """|x|; its derivative at 0 is 0."""
    return mul(x, sign(x).detach())


@method
def floor(x: Tensor) -> Tensor:
    """The largest whole number not above x."""
    return P.floor(x) if is_float(x.dtype) else x


@method
def ceil(x: Tensor) -> Tensor:
    """The smallest whole number not below x."""
    return neg(floor(neg(x)))


@method
def round(x: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest number of so many decimals; halves go to the even one."""
    if not is_float(x.dtype):
        return x
    if not decimals:
        return P.round_(x)
    scale = float(10 ** builtins.abs(decimals))
    return P.round_(x * scale) / scale if decimals > 0 else P.round_(x / scale) * scale


@method
def trunc(x: Tensor) -> Tensor:
    """The whole number next to x on the way to 0."""
    return where(P.less(x, constant(0, x)), ceil(x), floor(x))


@method
def maximum(x: Tensor, y: Tensor) -> Tensor:
    """The larger of two tensors; NaN wins. Equal elements share the gradient."""
    x, y = aligned("maximum", x, y)
    if not is_float(x.dtype):
        return P.maximum(x, y)
    return where(P.less(y, x), x, where(P.less(x, y), y, x * 0.5 + y * 0.5))


@method
def minimum(x: Tensor, y: Tensor) -> Tensor:
    """The smaller of two tensors; NaN wins. Equal elements share the gradient."""
    x, y = aligned("minimum", x, y)
    if not is_float(x.dtype):
        return where(P.less(x, y), x, y)
    return where(P.less(x, y), x, where(P.less(y, x), y, x * 0.5 + y * 0.5))


@method
def clamp(x: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """x kept between min and max; inside and on the bounds the derivative is 1."""
    if min is None and max is None:
        raise RuntimeError(said("clamp", "a bound is needed", write="x.clamp(min=0)"))
    if min is not None:
        value, bound = aligned("clamp", x, operand(min))
        x = P.where(P.less(value, bound), bound, value)
    if max is not None:
        value, bound = aligned("clamp", x, operand(max))
        x = P.where(P.less(bound, value), bound, value)
    return x


@method
def lerp(x: Tensor, end: Tensor, weight: Any) -> Tensor:
    """x + weight · (end − x)."""
    return x + weight * (end - x)


@method
def clone(x: Tensor) -> Tensor:
    """The same numbers in memory of their own; gradients flow through."""
    return P.cast(x, dtype=x.dtype)


for _function in (
    *(exp, log, sqrt, sin, cos, tanh, sigmoid, erf, square, reciprocal, rsqrt, sign, abs, neg),
    *(floor, ceil, round, trunc, clamp, lerp, pow, add, sub, mul, log1p, expm1),
    *(log2, log10, tan),
):
    in_place(_function)
method(abs, "__abs__")
method(lambda x, condition, y: where(condition, x, y), "where")
