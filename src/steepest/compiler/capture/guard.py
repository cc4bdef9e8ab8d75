"""The guard: what a traced step takes for granted about the Python objects that it can reach.

Tracing freezes every Python number, list and branch. The guard walks the objects that a step can
reach (its closure, the globals that it names, attributes, containers) and keeps what it found, so
that a compiled step notices when a frozen number has changed since, and so that what tracing did
to Python objects can be undone. Tensors end the walk: their numbers are data.
"""

import functools
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from steepest.compiler.capture.snapshot import LONGEST, attributes, names_in, of_library
from steepest.tensors import Tensor

__all__ = [
    *("PLAIN", "Guard", "held_by", "is_object", "is_parameter", "is_plain", "is_sequence"),
    "of_compiler",
]

PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, np.dtype)
_FIXED = (tuple, MethodType, functools.partial)  # hold the same as long as they live
_MOST = 20_000  # objects that are looked at
_LENGTH = "the length"  # stands for the number of entries of a container
_IN_CLASS = (FunctionType, int, float, str, list, dict)  # what a class holds for its objects
# Attributes whose names say nothing to a reader of "model.0.weight".
_HIDDEN = ("_modules", "_parameters", "_buffers", "__wrapped__", "__class__", "__func__")


class Guard:
    """The Python objects that a function can reach, as they are now.

    walked   each of them, in the order in which the walk comes by it, and what it holds
    whole    whether the walk has come by all that the function can reach
    numbers  by identity, where among them it is
    """

    def __init__(self, walked: list[tuple[Any, list[tuple[Any, Any]]]], whole: bool):
        self.walked, self.whole = walked, whole
        self.numbers = {id(thing): number for number, (thing, _) in enumerate(walked)}

    @classmethod
    def of(cls, function: Any) -> "Guard":
        walked: list[tuple[Any, list[tuple[Any, Any]]]] = []
        things, known = [function], {id(function)}
        for thing in islice(things, _MOST):  # which grow meanwhile
            entries = [*held_by(thing)]
            walked.append((thing, entries))
            for _, x in entries:
                if id(x) not in known and not _is_plain(type(x)):
                    known.add(id(x))
                    things.append(x)
        return cls(walked, len(walked) == len(things))

    @property
    def lasting(self) -> list[Any]:
        """Those that can hold something else later."""
        return [thing for _, thing, _ in self._lasting()]

    @property
    def arrays(self) -> list[np.ndarray]:
        """Those that are arrays of NumPy."""
        return [thing for thing, _ in self.walked if isinstance(thing, np.ndarray)]

    @property
    def tensors(self) -> list[Tensor]:
        return [thing for thing, _ in self.walked if isinstance(thing, Tensor)]

    def name(self, tensor: Tensor) -> str:
        """What to call a tensor: "model.0.weight"; empty where the walk did not come by it."""
        number = self.numbers.get(id(tensor))
        return "" if number is None else self._written(self._paths[number])

    @functools.cached_property
    def _paths(self) -> "list[_Path]":
        """How the walk has come by each thing; most guards are never asked."""
        paths: list[_Path] = [None] * len(self.numbers)
        for path, (_, entries) in zip(paths, self.walked, strict=True):  # paths of these are known
            for key, x in entries:
                number = self.numbers.get(id(x), 0)
                if number and paths[number] is None:
                    paths[number] = path, key
        return paths

    def _written(self, path: "_Path") -> str:
        keys: list[Any] = []
        while path is not None:
            path, key = path
            keys.append(key)
        name = ""
        for key in reversed(keys):
            if isinstance(key, Tensor):
                name += f"[{self.name(key) or 'tensor'}]"
            elif key is _LENGTH:
                name = f"{_LENGTH} of {name}"
            elif isinstance(key, int):
                name += f"[{key}]"
            elif key not in _HIDDEN:
                name += f".{key}" if name else str(key)
        return name

    def changed(self, growing: bool = False) -> str | None:
        """The path to the first thing that is no longer as it was.

        Args:
            growing: new tensors in dicts and attributes do not count: an optimizer may make its
                averages in its first step.
        """
        for number, thing, entries in self._lasting():
            found = _difference(thing, entries, growing)
            if found is not None:
                path = self._paths[number]
                return self._written((path, *found) if found else path)
        return None

    def restore(self) -> None:
        """Undo what has been done to the containers and attributes since."""
        for _, thing, entries in self._lasting():
            if _difference(thing, entries, growing=False) is not None:
                _restore(thing, dict(entries))

    def _lasting(self) -> Iterator[tuple[int, Any, list[tuple[Any, Any]]]]:
        """What has been walked and can hold something else later: number, thing, what it held."""
        for number, (thing, entries) in enumerate(self.walked):
            if entries and not isinstance(thing, _FIXED):
                yield number, thing, entries


# How a walk comes by a thing: how it comes by what holds it, and its name or number there.
_Path = tuple[Any, Any] | None


# What an object holds that tracing would freeze: (name or number, value).
_Entries = Iterable[tuple[Any, Any]]


def held_by(thing: Any) -> _Entries:
    """What an object holds."""
    return _reader(type(thing))(thing)


def is_sequence(kind: type) -> bool:
    """Whether what objects of a class hold are the entries of a sequence."""
    return _reader(kind) is _of_sequence


def is_object(kind: type) -> bool:
    """Whether what objects of a class hold are their attributes, and the class."""
    return _reader(kind) is _of_object


def _reader_of(kind: type) -> Callable[[Any], _Entries]:
    """How to find what objects of a class hold."""
    for known, entries in _READERS.items():
        if issubclass(kind, known):
            return entries
    if of_compiler(kind):
        return _of_compiled
    return _of_nothing if _foreign(kind) else _of_object


_reader: Callable[[Any], Callable[[Any], _Entries]] = functools.cache(_reader_of)


def _of_nothing(thing: Any) -> _Entries:
    return ()


def _of_object(thing: Any) -> _Entries:
    return *attributes(thing).items(), ("__class__", type(thing))


def _of_compiled(thing: Any) -> _Entries:
    """A compiled step holds the step, which another one may call."""
    step = getattr(thing, "__wrapped__", None)
    return () if step is None else (("__wrapped__", step),)


def _of_dict(thing: dict) -> _Entries:
    held = thing if type(thing) is dict else {**thing, **getattr(thing, "traced", {})}
    if len(held) <= LONGEST:
        return (_LENGTH, len(thing)), *held.items()
    return (_LENGTH, len(thing)), *islice(held.items(), LONGEST)


def _of_sequence(thing: Any) -> _Entries:
    return (_LENGTH, len(thing)), *enumerate(islice(thing, LONGEST))


def _of_method(thing: MethodType) -> _Entries:
    return ("self", thing.__self__), ("__func__", thing.__func__)


def _of_partial(thing: functools.partial) -> _Entries:
    return ("func", thing.func), ("args", thing.args), ("keywords", thing.keywords)


def _of_class(thing: type) -> _Entries:
    if _foreign(thing) or thing.__module__.startswith("steepest"):
        return ()
    held = [(key, x) for key, x in vars(thing).items() if isinstance(x, _IN_CLASS)]
    return *held, *(("__class__", base) for base in thing.__bases__)


def _difference(thing: Any, entries: _Entries, growing: bool) -> tuple | None:
    """The key at which an object differs from what it was, () where something is gone."""
    before = {_identity(key): value for key, value in entries}
    for key, value in held_by(thing):
        old = before.pop(_identity(key), None)
        grown = _is_new(old, value) or (key is _LENGTH and isinstance(thing, dict))
        if not (growing and grown) and not _alike(old, value):
            return (key,)
    return () if before else None


def _restore(thing: Any, held: dict[Any, Any]) -> None:
    """Give an object back what it held."""
    length = held.pop(_LENGTH, 0)
    if isinstance(thing, dict):
        while len(thing) > (length if length > LONGEST else 0):
            thing.popitem()
        thing.update(held)
    elif isinstance(thing, list | deque):
        while len(thing) > length:
            thing.pop()
        for at, value in held.items():
            thing[at] = value
    elif isinstance(thing, FunctionType):
        _restore_function(thing, held)
    elif isinstance(thing, type):
        for key in held.keys() & vars(thing).keys():
            setattr(thing, key, held[key])
    else:
        for name in attributes(thing).keys() - held.keys():
            delattr(thing, name)
        for name in held.keys() - {"__class__"}:
            object.__setattr__(thing, name, held[name])


def of_compiler(kind: type) -> bool:
    """Whether a class is the compiler's, of which a step may only call the compiled ones."""
    return kind.__module__.startswith("steepest.compiler")


def is_parameter(x: Tensor) -> bool:
    """Whether a tensor may be given a gradient, now or when it is no longer frozen."""
    return x.requires_grad or type(x) is not Tensor


def is_plain(x: Any) -> bool:
    """Whether a thing is nothing but its value."""
    return _is_plain(type(x))


# Of a class; asked about everything that a step holds.
_is_plain: Callable[[Any], bool] = functools.cache(lambda kind: issubclass(kind, PLAIN))


def _foreign(kind: type) -> bool:
    """Objects of Python and of other libraries are not looked into."""
    root = kind.__module__.partition(".")[0]
    python = root in sys.stdlib_module_names and root not in ("types", "__main__")
    return python or root in ("numpy", "polars", "torch")


def _of_function(function: FunctionType) -> Iterator[tuple[Any, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    yield "defaults", function.__defaults__
    yield "keyword defaults", function.__kwdefaults__
    if not of_library(function):
        names, held = names_in(function.__code__), function.__globals__
        for name in names:
            if isinstance(held.get(name), ModuleType):
                attributes = vars(held[name])
                for attribute in names:
                    if isinstance(attributes.get(attribute), int | float | str | list | dict):
                        yield f"{name}.{attribute}", attributes[attribute]
            elif name in held and name not in function.__code__.co_freevars:  # if an attribute
                yield name, held[name]


_READERS: dict[type, Callable[[Any], _Entries]] = {
    **dict.fromkeys((Tensor, np.ndarray, ModuleType), _of_nothing),
    dict: _of_dict,
    **dict.fromkeys((list, tuple, deque), _of_sequence),
    FunctionType: _of_function,
    MethodType: _of_method,
    functools.partial: _of_partial,
    type: _of_class,
}


def _restore_function(function: FunctionType, held: dict[Any, Any]) -> None:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for name, cell in cells:
        if name in held:
            cell.cell_contents = held.pop(name)
    for name in held.keys() & function.__globals__.keys():
        function.__globals__[name] = held[name]


def _is_new(old: Any, value: Any) -> bool:
    """Whether nothing has become tensors that hold numbers."""
    if isinstance(value, dict):
        return old is None and all(_is_new(None, x) for x in value.values())
    return old is None and isinstance(value, Tensor) and isinstance(value.value, np.ndarray)


def _identity(key: Any) -> Any:
    return key if isinstance(key, str | int) else id(key)


def _alike(x: Any, y: Any) -> bool:
    if x is y:
        return True
    if type(x) is tuple is type(y):
        return len(x) == len(y) and all(map(_alike, x, y))
    return type(x) is type(y) and is_plain(x) and bool(x == y)
