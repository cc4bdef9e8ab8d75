"""The tape: runs a row below, and remembers it when someone may ask for its gradient.

It sits above the interpreter that computes or traces, so a backward pass (itself made of rows) and
an optimizer's update are computed, or traced, like anything else: the compiler never
differentiates.
"""

from collections.abc import Callable
from contextlib import ContextDecorator
from typing import Any

from steepest.core import Eager, Primitive, current, install
from steepest.primitives import broadcast, permute, reshape, slice_, windows
from steepest.tensors.tensor import Node, Tensor

__all__ = [
    "VIEWS",
    "Tape",
    "computing",
    "enable_grad",
    "inference_mode",
    "no_grad",
    "occurs",
    "record",
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
        self.compute = below.bind
        self.recording = True

    def bind(self, row: Primitive, operands: tuple, params: dict) -> Tensor:
        raw, wanted = [], False
        for x in operands:
            if isinstance(x, Tensor):
                if x.view_of is not None:
                    renewed(x)
                if x.requires_grad:
                    wanted = True
                raw.append(x.value)
            else:
                raw.append(x)
        out = Tensor(self.compute(row, raw, params))
        if (wanted and self.recording) or row in VIEWS:
            self.remember(out, row, operands, raw, params, wanted)
        return out

    def remember(
        self, out: Tensor, row: Primitive, operands: tuple, raw: list, params: dict, wanted: bool
    ) -> None:
        """Note what a result shares its memory with, and how it came to be if that is wanted."""
        if row in VIEWS and isinstance(operands[0], Tensor):
            base = operands[0]
            out.version, out.synced = base.version, base.version[0]
            unrecorded = base.requires_grad and not self.recording
            out.view_of = (base, None if unrecorded else row, params)
        if wanted and self.recording and out.value.dtype.kind == "f":
            record(out, row, operands, raw, params)

    def spread(self, number: float, dtype: Any, shape: tuple[int, ...]) -> Tensor:
        """A constant has no history."""
        return Tensor(self.below.spread(number, dtype, shape))


_NEVER = [0]  # the version of an operand that nothing can change


def record(out: Tensor, row: Primitive, operands: tuple, values: list, params: dict) -> None:
    """Remember that a tensor came of these operands, and where their gradients go."""
    edges, versions, stamps = [], [], []
    for x in operands:
        if isinstance(x, Tensor):
            edges.append((x.node or x) if x.requires_grad else None)
            versions.append(x.version)
            stamps.append(x.version[0])
        else:
            edges.append(None)
            versions.append(_NEVER)
            stamps.append(0)
    out.requires_grad = True
    out.node = Node(row, params, values, edges, versions, stamps, out)


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


class set_grad_enabled(_GradMode):
    """Record or not, as `mode` says: from here on, or within `with set_grad_enabled(mode):`."""

    def __init__(self, mode: bool):
        super().__init__(mode)
        super().__enter__()

    def __enter__(self) -> None:
        """It began when it was made."""

    def __call__(self, function: Any) -> Any:
        self.__exit__()
        return _GradMode(self.on)(function)


def inference_mode(mode: Any = True) -> Any:
    """`no_grad` under the name that PyTorch gives it where no gradient will ever be wanted."""
    return no_grad(mode) if callable(mode) else _GradMode(not mode)
