"""Nested dicts, lists and tuples with tensors in them, as two things that a file can hold.

    apart({"epoch": 5, "w": tensor([1.0])})
    {"dict": [["epoch", 5], ["w", {"tensor": "w"}]]}    the nesting, as JSON has it
    {"w": array([1.])}                                  the tensors, named after their places

What JSON does not have is a dict with one entry: its kind, and what is in it. A dict of any kind
comes back as a dict, a tuple of any kind as a tuple, a number or an array of NumPy as a number or a
tensor; no class is named, so that reading a file cannot run anything.
"""

import math
from argparse import Namespace
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from steepest.core import RequestError, said
from steepest.nn import Module
from steepest.optim import Optimizer
from steepest.optim.lr_scheduler import LRScheduler
from steepest.tensors import Tensor, as_tensor

__all__ = ["apart", "together"]

Place = tuple[str | int, ...]  # the keys that lead to a part, from the outermost

_DEEPEST = 100  # levels; more would exhaust the stack of whoever reads the JSON

_INSTEAD: list[tuple[Any, str]] = [  # what to write, where the place is {}
    ((Module, Optimizer, LRScheduler), "{}.state_dict()"),
    ((set, frozenset), "sorted({})"),
    (PurePath, "str({})"),
    (Namespace, "vars({})"),
]


# ---- taking apart --------------------------------------------------------------------------------


def apart(obj: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """The nesting as JSON-able data, and the arrays by their names.

    Raises:
        RequestError: something that is neither, with its place; or something that holds itself.
    """
    arrays: dict[str, np.ndarray] = {}
    return _plain(obj, (), arrays), arrays


def _plain(x: Any, place: Place, arrays: dict[str, np.ndarray]) -> Any:
    """A part of the nesting as JSON-able data; its arrays join the others."""
    if len(place) > _DEEPEST:
        what = f"{_written(place[:3])} is nested too deeply, or holds itself"
        raise RequestError(said("save", what, expected=f"at most {_DEEPEST} levels"))
    x = _number(x)
    if x is None or isinstance(x, bool | int | str):
        return x
    if isinstance(x, float):
        return x if math.isfinite(x) else {"float": str(x)}
    if isinstance(x, Tensor | np.ndarray):
        return {"tensor": _named(x, place, arrays)}
    if isinstance(x, Mapping):
        items = [[_key(k, place), _plain(v, (*place, k), arrays)] for k, v in x.items()]
        return {"dict": items}
    if isinstance(x, list | tuple):
        parts = [_plain(part, (*place, i), arrays) for i, part in enumerate(x)]
        return parts if isinstance(x, list) else {"tuple": parts}
    found = _written(place)
    raise RequestError(
        said(
            "save",
            f"{found} cannot be saved",
            expected="tensors, numbers, texts, None, and lists, tuples and dicts of them",
            got=type(x).__name__,
            write=next((w.format(found) for kinds, w in _INSTEAD if isinstance(x, kinds)), None),
        )
    )


def _number(x: Any) -> Any:
    return x.item() if isinstance(x, np.generic) else x


def _key(key: Any, place: Place) -> str | int:
    key = _number(key)
    if not isinstance(key, str | int):
        what = f"a key of {_written(place)} cannot be saved"
        raise RequestError(said("save", what, expected="a text or an integer", got=repr(key)))
    return key


def _named(x: Any, place: Place, arrays: dict[str, np.ndarray]) -> str:
    """Keep the array in row order, which is how it is written, under a name of its own."""
    array = x.detach().numpy() if isinstance(x, Tensor) else x
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        what = f"{_written(place)} has a dtype that cannot be saved"
        expected = "bools, integers, or floats of up to 64 bits"
        raise RequestError(said("save", what, expected=expected, got=array.dtype))
    name = ".".join(map(str, place)) or "tensor"
    while name in arrays or name == "__metadata__":  # the format's own entry
        name += "_"
    arrays[name] = np.array(array, order="C")
    return name


def _written(place: Place) -> str:
    """The place as Python has it, `obj` being what was given to `save`."""
    return "obj" + "".join(f"[{key!r}]" for key in place)


# ---- putting together ----------------------------------------------------------------------------


def together(plain: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """What was taken apart.

    Raises:
        KeyError, TypeError, ValueError, RecursionError: `apart` wrote nothing like it.
    """
    if isinstance(plain, list):
        return [together(part, arrays) for part in plain]
    if not isinstance(plain, dict):
        return plain
    [(kind, content)] = plain.items()
    if kind == "float":
        return float(content)
    if kind == "tensor":
        return as_tensor(arrays[content])
    if kind == "tuple":
        return tuple(together(part, arrays) for part in content)
    if kind == "dict":
        return {key: together(value, arrays) for key, value in content}
    raise ValueError(f"no kind of part is named {kind!r}")
