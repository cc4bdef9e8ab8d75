"""Hooks of tensors: functions that see a gradient on its way back, and may replace it.

handle = x.register_hook(lambda g: print(g.norm()))
y.retain_grad()             # backward() leaves y.grad too, though y was computed
"""

import weakref
from collections.abc import Callable
from typing import Any

from steepest import primitives as P
from steepest.core import said
from steepest.tensors import Tensor, method, no_grad, renewed

__all__ = ["RemovableHandle", "hooked"]


class RemovableHandle:
    """Takes a hook out again: `handle.remove()`, or leaving a `with` block."""

    def __init__(self, hooks: dict[int, Any], key: int):
        self.hooks, self.key = hooks, key

    def remove(self) -> None:
        self.hooks.pop(self.key, None)

    def __enter__(self) -> "RemovableHandle":
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def hooked(holder: Any, g: Tensor) -> Tensor:
    """A gradient after the hooks of the leaf, or the operation, that it belongs to."""
    for hook in list(holder.hooks.values()):
        new = hook(g)
        g = g if new is None else new
    return g


@method
def register_hook(x: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call hook(gradient) whenever the gradient of x is computed; what it returns replaces it.

    Raises:
        RuntimeError: x does not require grad.
    """
    if not renewed(x):
        raise RuntimeError(
            said("register_hook", "the tensor does not require grad", write="x.requires_grad_()")
        )
    holder: Any = x if x.node is None else x.node
    if holder.hooks is None:
        holder.hooks = {}
    key = max(holder.hooks, default=-1) + 1
    holder.hooks[key] = hook
    return RemovableHandle(holder.hooks, key)


@method
def retain_grad(x: Tensor) -> None:
    """Let backward() leave the gradient of a computed tensor in its `.grad` too."""
    if x.node is None:
        return
    known = weakref.ref(x)  # the hook belongs to x's history, which must not hold x

    def keep(g: Tensor) -> None:
        tensor = known()
        if tensor is not None:
            with no_grad():
                before = tensor.grad
                tensor.grad = P.cast(g, dtype=g.dtype) if before is None else P.add(before, g)

    register_hook(x, keep)
