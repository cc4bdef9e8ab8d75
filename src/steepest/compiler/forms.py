"""Forms: what a step is apart from the numbers in its tensors.

Steps of one form run the same code on objects that hold the same, but for tensors of the same
shapes in the same places. What one of them is traced into is what all are traced into: of
sixty-four trainings of one network the first is traced, and the tensors of the others take the
places of its own.
"""

import weakref
from collections.abc import Callable, Hashable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from steepest.compiler.guard import Guard, is_plain, of_compiler
from steepest.compiler.recording import memory
from steepest.compiler.snapshot import LONGEST
from steepest.tensors import Tensor

__all__ = ["Form", "form_of"]

# What a tensor that is nothing but memory with a gradient has.
_SIMPLE = frozenset({"value", "version", "synced", "requires_grad", "grad", "node", "view_of"})


_EXACT = frozenset({bool, int, type(None)})  # equal ones of one kind are the same


class Form:
    """The form of a step, and what this step has in the places that differ from step to step.

    key      equal for steps of one form
    tensors  those that the step reaches, in the order in which the guard comes by them
    arrays   their memory, and their gradients', each once
    """

    def __init__(self) -> None:
        self.key: Hashable = None
        self.tensors: list[Tensor] = []
        self.arrays: list[np.ndarray] = []
        self._places: dict[tuple, int] = {}

    def place(self, array: np.ndarray) -> int:
        """The number of an array among `arrays`; a KeyError if it is none of them."""
        return self._places[memory(array)]

    def add(self, array: np.ndarray) -> int:
        """The same, of an array that becomes one of them."""
        number = self._places.setdefault(memory(array), len(self.arrays))
        if number == len(self.arrays):
            self.arrays.append(array)
        return number


class _Formless(Exception):
    """The step reaches something of which two steps cannot have one each."""


class _Same:
    """A thing that has to be the very same one in all steps of a form; it is not kept alive."""

    def __init__(self, thing: Any):
        try:
            self._thing: Callable[[], Any] = weakref.ref(thing)
        except TypeError:
            raise _Formless from None
        self._hash = id(thing)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._thing() is other._thing() is not None


def form_of(guard: Guard, frozen: Hashable, apart: Sequence[Tensor]) -> Form | None:
    """The form of the step that a guard has walked, or None where it has none of its own.

    Args:
        frozen: what else the step depends on.
        apart: the tensors among those it reaches that are not like others.
    """
    form, numbers = Form(), guard.numbers
    if not guard.whole:
        return None
    try:
        walked = [_of(thing, held, numbers, form) for thing, held in guard.walked]
        form.key = frozen, *(numbers[id(x)] for x in apart), *walked
    except (_Formless, KeyError):  # or one that is apart is not reached
        return None
    return form


def _of(thing: Any, held: list[tuple[Any, Any]], numbers: dict[int, int], form: Form) -> Hashable:
    if isinstance(thing, Tensor):
        form.tensors.append(thing)
        return _of_tensor(thing, form)
    if not held:
        return _of_empty(thing, form)
    if len(held) > LONGEST:
        raise _Formless
    kind: Any = type(thing)
    if kind is FunctionType:
        kind = thing.__code__
    elif isinstance(thing, type):
        kind = _Same(thing)
    # Nearly all keys are names, and what a step reaches holds hundreds of things.
    return kind, *[
        (
            key if type(key) is str else _reference(key, numbers),
            numbers.get(id(x)) or _reference(x, numbers),
        )
        for key, x in held
    ]


def _of_empty(thing: Any, form: Form) -> Hashable:
    """Of what the guard does not look into."""
    kind: Any = type(thing)
    if isinstance(thing, np.ndarray):
        if thing.size > LONGEST:
            raise _Formless
        return form.add(thing), thing.dtype.str, thing.shape, thing.tobytes()
    if kind is set and all(map(is_plain, thing)):
        return kind, frozenset(thing)
    return kind if of_compiler(kind) else _Same(thing)


def _reference(x: Any, numbers: dict[int, int]) -> Hashable:
    """A number for what the guard has come by; what is plain as it is, with what kind it is of."""
    kind = type(x)
    if kind is str:
        return x
    if kind in _EXACT:
        return kind, x
    if kind is float:
        return kind, x.hex()  # 0.0 and -0.0 are equal
    if isinstance(x, np.generic):
        return kind, x.tobytes()
    return (kind, x) if is_plain(x) else numbers[id(x)]


def _of_tensor(x: Tensor, form: Form) -> Hashable:
    if x.node is not None or x.view_of is not None or not _SIMPLE.issuperset(vars(x)):
        raise _Formless
    grad = None if x.grad is None else _of_tensor(x.grad, form)
    value = x.value
    known = value.dtype.str, value.shape, value.strides
    return type(x), x.requires_grad, grad, form.add(value), *known
