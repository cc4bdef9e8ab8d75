"""What a capture gives: a step as a graph, its arrays, and when it still is the step."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from steepest.compiler.capture.gradients import Gradient
from steepest.compiler.capture.guard import Guard
from steepest.compiler.capture.snapshot import Outline, Snapshot, watched
from steepest.compiler.graph import Graph, Value
from steepest.tensors import UNKEPT, Tensor

__all__ = ["Captured", "Output"]


class Output(int):
    """A position in a graph's outputs."""


@dataclass(eq=False)
class Captured:
    """A step as a graph, and what has to stay as it was for the graph to be the step.

    graph      inputs: one per inlet, in order, then those of `arrays`, then of gradients; outputs:
               those of `result`, and, if the program `watches`, whether a condition of an error is
               met
    arrays     the array of every tensor that lives between steps
    spans      of those that the step changes, and maybe more, apart and in the order of memory
    result     what the step returned, with Tensors replaced by positions in graph.outputs
    guard      what the step reaches, when it is asked for
    met        the tensors that live between steps
    graded     those of them whose `.grad` stays
    were       what these have to keep
    gradients  what happens to the `.grad` of the others
    read       arrays whose numbers are frozen, and those numbers
    """

    graph: Graph
    arrays: dict[Value, np.ndarray]
    spans: list[tuple[int, int]]
    result: Any
    watches: bool
    guard: Callable[[], Guard]
    met: list[Tensor]
    graded: list[Tensor]
    were: list[Any]
    gradients: list[Gradient]
    read: list[tuple[np.ndarray, np.ndarray]]
    snapshot: Snapshot | None = None

    def __post_init__(self) -> None:
        self._asked = [x for x in self.gradients if x.asked]
        self._moved = [x for x in self.gradients if x.moves]
        self._spent = [x.tensor for x in self.gradients if x.after is UNKEPT]

    def stale(self) -> str | None:
        """What has changed since, in words; None if the graph still is the step."""
        # Nearly always nothing has changed, and identities tell.
        if self.snapshot is None or not self.snapshot.same():
            guard = self.guard()
            changed = self._changed(guard)
            if changed is not None:
                return changed
            things = guard.lasting
            self.snapshot = Snapshot(things, Outline(things), self.met, self.graded)
        for gradient in self._asked:
            if not gradient.fits():
                return f"{self.guard().name(gradient.tensor) or 'a tensor'}.grad"
        for array, numbers in self.read:
            if not np.array_equal(array, numbers, equal_nan=True):
                return "a number that the step reads from a tensor or an array"
        return None

    def leave(self) -> None:
        """A step is done: its gradients are where it leaves them."""
        for tensor in self._spent:
            tensor.grad = UNKEPT
        for gradient in self._moved:
            gradient.leave()

    def _changed(self, guard: Guard) -> str | None:
        """The first tensor or object that is not as it was."""
        now = watched(self.met, self.graded)
        for tensor, x, y in zip(
            chain(self.met, self.met, self.graded), now, self.were, strict=True
        ):
            if x is not y:
                return guard.name(tensor) or "a tensor"
        return guard.changed()
