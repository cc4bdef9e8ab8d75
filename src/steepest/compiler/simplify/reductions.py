"""Sums and maxima: over fewer axes, of simpler things."""

from math import prod

import numpy as np

from steepest import primitives as P
from steepest.compiler.graph import Value, constant, equation, splat
from steepest.compiler.simplify.algebra import like
from steepest.compiler.simplify.movement import without
from steepest.compiler.simplify.rewriter import rule
from steepest.core import is_float

__all__: list[str] = []


@rule(P.sum_, P.max_)
def over_nothing(v: Value) -> Value | None:
    """Over no axis; over axes of length one, which is a reshape."""
    (x,) = v.operands
    axes = v.params["axes"]
    if not axes:
        return x
    if not any(x.shape[i] == 1 for i in axes):
        return None
    kept = [i for i, n in enumerate(x.shape) if not (i in axes and n == 1)]
    inner = equation(P.reshape, x, shape=tuple(x.shape[i] for i in kept))
    assert v.row is not None
    return equation(v.row, inner, axes=tuple(kept.index(i) for i in axes if i in kept))


@rule(P.sum_, P.max_)
def twice(v: Value) -> Value | None:
    """A reduction of a reduction is one over the axes of both."""
    (x,) = v.operands
    if x.row is not v.row or x.row is None:
        return None
    (y,) = x.operands
    left = [i for i in range(y.ndim) if i not in x.params["axes"]]
    axes = sorted((*x.params["axes"], *(left[i] for i in v.params["axes"])))
    return equation(x.row, y, axes=tuple(axes))


@rule(P.sum_)
def of_negative(v: Value) -> Value | None:
    """Σ −x = −Σ x."""
    (x,) = v.operands
    if x.is_row(P.neg):
        return equation(P.neg, equation(P.sum_, x.operands[0], axes=v.params["axes"]))
    return None


@rule(P.sum_)
def factor_out(v: Value) -> Value | None:
    """A factor that does not change along the summed axes comes out (rounding)."""
    (x,) = v.operands
    axes = v.params["axes"]
    if not x.is_row(P.mul) or not is_float(v.dtype):
        return None
    for a, b in (x.operands, x.operands[::-1]):
        outer = without(b, axes)
        if outer is not None:
            return equation(P.mul, equation(P.sum_, a, axes=axes), outer)
    return None


@rule(P.sum_, P.max_)
def of_repeated(v: Value) -> Value | None:
    """Of something repeated along the axes: a product, or the thing itself (rounding)."""
    (x,) = v.operands
    axes = v.params["axes"]
    if not x.is_row(P.broadcast) or v.dtype == bool:
        return None
    y = without(x, axes)
    if y is None or v.is_row(P.max_):
        return y
    count = prod(x.shape[i] for i in axes)
    return equation(P.mul, y, like(v, count))


@rule(P.sum_, P.max_)
def of_permuted(v: Value) -> Value | None:
    """The order of axes that vanish does not matter."""
    (x,) = v.operands
    if not x.is_row(P.permute):
        return None
    order = x.params["order"]
    gone = sorted(order[i] for i in v.params["axes"])
    left = [i for i in range(x.ndim) if i not in gone]
    kept = [left.index(i) for i in order if i not in gone]
    assert v.row is not None
    reduced = equation(v.row, x.operands[0], axes=tuple(gone))
    return equation(P.permute, reduced, order=tuple(kept))


@rule(P.max_)
def of_shifted(v: Value) -> Value | None:
    """max(x + c) = max(x) + c for a c that does not change along the axes: rounding is monotone.

    Where c = −max(x), as in a stable softmax, that is 0 (for finite x; otherwise x + c is NaN).
    """
    (x,) = v.operands
    axes = v.params["axes"]
    if not x.is_row(P.add) or not is_float(v.dtype):
        return None
    for a, b in (x.operands, x.operands[::-1]):
        outer = without(b, axes)
        if outer is None or splat(a) is not None:
            continue
        largest = equation(P.max_, a, axes=axes)
        if _is_minus_max(outer, a, axes):
            return constant(np.asarray(0, v.dtype), v.shape)
        return equation(P.add, largest, outer)
    return None


def _is_minus_max(c: Value, x: Value, axes: tuple[int, ...]) -> bool:
    """Whether c is −max(x), seen through reshapes."""
    while c.is_row(P.reshape, P.neg, P.broadcast):
        if c.is_row(P.neg):
            m = c.operands[0]
            while m.is_row(P.reshape, P.broadcast):
                m = m.operands[0]
            return m.is_row(P.max_) and m.operands[0] is x and m.params["axes"] == axes
        c = c.operands[0]
    return False
