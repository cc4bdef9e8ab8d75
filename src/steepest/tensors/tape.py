"""The tape: runs a row below, and remembers it when someone may ask for its gradient.

It sits above the interpreter that computes or traces, so a backward pass (itself made of rows) and
an optimizer's update are computed, or traced, like anything else: the compiler never
differentiates.
"""

from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from typing import Any

from steepest.core import Eager, Primitive, current, install, is_float, said
from steepest.primitives import broadcast, permute, reshape, slice_, windows
from steepest.tensors.tensor import Node, Tensor

__all__ = ["Tape", "enable_grad", "no_grad", "recording", "set_grad_enabled"]

# Rows whose NumPy evaluation shares memory with their operand.
VIEWS = frozenset({broadcast, permute, reshape, slice_, windows})


class Tape:
    """The interpreter of Tensors: unwrap, run below, wrap, remember."""

    def __init__(self, below: Any):
        self.below = below
        self.recording = True

    def bind(self, row: Primitive, operands: tuple, params: dict) -> Tensor:
        raw = [x.value if isinstance(x, Tensor) else x for x in operands]
        out = Tensor(self.below.bind(row, raw, params))
        if row in VIEWS and isinstance(operands[0], Tensor):
            base = operands[0]
            out.version, out.synced = base.version, base.version[0]
            out.view_of = (base, row, params)
        if self.recording and is_float(out.dtype):
            for x in operands:
                if isinstance(x, Tensor) and x.requires_grad:
                    edges = tuple([_edge(x, row) for x in operands])
                    out.requires_grad = True
                    out.node = Node(row, operands, params, edges, out.value)
                    break
        return out


def _edge(x: Any, row: Primitive) -> Any:
    """Where the gradient of this operand goes: its node, the leaf itself, or nowhere."""
    if not (isinstance(x, Tensor) and x.requires_grad):
        return None
    if x.synced != x.version[0] and x.node is not None:
        raise RuntimeError(
            said(
                row.name,
                f"an operand of shape {x.shape} was changed in place through another view of it",
                expected=f"version {x.synced}",
                got=f"version {x.version[0]}",
                write="take the view again after the change, or work on x.clone()",
            )
        )
    return x if x.node is None else x.node


install(lambda: Tape(Eager()))


def recording() -> bool:
    """Whether operations on this thread are being recorded (`torch.is_grad_enabled`)."""
    return current.interpreter.recording


class _GradMode(ContextDecorator):
    """A context, and a decorator, inside which recording is on or off."""

    def __init__(self, on: bool):
        self.on = on
        self.before: list[bool] = []

    def __enter__(self) -> None:
        self.before.append(current.interpreter.recording)
        current.interpreter.recording = self.on

    def __exit__(self, *exc: object) -> None:
        current.interpreter.recording = self.before.pop()

    def _recreate_cm(self) -> "_GradMode":
        return _GradMode(self.on)  # a decorated function may be entered by several threads


def no_grad(function: Callable | None = None) -> Any:
    """Record nothing: `with no_grad():`, or `@no_grad()` before a function."""
    return _GradMode(False) if function is None else _GradMode(False)(function)


def enable_grad(function: Callable | None = None) -> Any:
    """Record again, inside a `no_grad` block."""
    return _GradMode(True) if function is None else _GradMode(True)(function)


@contextmanager
def set_grad_enabled(mode: bool) -> Iterator[None]:
    """Record or not, as `mode` says."""
    with _GradMode(mode):
        yield
