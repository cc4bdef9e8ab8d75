"""The tracer: the interpreter that writes rows down instead of computing them.

A tensor from outside the step keeps its array while tracing; the tracer knows, per array, which
variable stands for it now. Changing such a tensor in place therefore changes no number: it names
another variable, and makes the array part of the state that the program carries.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.compiler.graph import Value
from steepest.compiler.refusal import refusal, user_line
from steepest.core import Aval, Primitive

__all__ = ["Leaf", "Tracer", "Variable", "memory"]


class Variable(Value):
    """A value while it is traced: it has a shape and a dtype, and refuses to be looked at."""

    __slots__ = ("tracer",)
    tracer: "Tracer"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise not_known(self, "NumPy")

    def __bool__(self) -> bool:
        raise not_known(self, "bool")


# What to write instead of asking for a number.
_INSTEAD = {
    "bool": "where(condition, x, y) instead of `if`; or leave the test out of the compiled step",
    "item": "return the tensor from the step, and call item() on what the compiled step returns",
    "indexing": "x[index] with one index tensor, or where(mask, x, y)",
    "print": "return the tensor from the step, and print what the compiled step returns",
}


def not_known(value: "Variable", asked: str) -> Exception:
    """The refusal to look at a number that differs from step to step."""
    origin = f", computed at {value.origin}" if value.origin else ""
    value.tracer.refused = refused = refusal(
        f"{asked} asks for a number that differs from step to step",
        line=user_line(),
        got=f"{value.aval}{origin}",
        write=_INSTEAD.get(asked, "tensor operations, or leave this out of the compiled step"),
    )
    return refused


@dataclass(eq=False)
class Leaf:
    """An array from outside of the rows: a constant, or a tensor that exists between steps.

    key    its `memory`
    value  what the array holds before the step
    now    the variable that stands for the array at this point of the step
    """

    array: np.ndarray
    key: tuple
    value: Variable
    now: Variable
    line: str
    read: bool = False  # Python looked at the numbers


def memory(array: np.ndarray) -> tuple:
    """What makes two arrays one: the same elements at the same place."""
    return (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str)


class Tracer:
    """The interpreter that writes down."""

    computes = False

    def __init__(self) -> None:
        self.leaves: dict[tuple, Leaf] = {}
        self.seen: dict[int, Leaf] = {}  # by identity: nearly always the same array object again
        self.equations: list[Variable] = []
        self.refused: Exception | None = None  # raised again if the step catches it
        self.watched: list[Variable] = []  # conditions that the step asks about

    def bind(self, row: Primitive, operands: tuple, params: dict) -> Variable:
        line = user_line()
        xs = tuple([self.variable(x, line) for x in operands])
        aval = row.shape(*[x.aval for x in xs], **params)
        out = Variable("row", aval, row=row, operands=xs, params=params, origin=line)
        out.tracer = self
        self.equations.append(out)
        return out

    def inlet(
        self, name: str, aval: Aval, role: str, bounds: tuple[int, int] | None = None
    ) -> Variable:
        """An argument of the step."""
        value = Variable("input", aval, name=name, role=role, bounds=bounds)
        value.tracer = self
        return value

    def variable(self, x: Any, line: str = "") -> Variable:
        """The variable that stands for an operand now."""
        if not isinstance(x, Variable):
            return self.leaf(np.asarray(x), line).now
        if x.tracer is not self:
            raise refusal(
                "a tensor computed in one step is used in the next",
                line=user_line(),
                got=f"{x.aval}, computed at {x.origin}",
                write="keep a tensor from the start and change it in place: state.copy_(new)",
            )
        return x

    def leaf(self, array: np.ndarray, line: str = "") -> Leaf:
        leaf = self.seen.get(id(array))
        if leaf is None:
            key = memory(array)
            leaf = self.leaves.get(key)
            if leaf is None:
                value = Variable("input", Aval(array.shape, array.dtype))
                value.tracer = self
                # Holding the array keeps its memory from becoming another array's.
                leaf = self.leaves[key] = Leaf(array, key, value, value, line or user_line())
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
