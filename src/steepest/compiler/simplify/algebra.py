"""Algebra of elementwise rows: neutral elements, signs outward, constants together."""

import numpy as np

from steepest import primitives as P
from steepest.compiler.graph import Value, constant, equation, splat
from steepest.compiler.simplify.constants import number
from steepest.compiler.simplify.rewriter import rule
from steepest.core import is_float

__all__ = ["like"]


def like(v: Value, c: float) -> Value:
    """A number in the shape and dtype of v."""
    return constant(np.asarray(c, v.dtype), v.shape)


@rule(P.mul)
def times(v: Value) -> Value | None:
    """x·1, x·(−1), (−x)·y."""
    x, y = v.operands
    c = number(y)
    if c == 1:
        return x
    if not is_float(v.dtype):
        return None
    if c == -1:
        return equation(P.neg, x)
    if x.is_row(P.neg) and c is not None:
        return equation(P.mul, x.operands[0], like(v, -c))
    for a, b in ((x, y), (y, x)):
        if a.is_row(P.neg):
            return equation(P.neg, equation(P.mul, a.operands[0], b))
    return None


@rule(P.mul)
def factors(v: Value) -> Value | None:
    """(x·c)·d = x·(c·d) and (x·c)·y = (x·y)·c (rounding)."""
    x, y = v.operands
    if not is_float(v.dtype):
        return None
    for a, b in ((x, y), (y, x)):
        if a.is_row(P.mul) and splat(a.operands[1]) is not None:
            rest, c = a.operands
            if splat(b) is not None:
                return equation(P.mul, rest, equation(P.mul, c, b))
            return equation(P.mul, equation(P.mul, rest, b), c)
    return None


@rule(P.add)
def plus(v: Value) -> Value | None:
    """x + 0, x + x, x·c + x·d (rounding)."""
    x, y = v.operands
    if number(y) == 0 and v.dtype != bool:
        return x
    if not is_float(v.dtype):
        return None
    if x is y:
        return equation(P.mul, x, like(v, 2))
    a, c = _factored(x)
    b, d = _factored(y)
    return equation(P.mul, a, like(v, c + d)) if a is b else None


def _factored(x: Value) -> tuple[Value, float]:
    """x as (what, how many times)."""
    if x.is_row(P.mul):
        c = number(x.operands[1])
        if c is not None:
            return x.operands[0], c
    return (x.operands[0], -1.0) if x.is_row(P.neg) else (x, 1.0)


@rule(P.neg)
def minus(v: Value) -> Value | None:
    """−(−x), −(x·c)."""
    (x,) = v.operands
    if x.is_row(P.neg):
        return x.operands[0]
    if x.is_row(P.mul) and is_float(v.dtype):
        c = number(x.operands[1])
        return None if c is None else equation(P.mul, x.operands[0], like(v, -c))
    return None


@rule(P.div)
def quotient(v: Value) -> Value | None:
    """x / c = x·(1/c) and x / broadcast(y) = x·broadcast(1/y) (rounding), (−x) / y."""
    x, y = v.operands
    if not is_float(v.dtype):
        return None
    c = splat(y)
    if c is not None and c != 0 and np.isfinite(v.dtype.type(1) / c):
        return equation(P.mul, x, like(v, v.dtype.type(1) / c))
    if x.is_row(P.neg):
        return equation(P.neg, equation(P.div, x.operands[0], y))
    if y.is_row(P.broadcast) and y.operands[0].size < y.size and not x.is_row(P.broadcast):
        (small,) = y.operands
        inverse = equation(P.div, like(small, 1), small)
        return equation(P.mul, x, equation(P.broadcast, inverse, **y.params))
    return None


@rule(P.pow_)
def power(v: Value) -> Value | None:
    """x¹, x², x^½, x⁻¹ (rounding)."""
    x, y = v.operands
    c = number(y)
    if c == 1:
        return x
    if c == 2:
        return equation(P.mul, x, x)
    if c == 0.5 and is_float(v.dtype):
        return equation(P.sqrt, x)
    if c == -1 and is_float(v.dtype):
        return equation(P.div, like(v, 1), x)
    return None


@rule(P.cast)
def recast(v: Value) -> Value | None:
    """A cast to the same dtype, or there and back through one that holds every number."""
    (x,) = v.operands
    if x.dtype == v.dtype:
        return x
    if x.is_row(P.cast):
        first = x.operands[0]
        if first.dtype == v.dtype and np.can_cast(first.dtype, x.dtype, "safe"):
            return first
    return None
