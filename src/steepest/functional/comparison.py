"""Comparisons and logic: everything that gives bools. No gradient flows through these."""

from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import is_float
from steepest.tensors import Tensor, as_tensor, binary, cast_to, in_place, maximum, method, mul

__all__ = [
    "allclose",
    "eq",
    "equal",
    "ge",
    "gt",
    "isclose",
    "isfinite",
    "is_floating_point",
    "isinf",
    "isnan",
    "le",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "ne",
]


@method
def logical_not(x: Tensor) -> Tensor:
    """Where x is zero or False."""
    return P.equal(x, Tensor(np.zeros(x.shape, x.dtype)))


eq = method(binary(P.equal, "eq", "x = y, elementwise."))


@method
def ne(x: Any, y: Any) -> Tensor:
    """x ≠ y, elementwise; true for NaN."""
    return logical_not(eq(x, y))


lt = method(binary(P.less, "lt", "x < y, elementwise."))


@method
def gt(x: Any, y: Any) -> Tensor:
    """x > y, elementwise."""
    return lt(y, x)


@method
def le(x: Any, y: Any) -> Tensor:
    """x ≤ y, elementwise; false for NaN."""
    return logical_or(lt(x, y), eq(x, y))


@method
def ge(x: Any, y: Any) -> Tensor:
    """x ≥ y, elementwise; false for NaN."""
    return le(y, x)


def _truth(x: Any) -> Tensor:
    return cast_to(as_tensor(x), np.dtype(bool))


@method
def logical_and(x: Tensor, y: Tensor) -> Tensor:
    """Where both are true."""
    return mul(_truth(x), _truth(y))


@method
def logical_or(x: Tensor, y: Tensor) -> Tensor:
    """Where one or both are true."""
    return maximum(_truth(x), _truth(y))


@method
def logical_xor(x: Tensor, y: Tensor) -> Tensor:
    """Where exactly one is true."""
    return ne(_truth(x), _truth(y))


@method
def isnan(x: Tensor) -> Tensor:
    """Where x is not a number: NaN differs even from itself."""
    return ne(x, x)


@method
def isinf(x: Tensor) -> Tensor:
    """Where x is plus or minus infinity."""
    return logical_or(eq(x, float("inf")), eq(x, float("-inf")))


@method
def isfinite(x: Tensor) -> Tensor:
    """Where x is neither infinite nor NaN."""
    if not is_float(x.dtype):
        return Tensor(np.ones(x.shape, bool))
    return eq(x - x, 0.0)


@method
def is_floating_point(x: Tensor) -> bool:
    """Whether x holds floats."""
    return is_float(x.dtype)


@method
def isclose(
    x: Tensor, y: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Where |x − y| ≤ atol + rtol·|y|."""
    a, b = x.numbers("isclose"), y.numbers("isclose")
    return Tensor(np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan))


@method
def allclose(
    x: Tensor, y: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether |x − y| ≤ atol + rtol·|y| everywhere."""
    return bool(isclose(x, y, rtol, atol, equal_nan).value.all())


@method
def equal(x: Tensor, y: Tensor) -> bool:
    """Whether two tensors have one shape and the same elements."""
    return x.shape == y.shape and bool((x.numbers("equal") == y.numbers("equal")).all())


_function: Any
for _function in (eq, ne, lt, le, gt, ge, logical_and, logical_or, logical_xor, logical_not):
    in_place(_function)
for _name, _function in {
    "eq": eq,
    "ne": ne,
    "lt": lt,
    "le": le,
    "gt": gt,
    "ge": ge,
    "and": logical_and,
    "or": logical_or,
    "xor": logical_xor,
    "invert": logical_not,
}.items():
    method(_function, f"__{_name}__")
