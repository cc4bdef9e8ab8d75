"""The tracer: the interpreter that writes rows down instead of computing them.

A tensor from outside the step keeps its array while tracing; the tracer knows, per array, which
variable stands for it now. Changing such a tensor in place therefore changes no number: it names
another variable, and makes the array part of the state that the program carries.
"""

import sys
from typing import Any

import numpy as np

from steepest.compiler.agree import Agreement
from steepest.compiler.recording import Leaf, Variable, not_known
from steepest.compiler.refusal import Lines, refusal, user_line
from steepest.compiler.spans import memory
from steepest.core import Aval, Primitive, spread

__all__ = ["Tracer"]


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
        self.equations: list[Variable] = []
        self.refused: Exception | None = None  # raised again if the step catches it
        self.watched: list[Variable] = []  # conditions that the step asks about
        self._agreement = agreement
        self._lines = Lines()

    def bind(self, row: Primitive, operands: tuple, params: dict) -> Variable:
        xs = tuple(
            [x if type(x) is Variable and x.tracer is self else self.variable(x) for x in operands]
        )
        same = self._agreement.equation(row, xs, params) if self._agreement else None
        if same is None:
            aval = row.shape(*[x.aval for x in xs], **params)
            line = self._lines.of(sys._getframe(3))  # who has called the tape
        else:
            aval, line = same.aval, same.origin
        out = Variable("row", aval, row, xs, params, line)
        out.tracer, out.same = self, same
        self.equations.append(out)
        return out

    def spread(self, number: float, dtype: np.dtype, shape: tuple[int, ...]) -> Variable:
        """A constant that repeats one number."""
        key = (np.asarray(number, dtype).tobytes(), dtype, shape)
        value = self.spreads.get(key)
        if value is None:
            data = spread(number, dtype, shape)
            value = self.spreads[key] = Variable("constant", Aval(shape, dtype), data=data)
            value.tracer = self
            value.same = self._agreement.spread(key) if self._agreement else None
        return value

    def inlet(
        self, name: str, aval: Aval, role: str, bounds: tuple[int, int] | None = None
    ) -> Variable:
        """An argument of the step."""
        value = Variable("input", aval, name=name, role=role, bounds=bounds)
        value.tracer = self
        value.same = self._agreement.argument() if self._agreement else None
        return value

    def variable(self, x: Any) -> Variable:
        """The variable that stands for an operand now."""
        if not isinstance(x, Variable):
            return self.leaf(np.asarray(x)).now
        if x.tracer is not self:
            raise refusal(
                "a tensor computed in one step is used in the next",
                line=user_line(),
                got=f"{x.aval}, computed at {x.origin}",
                write="keep a tensor from the start and change it in place: state.copy_(new)",
            )
        return x

    def leaf(self, array: np.ndarray) -> Leaf:
        leaf = self.seen.get(id(array))
        if leaf is None:
            key = memory(array)
            leaf = self.leaves.get(key)
            if leaf is None:
                same = self._agreement.leaf(key) if self._agreement else None
                line = same.line if same else user_line()
                # Holding the array keeps its memory from becoming another array's.
                value = Variable("input", Aval(array.shape, array.dtype), data=array, origin=line)
                value.tracer, value.same = self, same.value if same else None
                leaf = self.leaves[key] = Leaf(value, value)
            if leaf.array is array:
                self.seen[id(array)] = leaf
        return leaf

    def numbers(self, value: Any, asked: str) -> np.ndarray:
        if isinstance(value, Variable):
            raise not_known(value, asked)
        leaf = self.leaf(value)
        if leaf.now is not leaf.value:
            raise not_known(leaf.now, asked)
        leaf.read = True
        return value

    def occurs(self, condition: Any) -> bool:
        self.watched.append(self.variable(condition))
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
        if fresh.aval != leaf.value.aval:
            raise refusal(
                "a tensor from outside of the step changes its shape or dtype",
                line=user_line(),
                expected=leaf.value.aval,
                got=fresh.aval,
            )
        leaf.now = fresh
        return old
