"""Levels: all that a step reaches, read the way that a guard has gone on another step.

A level is what is equally far from the step. It is read in a few passes without Python code in
between, where a guard looks at one thing after the other.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import call, is_
from typing import Any, NamedTuple

from steepest.compiler.capture.guard import held_by, is_object, is_sequence
from steepest.compiler.capture.snapshot import dict_of, itself, picker, slots_of

__all__ = ["Levels", "Number"]

_Entries = Sequence[tuple[Any, Any]]


class Number(int):
    """A thing, by where among those that a guard has walked it is."""


class _Level(NamedTuple):
    """Things that are equally far from the step.

    kinds    the class of each
    holders  picks those that hold something
    readers  how to read what each of these holds
    counts   how much that is
    found    picks from all of it the things of the next level
    """

    kinds: list[type]
    holders: Callable[[Any], Sequence[Any]]
    readers: list[Callable[[Any], Any]]
    counts: list[int]
    found: Callable[[Any], Sequence[Any]]


class Levels:
    """The way of a guard.

    Args:
        kinds, entries: of all that it has walked, with numbers for things.

    held  what the things of all levels hold, one after the other
    """

    def __init__(self, kinds: Sequence[type], entries: Sequence[_Entries]):
        self._levels: list[_Level] = []
        self.held: list[Any] = []
        start, stop = 0, 1
        while start < stop:
            here = range(start, stop)
            found = (x for k in here for _, x in entries[k] if type(x) is Number)
            start, stop = stop, max(stop - 1, *found, 0) + 1
            read = [(k, _read(kinds[k], entries[k])) for k in here if entries[k]]
            held = [*chain.from_iterable(contents for _, (_, contents) in read)]
            first = {x: at for at, x in reversed([*enumerate(held)]) if type(x) is Number}
            self._levels.append(
                _Level(
                    [kinds[k] for k in here],
                    picker([k - here[0] for k, _ in read]),
                    [reader for _, (reader, _) in read],
                    [len(contents) for _, (_, contents) in read],
                    picker([first[Number(k)] for k in range(start, stop)]),
                )
            )
            self.held += held
        namers = [(k, _namer(kinds[k], each)) for k, each in enumerate(entries) if each]
        named = [(k, namer) for k, namer in namers if namer is not None]
        self._named, self._namers = picker([k for k, _ in named]), [namer for _, namer in named]
        self._names = [key for k, _ in named for key, _ in _own(kinds[k], entries[k])]

    def walk(self, step: Any) -> tuple[list[Any], list[Any]] | None:
        """The things that a step reaches and what they hold; None where they are of other kinds,
        hold more or less, or under other names."""
        things: list[Any] = []
        held: list[Any] = []
        level: Sequence[Any] = [step]
        for kinds, holders, readers, counts, found in self._levels:
            if not all(map(is_, map(type, level), kinds)):
                return None
            things += level
            contents = [*map(call, readers, holders(level))]
            if [*map(len, contents)] != counts:
                return None
            here = [*chain.from_iterable(contents)]
            held += here
            level = found(here)
        names = self._all_names(things)
        same = {*map(type, names)} <= {str} and names == self._names
        return (things, held) if same else None

    def _all_names(self, things: list[Any]) -> list[Any]:
        return [*chain.from_iterable(map(call, self._namers, self._named(things)))]


def _read(kind: type, entries: _Entries) -> tuple[Callable[[Any], Any], Sequence[Any]]:
    """How to read what a thing holds, and what that is; without the names under which it does if
    these can be compared apart."""
    if is_sequence(kind):
        return itself, [x for _, x in entries[1:]]
    if _namer(kind, entries) is None:
        return _in_turns, [*chain.from_iterable(entries)]
    if issubclass(kind, dict):
        return dict.values, [x for _, x in entries[1:]]
    return _attributes, [x for _, x in entries]


def _own(kind: type, entries: _Entries) -> _Entries:
    """Those of what is in a dict or in an object's, without its length or its class."""
    return entries[1:] if issubclass(kind, dict) else entries[:-1]


def _namer(kind: type, entries: _Entries) -> Callable[[Any], Iterable] | None:
    """How to read the names under which a thing holds what it holds; None where they are no
    strings, or made up."""
    own: Any = kind
    if issubclass(kind, dict):
        plain = not kind.__dictoffset__ and all(type(key) is str for key, _ in entries[1:])
        return dict.keys if plain else None
    return dict_of if is_object(kind) and kind.__dictoffset__ and not slots_of(own) else None


def _attributes(thing: Any) -> tuple[Any, ...]:
    return *dict_of(thing).values(), type(thing)


def _in_turns(thing: Any) -> tuple[Any, ...]:
    """Names and what is held under them."""
    return (*chain.from_iterable(held_by(thing)),)
