"""What a capture gives: a step as a graph, its arrays, and when it still is the step."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import is_
from typing import Any

import numpy as np

from steepest.compiler.capture.guard import Guard
from steepest.compiler.capture.snapshot import Outline, Snapshot, watched
from steepest.compiler.graph import Graph, Value
from steepest.tensors import Tensor

__all__ = ["Captured", "Output"]


class Output(int):
    """A position in a graph's outputs."""


@dataclass(eq=False)
class Captured:
    """A step as a graph, and what has to stay as it was for the graph to be the step.

    graph    inputs: one per inlet, in order, then those of `arrays`; outputs: those of `result`,
             and, if the program `watches`, whether a condition of an error is met
    arrays   the array of every tensor that lives between steps
    spans    of those that the step changes, and maybe more, apart and in the order of memory
    result   what the step returned, with Tensors replaced by positions in graph.outputs
    guard    what the step reaches, when it is asked for
    met      the tensors that live between steps
    were     what these have to keep
    read     arrays whose numbers are frozen, and those numbers
    """

    graph: Graph
    arrays: dict[Value, np.ndarray]
    spans: list[tuple[int, int]]
    result: Any
    watches: bool
    guard: Callable[[], Guard]
    met: list[Tensor]
    were: list[Any]
    read: list[tuple[np.ndarray, np.ndarray]]
    snapshot: Snapshot | None = None

    def stale(self) -> str | None:
        """What has changed since, in words; None if the graph still is the step."""
        # Nearly always nothing has changed, and identities tell.
        if self.snapshot is None or not self.snapshot.same():
            guard = self.guard()
            changed = self._changed(guard)
            if changed is not None:
                return changed
            things = guard.lasting
            self.snapshot = Snapshot(things, Outline(things), self.met)
        for array, numbers in self.read:
            if not np.array_equal(array, numbers, equal_nan=True):
                return "a number that the step reads from a tensor or an array"
        return None

    def _changed(self, guard: Guard) -> str | None:
        """The first tensor or object that is not as it was."""
        were = self.were
        for number, tensor in enumerate(self.met):
            if not all(map(is_, watched([tensor]), were[number :: len(self.met)])):
                return guard.name(tensor) or "a tensor"
        return guard.changed()
