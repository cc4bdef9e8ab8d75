"""Forms: what a step is apart from the numbers in its tensors.

Steps of one form run the same code on objects that hold the same, but for tensors of the same
shapes in the same places. What one of them is traced into is what all are traced into: of
sixty-four trainings of one network the first is traced, and the tensors of the others take the
places of its own. To find out that a step is of a known form costs far less than a guard of its
own, so it gets one only when somebody asks.
"""

import weakref
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from itertools import chain
from operator import attrgetter, call, is_
from types import FunctionType
from typing import Any

import numpy as np

from steepest.compiler.capture.guard import PLAIN, Guard, is_plain, of_compiler
from steepest.compiler.capture.levels import Levels, Number
from steepest.compiler.capture.placed import Placed, Places
from steepest.compiler.capture.snapshot import LONGEST, Outline, Snapshot, picker
from steepest.tensors import Tensor

__all__ = ["Fellow", "Form", "form_of"]

_EXACT = frozenset({str, bool, int, type(None)})  # equal ones of one kind are the same
_code = attrgetter("__code__")


class _Formless(Exception):
    """The step reaches something of which two steps cannot have one each."""


def form_of(guard: Guard, stepped: Sequence[Tensor]) -> "Form | None":
    """The form of the step that a guard has walked, or None where it has none of its own.

    Args:
        stepped: the tensors among those it reaches that are not like others.
    """
    long = any(len(entries) > LONGEST for _, entries in guard.walked)
    if long or not guard.whole:
        return None
    try:
        form = Form(guard, stepped)
    except (_Formless, KeyError):  # or one that is stepped is not reached
        return None
    return form if form.places.simple else None


class Form:
    """The form of the step that a guard has walked; it keeps nothing of that step alive.

    Most steps have no fellow; how to find one quickly is found out for the first that may be one.

    places   of the tensors and the arrays
    entries  what each thing that the step reaches holds, with numbers for things
    lasting  picks those that can hold something else later
    """

    def __init__(self, guard: Guard, stepped: Sequence[Tensor]):
        things, numbers = [thing for thing, _ in guard.walked], guard.numbers
        marks = {at: Number(number) for at, number in numbers.items()}
        self.entries = [
            [(marks.get(id(key), key), marks.get(id(x), x)) for key, x in entries]
            for _, entries in guard.walked
        ]
        held = chain.from_iterable(chain.from_iterable(self.entries))  # numbers are plain, too
        if not all(issubclass(kind, PLAIN) for kind in {*map(type, held)}):
            raise _Formless
        self._kinds = [*map(type, things)]
        self._things = _Things(guard)
        self._stepped = picker([numbers[id(x)] for x in stepped])
        self.lasting = picker([numbers[id(x)] for x in guard.lasting])
        self.places = Places(things)
        self._outline: Outline | None = None

    @cached_property
    def _levels(self) -> Levels:
        return Levels(self._kinds, self.entries)

    @cached_property
    def _held(self) -> "_Held":
        return _Held(self._levels.held)

    def fellow(self, step: Any, stepped: Sequence[Tensor]) -> "Fellow | None":
        """A step as one of this form; None where it is of another."""
        walked = self._levels.walk(step)
        if walked is None:
            return None
        things, held = walked
        if (
            self._held.same(things, held)
            and self._things.same(things)
            and [*map(id, self._stepped(things))] == [*map(id, stepped)]
        ):
            placed = self.places.of(things)
            return placed and Fellow(self, things, placed)
        return None

    def outline(self, things: list[Any]) -> Outline:
        """That of what lasts of these things, and of any other step's."""
        if self._outline is None:
            self._outline = Outline(self.lasting(things))
        return self._outline


class Fellow:
    """A step of a form.

    placed  its tensors and arrays
    """

    def __init__(self, form: Form, things: list[Any], placed: Placed):
        self._form, self._things, self.placed = form, things, placed

    def snapshot(self, tensors: Sequence[Tensor], graded: Sequence[Tensor]) -> Snapshot:
        """Of what it reaches, and of these tensors."""
        things = self._things
        return Snapshot(self._form.lasting(things), self._form.outline(things), tensors, graded)

    def guard(self) -> Guard:
        """What it reaches, as it was when it was found to be of the form."""
        things = self._things
        walked = [
            (thing, [(_thing(key, things), _thing(x, things)) for key, x in entries])
            for thing, entries in zip(things, self._form.entries, strict=True)
        ]
        return Guard(walked, whole=True)


class _Held:
    """What the things that a step reaches hold: other such things, and what is plain."""

    def __init__(self, held: Sequence[Any]):
        each = [*enumerate(held)]
        references = [(at, x) for at, x in each if type(x) is Number]
        plain = [(at, x) for at, x in each if type(x) is not Number]
        exact = [(at, x) for at, x in plain if type(x) in _EXACT]
        inexact = [(at, x) for at, x in plain if type(x) not in _EXACT]
        self._references, self._numbers = _picked(references), picker([x for _, x in references])
        self._plain, self._kinds = _picked(plain), [type(x) for _, x in plain]
        self._exact, self._equal = _picked(exact), [x for _, x in exact]
        self._inexact, self._written = _picked(inexact), [_written(x) for _, x in inexact]

    def same(self, things: list[Any], held: list[Any]) -> bool:
        """Whether another step's things hold each other in the same way, and what is plain is the
        same."""
        return (
            len({*map(id, things)}) == len(things)
            and all(map(is_, self._references(held), self._numbers(things)))
            and all(map(is_, map(type, self._plain(held)), self._kinds))
            and [*self._exact(held)] == self._equal
            and [*map(_written, self._inexact(held))] == self._written
        )


class _Things:
    """What is the same of the things themselves in all steps of a form."""

    def __init__(self, guard: Guard):
        functions: list[int] = []
        sets: list[int] = []
        arrays: list[int] = []
        ones: list[int] = []
        for number, (thing, entries) in enumerate(guard.walked):
            if isinstance(thing, np.ndarray):
                arrays.append(number)
            elif type(thing) is FunctionType:
                functions.append(number)
            elif type(thing) is set and all(map(is_plain, thing)):
                sets.append(number)
            elif isinstance(thing, type) or not (
                entries or isinstance(thing, Tensor) or of_compiler(type(thing))
            ):
                ones.append(number)
        things = [thing for thing, _ in guard.walked]
        self._functions, self._sets, self._arrays = map(picker, (functions, sets, arrays))
        self._codes = [*map(_code, self._functions(things))]
        self._members = [*map(frozenset, self._sets(things))]
        self._numbers = [*map(_numbers, self._arrays(things))]
        if None in self._numbers:
            raise _Formless
        self._ones = picker(ones)
        try:
            self._those = [*map(weakref.ref, self._ones(things))]
        except TypeError:
            raise _Formless from None

    def same(self, things: list[Any]) -> bool:
        """Whether those of another step are the same in these respects."""
        return (
            all(map(is_, self._ones(things), map(call, self._those)))
            and [*map(_code, self._functions(things))] == self._codes
            and [*map(frozenset, self._sets(things))] == self._members
            and [*map(_numbers, self._arrays(things))] == self._numbers
        )


def _numbers(array: np.ndarray) -> Hashable:
    """What is equal for arrays that hold the same; None of a long one."""
    return (array.dtype, array.shape, array.tobytes()) if array.size <= LONGEST else None


def _written(x: Any) -> Hashable:
    """Something that is equal for the same plain things of one kind only."""
    if type(x) is float:
        return x.hex()  # 0.0 and -0.0 are equal
    return x.tobytes() if isinstance(x, np.generic) else x


def _picked(each: Sequence[tuple[int, Any]]) -> Callable[[Any], Sequence[Any]]:
    return picker([at for at, _ in each])


def _thing(x: Any, things: list[Any]) -> Any:
    return things[x] if type(x) is Number else x
