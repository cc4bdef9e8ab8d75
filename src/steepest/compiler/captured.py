"""What a capture gives: a step as a graph, its arrays, and when it still is the step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter, is_
from typing import Any

import numpy as np

from steepest.compiler.graph import Graph, Value
from steepest.compiler.guard import Guard
from steepest.compiler.recording import Before

__all__ = ["Captured", "Output"]

_value, _grad, _requires_grad = map(attrgetter, ("value", "grad", "requires_grad"))


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
        self._tensors = [before.tensor for before in self.met]
        self._held = [*_watched(self.met)]

    def stale(self) -> str | None:
        """What has changed since, in words; None if the graph still is the step."""
        if not all(map(is_, _watched(self._tensors), self._held)):
            for before in self.met:
                if not all(map(is_, _watched([before.tensor]), _watched([before]))):
                    return self.guard.name(before.tensor) or "a tensor"
        for array, numbers in self.read:
            if not np.array_equal(array, numbers, equal_nan=True):
                return "a number that the step reads from a tensor or an array"
        return self.guard.changed()


def _watched(tensors: Sequence[Any]) -> Iterator[Any]:
    """What tensors have to keep, besides their numbers, for a program to be the step."""
    return chain(map(_value, tensors), map(_grad, tensors), map(_requires_grad, tensors))
