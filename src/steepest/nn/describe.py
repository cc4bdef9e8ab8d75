"""A module's architecture as plain data, and back: what a saved model holds beside its weights.

    describe(Sequential(Linear(2, 1), Tanh()))
    {"class": "Sequential", "args": [{"class": "Linear", "args": [2, 1], "kwargs": {}}, ...], ...}

Only the library's own modules can be described: their names stand for code that everyone has. A
file that names anything else is refused, so loading a model cannot run code that came with it.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np

from steepest.core import RequestError, closest, said
from steepest.nn.container import Sequential
from steepest.nn.linear import Flatten, Identity, Unflatten
from steepest.nn.module import Module
from steepest.nn.softmax import LogSoftmax, Softmax
from steepest.tensors import Tensor, tensor

__all__ = ["build", "describe", "ends_in_softmax"]


def describe(module: Module) -> dict[str, Any]:
    """The architecture as JSON-able data: class, constructor arguments, and so on inward.

    Raises:
        RequestError: a class of the user's own; only its weights can be saved.
    """
    cls = type(module)
    if Module.library.get(cls.__name__) is not cls:
        raise RequestError(
            said(
                "describe",
                f"{cls.__name__} is a class of your own, and a saved model holds no code",
                expected="modules of steepest.nn",
                got=f"{cls.__module__}.{cls.__qualname__}",
                write=f"save the weights alone, model.state_dict(); to load them, "
                f"model = {cls.__name__}(...) and model.load_state_dict(weights)",
            )
        )
    args, kwargs = module.arguments()
    return {
        "class": cls.__name__,
        "args": [_plain(a) for a in args],
        "kwargs": {key: _plain(a) for key, a in kwargs.items()},
    }


def _plain(value: Any) -> Any:
    """An argument as JSON-able data; what JSON does not have is a dict with one key."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Module):
        return describe(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Tensor | np.ndarray):
        return {"tensor": value.tolist(), "dtype": str(value.dtype)}
    if isinstance(value, np.dtype | type):
        return {"dtype": np.dtype(value).name}
    if isinstance(value, Mapping):
        return {"modules": {key: _plain(v) for key, v in value.items()}}
    if isinstance(value, tuple):
        return {"tuple": [_plain(v) for v in value]}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    raise RequestError(said("describe", "this argument cannot be saved", got=repr(value)))


def build(description: Mapping[str, Any]) -> Module:
    """The module that was described, with freshly drawn weights.

    Raises:
        RequestError: an unknown class, or arguments that its constructor refuses.
    """
    try:
        name, args, kwargs = (description[key] for key in ("class", "args", "kwargs"))
        cls = Module.library.get(name)
        args = [_value(a) for a in args]
        kwargs = {key: _value(a) for key, a in kwargs.items()}
    except (KeyError, TypeError, AttributeError):
        raise RequestError(
            said("build", "not a description of a module", expected="class, args, kwargs")
        ) from None
    if cls is None:
        raise RequestError(said("build", f"unknown module {name!r}{closest(name, Module.library)}"))
    try:
        return cls(*args, **kwargs)
    except (TypeError, ValueError) as error:
        raise RequestError(said("build", f"{name} refused its arguments: {error}")) from error


def _value(plain: Any) -> Any:
    """The argument that `_plain` wrote."""
    if isinstance(plain, list):
        return [_value(v) for v in plain]
    if not isinstance(plain, Mapping):
        return plain
    if "class" in plain:
        return build(plain)
    if "tensor" in plain:
        return tensor(plain["tensor"], dtype=np.dtype(plain["dtype"]))
    if "dtype" in plain:
        return np.dtype(plain["dtype"])
    if "tuple" in plain:
        return tuple(_value(v) for v in plain["tuple"])
    return OrderedDict((key, _value(v)) for key, v in plain["modules"].items())


def ends_in_softmax(module: Module) -> str | None:
    """The path of a model's last layer if it is a softmax or its logarithm, else None.

    A cross entropy has a softmax inside and wants none before it. Layers that only change the shape
    are looked through. Only a Sequential has a known last layer; a module that is itself a softmax
    has the empty path.
    """
    if type(module) in (Softmax, LogSoftmax):
        return ""
    if not isinstance(module, Sequential):
        return None
    for name, child in reversed(module._modules.items()):
        if not isinstance(child, Identity | Flatten | Unflatten):
            inner = ends_in_softmax(child)
            return inner if inner is None else f"{name}.{inner}".rstrip(".")
    return None
