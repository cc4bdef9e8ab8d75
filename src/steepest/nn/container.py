"""Modules made of modules: in a row, or in a list."""

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from steepest.core import said
from steepest.nn.module import Module, framed
from steepest.tensors import Tensor

__all__ = ["ModuleList", "Sequential"]


class _Row(Module):
    """What Sequential and ModuleList share: numbered modules in order."""

    def _name_of(self, index: Any) -> str:
        i, count = operator.index(index), len(self)
        if not -count <= i < count:
            raise IndexError(
                said(type(self).__name__, f"index {i} is out of range", expected=f"below {count}")
            )
        return list(self._modules)[i]

    def _renumber(self, modules: Iterable[Module]) -> None:
        self.__dict__["_modules"] = {str(i): module for i, module in enumerate(modules)}

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._part(index)
        return self._modules[self._name_of(index)]

    def _part(self, part: slice) -> Any:
        raise NotImplementedError(type(self).__name__)

    def __setitem__(self, index: int, module: Module) -> None:
        self.add_module(self._name_of(index), module)

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._modules)
        gone = names[index] if isinstance(index, slice) else [self._name_of(index)]
        self._renumber(module for name, module in self._modules.items() if name not in gone)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def append(self, module: Module) -> Any:
        """Put a module at the end; returns the container."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Put several modules at the end; returns the container."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> None:
        """Put a module before the one at `index`."""
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)

    def pop(self, index: int) -> Any:
        """Take a module out and return it."""
        module = self[index]
        del self[index]
        return module


class Sequential(_Row):
    """Modules one after the other: each gets what the one before it gave.

        Sequential(Linear(2, 16), Tanh(), Linear(16, 1))
        Sequential(OrderedDict(hidden=Linear(2, 16), act=Tanh(), out=Linear(16, 1)))

    Indexing gives a module, a range gives a Sequential that shares its modules.

    Args:
        args: the modules, named by their numbers, or one OrderedDict with names for them.

    Raises:
        IndexError: an index of no module.
    """

    def __init__(self, *args: Any):
        super().__init__()
        named = len(args) == 1 and isinstance(args[0], OrderedDict)
        pairs = args[0].items() if named else ((str(i), m) for i, m in enumerate(args))
        for name, module in pairs:
            self.add_module(name, module)

    def forward(self, input: Tensor) -> Tensor:
        for module in self:
            input = module(input)
        return input

    def _part(self, part: slice) -> Any:
        return type(self)(OrderedDict(list(self._modules.items())[part]))

    def __add__(self, other: "Sequential") -> "Sequential":
        return Sequential(*self, *other)

    def arguments(self) -> tuple[tuple, dict[str, Any]]:
        numbered = list(self._modules) == [str(i) for i in range(len(self))]
        return (tuple(self) if numbered else (OrderedDict(self._modules),)), {}


class ModuleList(_Row):
    """A list whose modules belong to the module that holds it. It computes nothing by itself.

        self.layers = ModuleList([Linear(8, 8) for _ in range(3)])

    Args:
        modules: the first of them, in order.

    Raises:
        TypeError: a dictionary. IndexError: an index of no module.
    """

    def __init__(self, modules: Iterable[Module] | None = None):
        super().__init__()
        if isinstance(modules, Mapping):
            raise TypeError(said("ModuleList", "expected a list of modules", got="a dict"))
        self.extend(modules or ())

    def _part(self, part: slice) -> Any:
        return ModuleList(list(self)[part])

    def __add__(self, other: Iterable[Module]) -> "ModuleList":
        return ModuleList([*self, *other])

    def arguments(self) -> tuple[tuple, dict[str, Any]]:
        return (list(self),), {}

    def __repr__(self) -> str:
        """Equal neighbours are written once: (0-2): 3 x Linear(...)."""
        blocks: list[list[Any]] = []
        for i, text in enumerate(map(repr, self)):
            if blocks and blocks[-1][2] == text:
                blocks[-1][1] = i
            else:
                blocks.append([i, i, text])
        lines = [
            f"({i}): {text}" if i == j else f"({i}-{j}): {j - i + 1} x {text}"
            for i, j, text in blocks
        ]
        return framed(type(self).__name__, lines)
