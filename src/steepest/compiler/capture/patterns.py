"""Patterns: what the captures of all steps of one form have in common.

A step whose form is known is not traced: its tensors take the places that those of the traced one
have in its graph.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steepest.compiler.capture.captured import Captured
from steepest.compiler.capture.forms import Form
from steepest.compiler.capture.gradients import Gradient
from steepest.compiler.capture.guard import Guard, is_plain
from steepest.compiler.capture.recording import Before
from steepest.compiler.capture.snapshot import LONGEST
from steepest.compiler.graph import Graph, Value
from steepest.tensors import Tensor

__all__ = ["keep", "known"]

_KEPT = 64
_patterns: "OrderedDict[Hashable, _Pattern]" = OrderedDict()
_lock = threading.Lock()


@dataclass(eq=False)
class _Pattern:
    """A capture in which numbers stand for the tensors and the arrays of the step's form.

    places  how many arrays there are
    arrays  per input its array's number
    met     the tensors that the step meets
    grads   those whose gradient does not stay, and what happens to it
    common  those that the form knows nothing of: the library's own, the same for all steps
    read    the arrays whose numbers the step has looked at, and those numbers
    """

    graph: Graph
    result: Any
    watches: bool
    places: int
    arrays: dict[Value, int]
    met: list[int]
    grads: list[tuple[int, Gradient]]
    common: list[Before]
    read: list[tuple[int, np.ndarray]]


def keep(captured: Captured, form: Form) -> None:
    """Remember a capture for other steps of its form, if all its tensors have places in it."""
    tensors = {id(x): number for number, x in enumerate(form.tensors)}
    common = [before for before in captured.met if id(before.tensor) not in tensors]
    alone = all(before.value.size <= LONGEST for before in common)
    own = all(id(x.tensor) in tensors and not x.gives for x in captured.gradients)
    if not (alone and own and _only_outputs(captured.result)):
        return
    for before in common:
        form.add(before.value)
    try:
        arrays = {value: form.place(array) for value, array in captured.arrays.items()}
        read = [(form.place(array), numbers) for array, numbers in captured.read]
    except KeyError:  # an array of no tensor that the form knows
        return
    pattern = _Pattern(
        captured.graph,
        captured.result,
        captured.watches,
        len(form.arrays),
        arrays,
        met=[tensors[id(x.tensor)] for x in captured.met if id(x.tensor) in tensors],
        grads=[(tensors[id(x.tensor)], x) for x in captured.gradients],
        common=common,
        read=read,
    )
    with _lock:
        _patterns[form.key] = pattern
        while len(_patterns) > _KEPT:
            _patterns.popitem(last=False)


def known(form: Form, guard: Guard) -> Captured | None:
    """The capture of a step whose form is known; None where it has to be traced."""
    with _lock:
        pattern = _patterns.get(form.key)
        if pattern is None:
            return None
        _patterns.move_to_end(form.key)
    for before in pattern.common:
        form.add(before.tensor.value)
    if not _fits(pattern, form):
        return None
    met = [_now(form.tensors[number]) for number in pattern.met]
    met += [_now(before.tensor) for before in pattern.common]
    arrays = {value: form.arrays[number] for value, number in pattern.arrays.items()}
    read = [(form.arrays[number], numbers) for number, numbers in pattern.read]
    grads = [replace(x, tensor=form.tensors[number]) for number, x in pattern.grads]
    return Captured(pattern.graph, arrays, pattern.result, pattern.watches, guard, met, grads, read)


def _fits(pattern: _Pattern, form: Form) -> bool:
    """Whether what a form does not say is the same, too."""
    read = [(form.arrays[number], numbers) for number, numbers in pattern.read]
    return (
        len(form.arrays) == pattern.places
        and form.apart
        and all(np.array_equal(array, numbers, equal_nan=True) for array, numbers in read)
        and all(_is_as_it_was(before) for before in pattern.common)
    )


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
