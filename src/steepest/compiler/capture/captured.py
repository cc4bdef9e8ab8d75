"""What a capture gives: a step as a graph, its arrays, and when it still is the step."""

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from steepest.compiler.capture.gradients import Gradient
from steepest.compiler.capture.guard import Guard
from steepest.compiler.capture.recording import Before
from steepest.compiler.capture.snapshot import Snapshot, watched
from steepest.compiler.graph import Graph, Value
from steepest.tensors import UNKEPT

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
    result     what the step returned, with Tensors replaced by positions in graph.outputs
    met        the tensors that live between steps, as they have to stay
    gradients  what happens to the `.grad` of those of which it does not stay
    read       arrays whose numbers are frozen, and those numbers
    """

    graph: Graph
    arrays: dict[Value, np.ndarray]
    result: Any
    watches: bool
    guard: Guard
    met: list[Before]
    gradients: list[Gradient]
    read: list[tuple[np.ndarray, np.ndarray]]

    def __post_init__(self) -> None:
        self._snapshot: Snapshot | None = None
        moving = {id(x.tensor) for x in self.gradients}
        self._graded = [x for x in self.met if id(x.tensor) not in moving]
        self._found = [x for x in self.gradients if x.found]
        self._moved = [x for x in self.gradients if x.moves]
        self._spent = [x.tensor for x in self.gradients if x.after is UNKEPT]

    def stale(self) -> str | None:
        """What has changed since, in words; None if the graph still is the step."""
        # Nearly always nothing has changed, and identities tell.
        if self._snapshot is None or not self._snapshot.same():
            changed = self._changed()
            if changed is not None:
                return changed
            tensors = ([x.tensor for x in known] for known in (self.met, self._graded))
            self._snapshot = Snapshot(self.guard.lasting, *tensors)
        for gradient in self._found:
            if not gradient.fits():
                return f"{self.guard.name(gradient.tensor) or 'a tensor'}.grad"
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

    def _changed(self) -> str | None:
        """The first tensor or object that is not as it was."""
        now = ([x.tensor for x in known] for known in (self.met, self._graded))
        owners = chain(self.met, self.met, self._graded)
        then = watched(self.met, self._graded)
        for before, x, y in zip(owners, watched(*now), then, strict=True):
            if x is not y:
                return self.guard.name(before.tensor) or "a tensor"
        return self.guard.changed()
