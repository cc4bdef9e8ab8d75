"""Forms: what a step is apart from the numbers in its tensors.

Steps of one form run the same code on objects that hold the same, but for tensors of the same
shapes in the same places. What one of them is traced into is what all are traced into: of
sixty-four trainings of one network the first is traced, and the tensors of the others take the
places of its own.
"""

import weakref
from collections.abc import Callable, Hashable, Sequence
from itertools import chain, pairwise
from types import FunctionType
from typing import Any

import numpy as np

from steepest.compiler.capture.guard import Guard, is_plain, of_compiler
from steepest.compiler.capture.snapshot import LONGEST
from steepest.compiler.spans import memory, span
from steepest.tensors import UNKEPT, Tensor

__all__ = ["Form", "form_of"]

# What a tensor that is nothing but memory with a gradient has.
_SIMPLE = frozenset({"value", "version", "synced", "requires_grad", "grad", "node", "view_of"})

_EXACT = frozenset({str, bool, int, type(None)})  # equal ones of one kind are the same


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

    @property
    def apart(self) -> bool:
        """Whether no two of the arrays share memory."""
        spans = sorted(
            (start, start + array.nbytes) if array.flags.c_contiguous else span(array)
            for (start, *_), array in zip(self._places, self.arrays, strict=True)
        )
        return all(stop <= start for (_, stop), (start, _) in pairwise(spans))


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
        things = [_of(thing, len(held), form) for thing, held in guard.walked]
        entries = chain.from_iterable(held for _, held in guard.walked)
        held = _references([*chain.from_iterable(entries)], numbers)
        form.key = frozen, *(numbers[id(x)] for x in apart), *things, held
    except (_Formless, KeyError):  # or one that is apart is not reached
        return None
    return form


def _of(thing: Any, entries: int, form: Form) -> Hashable:
    """What a thing is, apart from what it holds, and in how many entries."""
    kind: Any = type(thing)
    if isinstance(thing, Tensor):
        form.tensors.append(thing)
        return _of_tensor(thing, form)
    if not entries:
        return _of_empty(thing, form)
    if entries > LONGEST:
        raise _Formless
    if kind is FunctionType:
        return thing.__code__, entries
    return _Same(thing) if isinstance(thing, type) else kind, entries


def _of_empty(thing: Any, form: Form) -> Hashable:
    """Of what the guard does not look into."""
    kind: Any = type(thing)
    if isinstance(thing, np.ndarray):
        if thing.size > LONGEST:
            raise _Formless
        return form.add(thing), thing.dtype, thing.shape, thing.tobytes()
    if kind is set and all(map(is_plain, thing)):
        return kind, frozenset(thing)
    return kind if of_compiler(kind) else _Same(thing)


def _references(things: list[Any], numbers: dict[int, int]) -> Hashable:
    """A number for each that the guard has come by, None for the others; and these, which are plain
    and so as they are, with what kind each is of."""
    found = tuple(map(numbers.get, map(id, things)))
    plain = [x for x, number in zip(things, found, strict=True) if number is None]
    kinds = tuple(map(type, plain))
    inexact = {*kinds} - _EXACT
    if inexact:
        plain = [_exact(x) if kind in inexact else x for x, kind in zip(plain, kinds, strict=True)]
    return found, kinds, *plain


def _exact(x: Any) -> Hashable:
    """Something that is equal for the same plain things of one kind only."""
    if type(x) is float:
        return x.hex()  # 0.0 and -0.0 are equal
    if isinstance(x, np.generic):
        return x.tobytes()
    if not is_plain(x):
        raise _Formless
    return x


def _of_tensor(x: Tensor, form: Form) -> Hashable:
    if x.node is not None or x.view_of is not None or not _SIMPLE.issuperset(vars(x)):
        raise _Formless
    grad: Any = x.grad
    if grad is not None and grad is not UNKEPT:
        grad = _of_tensor(grad, form)
    value = x.value
    return type(x), x.requires_grad, grad, form.add(value), value.dtype, value.shape, value.strides
