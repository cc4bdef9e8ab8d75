"""Hooks: functions that a user lets run before or after a module's forward pass."""

from collections.abc import Callable
from typing import Any

from steepest.autograd import RemovableHandle

__all__ = ["Hooks", "RemovableHandle"]


class Hooks(dict[int, tuple[Callable[..., Any], bool]]):
    """Hooks in the order in which they run, each with whether it wants keyword arguments."""

    count = 0

    def register(
        self, hook: Callable[..., Any], prepend: bool, with_kwargs: bool
    ) -> RemovableHandle:
        key, self.count = self.count, self.count + 1
        others = dict(self) if prepend else {}
        if prepend:
            self.clear()
        self[key] = (hook, with_kwargs)
        self.update(others)
        return RemovableHandle(self, key)

    def before(self, module: Any, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """Run as hooks of the input; one that returns something replaces it."""
        for hook, with_kwargs in list(self.values()):
            if with_kwargs:
                args, kwargs = hook(module, args, kwargs) or (args, kwargs)
            else:
                new = hook(module, args)
                if new is not None:
                    args = new if isinstance(new, tuple) else (new,)
        return args, kwargs

    def after(self, module: Any, args: tuple, kwargs: dict, result: Any) -> Any:
        """Run as hooks of the result; one that returns something replaces it."""
        for hook, with_kwargs in list(self.values()):
            given = (module, args, kwargs, result) if with_kwargs else (module, args, result)
            new = hook(*given)
            if new is not None:
                result = new
        return result
