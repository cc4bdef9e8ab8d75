"""Attributes of a module: which are parameters, buffers or modules, and how to list them.

`self.weight = Parameter(...)` is all it takes. The three kinds are kept apart from other
attributes, in the order in which they were first given: that of `state_dict` and of the optimizer.
"""

from collections.abc import Iterator
from typing import Any

from steepest.core import closest, said
from steepest.nn.parameter import Parameter
from steepest.tensors import Tensor

__all__ = ["Registry"]

KINDS = {"_parameters": "parameter", "_buffers": "buffer", "_modules": "module"}


class Registry:
    """Holds parameters, buffers and modules as attributes, by PyTorch's rules."""

    # Buffers that are no part of `state_dict`; a module that has some has a set of its own.
    _non_persistent: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.__dict__.update({kind: {} for kind in KINDS})

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter | Registry):
            self._file("_parameters" if isinstance(value, Parameter) else "_modules", name, value)
            return
        for kind, word in KINDS.items():
            if name in self.__dict__.get(kind, ()):
                if value is not None and not (kind == "_buffers" and isinstance(value, Tensor)):
                    raise TypeError(
                        said(
                            type(self).__name__,
                            f"cannot assign '{type(value).__name__}' to the {word} {name!r}",
                            expected=f"a {word} or None",
                        )
                    )
                self.__dict__[kind][name] = value
                return
        object.__setattr__(self, name, value)

    def _file(self, kind: str, name: str, value: Any) -> None:
        """Keep a parameter or module under its name, and nothing else of that name."""
        self._check_ready(kind)
        for other in KINDS:
            if other != kind:
                self.__dict__[other].pop(name, None)
        self.__dict__.pop(name, None)
        self.__dict__[kind][name] = value

    def _check_ready(self, kind: str) -> None:
        if kind not in self.__dict__:
            raise AttributeError(
                said(
                    type(self).__name__,
                    f"cannot assign a {KINDS[kind]} before Module.__init__() call",
                    write="super().__init__() as the first line of __init__",
                )
            )

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        for kind in KINDS:
            if kind in own and name in own[kind]:
                return own[kind][name]
        near = closest(name, [key for kind in KINDS for key in own.get(kind, ())])
        hint = near if near.startswith(" (did") else ""
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'{hint}")

    def __delattr__(self, name: str) -> None:
        for kind in KINDS:
            if name in self.__dict__.get(kind, ()):
                del self.__dict__[kind][name]
                self._persist(name, True)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        held = [key for kind in KINDS for key in self.__dict__.get(kind, ()) if key.isidentifier()]
        return sorted({*super().__dir__(), *held})

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter; None keeps the name without a value (a layer without bias)."""
        self._check_name("_parameters", name, param, Parameter)
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that goes where the module goes but is not optimized.

        Args:
            persistent: whether it is part of `state_dict`.
        """
        self._check_name("_buffers", name, tensor, Tensor)
        self._buffers[name] = tensor
        self._persist(name, persistent)

    def _persist(self, name: str, persistent: bool) -> None:
        if persistent == (name in self._non_persistent):
            self.__dict__["_non_persistent"] = self._non_persistent ^ {name}

    def add_module(self, name: str, module: Any) -> None:
        """Add a module under a name that need not be an attribute's (such as "0")."""
        self._check_name("_modules", name, module, Registry)
        self._modules[name] = module

    register_module = add_module

    def _check_name(self, kind: str, name: Any, value: Any, wanted: type) -> None:
        where, word = type(self).__name__, KINDS[kind]
        self._check_ready(kind)
        if not isinstance(name, str):
            raise TypeError(said(where, f"{word} name should be a string", got=repr(name)))
        if "." in name or not name:
            raise KeyError(said(where, f"{word} name is not empty and has no dot", got=repr(name)))
        if hasattr(self, name) and name not in self.__dict__[kind]:
            raise KeyError(f"attribute '{name}' already exists")
        if value is not None and not isinstance(value, wanted):
            raise TypeError(said(where, f"{name!r} is not a {word}", got=type(value).__name__))

    # ---- what is inside --------------------------------------------------------------------------

    def named_modules(
        self, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """This module (with the empty path) and all modules inside it, with their paths."""
        memo = set() if memo is None else memo
        if id(self) in memo:
            return
        if remove_duplicate:
            memo.add(id(self))
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from child.named_modules(memo, path, remove_duplicate)

    def modules(self) -> Iterator[Any]:
        """This module and all modules inside it."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """The modules directly inside this one, with their names."""
        seen: set[int] = set()
        for name, child in self._modules.items():
            if child is not None and id(child) not in seen:
                seen.add(id(child))
                yield name, child

    def children(self) -> Iterator[Any]:
        """The modules directly inside this one."""
        return (child for _, child in self.named_children())

    def get_submodule(self, target: str) -> Any:
        """The module at a path such as "encoder.2"; the empty path is this module."""
        module: Any = self
        for name in target.split(".") if target else ():
            module = getattr(module, name)
        return module

    def _named(
        self, kind: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in modules:
            for name, held in module.__dict__[kind].items():
                if held is None or (remove_duplicate and id(held) in seen):
                    continue
                seen.add(id(held))
                yield f"{path}.{name}" if path else name, held

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with their paths; one that is used twice is named once."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, as an optimizer wants them."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their paths."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers."""
        return (b for _, b in self.named_buffers(recurse=recurse))
