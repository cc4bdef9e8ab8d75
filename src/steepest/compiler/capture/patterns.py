"""Patterns: what the captures of all steps of one form have in common.

A step whose form is known is not traced: its tensors take the places that those of the traced one
have in its graph.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from steepest.compiler.capture.captured import Captured
from steepest.compiler.capture.forms import Form, form_of
from steepest.compiler.capture.gradients import Gradient
from steepest.compiler.capture.guard import Guard, is_plain
from steepest.compiler.capture.placed import Placed
from steepest.compiler.capture.recording import Before
from steepest.compiler.capture.snapshot import LONGEST, watched
from steepest.compiler.graph import Graph, Value
from steepest.compiler.spans import apart, memory, spans
from steepest.tensors import Tensor

__all__ = ["keeper", "known"]

_KEPT = 64
_patterns: "OrderedDict[Hashable, list[_Pattern]]" = OrderedDict()  # the last used first
_lock = threading.Lock()


@dataclass(eq=False)
class _Pattern:
    """A capture in which numbers stand for the tensors and the arrays of the step's form.

    arrays  per input its array's number
    met     the tensors that the step meets
    graded  those of them whose gradient stays
    moved   the others, and what happens to it
    common  those that the form knows nothing of: the library's own, the same for all steps
    read    the arrays whose numbers the step has looked at, and those numbers
    """

    form: Form
    graph: Graph
    result: Any
    watches: bool
    arrays: dict[Value, int]
    met: list[int]
    graded: list[int]
    moved: list[tuple[int, tuple]]
    common: list[Before]
    read: list[tuple[int, np.ndarray]]

    def capture(self, step: Any, stepped: Sequence[Tensor]) -> Captured | None:
        """The capture of another step; None where it has to be traced."""
        fellow = self.form.fellow(step, stepped)
        if fellow is None or not all(map(_is_as_it_was, self.common)):
            return None
        tensors, common = fellow.placed.tensors, [before.tensor for before in self.common]
        more = [x.value for x in common]
        arrays = [*fellow.placed.arrays, *more]
        read = [(arrays[number], numbers) for number, numbers in self.read]
        places = fellow.placed.spans
        if more:
            places = sorted([*places, *spans(more)])
        if not (
            apart(places)
            and all(np.array_equal(array, numbers, equal_nan=True) for array, numbers in read)
        ):
            return None
        met, graded = ([*(tensors[k] for k in ks), *common] for ks in (self.met, self.graded))
        return Captured(
            self.graph,
            {value: arrays[number] for value, number in self.arrays.items()},
            places,
            self.result,
            self.watches,
            fellow.guard,
            met,
            graded,
            [*watched(met, graded)],
            [Gradient(tensors[number], *moved) for number, moved in self.moved],
            read,
            fellow.snapshot(met, graded),
        )


def keeper(
    key: Hashable, guard: Guard, stepped: Sequence[Tensor]
) -> Callable[[Captured], None] | None:
    """What keeps the capture of the step that a guard has walked for others of its form; None where
    it has none. To be called before the step is traced, which may change its tensors."""
    form = form_of(guard, stepped)
    if form is None:
        return None
    things = [thing for thing, _ in guard.walked]
    placed = form.places.of(things)
    if placed is None:
        return None
    return lambda captured: _keep(_with_code(key, things[0]), form, placed, captured)


def _keep(key: Hashable, form: Form, placed: Placed, captured: Captured) -> None:
    """Remember a capture, if all its tensors have places in the form."""
    tensors = {id(x): number for number, x in enumerate(placed.tensors)}
    common = [_now(x) for x in captured.met if id(x) not in tensors]
    alone = all(before.value.size <= LONGEST for before in common)
    own = all(id(x.tensor) in tensors and not x.gives for x in captured.gradients)
    if not (alone and own and _only_outputs(captured.result)):
        return
    arrays = [*placed.arrays, *(before.value for before in common)]
    numbers = {memory(array): number for number, array in enumerate(arrays)}
    try:
        places = {value: numbers[memory(array)] for value, array in captured.arrays.items()}
        read = [(numbers[memory(array)], seen) for array, seen in captured.read]
    except KeyError:  # an array of no tensor that the form knows
        return
    pattern = _Pattern(
        form,
        captured.graph,
        captured.result,
        captured.watches,
        places,
        met=[tensors[id(x)] for x in captured.met if id(x) in tensors],
        graded=[tensors[id(x)] for x in captured.graded if id(x) in tensors],
        moved=[(tensors[id(x.tensor)], x.moved) for x in captured.gradients],
        common=common,
        read=read,
    )
    with _lock:
        _patterns.setdefault(key, []).insert(0, pattern)
        _patterns.move_to_end(key)
        while sum(map(len, _patterns.values())) > _KEPT:
            eldest = next(iter(_patterns))
            _patterns[eldest].pop()
            if not _patterns[eldest]:
                del _patterns[eldest]


def known(key: Hashable, step: Any, stepped: Sequence[Tensor]) -> Captured | None:
    """The capture of a step whose form is known; None where it has to be traced.

    Args:
        key: what else the step depends on.
        stepped: the tensors among those that it reaches that are not like others.
    """
    key = _with_code(key, step)
    with _lock:
        patterns = [*_patterns.get(key, ())]
    for number, pattern in enumerate(patterns):
        captured = pattern.capture(step, stepped)
        if captured is not None:
            with _lock:
                _patterns[key] = [pattern, *patterns[:number], *patterns[number + 1 :]]
                _patterns.move_to_end(key)
            return captured
    return None


def _with_code(key: Hashable, step: Any) -> Hashable:
    """The key of the steps among which one of a form is looked for: those of the same code."""
    code = isinstance(step, FunctionType | MethodType) and getattr(step, "__code__", None)
    return key, code or type(step).__qualname__


def _is_as_it_was(before: Before) -> bool:
    now, grads = _now(before.tensor), (before.tensor.grad, before.grad)
    return (
        now.value is before.value
        and now.node is before.node
        and now.requires_grad == before.requires_grad
        and all(grad is None for grad in grads)
    )


def _now(x: Tensor) -> Before:
    return Before(x, x.value, x.grad, x.node, x.requires_grad)


def _only_outputs(result: Any) -> bool:
    """Whether a result holds nothing of the step that gave it."""
    if type(result) in (list, tuple):
        return all(map(_only_outputs, result))
    if type(result) is dict:
        return all(map(_only_outputs, result.values()))
    return is_plain(result)
