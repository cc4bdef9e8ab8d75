"""Snapshot: do some Python objects still hold the very same things? Answered at every call.

What the objects hold is found once, as live views and accessors; asking again is a few passes over
them without Python code in between: about 50 ns for each thing held, and 25 for its name.
"""

import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import attrgetter, call, is_
from types import CodeType, FunctionType, ModuleType
from typing import Any

__all__ = ["LONGEST", "Snapshot", "attributes", "names_in", "of_library", "watched"]

LONGEST = 1000  # entries of a container that are looked at
_content = attrgetter("cell_contents")
_attributes_dict = attrgetter("__dict__")
_value, _grad, _requires_grad = map(attrgetter, ("value", "grad", "requires_grad"))
_DEFAULTS = attrgetter("__defaults__"), attrgetter("__kwdefaults__")


class Snapshot:
    """The identities of all that some dicts, lists, functions, classes and objects hold, and of
    what tensors have to keep.

    It keeps what it has seen alive, so no identity is given twice.
    """

    def __init__(self, things: Iterable[Any], tensors: Sequence[Any], graded: Sequence[Any]):
        self._tensors, self._graded = tensors, graded
        self._empty: list[Any] = []  # containers; of these it says all that they are empty
        self._sized: list[Any] = []  # the others
        self._named: list[Iterable] = []  # of keys which are the same where they are equal
        self._views: list[Iterable] = []  # of all else that they hold
        reads: list[tuple[Callable[[Any], Any], Any]] = []
        for thing in things:
            if isinstance(thing, dict) and hasattr(thing, "traced"):
                reads += self._see_traced(thing)
            elif isinstance(thing, dict):
                self._see_dict(thing)
            elif isinstance(thing, list | deque):
                self._see(thing, thing)
            elif isinstance(thing, FunctionType):
                reads += _reads_of_function(thing)
            elif isinstance(thing, type):
                self._see(vars(thing), vars(thing).values(), vars(thing).keys())
            else:
                reads += self._see_object(thing)
        self._asked = [read for read, _ in reads]
        self._about = [thing for _, thing in reads]
        self._lengths = [*map(len, self._sized)]
        self._names = [*chain.from_iterable(self._named)]
        self._held = [*self._now()]

    def same(self) -> bool:
        """Whether everything that is held is the same as when the snapshot was taken."""
        try:
            return (
                not any(self._empty)
                and [*map(len, self._sized)] == self._lengths
                and [*chain.from_iterable(self._named)] == self._names
                and all(map(is_, self._now(), self._held))
            )
        except (AttributeError, ValueError):  # an attribute or a variable is gone
            return False

    def _now(self) -> Iterator[Any]:
        views, reads = chain.from_iterable(self._views), map(call, self._asked, self._about)
        return chain(views, reads, watched(self._tensors, self._graded))

    def _see(self, thing: Any, values: Any, keys: Any = None) -> None:
        if not len(thing):
            self._empty.append(thing)
            return
        self._sized.append(thing)
        self._views.append(_head(values))
        if keys is not None:
            named = all(type(key) is str for key in keys)
            (self._named if named else self._views).append(_head(keys))

    def _see_dict(self, thing: dict) -> None:
        self._see(thing, dict.values(thing), dict.keys(thing))

    def _see_traced(self, thing: Any) -> Iterator[tuple[Callable[[Any], Any], Any]]:
        """A dict in which a traced step finds tensors in place of some numbers."""
        self._sized.append(thing)
        self._see_dict(thing.traced)
        get = dict.get.__get__(thing)  # what the dict holds, whatever its class makes of it
        return ((get, key) for key in thing if key not in thing.traced)

    def _see_object(self, thing: Any) -> Iterator[tuple[Callable[[Any], Any], Any]]:
        yield type, thing
        for name in _slots(thing):
            yield _read(name), thing
        if dict_of(thing) is not None:
            yield _attributes_dict, thing
            self._see_dict(dict_of(thing))


def watched(tensors: Sequence[Any], graded: Sequence[Any]) -> Iterator[Any]:
    """What tensors have to keep, besides their numbers, for a program to be the step; the graded
    ones their gradient, too."""
    return chain(map(_value, tensors), map(_requires_grad, tensors), map(_grad, graded))


def _reads_of_function(function: FunctionType) -> Iterator[tuple[Callable[[Any], Any], Any]]:
    """Its variables, its defaults, the globals that a user's one names, and what modules among them
    hold."""
    for cell in function.__closure__ or ():
        yield _content if _contents(cell) is not None else _contents, cell
    for read in _DEFAULTS:
        yield read, function
    if of_library(function):
        return
    names = sorted(names_in(function.__code__))
    held = function.__globals__
    modules = [held[x] for x in names if isinstance(held.get(x), ModuleType)]
    for read in (held.get, *(vars(module).get for module in modules)):
        yield from ((read, name) for name in names)


def _head(view: Any) -> Iterable:
    """Of what a container holds, as much as is looked at."""
    return view if len(view) <= LONGEST else _Head(view)


class _Head:
    """The beginning of a long container."""

    def __init__(self, view: Any):
        self.view = view

    def __iter__(self) -> Iterator[Any]:
        return islice(iter(self.view), LONGEST)


def dict_of(thing: Any) -> Any:
    """The dict of an object's attributes, or None; whatever its own `__getattr__` would make up."""
    try:
        return object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return None


def attributes(thing: Any) -> dict[str, Any]:
    """What an object holds by name, in its dict or in slots."""
    held = dict(dict_of(thing) or ())
    for name in _slots(thing):
        if hasattr(thing, name):
            held[name] = getattr(thing, name)
    return held


def _slots(thing: Any) -> tuple[str, ...]:
    kind: Any = type(thing)
    return _slots_of(kind)


@functools.cache
def _slots_of(kind: Any) -> tuple[str, ...]:
    given = (vars(base).get("__slots__", ()) for base in kind.__mro__)
    names = chain.from_iterable((x,) if isinstance(x, str) else x for x in given)
    return tuple(name for name in names if not name.startswith("__"))


@functools.cache
def names_in(code: CodeType) -> frozenset[str]:
    """Every global and attribute that a function names, in functions inside it too."""
    inner = (names_in(c) for c in code.co_consts if isinstance(c, CodeType))
    return frozenset(code.co_names).union(*inner)


def of_library(function: FunctionType) -> bool:
    """Whether a function is the library's own, which reads no globals that change."""
    return function.__module__ is not None and function.__module__.startswith("steepest")


@functools.cache
def _read(name: str) -> Callable[[Any], Any]:
    return lambda thing: getattr(thing, name, None)


def _contents(cell: Any) -> Any:
    """What a variable of a closure holds; None where nothing is assigned to it yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return None
