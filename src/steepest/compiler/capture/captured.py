"""What a capture gives: a step as a graph, its arrays, and when it still is the step."""

from dataclasses import dataclass
from operator import is_
from typing import Any

import numpy as np

from steepest.compiler.capture.guard import Guard
from steepest.compiler.capture.recording import Before
from steepest.compiler.capture.snapshot import Snapshot, watched
from steepest.compiler.graph import Graph, Value

__all__ = ["Captured", "Output"]


class Output(int):
    """A position in a graph's outputs."""


@dataclass(eq=False)
class Captured:
    """A step as a graph, and what has to stay as it was for the graph to be the step.

    graph    inputs: one per inlet, in order, then those of `arrays`; outputs: those of `result`,
             and, if the program `watches`, whether a condition of an error is met
    arrays   the array of every tensor that lives between steps
    result   what the step returned, with Tensors replaced by positions in graph.outputs
    met      the tensors that live between steps, as they have to stay
    read     arrays whose numbers are frozen, and those numbers
    """

    graph: Graph
    arrays: dict[Value, np.ndarray]
    result: Any
    watches: bool
    guard: Guard
    met: list[Before]
    read: list[tuple[np.ndarray, np.ndarray]]

    def __post_init__(self) -> None:
        self._snapshot: Snapshot | None = None

    def stale(self) -> str | None:
        """What has changed since, in words; None if the graph still is the step."""
        # Nearly always nothing has changed, and identities tell.
        if self._snapshot is None or not self._snapshot.same():
            changed = self._changed()
            if changed is not None:
                return changed
            tensors = [before.tensor for before in self.met]
            self._snapshot = Snapshot(self.guard.lasting, tensors)
        for array, numbers in self.read:
            if not np.array_equal(array, numbers, equal_nan=True):
                return "a number that the step reads from a tensor or an array"
        return None

    def _changed(self) -> str | None:
        """The first tensor or object that is not as it was."""
        for before in self.met:
            if not all(map(is_, watched([before.tensor]), watched([before]))):
                return self.guard.name(before.tensor) or "a tensor"
        return self.guard.changed()
