"""More elementary mathematics, composed from `math`; each function is also a method of Tensor."""

import math
from typing import Any

import numpy as np

from steepest.core import is_float, result_dtype, said
from steepest.functional.comparison import eq, gt, isnan, lt
from steepest.functional.math import (
    abs,
    clamp,
    cos,
    exp,
    expm1,
    floating,
    floor,
    mul,
    pow,
    sin,
    sqrt,
    sub,
    trunc,
    where,
)
from steepest.tensors import Tensor, cast_to, in_place, method, operand
from steepest.tensors import div as quotient

__all__ = [
    "acos",
    "addcdiv",
    "addcmul",
    "asin",
    "atan",
    "clamp_max",
    "clamp_min",
    "cosh",
    "div",
    "exp2",
    "floor_divide",
    "fmod",
    "nan_to_num",
    "positive",
    "remainder",
    "rsub",
    "sinh",
    "true_divide",
]


@method
def positive(x: Tensor) -> Tensor:
    """x itself."""
    if x.dtype == bool:
        raise RuntimeError(said("positive", "a bool has no sign", got=x.dtype))
    return x


@method
def rsub(x: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    """other − alpha·x."""
    return sub(other, x, alpha=alpha)


@method
def true_divide(x: Tensor, other: Any) -> Tensor:
    """x / other."""
    return quotient(x, other)


@method
def exp2(x: Tensor) -> Tensor:
    """2ˣ."""
    return pow(2.0, floating(x))


@method
def sinh(x: Tensor) -> Tensor:
    """The hyperbolic sine, (eˣ − e⁻ˣ) / 2, exact for small x."""
    return (expm1(x) - expm1(-floating(x))) * 0.5


@method
def cosh(x: Tensor) -> Tensor:
    """The hyperbolic cosine, (eˣ + e⁻ˣ) / 2."""
    return (exp(x) + exp(-floating(x))) * 0.5


@method
def atan(x: Tensor) -> Tensor:
    """The angle between −π/2 and π/2 whose tangent is x.

    For |x| ≤ 1 (1/x takes the others there), near y = x(π/4 + 0.273(1 − |x|)), the angle is
    y + arctan t with t = tan(arctan x − y), which is below 0.005: three terms of its series do.
    """
    x = floating(x)
    large = gt(abs(x), 1.0)
    u = where(large, 1 / where(large, x, 1.0), x)
    fixed = u.detach()
    y = fixed * (math.pi / 4 + 0.273 * (1 - abs(fixed)))
    t = (u * cos(y) - sin(y)) / (cos(y) + u * sin(y))
    angle = y + t * (1 - t * t * (1 / 3 - t * t * (1 / 5)))
    beyond = where(lt(x, 0.0), -math.pi / 2 - angle, math.pi / 2 - angle)
    return where(large, beyond, angle)


@method
def asin(x: Tensor) -> Tensor:
    """The angle between −π/2 and π/2 whose sine is x; NaN for |x| > 1."""
    x = floating(x)
    return atan(x / sqrt((1 - x) * (1 + x)))


@method
def acos(x: Tensor) -> Tensor:
    """The angle between 0 and π whose cosine is x; NaN for |x| > 1."""
    x = floating(x)
    return 2 * atan(sqrt((1 - x) / (1 + x)))


def _quotient(x: Any, y: Any, rounded: Any) -> Tensor:
    """x / y rounded to a whole number; integers (below 2⁵³) stay integers."""
    dtype = result_dtype(operand(x), operand(y))
    if is_float(dtype):
        return rounded(quotient(x, y))
    wide = [cast_to(t, np.dtype(np.float64)) if isinstance(t, Tensor) else float(t) for t in (x, y)]
    return cast_to(rounded(quotient(*wide)), dtype)


@method
def div(x: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """x / other; "floor" or "trunc" rounds it to a whole number, and keeps integers."""
    if rounding_mode is None:
        return quotient(x, other)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            said("div", "no such rounding", expected="floor, trunc or None", got=rounding_mode)
        )
    return _quotient(x, other, floor if rounding_mode == "floor" else trunc)


@method
def floor_divide(x: Any, other: Any) -> Tensor:
    """⌊x / other⌋."""
    return _quotient(x, other, floor)


@method
def remainder(x: Any, other: Any) -> Tensor:
    """x − other·⌊x / other⌋: the sign is that of the divisor."""
    return sub(x, mul(_quotient(x, other, floor), other))


@method
def fmod(x: Any, other: Any) -> Tensor:
    """x − other·trunc(x / other): the sign is that of x."""
    return sub(x, mul(_quotient(x, other, trunc), other))


@method
def addcmul(x: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """x + value·tensor1·tensor2."""
    product = mul(tensor1, tensor2)
    return x + (product if value == 1 else mul(product, value))


@method
def addcdiv(x: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """x + value·tensor1 / tensor2."""
    return x + mul(tensor1, value) / tensor2


@method
def clamp_min(x: Tensor, min: Any) -> Tensor:
    """x, or min where that is larger."""
    return clamp(x, min=min)


@method
def clamp_max(x: Tensor, max: Any) -> Tensor:
    """x, or max where that is smaller."""
    return clamp(x, max=max)


@method
def nan_to_num(
    x: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """x with numbers for NaN (0) and the infinities (the largest and smallest finite numbers)."""
    if not is_float(x.dtype):
        return x
    ends = np.finfo(x.dtype)
    high = float(ends.max) if posinf is None else posinf
    low = float(ends.min) if neginf is None else neginf
    x = where(isnan(x), nan or 0.0, x)
    x = where(eq(x, float("inf")), high, x)
    return where(eq(x, float("-inf")), low, x)


for _function in (
    *(div, exp2, sinh, cosh, asin, acos, atan, true_divide, floor_divide, remainder, fmod),
    *(addcmul, addcdiv, clamp_min, clamp_max, nan_to_num),
):
    in_place(_function)
for _name, _function in {"floordiv": floor_divide, "mod": remainder}.items():
    method(_function, f"__{_name}__")
    method(lambda x, y, f=_function: f(y, x), f"__r{_name}__")
method(lambda x, y: quotient(y, x), "__rdiv__")
method(positive, "__pos__")
