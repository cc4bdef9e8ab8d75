"""The tape: runs a row below, and remembers it when someone may ask for its gradient.

It sits above the interpreter that computes or traces, so a backward pass (itself made of rows) and
an optimizer's update are computed, or traced, like anything else: the compiler never
differentiates.
"""

from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from typing import Any

from steepest.core import Eager, Primitive, current, install, is_float
from steepest.primitives import broadcast, permute, reshape, slice_, windows
from steepest.tensors.tensor import Node, Tensor

__all__ = [
    "Tape",
    "computing",
    "enable_grad",
    "no_grad",
    "occurs",
    "recording",
    "renewed",
    "set_grad_enabled",
]

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
            unrecorded = base.requires_grad and not self.recording
            out.view_of = (base, None if unrecorded else row, params)
        if self.recording and is_float(out.dtype):
            for x in operands:
                if isinstance(x, Tensor) and (x.requires_grad or (x.view_of and renewed(x))):
                    edges = tuple([_edge(x) for x in operands])
                    kept = tuple([_kept(x) for x in operands])
                    out.requires_grad = True
                    out.node = Node(row, kept, params, edges, out)
                    break
        return out


def _edge(x: Any) -> Any:
    """Where the gradient of this operand goes: its node, the leaf itself, or nowhere."""
    if not (isinstance(x, Tensor) and (renewed(x) if x.view_of else x.requires_grad)):
        return None
    return x if x.node is None else x.node


def _kept(x: Any) -> Any:
    """An operand as the history keeps it. What is changed in place later, and so gets a history
    that contains this one, must not be in it itself: such a cycle would keep all memory alive."""
    if isinstance(x, Tensor) and not (x.requires_grad and x.node is None):
        return x.alias()
    return x


def renewed(x: Tensor) -> bool:
    """Whether x requires grad, after its history has been brought up to date.

    When the base of a view, or another view of it, was changed in place, the view has the new
    numbers and so must have the new history: it is taken from the base again.
    """
    if x.view_of is not None and x.synced != x.version[0]:
        base, row, params = x.view_of
        if row is not None:
            with _GradMode(True):
                again = row(base, **params)
            x.node, x.requires_grad = again.node, again.requires_grad
            if not computing():  # a traced view shares no memory: its numbers are taken again too
                x.value = again.value
        x.synced = x.version[0]
    return x.requires_grad


install(lambda: Tape(Eager()))


def recording() -> bool:
    """Whether operations on this thread are being recorded (`torch.is_grad_enabled`)."""
    return current.interpreter.recording


def computing() -> bool:
    """Whether operations on this thread compute; not so while a program is traced."""
    return current.interpreter.below.computes


def occurs(condition: Tensor) -> bool:
    """Whether a condition, of which an error would be told, is met anywhere.

    While a program is traced the answer is no, and the program asks in every step: one in which
    the answer is yes is run eagerly instead.
    """
    return current.interpreter.below.occurs(condition.value)


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
