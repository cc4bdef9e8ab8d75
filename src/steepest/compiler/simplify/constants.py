"""Constants and known ranges: what can be computed now is not computed at every step."""

import numpy as np

from steepest import primitives as P
from steepest.compiler.graph import Value, constant, equation, splat
from steepest.compiler.simplify.rewriter import ELEMENTWISE, rule
from steepest.core import Eager

__all__ = ["number", "range_of"]

_EAGER = Eager()
_ADDING = (P.sum_, P.contract, P.pad, P.fold, P.scatter_add)
_LARGEST = 1 << 14  # elements of a constant array that is worth computing now


def number(value: Value) -> float | None:
    """The number that a constant repeats; None for anything else."""
    found = splat(value)
    return None if found is None else found.item()


@rule(*P.TABLE.values())
def of_nothing(v: Value) -> Value | None:
    """What has no elements is a constant, and so is what adds up no elements: 0."""
    if 0 in v.shape or (v.row in _ADDING and 0 in v.operands[0].shape):
        return constant(np.zeros(v.shape, v.dtype))
    return None


@rule(*ELEMENTWISE)
def computed(v: Value) -> Value | None:
    """f(constants) is a constant."""
    for x in v.operands:  # most often it is the first
        if x.data is None:
            return None
    assert v.row is not None
    numbers = [splat(x) for x in v.operands]
    if all(n is not None for n in numbers):
        small = tuple(np.asarray(n) for n in numbers)
        return constant(_EAGER.bind(v.row, small, v.params), v.shape)
    if v.size > _LARGEST:
        return None
    return constant(_EAGER.bind(v.row, tuple(x.data for x in v.operands), v.params))


@rule(P.reshape, P.permute, P.broadcast, P.slice_)
def moved(v: Value) -> Value | None:
    """A moved constant. An array that is broadcast stays small: that is a recognisable shape."""
    (x,) = v.operands
    repeated = splat(x)
    if repeated is not None:
        return constant(repeated, v.shape)
    if x.data is None or v.is_row(P.broadcast) or v.size > _LARGEST:
        return None
    assert v.row is not None
    return constant(_EAGER.bind(v.row, (x.data,), v.params))


@rule(P.add, P.mul)
def constant_second(v: Value) -> Value | None:
    """c + x is x + c, so that later rules look for a constant in one place."""
    x, y = v.operands
    if x.data is not None and y.data is None:
        assert v.row is not None
        return equation(v.row, y, x)
    return None


def range_of(value: Value) -> tuple[int, int] | None:
    """The smallest and the largest whole number that a value can hold, where known."""
    if value.bounds is not None:
        return value.bounds
    if value.dtype.kind not in "iu":
        return None
    if value.data is not None and value.data.size:
        return int(value.data.min()), int(value.data.max())
    if value.is_row(P.reshape, P.permute, P.broadcast, P.slice_):
        return range_of(value.operands[0])
    if value.is_row(P.cast) and value.operands[0].dtype.kind in "iu":
        return range_of(value.operands[0])
    return None


@rule(P.equal, P.less)
def decided(v: Value) -> Value | None:
    """A comparison whose operands' ranges do not meet has one answer (labels and -100)."""
    x, y = (range_of(z) for z in v.operands)
    if x is None or y is None:
        return None
    if x[1] < y[0]:
        return constant(v.is_row(P.less), v.shape)
    if y[1] < x[0] or (v.is_row(P.less) and y[1] == x[0]):
        return constant(False, v.shape)
    return None
