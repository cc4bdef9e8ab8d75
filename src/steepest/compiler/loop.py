"""The loop: a captured step, simplified, compiled, bound to its arrays, and run many times.

A program is made once per text of its graph and kept for the life of the process: two trainings of
the same network share it. What the compiler was allowed to assume (ranges of labels, states that
are equal) is checked before every run.
"""

import threading
from collections import OrderedDict
from itertools import chain
from typing import Any

import numpy as np

from steepest.compiler.capture import Captured
from steepest.compiler.check import check
from steepest.compiler.graph import Graph, Value
from steepest.compiler.lower import lower
from steepest.compiler.program import Program
from steepest.compiler.refusal import NotCompilable, refusal
from steepest.compiler.simplify import merge_twins, simplify
from steepest.core import RequestError
from steepest.tensors import Tensor

__all__ = ["Loop", "program_for"]

_KEPT = 128
_programs: OrderedDict[str, Program] = OrderedDict()
_lock = threading.Lock()


def program_for(graph: Graph) -> Program:
    """The program of a simplified graph; the same one for the same text."""
    text = graph.text()
    with _lock:
        if text in _programs:
            _programs.move_to_end(text)
            return _programs[text]
    try:
        program = lower(check(graph))
    except RequestError as unsupported:
        raise NotCompilable(str(unsupported)) from unsupported
    with _lock:
        _programs[text] = program
        while len(_programs) > _KEPT:
            _programs.popitem(last=False)
    return program


class Loop:
    """A captured step as a native program on its arrays.

    program   what runs; `program.explain()` shows every stage
    """

    def __init__(self, captured: Captured):
        self.captured = captured
        graph, twins = merge_twins(simplify(captured.graph), _groups(captured))
        self.program = program_for(graph)
        # A program may have been made for an equal graph: inputs correspond by position.
        bound_to = dict(zip(graph.inputs, self.program.graph.inputs, strict=True))
        named = {x.name: x for x in graph.inputs}
        self._places: dict[str, Value] = {name: bound_to[x] for name, x in named.items()}
        self._arrays = {x.name: array for x, array in captured.arrays.items()}
        self._twins = {x.name: named[first.name].name for x, first in twins.items()}
        self._bound: Any = None

    def stale(self) -> str | None:
        """Why the program no longer is the step, in words; None while it is."""
        for twin, first in self._twins.items():
            if self._arrays[twin] != self._arrays[first]:
                return twin
        return self.captured.stale()

    def names_of(self, tensor: Tensor) -> list[str]:
        """The input that stands for a tensor of the step's own; none if it is not used."""
        return [name for name, array in self._arrays.items() if array is tensor.value]

    def run(
        self,
        arrays: dict[str, np.ndarray],
        index: np.ndarray | None,
        steps: int,
        outputs: list[np.ndarray],
        control: np.ndarray,
        *,
        sound: bool = False,
    ) -> int:
        """Run steps; tensors that live between steps are changed in place.

        Args:
            arrays: by name, the arrays of the inputs that are not tensors of the step's own.
            index: row numbers of the gathered arrays, (steps · batch).
            outputs: per output an array with one entry per step.
            control: as in `replay`.
            sound: keep the step whose loss is not finite, which is the last, from the state.

        Returns:
            The number of steps done.
        """
        self._check_apart(arrays)
        bound = self._on(arrays)
        done = bound.run(index, steps, outputs, control)
        if sound and control[2]:
            bound.load()
            batch = 0 if index is None else len(index) // steps
            again = None if index is None else index[: batch * (done - 1)]
            bound.run(again, done - 1, outputs, np.zeros_like(control))
        bound.save()
        for twin, first in self._twins.items():
            self._arrays[twin][...] = self._arrays[first]
        return done

    def _check_apart(self, arrays: dict[str, np.ndarray]) -> None:
        states = [x for x in self.captured.arrays if x.role == "state"]
        for array in arrays.values():
            for x in states:
                if np.may_share_memory(array, self.captured.arrays[x]):
                    raise refusal(
                        f"an argument shares its memory with {x.name}, which the step changes",
                        write="x.clone() as the argument",
                    )

    def _on(self, arrays: dict[str, np.ndarray]) -> Any:
        """The program with these arrays and with the state as it is now."""
        placed = {}
        for name, array in chain(self._arrays.items(), arrays.items()):
            value = self._places.get(name)
            if value is not None:
                placed[value] = _shaped(array, value)
        if self._bound is None:
            self._bound = self.program.bind(placed)
        else:
            self._bound.arrays.update(placed)
            self._bound.load()
        return self._bound


def _shaped(array: np.ndarray, value: Value) -> np.ndarray:
    """An array in the shape in which the program reads it: images may be rows there."""
    lead = 1 if value.role == "gathered" else 0
    shape = value.shape[lead:]
    if value.role == "stepped" or array.shape[lead:] == shape:
        return array
    return array.reshape(*array.shape[:lead], *shape)


def _groups(captured: Captured) -> list[list[Value]]:
    """States of one number that are equal now: candidates for being twins."""
    groups: dict[Any, list[Value]] = {}
    for x, array in captured.arrays.items():
        if x.role == "state" and array.shape == ():
            groups.setdefault((x.dtype, array.tobytes()), []).append(x)
    return list(groups.values())
