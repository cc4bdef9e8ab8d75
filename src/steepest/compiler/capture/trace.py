"""Tracing: the step runs once, on variables instead of numbers, and every row it calls is written
down.

The tape sits above the tracer, so the backward pass and the optimizer's update are just more
equations.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from threading import RLock, get_ident
from typing import Any

from steepest.compiler.capture.agree import Agreement
from steepest.compiler.capture.recording import Before, Recording, Variable
from steepest.compiler.capture.refusal import refusal, user_line
from steepest.compiler.capture.tracer import Tracer
from steepest.core import Aval, Primitive, interpreting
from steepest.tensors import VIEWS, Tape, Tensor, renewed

__all__ = ["Inlet", "run"]

# An array argument: its name, aval, role, and, of whole numbers, the smallest and the largest.
Inlet = tuple[str, Aval, str] | tuple[str, Aval, str, tuple[int, int] | None]

_tracing = RLock()


class TracingTape(Tape):
    """The tape above a tracer: it also remembers the tensors that it meets."""

    def __init__(self, tracer: Tracer, recording: bool):
        super().__init__(tracer)
        self.recording = recording
        self.met: dict[int, Before] = {}

    def bind(self, row: Primitive, operands: tuple, params: dict) -> Tensor:
        met, raw, wanted = self.met, [], False
        for x in operands:
            if isinstance(x, Tensor):
                value = x.value
                if type(value) is not Variable:
                    if id(x) not in met:
                        met[id(x)] = Before(x, value, x.grad, x.node, x.requires_grad)
                    if x.view_of is not None:
                        renewed(x)
                        value = x.value
                elif x.synced != x.version[0]:
                    value = _taken_anew(x, value)
                if x.requires_grad:
                    wanted = True
                raw.append(value)
            else:
                raw.append(x)
        out = Tensor(self.compute(row, raw, params))
        if (wanted and self.recording) or row in VIEWS:
            self.remember(out, row, operands, raw, params, wanted)
        return out


def _taken_anew(x: Tensor, value: Variable) -> Variable:
    """What a tensor holds that another one has changed in the memory that they share."""
    if x.view_of is not None and x.view_of[1] is not None:
        renewed(x)
        return x.value
    raise refusal(
        "a tensor was changed in place through another that shares its memory",
        line=user_line(),
        got=f"{value.stands.aval}, computed at {value.stands.origin}",
        write="take it anew from the other after the change",
    )


def run(
    step: Callable[..., Any],
    inlets: Sequence[Inlet],
    call: Callable[[list[Tensor]], tuple[Sequence, dict]],
    recording: bool,
    agreement: Agreement | None = None,
    parameters: Sequence[Tensor] = (),
) -> Recording:
    """Trace `step` once. Whatever happens, tensors from outside are then as they were before, but
    for their `.grad`.

    One thread traces at a time: what it does to Python objects is undone afterwards.

    Args:
        inlets: every array argument.
        call: from one Tensor per inlet, the arguments of the step, by position and by name.
        recording: whether operations are recorded for gradients when the step begins.
        agreement: with an earlier run, if this one is to be compared with it.
        parameters: tensors of which it is to be told what is in their `.grad` then, as of those
            that the step meets.
    """
    tracer = Tracer(agreement)
    tape = TracingTape(tracer, recording)
    arguments = [tracer.inlet(*inlet) for inlet in inlets]
    try:
        with _tracing, interpreting(tape), _printing_refused(tracer):
            tensors = [Tensor(x) for x in arguments]
            args, kwargs = call(tensors)
            result = step(*args, **kwargs)
            _register(result, tracer)
        _check_done(tracer, tensors, arguments)
    finally:
        for before in tape.met.values():
            _restore(before)
    met = [*tape.met.values()]
    recorded = Recording(
        [x.stands for x in arguments],
        result,
        tracer.leaves,
        tracer.spreads,
        tracer.equations,
        tracer.watched,
        met,
        {id(x): x.grad for x in (*parameters, *(before.tensor for before in met))},
    )
    tracer.release()
    return recorded


def _printing_refused(tracer: Tracer) -> redirect_stdout:
    """A context in which a step that prints is refused, and other threads print as ever."""
    screen: Any = _Screen(tracer)
    return redirect_stdout(screen)


class _Screen:
    """What a step finds in place of standard output: a program does not print."""

    def __init__(self, tracer: Tracer):
        self._tracer, self._stream, self._thread = tracer, sys.stdout, get_ident()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        if get_ident() != self._thread:
            return self._stream.write(text)
        self._tracer.refused = refused = refusal(
            "the step prints, which a program cannot do",
            line=user_line(),
            got=repr(text),
            write="return what is to be seen from the step, and print it outside",
        )
        raise refused


def _check_done(tracer: Tracer, tensors: list[Tensor], arguments: list[Variable]) -> None:
    """What a step may have done unnoticed: caught a refusal, changed what the caller holds."""
    if tracer.refused is not None:
        raise tracer.refused
    for tensor, argument in zip(tensors, arguments, strict=True):
        if argument.stands.role == "whole" and tensor.value is not argument:
            raise refusal(
                f"the step changes its {argument.stands.name} in place, which a program reads only",
                got=f"{argument.stands.aval}, changed at {_origin(tensor)}",
                write="x = x.clone() first, or a tensor of the step's own",
            )


def _origin(tensor: Tensor) -> str:
    value = tensor.value
    return value.stands.origin if isinstance(value, Variable) else ""


def _register(result: Any, tracer: Tracer) -> None:
    """A tensor from outside may be returned without having been computed with."""
    if isinstance(result, Tensor) and not isinstance(result.value, Variable):
        tracer.leaf(result.value)
    elif isinstance(result, list | tuple):
        for x in result:
            _register(x, tracer)
    elif isinstance(result, dict):
        _register(list(result.values()), tracer)


def _restore(before: Before) -> None:
    """Give a tensor back what it was."""
    x = before.tensor
    before.carries = x.node is not before.node
    x.node, x.requires_grad = before.node, before.requires_grad
