"""Comparisons and logic: everything that gives bools. No gradient flows through these."""

from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import is_float, said
from steepest.tensors import (
    Tensor,
    aligned,
    as_tensor,
    binary,
    cast_to,
    constant,
    in_place,
    maximum,
    method,
    mul,
    neg,
    sub,
    where,
)

__all__ = [
    "allclose",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
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
    return P.equal(x, constant(0, x))


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


def _powers(dtype: np.dtype) -> np.ndarray:
    """What every bit of a whole number is worth, from the lowest; a sign is worth less than 0."""
    bits = np.arange(8 * dtype.itemsize, dtype=np.uint8)
    return (np.uint64(1) << bits).astype(f"u{dtype.itemsize}").view(dtype)


def _bits(x: Tensor) -> Tensor:
    """The bits of whole numbers along a new last axis, from the lowest, as bools.

    A product that wraps around shifts to the left: by the power of its place counted from the top,
    it brings a bit to the top, where it is the sign.
    """
    shifted = mul(x.unsqueeze(-1), Tensor(_powers(x.dtype)[::-1].copy()))
    return lt(shifted, 0) if x.dtype.kind == "i" else ge(shifted, 2 ** (8 * x.dtype.itemsize - 1))


def _bitwise(name: str, x: Any, y: Any, logical: Any) -> Tensor:
    """A function of two bits, on every pair of bits of two tensors of bools or whole numbers."""
    x, y = aligned(name, x, y)
    if is_float(x.dtype):
        raise NotImplementedError(said(name, "only bools and whole numbers have bits", got=x.dtype))
    if x.dtype == bool:
        return logical(x, y)
    powers = Tensor(_powers(x.dtype))
    worth = where(logical(_bits(x), _bits(y)), powers, Tensor(np.zeros((), x.dtype)))
    return P.sum_(worth, axes=(x.ndim,))


@method
def bitwise_and(x: Any, y: Any) -> Tensor:
    """The bits that are set in both; of bools, where both are true."""
    return _bitwise("bitwise_and", x, y, logical_and)


@method
def bitwise_or(x: Any, y: Any) -> Tensor:
    """The bits that are set in one or both; of bools, where one or both are true."""
    return _bitwise("bitwise_or", x, y, logical_or)


@method
def bitwise_xor(x: Any, y: Any) -> Tensor:
    """The bits that are set in exactly one; of bools, where exactly one is true."""
    return _bitwise("bitwise_xor", x, y, logical_xor)


@method
def bitwise_not(x: Tensor) -> Tensor:
    """Every bit turned over, −x − 1 of a signed number; of bools, where x is false."""
    if is_float(x.dtype):
        raise NotImplementedError(
            said("bitwise_not", "only bools and whole numbers have bits", got=x.dtype)
        )
    return logical_not(x) if x.dtype == bool else sub(neg(x), 1)


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
for _function in (
    *(eq, ne, lt, le, gt, ge, logical_and, logical_or, logical_xor, logical_not),
    *(bitwise_and, bitwise_or, bitwise_xor, bitwise_not),
):
    in_place(_function)
for _name, _function in {
    "eq": eq,
    "ne": ne,
    "lt": lt,
    "le": le,
    "gt": gt,
    "ge": ge,
    "and": bitwise_and,
    "rand": bitwise_and,
    "or": bitwise_or,
    "ror": bitwise_or,
    "xor": bitwise_xor,
    "rxor": bitwise_xor,
    "invert": bitwise_not,
}.items():
    method(_function, f"__{_name}__")
for _name, _function in {"and": bitwise_and, "or": bitwise_or, "xor": bitwise_xor}.items():
    method(in_place(_function), f"__i{_name}__")
