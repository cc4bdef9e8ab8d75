"""Recording: what one run of a step on variables leaves behind."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.compiler.capture.refusal import refusal, user_line
from steepest.compiler.graph import Value
from steepest.compiler.spans import memory
from steepest.tensors import Tensor

__all__ = ["Before", "Leaf", "Recording", "Variable", "not_known"]


class Variable:
    """What a tensor of a traced step holds: it has a shape and a dtype, and refuses to be looked
    at.

    stands  for this value of a graph; a run that repeats an earlier one shares the values, and has
            variables of its own
    tracer  whose it is: that of one run
    """

    __slots__ = ("dtype", "shape", "stands", "tracer")

    def __init__(self, stands: Value, tracer: Any):
        self.stands, self.tracer = stands, tracer
        self.shape, self.dtype = stands.shape, stands.dtype

    @property
    def ndim(self) -> int:
        return self.stands.ndim

    @property
    def size(self) -> int:
        return self.stands.size

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise not_known(self, "NumPy")

    def __bool__(self) -> bool:
        raise not_known(self, "bool")


# What to write instead of asking for a number.
_INSTEAD = {
    "bool": "where(condition, x, y) instead of `if`; or leave the test out of the compiled step",
    "item": "return the tensor from the step, and call item() on what the compiled step returns",
    "indexing": "where(mask, x, y): how many elements a mask chooses is known to no program",
    "print": "return the tensor from the step, and print what the compiled step returns",
}


def not_known(value: Variable, asked: str) -> Exception:
    """The refusal to look at a number that differs from step to step."""
    origin = f", computed at {value.stands.origin}" if value.stands.origin else ""
    value.tracer.refused = refused = refusal(
        f"{asked} asks for a number that differs from step to step",
        line=user_line(),
        got=f"{value.stands.aval}{origin}",
        write=_INSTEAD.get(asked, "tensor operations, or leave this out of the compiled step"),
    )
    return refused


@dataclass(eq=False)
class Leaf:
    """An array from outside of the rows: a constant, or a tensor that exists between steps.

    array  held, so that its memory does not become another array's
    before what it holds before the step; its origin is where the step first meets it
    now    the variable that stands for the array at this point of the step
    first  what it was changed to first
    read   whether Python looked at the numbers
    """

    array: np.ndarray
    before: Value
    now: Variable
    first: Value | None = None
    read: bool = False

    @property
    def after(self) -> Value:
        """What the array holds at this point of the step."""
        return self.now.stands

    @property
    def line(self) -> str:
        return self.before.origin


@dataclass(eq=False)
class Before:
    """What a tensor was like before the step touched it, and whether the step gave it a history."""

    tensor: Tensor
    value: np.ndarray
    grad: Tensor | None
    node: Any
    requires_grad: bool
    carries: bool = False


@dataclass(eq=False)
class Recording:
    """One run of a step on variables.

    arguments  the values that the step was called with
    result     what the step returned, variables inside Tensors
    spreads    the constants that repeat one number
    watched    conditions of which errors would be told
    grads      by the identity of a tensor, what the step left in its `.grad`
    """

    arguments: list[Value]
    result: Any
    leaves: dict[tuple, Leaf]
    spreads: dict[tuple, Variable]
    equations: list[Value]
    watched: list[Value]
    met: list[Before]
    grads: dict[int, Tensor | None]

    def value(self, tensor: Tensor) -> Value:
        """What a tensor of the result is at the end of the step."""
        held = tensor.value
        return held.stands if isinstance(held, Variable) else self.leaves[memory(held)].after
