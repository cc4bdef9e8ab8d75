"""Snapshot: do some Python objects still hold the very same things? Answered at every call.

What the objects hold is found once, as live views and accessors; asking again is one pass over
identities without Python code in between: about 30 ns for each thing held.
"""

import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from operator import attrgetter, is_
from types import CodeType, FunctionType, ModuleType
from typing import Any

__all__ = ["LONGEST", "Snapshot", "attributes", "names_in", "of_library"]

LONGEST = 1000  # entries of a container that are looked at
_END = (object(),)  # ends the things held, so that a longer row of them is another one
_content = attrgetter("cell_contents")
_attributes_dict = attrgetter("__dict__")


class Snapshot:
    """The identities of all that some dicts, lists, functions, classes and objects hold.

    It keeps what it has seen alive, so no identity is given twice.
    """

    def __init__(self, things: Iterable[Any]):
        self._views: list[Iterable] = []
        self._sized: list[Any] = []
        self._reads: list[tuple[Callable[[Any], Any], Iterable]] = []
        cells: list[Any] = []
        functions: list[FunctionType] = []
        objects: list[Any] = []
        for thing in things:
            if isinstance(thing, dict) and hasattr(thing, "traced"):
                self._see_traced(thing)
            elif isinstance(thing, dict):
                self._see(thing, dict.keys(thing), dict.values(thing))
            elif isinstance(thing, list | deque):
                self._see(thing, thing)
            elif isinstance(thing, FunctionType):
                functions.append(thing)
                cells += thing.__closure__ or ()
                self._see_globals(thing)
            elif isinstance(thing, type):
                self._see(vars(thing), vars(thing).keys(), vars(thing).values())
            else:
                objects.append(thing)
                self._reads += [(_read(name), (thing,)) for name in _slots(thing)]
        dicts = [thing for thing in objects if dict_of(thing) is not None]
        for thing in dicts:
            self._see(dict_of(thing), dict.keys(dict_of(thing)), dict.values(dict_of(thing)))
        full = [cell for cell in cells if _contents(cell) is not None]
        self._reads += [
            (_content, full),
            (_contents, [cell for cell in cells if _contents(cell) is None]),
            (attrgetter("__defaults__"), functions),
            (attrgetter("__kwdefaults__"), functions),
            (type, objects),
            (_attributes_dict, dicts),
        ]
        self._reads = [(read, things) for read, things in self._reads if things]
        self._lengths = [*map(len, self._sized)]
        self._held = [*self._now()]

    def same(self) -> bool:
        """Whether everything that is held is the same as when the snapshot was taken."""
        try:
            lengths = [*map(len, self._sized)]
            return lengths == self._lengths and all(map(is_, self._now(), self._held))
        except (AttributeError, ValueError):  # an attribute or a variable is gone
            return False

    def _now(self) -> Iterator[Any]:
        reads = [map(read, things) for read, things in self._reads]
        return chain(chain.from_iterable(self._views), *reads, _END)

    def _see(self, thing: Any, *views: Any) -> None:
        self._sized.append(thing)
        if len(thing):  # of an empty one, its length says all
            self._views += views if len(thing) <= LONGEST else map(_Head, views)

    def _see_traced(self, thing: Any) -> None:
        """A dict in which a traced step finds tensors in place of some numbers."""
        frozen = [key for key in thing if key not in thing.traced]
        self._sized.append(thing)
        self._reads += [
            (functools.partial(dict.get, thing), frozen),
            (thing.traced.get, thing.traced),
        ]

    def _see_globals(self, function: FunctionType) -> None:
        """The globals that a function of the user's names, and what modules among them hold."""
        if of_library(function):
            return
        names = sorted(names_in(function.__code__))
        held = function.__globals__
        self._reads.append((held.get, names))
        modules = [held[x] for x in names if isinstance(held.get(x), ModuleType)]
        self._reads += [(vars(module).get, names) for module in modules]


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
