"""Recording: what one run of a step on variables leaves behind."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.compiler.graph import Value
from steepest.compiler.refusal import refusal, user_line
from steepest.compiler.spans import memory
from steepest.tensors import Tensor

__all__ = ["Before", "Leaf", "Recording", "Variable", "not_known"]


class Variable(Value):
    """A value while it is traced: it has a shape and a dtype, and refuses to be looked at.

    data    the numbers of a constant, or the array that a leaf stands for
    tracer  whose it is: that of one run
    same    of a run that is compared with an earlier one, the variable there that this one repeats
    """

    __slots__ = ("same", "tracer")
    tracer: Any
    same: Value | None

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

    value  what the array holds before the step; its origin is where the step first meets it
    now    the variable that stands for the array at this point of the step
    read   whether Python looked at the numbers
    """

    value: Variable
    now: Variable
    read: bool = False

    @property
    def array(self) -> np.ndarray:
        assert self.value.data is not None
        return self.value.data

    @property
    def line(self) -> str:
        return self.value.origin


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

    arguments  the variables that the step was called with
    result     what the step returned, variables inside Tensors
    spreads    the constants that repeat one number
    watched    conditions of which errors would be told
    gradients  the tensors that the step left with a traced gradient
    """

    arguments: list[Variable]
    result: Any
    leaves: dict[tuple, Leaf]
    spreads: dict[tuple, Variable]
    equations: list[Variable]
    watched: list[Variable]
    met: list[Before]
    gradients: list[Tensor]

    def variable(self, tensor: Tensor) -> Variable:
        """What a tensor of the result is at the end of the step."""
        value = tensor.value
        return value if isinstance(value, Variable) else self.leaves[memory(value)].now
