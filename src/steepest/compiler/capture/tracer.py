"""The tracer: the interpreter that writes rows down instead of computing them.

A tensor from outside the step keeps its array while tracing; the tracer knows, per array, which
variable stands for it now. Changing such a tensor in place therefore changes no number: it names
another variable, and makes the array part of the state that the program carries.
"""

import sys
from math import copysign
from operator import attrgetter
from typing import Any

import numpy as np

from steepest.compiler.capture.agree import Agreement
from steepest.compiler.capture.recording import Leaf, Variable, not_known
from steepest.compiler.capture.refusal import Lines, refusal, user_line
from steepest.compiler.graph import Value, inlet
from steepest.compiler.spans import memory
from steepest.core import Aval, Primitive, spread

__all__ = ["Tracer"]

_aval = attrgetter("aval")


class Tracer:
    """The interpreter that writes down.

    Args:
        agreement: with an earlier run, if this one is to be compared with it.
    """

    computes = False

    def __init__(self, agreement: Agreement | None = None) -> None:
        self.leaves: dict[tuple, Leaf] = {}
        self.seen: dict[int, Leaf] = {}  # by identity: nearly always the same array object again
        self.spreads: dict[tuple, Variable] = {}
        self.equations: list[Value] = []
        self.refused: Exception | None = None  # raised again if the step catches it
        self.watched: list[Value] = []  # conditions that the step asks about
        self._agreement = agreement
        self._lines = Lines()

    def bind(self, row: Primitive, operands: tuple, params: dict) -> Variable:
        values: tuple[Value, ...] = ()
        for x in operands:
            if type(x) is not Variable or x.tracer is not self:
                x = self.variable(x)
            values += (x.stands,)
        out = self._agreement.equation(row, values, params) if self._agreement else None
        if out is None:
            aval = row.shape(*map(_aval, values), **params)
            line = self._lines.of(sys._getframe(3))  # who has called the row
            out = Value("row", aval, row, values, params, line)
        self.equations.append(out)
        return Variable(out, self)

    def spread(self, number: float, dtype: np.dtype, shape: tuple[int, ...]) -> Variable:
        """A constant that repeats one number."""
        # The sign tells −0.0 from 0.0; no NaN equals itself.
        key = (number if number == number else "NaN", copysign(1, number), dtype, shape)
        variable = self.spreads.get(key)
        if variable is None:
            value = self._agreement.spread(key) if self._agreement else None
            if value is None:
                data = spread(number, dtype, shape)
                value = Value("constant", Aval(shape, dtype), data=data)
            variable = self.spreads[key] = Variable(value, self)
        return variable

    def inlet(
        self, name: str, aval: Aval, role: str, bounds: tuple[int, int] | None = None
    ) -> Variable:
        """An argument of the step."""
        value = self._agreement.argument() if self._agreement else None
        return Variable(value or inlet(name, aval, role, bounds), self)

    def variable(self, x: Any) -> Variable:
        """The variable that stands for an operand now."""
        if not isinstance(x, Variable):
            return self.leaf(np.asarray(x)).now
        if x.tracer is not self:
            raise refusal(
                "a tensor computed in one step is used in the next",
                line=user_line(),
                got=f"{x.stands.aval}, computed at {x.stands.origin}",
                write="keep a tensor from the start and change it in place: state.copy_(new)",
            )
        return x

    def leaf(self, array: np.ndarray) -> Leaf:
        leaf = self.seen.get(id(array))
        if leaf is None:
            key = memory(array)
            leaf = self.leaves.get(key)
            if leaf is None:
                value = self._agreement.leaf(key) if self._agreement else None
                if value is None:
                    aval = Aval(array.shape, array.dtype)
                    value = Value("input", aval, data=array, origin=user_line())
                leaf = self.leaves[key] = Leaf(array, value, Variable(value, self))
            if leaf.array is array:
                self.seen[id(array)] = leaf
        return leaf

    def numbers(self, value: Any, asked: str) -> np.ndarray:
        if isinstance(value, Variable):
            raise not_known(value, asked)
        leaf = self.leaf(value)
        if leaf.after is not leaf.before:
            raise not_known(leaf.now, asked)
        leaf.read = True
        return value

    def occurs(self, condition: Any) -> bool:
        self.watched.append(self.variable(condition).stands)
        return False

    def kept(self, value: Any) -> Variable:
        return self.variable(value)

    def release(self) -> None:
        """Let go of what has been written down. Variables know their tracer, so it would hold what
        holds it, and a tensor that someone keeps would hold all."""
        self.leaves, self.seen, self.spreads, self.equations, self.watched = {}, {}, {}, [], []
        self._agreement, self._lines = None, Lines()

    def rebound(self, old: Any, new: Any) -> Any:
        fresh = self.variable(new)
        if isinstance(old, Variable):
            return fresh
        leaf = self.leaf(old)
        if fresh.stands.aval != leaf.before.aval:
            raise refusal(
                "a tensor from outside of the step changes its shape or dtype",
                line=user_line(),
                expected=leaf.before.aval,
                got=fresh.stands.aval,
            )
        leaf.now, leaf.first = fresh, leaf.first or fresh.stands
        return old
