"""The tracer: the interpreter that writes rows down instead of computing them.

A tensor from outside the step keeps its array while tracing; the tracer knows, per array, which
variable stands for it now. Changing such a tensor in place therefore changes no number: it names
another variable, and makes the array part of the state that the program carries.
"""

from typing import Any

import numpy as np

from steepest.compiler.agree import Agreement
from steepest.compiler.recording import Leaf, Variable, memory, not_known
from steepest.compiler.refusal import refusal, user_line
from steepest.core import Aval, Primitive

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

    def bind(self, row: Primitive, operands: tuple, params: dict) -> Variable:
        xs = tuple([self.variable(x) for x in operands])
        agreement = self._agreement
        same = agreement.equation(row, xs, params) if agreement else None
        if same is None:
            aval, line = row.shape(*[x.aval for x in xs], **params), user_line()
        else:
            aval, line = same.aval, same.origin
        out = Variable("row", aval, row=row, operands=xs, params=params, origin=line)
        out.tracer = self
        self.equations.append(out)
        if agreement and same is not None:
            agreement.continues(out, same)
        return out

    def spread(self, number: float, dtype: np.dtype, shape: tuple[int, ...]) -> Variable:
        """A constant that repeats one number."""
        one = np.asarray(number, dtype)
        key = (one.tobytes(), dtype, shape)
        value = self.spreads.get(key)
        if value is None:
            value = Variable("constant", Aval(shape, dtype), data=np.broadcast_to(one, shape))
            value.tracer = self
            self.spreads[key] = value
            if self._agreement:
                self._agreement.spread(value, key)
        return value

    def inlet(
        self, name: str, aval: Aval, role: str, bounds: tuple[int, int] | None = None
    ) -> Variable:
        """An argument of the step."""
        value = Variable("input", aval, name=name, role=role, bounds=bounds)
        value.tracer = self
        if self._agreement:
            self._agreement.argument(value)
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
                value = Variable("input", Aval(array.shape, array.dtype))
                value.tracer = self
                # Holding the array keeps its memory from becoming another array's.
                leaf = self.leaves[key] = Leaf(array, key, value, value, user_line())
                if self._agreement:
                    self._agreement.leaf(leaf)
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
