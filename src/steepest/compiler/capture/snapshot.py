"""Snapshot: do some Python objects still hold the very same things? Answered at every call.

What the objects hold is found once, as live views and accessors; asking again is a few passes over
them without Python code in between: about 50 ns for each thing held, and 25 for its name. Where to
look is the same for all objects that look alike, and found once for all of them: their outline.
"""

import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import attrgetter, call, is_, itemgetter
from types import CodeType, FunctionType, ModuleType
from typing import Any

__all__ = [
    *("LONGEST", "Outline", "Snapshot", "attributes", "dict_of", "itself", "names_in"),
    *("of_library", "picker", "slots_of", "watched"),
]

LONGEST = 1000  # entries of a container that are looked at
_content = attrgetter("cell_contents")
_attributes_dict = attrgetter("__dict__")
_traced = attrgetter("traced")
_value, _grad, _requires_grad = map(attrgetter, ("value", "grad", "requires_grad"))
_DEFAULTS = attrgetter("__defaults__"), attrgetter("__kwdefaults__")
_BOXES = (dict, list, deque, type, FunctionType)  # of all else, an object's class may change
_Read = tuple[Callable[[Any], Any], Any]  # a function, and what to call it with


class Outline:
    """Where to look in some dicts, lists, functions, classes and objects.

    What they hold, they hold in boxes: the containers themselves, or the dict of an object. An
    outline is that of all things of the same kinds that hold as much, under the same names.

    boxes   of the things
    empty   picks those of which it says all that they are empty
    full    picks the others, which have these `lengths`
    named   picks those whose keys are the same where they are equal: `names`
    viewed  picks what to look through, by `viewers`
    objects picks the things of which the class or the dict is asked for, by `askers`
    asked   picks those that hold something in no box
    """

    def __init__(self, things: Sequence[Any]):
        pairs = [(number, boxer) for number, x in enumerate(things) for boxer in _boxers(x)]
        self._boxers = [boxer for _, boxer in pairs]
        self._boxed = picker([number for number, _ in pairs])
        boxes = self.boxes(things)
        full = [number for number, box in enumerate(boxes) if len(box)]
        # Of a dict in which a step finds tensors in place of numbers, `asked` says what it holds.
        seen = [k for k in full if boxes[k] is not things[pairs[k][0]] or not _is_traced(boxes[k])]
        dicts = [k for k in seen if not isinstance(boxes[k], list | deque)]
        named = [k for k in dicts if _is_named(boxes[k])]
        keyed = [k for k in dicts if not _is_named(boxes[k])]
        self.empty = picker([number for number, box in enumerate(boxes) if not len(box)])
        self.full, self.lengths = picker(full), [len(boxes[k]) for k in full]
        self.named, self.namers = picker(named), [_keys(boxes[k]) for k in named]
        self.names = [*chain.from_iterable(map(call, self.namers, self.named(boxes)))]
        self.viewed = picker(keyed + seen)
        self.viewers = [_keys(boxes[k]) for k in keyed] + [_values(boxes[k]) for k in seen]
        self.asked = picker([number for number, x in enumerate(things) if _is_asked(x)])
        objects = [number for number, x in enumerate(things) if not isinstance(x, _BOXES)]
        holders = [number for number, boxer in pairs if boxer is dict_of]
        self.objects = picker(objects + holders)
        self.askers = [type] * len(objects) + [_attributes_dict] * len(holders)

    def boxes(self, things: Sequence[Any]) -> list[Any]:
        return [*map(call, self._boxers, self._boxed(things))]


class Snapshot:
    """The identities of all that some things hold, and of what tensors have to keep.

    It keeps what it has seen alive, so no identity is given twice.
    """

    def __init__(
        self,
        things: Sequence[Any],
        outline: Outline,
        tensors: Sequence[Any],
        graded: Sequence[Any],
    ):
        self._tensors, self._graded = tensors, graded
        boxes = outline.boxes(things)
        self._empty, self._sized = outline.empty(boxes), outline.full(boxes)
        self._lengths, self._names = outline.lengths, outline.names
        self._named = [*map(call, outline.namers, outline.named(boxes))]
        self._views = [*map(call, outline.viewers, outline.viewed(boxes))]
        reads = [*chain.from_iterable(map(_reads_of, outline.asked(things)))]
        self._asked = [*outline.askers, *(read for read, _ in reads)]
        self._about = [*outline.objects(things), *(thing for _, thing in reads)]
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


def picker(numbers: Sequence[int]) -> Callable[[Any], Sequence[Any]]:
    """A function that gives of a sequence what is at these positions."""
    if len(numbers) > 1:
        return itemgetter(*numbers)
    return lambda held: [held[number] for number in numbers]


def itself(thing: Any) -> Any:
    return thing


def _boxers(thing: Any) -> tuple[Callable[[Any], Any], ...]:
    """How to come from a thing to the containers in which it holds what it holds."""
    if isinstance(thing, dict | list | deque):
        return (itself, _traced) if _is_traced(thing) else (itself,)
    if isinstance(thing, type):
        return (vars,)
    return () if isinstance(thing, FunctionType) or dict_of(thing) is None else (dict_of,)


def _is_traced(thing: Any) -> bool:
    """Whether a thing is a dict in which a traced step finds tensors in place of some numbers."""
    return isinstance(thing, dict) and hasattr(thing, "traced")


def _is_named(box: Any) -> bool:
    return all(type(key) is str for key in box)


def _keys(box: Any) -> Callable[[Any], Iterable]:
    if len(box) > LONGEST:
        return lambda box: _Head(box.keys())
    return dict.keys if isinstance(box, dict) else type(box).keys


def _values(box: Any) -> Callable[[Any], Iterable]:
    if isinstance(box, list | deque):
        return itself if len(box) <= LONGEST else _Head
    if len(box) > LONGEST:
        return lambda box: _Head(box.values())
    return dict.values if isinstance(box, dict) else type(box).values


def _is_asked(thing: Any) -> bool:
    kind: Any = type(thing)
    return _is_traced(thing) or isinstance(thing, FunctionType) or bool(slots_of(kind))


def _reads_of(thing: Any) -> Iterator[_Read]:
    """What to ask a thing besides what is in its boxes."""
    if _is_traced(thing):
        get = dict.get.__get__(thing)  # what the dict holds, whatever its class makes of it
        yield from ((get, key) for key in thing if key not in thing.traced)
    elif isinstance(thing, FunctionType):
        yield from _reads_of_function(thing)
    else:
        kind: Any = type(thing)
        yield from ((_read(name), thing) for name in slots_of(kind))


def watched(tensors: Sequence[Any], graded: Sequence[Any]) -> Iterator[Any]:
    """What tensors have to keep, besides their numbers, for a program to be the step; the graded
    ones their gradient, too."""
    return chain(map(_value, tensors), map(_requires_grad, tensors), map(_grad, graded))


def _reads_of_function(function: FunctionType) -> Iterator[_Read]:
    """Its variables, its defaults, the globals that a user's one names, and what modules among them
    hold."""
    for cell in function.__closure__ or ():
        yield _content if _contents(cell) is not None else _contents, cell
    for read in _DEFAULTS:
        yield read, function
    if of_library(function):
        return
    names = names_in(function.__code__)
    held = function.__globals__
    modules = [held[x] for x in names if isinstance(held.get(x), ModuleType)]
    for read in (held.get, *(vars(module).get for module in modules)):
        yield from ((read, name) for name in names)


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
    kind: Any = type(thing)
    for name in slots_of(kind):
        if hasattr(thing, name):
            held[name] = getattr(thing, name)
    return held


@functools.cache
def slots_of(kind: Any) -> tuple[str, ...]:
    """The slots of objects of a class, but for those that no step reads, as it says."""
    given = (vars(base).get("__slots__", ()) for base in kind.__mro__)
    names = chain.from_iterable((x,) if isinstance(x, str) else x for x in given)
    unread = getattr(kind, "__unread__", ())
    return tuple(name for name in names if not name.startswith("__") and name not in unread)


@functools.cache
def names_in(code: CodeType) -> tuple[str, ...]:
    """Every global and attribute that a function names, in functions inside it too; sorted."""
    inner = (names_in(c) for c in code.co_consts if isinstance(c, CodeType))
    return tuple(sorted({*code.co_names}.union(*inner)))


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
