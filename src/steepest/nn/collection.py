"""Modules and parameters held by name, and parameters in a list. They compute nothing."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from steepest.core import said
from steepest.nn.module import Module, framed
from steepest.nn.parameter import Parameter
from steepest.tensors import Tensor

__all__ = ["ModuleDict", "ParameterDict", "ParameterList"]


class _Named(Module):
    """What ModuleDict and ParameterDict share: a dictionary whose values belong to the module."""

    def _held(self) -> dict[str, Any]:
        raise NotImplementedError(type(self).__name__)

    def _keep(self, key: str, value: Any) -> None:
        raise NotImplementedError(type(self).__name__)

    def __getitem__(self, key: str) -> Any:
        return self._held()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._keep(key, value)

    def __delitem__(self, key: str) -> None:
        del self._held()[key]

    def __len__(self) -> int:
        return len(self._held())

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._held()))

    def __contains__(self, key: str) -> bool:
        return key in self._held()

    def keys(self) -> Iterable[str]:
        """The names, in order."""
        return self._held().keys()

    def values(self) -> Iterable[Any]:
        """What is held, in order."""
        return self._held().values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and what they name."""
        return self._held().items()

    def pop(self, key: str) -> Any:
        """Take one out and return it."""
        return self._held().pop(key)

    def clear(self) -> None:
        """Take all out."""
        self._held().clear()

    def update(self, given: Any) -> None:
        """Add, or replace, what a mapping or an iterable of pairs holds."""
        pairs = given.items() if isinstance(given, Mapping | _Named) else given
        for key, value in pairs:
            self[key] = value

    def arguments(self) -> tuple[tuple, dict[str, Any]]:
        return (dict(self.items()),), {}


class ModuleDict(_Named):
    """A dictionary whose modules belong to the module that holds it. It computes nothing by itself.

        ModuleDict({"left": Linear(3, 1), "right": Linear(4, 1)})

    Args:
        modules: a mapping, or pairs of a name and a module.

    Raises:
        KeyError: a name of no module.
    """

    def __init__(self, modules: Any = None):
        super().__init__()
        self.update(modules or {})

    def _held(self) -> dict[str, Any]:
        return self._modules

    def _keep(self, key: str, value: Any) -> None:
        self.add_module(key, value)


class ParameterDict(_Named):
    """A dictionary of parameters, listed and saved with the module that holds it.

    Args:
        parameters: a mapping, or pairs of a name and a parameter; tensors become parameters.

    Raises:
        KeyError: a name of no parameter.
    """

    def __init__(self, parameters: Any = None):
        super().__init__()
        self.update(parameters or {})

    def _held(self) -> dict[str, Any]:
        return self._parameters

    def _keep(self, key: str, value: Any) -> None:
        self.register_parameter(key, _parameter(value))

    def __repr__(self) -> str:
        return framed(type(self).__name__, _listed(self.items()))


class ParameterList(Module):
    """A list of parameters, listed and saved with the module that holds it.

    Args:
        values: the first of them, in order; tensors become parameters.

    Raises:
        IndexError: an index of no parameter.
    """

    def __init__(self, values: Iterable[Any] | None = None):
        super().__init__()
        self.extend(values or ())

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(list(self._parameters.values()))

    def __getitem__(self, index: int | slice) -> Any:
        found = list(self)[index]
        return ParameterList(found) if isinstance(found, list) else found

    def __setitem__(self, index: int, value: Any) -> None:
        if not -len(self) <= index < len(self):
            limit = f"below {len(self)}"
            raise IndexError(said("ParameterList", f"no index {index}", expected=limit))
        self._parameters[str(index % len(self))] = _parameter(value)

    def append(self, value: Any) -> "ParameterList":
        """Put a parameter at the end; returns the list."""
        self.register_parameter(str(len(self)), _parameter(value))
        return self

    def extend(self, values: Iterable[Any]) -> "ParameterList":
        """Put several parameters at the end; returns the list."""
        for value in list(values):
            self.append(value)
        return self

    def arguments(self) -> tuple[tuple, dict[str, Any]]:
        return (list(self),), {}

    def __repr__(self) -> str:
        return framed(type(self).__name__, _listed(self._parameters.items()))


def _parameter(value: Any) -> Any:
    return Parameter(value) if type(value) is Tensor else value


def _listed(items: Iterable[tuple[str, Any]]) -> list[str]:
    return [f"({name}): Parameter of shape {p.shape}, {p.dtype}" for name, p in items]
