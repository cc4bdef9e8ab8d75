"""Placed: the tensors and the arrays that steps of one form have in the same places."""

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from steepest.compiler.capture.snapshot import picker
from steepest.compiler.spans import memory, spans
from steepest.tensors import UNKEPT, Tensor

__all__ = ["Placed", "Places"]

# What a tensor that is nothing but memory with a gradient has in its dict.
_SIMPLE = frozenset({"grad"})

_look = attrgetter("node", "view_of", "requires_grad", "grad", "value")
_shaped = attrgetter("dtype", "shape", "strides")


class Placed(NamedTuple):
    """What a step has in the places.

    tensors  those that it reaches, in the order in which a guard comes by them
    arrays   their memory, their gradients', and the arrays that it reaches, each once
    spans    where each of these that is not empty begins and ends, in the order of memory
    """

    tensors: Sequence[Tensor]
    arrays: Sequence[np.ndarray]
    spans: list[tuple[int, int]]


class Places:
    """The places of the tensors and the arrays among the things that a step reaches."""

    def __init__(self, things: Sequence[Any]):
        each = [*enumerate(things)]
        self._tensors = picker([k for k, x in each if isinstance(x, Tensor)])
        self._arrays = picker([k for k, x in each if isinstance(x, np.ndarray)])
        self._looks, arrays = _looks(self._tensors(things))
        arrays += self._arrays(things)
        first: dict[tuple, int] = {}
        same = [first.setdefault(memory(x), k) for k, x in enumerate(arrays)]
        self._again = [(k, other) for k, other in enumerate(same) if k != other]
        self._each = picker([*first.values()])
        self._filled = picker([k for k in first.values() if arrays[k].size])

    @property
    def simple(self) -> bool:
        """Whether all tensors are nothing but memory with a gradient."""
        return None not in self._looks

    def of(self, things: Sequence[Any]) -> Placed | None:
        """What another step has in the places; None where it is something else there."""
        tensors = self._tensors(things)
        looks, arrays = _looks(tensors)
        if looks != self._looks:
            return None
        arrays += self._arrays(things)
        if any(memory(arrays[k]) != memory(arrays[other]) for k, other in self._again):
            return None
        return Placed(tensors, self._each(arrays), sorted(spans(self._filled(arrays))))


def _looks(tensors: Sequence[Tensor]) -> tuple[list[Any], list[np.ndarray]]:
    """What tensors are apart from their numbers, and their memory; then the same of their
    gradients, and of these. None of those that are not simple."""
    looks: list[Any] = []
    arrays: list[np.ndarray] = []
    while tensors:
        nodes, bases, wanted, grads, values = zip(*map(_look, tensors), strict=True)
        here = [(grad is not None) + (grad is UNKEPT) for grad in grads]
        simple = not any(nodes) and not any(bases)
        simple = simple and _SIMPLE.issuperset(chain.from_iterable(map(vars, tensors)))
        shapes = [*map(_shaped, values)]
        looks.append(([*map(type, tensors)], wanted, here, shapes) if simple else None)
        arrays += values
        tensors = [grad for grad in grads if grad is not None and grad is not UNKEPT]
    return looks, arrays
