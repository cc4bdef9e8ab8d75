"""Gradients: what a step finds in the `.grad` of tensors, and what it leaves there.

These are other tensors from call to call: zero_grad() forgets them, backward() makes new ones. So a
program takes them as it takes arguments, and gives those that it makes. One that the step itself
has used up, because it has changed the parameter, is not given: it never reaches memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from steepest.compiler.capture.guard import Guard, is_parameter
from steepest.compiler.capture.recording import Recording, Variable
from steepest.compiler.graph import Value, inlet
from steepest.compiler.spans import memory
from steepest.core import Aval
from steepest.primitives import add
from steepest.tensors import UNKEPT, Tensor

__all__ = ["STAYS", "Around", "Gradient", "gradients"]

STAYS: Any = object()  # what was in `.grad` before the step is there after it


@dataclass(eq=False)
class Gradient:
    """What happens to the `.grad` of one tensor.

    value  the graph's input that stands for it; None where the step does not compute with it
    found  whether the step reads what is there; if not, it makes a new one
    adds   whether it only adds to what it finds: none is as good as zeros then
    after  what is put there when the step is done
    none   whether it is the step only while there is none: it would read one
    """

    tensor: Tensor
    value: Value | None
    found: bool
    adds: bool
    after: Any
    none: bool = False

    def __post_init__(self) -> None:
        self._now: Tensor | None = None

    @property
    def moved(self) -> tuple:
        """What happens to it, of whatever tensor it is."""
        return self.value, self.found, self.adds, self.after, self.none

    @property
    def asked(self) -> bool:
        """Whether the program depends on what is there."""
        return self.found or self.none

    @property
    def gives(self) -> bool:
        """Whether what is put there is a tensor from outside of the step."""
        return isinstance(self.after, Tensor) and self.after is not UNKEPT

    @property
    def moves(self) -> bool:
        """Whether `leave` has something to do that is not the same for many tensors."""
        return self.after is not UNKEPT and (self.after is not STAYS or not self.found)

    def fits(self) -> bool:
        """Whether the program can take what is there now."""
        grad = self.tensor.grad
        if self.none:
            return grad is None
        if not self.found or grad is self._now is not None:
            return True
        if grad is None or grad is UNKEPT:
            return grad is None and self.adds
        same = (grad.value.shape, grad.value.dtype) == (self.tensor.shape, self.tensor.dtype)
        return same and not grad.requires_grad

    def take(self) -> np.ndarray | None:
        """The array with which the step works, if it is another than in the last call."""
        grad = self.tensor.grad if self.found else Tensor(_empty(self.tensor))
        if grad is None:
            grad = self.tensor.grad = _zeros(self.tensor)
        if grad is self._now:
            return None
        self._now = grad
        return grad.value

    def leave(self) -> None:
        """The step is done."""
        if self.value is not None and not self.found:
            self.tensor.grad = self._now
        elif self.after is not STAYS:
            self.tensor.grad = self.after


class Around:
    """The gradients of tensors around the traced runs of a step: each finds what the first did,
    but zeros where that has found none and left one. Does the step add to it? That shows then. If
    it does something else with it, such as an update before there is a gradient, none is not zeros:
    then the runs begin again, and find none.
    """

    def __init__(self, guard: Guard):
        self.tensors: dict[int, Tensor] = {}
        self._held: dict[int, Tensor | None] = {}
        self._found: dict[int, Tensor | None] = {}
        self._none: set[int] = set()
        self._see((x, x.grad) for x in guard.tensors if is_parameter(x))

    def _see(self, tensors: Iterable[tuple[Tensor, Tensor | None]]) -> None:
        for x, grad in tensors:
            if id(x) not in self.tensors:
                self.tensors[id(x)] = x
                self._held[id(x)] = self._found[id(x)] = grad

    def found(self, x: Tensor) -> Any:
        """What the runs find in a tensor's `.grad`."""
        return self._found[id(x)]

    def after(self, run: Recording) -> None:
        """A run is done; the next may begin."""
        self._see((before.tensor, before.grad) for before in run.met)
        for key, x in self.tensors.items():
            nothing = self._found[key] is None and key not in self._none
            if nothing and _is_traced(run.grads.get(key)):
                self._found[key] = _zeros(x)
            x.grad = self._found[key]

    def none(self, x: Tensor) -> bool:
        """Whether the runs find none where one would be read."""
        return id(x) in self._none

    def begins_again(self, run: Recording) -> bool:
        """Whether a run has read zeros that stand for none. The next ones find none there."""
        uses = _Uses(run)
        zeros = [(k, x) for k, x in self._found.items() if x is not self._held[k]]
        read = {k: None for k, x in zeros if x is not None and uses.read(x)}
        self._none.update(read)
        self._found.update(read)
        if read:
            self.restore()
        return bool(read)

    def restore(self) -> None:
        """All is as it was before the first run."""
        for key, x in self.tensors.items():
            x.grad = self._held[key]


def gradients(
    around: Around, run: Recording, kept: set[tuple], guard: Guard, fresh: list[tuple[Value, Value]]
) -> list[Gradient]:
    """What happens to all gradients that do not stay as they are.

    Args:
        run: the last run; a gradient that takes another's place in `.grad` takes it in memory, too.
        kept: the memory of the tensors that live between steps.
        fresh: is given those that the step makes, as inputs and what becomes of them.
    """
    found, uses = [], _Uses(run)
    for key, x in around.tensors.items():
        if id(x) not in guard.numbers and memory(x.value) not in kept:
            continue  # it was made in one of the runs
        before = around.found(x)
        after: Any = run.grads.get(key, before)
        traced = _is_traced(after)
        known = before is not None and before is not UNKEPT
        leaf = run.leaves.get(memory(before.value)) if known else None
        if leaf is None and after is before:
            continue
        if leaf is not None:
            if leaf.read or id(before) in guard.numbers or memory(leaf.array) not in kept:
                continue  # the step reaches it in another way, or Python looks at it
            if traced:
                leaf.now = after.value
            adds = leaf.after is not leaf.before and not uses.read(before)
            stays = traced or after is before
            found.append(Gradient(x, leaf.before, True, adds, STAYS if stays else after))
        elif traced and not _is_changed(x, run):
            value = inlet("", Aval(x.value.shape, x.value.dtype), "state")
            fresh.append((value, after.value.stands))
            found.append(Gradient(x, value, False, True, STAYS, around.none(x)))
        else:
            after = UNKEPT if traced else after
            found.append(Gradient(x, None, False, False, after, around.none(x)))
    return found


class _Uses:
    """What a run does with the gradients that it finds."""

    def __init__(self, run: Recording):
        self._run = run

    @cached_property
    def _readers(self) -> dict[Value, list[Value]]:
        """What is computed from each value."""
        readers: dict[Value, list[Value]] = {}
        for out in self._run.equations:
            for x in out.operands:
                readers.setdefault(x, []).append(out)
        return readers

    def read(self, grad: Tensor) -> bool:
        """Whether it does something else with one than to add to it, in its place."""
        leaf = self._run.leaves.get(memory(grad.value))
        if leaf is None:
            return False
        readers = self._readers.get(leaf.before, [])
        return bool(readers) and not (readers == [leaf.first] and readers[0].is_row(add))


def _is_changed(x: Tensor, run: Recording) -> bool:
    leaf = run.leaves.get(memory(x.value))
    return leaf is not None and leaf.after is not leaf.before


def _is_traced(grad: Any) -> bool:
    return grad is not None and grad is not UNKEPT and isinstance(grad.value, Variable)


def _zeros(x: Tensor) -> Tensor:
    return Tensor(np.zeros(x.shape, x.dtype))


def _empty(x: Tensor) -> np.ndarray:
    return np.empty(x.value.shape, x.value.dtype)
