"""Sums and maxima: over fewer axes, of simpler things."""

from math import prod

import numpy as np

from steepest import primitives as P
from steepest.compiler.graph import Value, constant, equation, splat
from steepest.compiler.simplify.algebra import like
from steepest.compiler.simplify.constants import number
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
    """Factors that do not change along the summed axes come out (rounding)."""
    (x,) = v.operands
    axes = v.params["axes"]
    if not x.is_row(P.mul) or not is_float(v.dtype):
        return None
    rest, outer = _apart(x, axes)
    if not outer:
        return None
    total = equation(P.sum_, rest, axes=axes) if rest is not None else like(v, _count(x, axes))
    for factor in outer:
        total = equation(P.mul, total, factor)
    return total


def _apart(x: Value, axes: tuple[int, ...]) -> tuple[Value | None, list[Value]]:
    """A product as what changes along the axes, None for nothing, and the factors that do not."""
    outer = without(x, axes)
    if outer is not None:
        return None, [outer]
    if not x.is_row(P.mul):
        return x, []
    (a, some), (b, more) = (_apart(y, axes) for y in x.operands)
    if not some and not more:
        return x, []
    rest = equation(P.mul, a, b) if a is not None and b is not None else a or b
    return rest, some + more


@rule(P.sum_)
def of_multiples(v: Value) -> Value | None:
    """Σ (x·a + y·b) = a·Σx + b·Σy for arrays a and b that do not change along the axes: both sums
    may be there, and neither waits for a or b (rounding)."""
    (x,) = v.operands
    axes = v.params["axes"]
    if not x.is_row(P.add) or not is_float(v.dtype):
        return None
    if not all(_is_multiple(y, axes) for y in x.operands):
        return None
    return equation(P.add, *[equation(P.sum_, y, axes=axes) for y in x.operands])


def _is_multiple(x: Value, axes: tuple[int, ...]) -> bool:
    """Whether x has such an array as a factor, or is a sum of what has."""
    if x.is_row(P.add):
        return all(_is_multiple(y, axes) for y in x.operands)
    return any(splat(factor) is None for factor in _apart(x, axes)[1])


@rule(P.sum_)
def of_centred(v: Value) -> Value | None:
    """Σ (x + c·Σx) = Σx·(1 + c·n) for n elements: 0 where their mean has been taken off."""
    (x,) = v.operands
    axes = v.params["axes"]
    if not x.is_row(P.add) or not is_float(v.dtype):
        return None
    for a, b in (x.operands, x.operands[::-1]):
        multiple = without(b, axes)
        multiple = multiple and _bare(multiple)
        if multiple is None or not multiple.is_row(P.mul):
            continue
        y, c = _bare(multiple.operands[0]), number(multiple.operands[1])
        if c is not None and y.is_row(P.sum_) and y.operands[0] is a and y.params["axes"] == axes:
            return equation(P.mul, y, like(v, 1 + c * _count(x, axes)))
    return None


def _bare(x: Value) -> Value:
    """What is repeated once, or only seen in another shape."""
    while x.is_row(P.reshape, P.broadcast) and x.operands[0].size == x.size:
        x = x.operands[0]
    return x


def _count(x: Value, axes: tuple[int, ...]) -> int:
    """How many elements are added up."""
    return prod(x.shape[i] for i in axes)


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
    return equation(P.mul, y, like(v, _count(x, axes)))


@rule(P.sum_, P.max_)
def of_constant(v: Value) -> Value | None:
    """Σ and max of a number that is repeated are known."""
    (x,) = v.operands
    c = splat(x)
    if c is None:
        return None
    if v.is_row(P.max_):
        return constant(c, v.shape)
    count = x.dtype.type(_count(x, v.params["axes"]))
    return constant(np.asarray(c * count, x.dtype), v.shape)


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
