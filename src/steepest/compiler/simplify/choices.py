"""Conditions: `where`, bools as numbers, and the one-hot comparison of labels with classes."""

import numpy as np

from steepest import primitives as P
from steepest.compiler.graph import Value, equation, splat
from steepest.compiler.simplify.algebra import like
from steepest.compiler.simplify.constants import number, range_of
from steepest.compiler.simplify.movement import without
from steepest.compiler.simplify.rewriter import ELEMENTWISE, rule
from steepest.core import is_float

__all__ = ["is_one_hot"]


@rule(P.where)
def chosen(v: Value) -> Value | None:
    """A known condition, equal branches, a negated condition, a choice inside a choice."""
    c, x, y = v.operands
    known = splat(c)
    if known is not None:
        return x if known else y
    if x is y:
        return x
    opposite = negated(c)
    if opposite is not None:
        return equation(P.where, opposite, y, x)
    if x.is_row(P.where) and x.operands[0] is c:
        return equation(P.where, c, x.operands[1], y)
    if y.is_row(P.where) and y.operands[0] is c:
        return equation(P.where, c, x, y.operands[2])
    return None


@rule(P.where)
def sign_outward(v: Value) -> Value | None:
    """where(c, −x, k) = −where(c, x, −k)."""
    c, x, y = v.operands
    k = number(y)
    if x.is_row(P.neg) and k is not None and is_float(v.dtype):
        return equation(P.neg, equation(P.where, c, x.operands[0], like(v, -k)))
    return None


def negated(c: Value) -> Value | None:
    """What c is the negation of: equality with False is "not"."""
    if c.is_row(P.equal) and c.operands[0].dtype == bool:
        for x, y in (c.operands, c.operands[::-1]):
            if number(y) is False:
                return x
    return None


@rule(P.equal)
def not_not(v: Value) -> Value | None:
    """not (not x), and x = True."""
    x = negated(v)
    if x is not None:
        return negated(x)
    if v.operands[0].dtype == bool:
        for x, y in (v.operands, v.operands[::-1]):
            if number(y) is True:
                return x
    return None


@rule(P.mul)
def by_condition(v: Value) -> Value | None:
    """x · [c] = where(c, x, 0)."""
    for x, y in (v.operands, v.operands[::-1]):
        if x.is_row(P.cast) and x.operands[0].dtype == bool:
            return equation(P.where, x.operands[0], y, like(v, 0))
    return None


@rule(*ELEMENTWISE)
def of_constants(v: Value) -> Value | None:
    """f(where(c, 2, 3)) = where(c, f(2), f(3))."""
    if v.is_row(P.where):
        return None
    choices = [x for x in v.operands if x.is_row(P.where)]
    if not choices or any(x.data is None and x not in choices for x in v.operands):
        return None
    condition = choices[0].operands[0]
    branches = [x.operands[1:] if x in choices else (x, x) for x in v.operands]
    if any(x.operands[0] is not condition for x in choices):
        return None
    if any(splat(x) is None for pair in branches for x in pair):
        return None
    assert v.row is not None
    yes, no = (equation(v.row, *side, **v.params) for side in zip(*branches, strict=True))
    return equation(P.where, condition, yes, no)


@rule(P.sum_)
def over_classes(v: Value) -> Value | None:
    """Σ over the classes of where(label is class, a, 0) = a, for labels known to be classes."""
    (x,) = v.operands
    axes = v.params["axes"]
    if len(axes) != 1 or not x.is_row(P.where) or number(x.operands[2]) != 0:
        return None
    hot, a, _ = x.operands
    return without(a, axes) if is_one_hot(hot, axes[0]) else None


@rule(P.sum_)
def over_classes_and_more(v: Value) -> Value | None:
    """The same among several axes: the classes first."""
    (x,) = v.operands
    axes = v.params["axes"]
    if len(axes) < 2 or not x.is_row(P.where) or number(x.operands[2]) != 0:
        return None
    for axis in axes:
        if is_one_hot(x.operands[0], axis) and without(x.operands[1], (axis,)) is not None:
            inner = equation(P.sum_, x, axes=(axis,))
            return equation(P.sum_, inner, axes=tuple(i - (i > axis) for i in axes if i != axis))
    return None


def is_one_hot(c: Value, axis: int) -> bool:
    """Whether exactly one entry of c is true along the axis: labels = 0, 1, …, n − 1 there."""
    if not c.is_row(P.equal):
        return False
    for labels, classes in (c.operands, c.operands[::-1]):
        label = without(labels, (axis,))
        if label is None or label.data is not None:
            continue
        base = classes
        while base.is_row(P.broadcast, P.reshape):
            base = base.operands[0]
        n, held = c.shape[axis], range_of(label)
        if base.data is None or base.size != n or held is None or held[0] < 0 or held[1] >= n:
            continue
        others = tuple(i for i in range(c.ndim) if i != axis)
        if without(classes, others) is not None and (base.data.ravel() == np.arange(n)).all():
            return True
    return False
