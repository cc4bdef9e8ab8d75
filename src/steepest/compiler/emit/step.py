"""The step: all nests in their order, inside the function `run` (see `frame`).

Every nest is a function of the memory that it uses, and nests that do the same (see `outline`) are
one function: a network of many equal layers costs the compile time of one. Only where calls would
be felt, in steps that are written out, nests stand in the step itself.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from steepest.compiler.emit.frame import Frame
from steepest.compiler.emit.functions import Function
from steepest.compiler.emit.meeting import meeting
from steepest.compiler.emit.runs import Runs
from steepest.compiler.emit.taking import taking
from steepest.compiler.emit.writers import WRITERS
from steepest.compiler.machine.processor import has_estimates, pause
from steepest.compiler.memory.layout import Layout
from steepest.compiler.memory.parts import copied_parts
from steepest.compiler.memory.plan import Plan
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.nest import Nest

__all__ = ["Emitted", "Step", "emit", "emit_modules", "emit_nest"]

_CALLED = re.compile(r"(@\w+)\(")
_WORTHWHILE = 25_000  # letters of a module that are worth a thread


class Emitted(NamedTuple):
    """The functions of a program, the last one `run`; what they need of LLVM's and the C library's;
    how many memory accesses in them went lane by lane."""

    functions: list[Function]
    declared: list[str]
    strided: int

    @property
    def text(self) -> str:
        """All of it as one module."""
        return "\n".join([*self.declared, *(f.text for f in self.functions)])


class Step(Runs):
    """Emitter of all functions of a program."""

    def __init__(self, fusion: Fusion, layout: Layout, plan: Plan, unroll: bool, features: str):
        super().__init__(fusion, layout, plan)
        self.unroll, self.features = unroll, features
        self.estimates = has_estimates(features)
        self.frame = Frame(self, features)

    def write_all(self) -> Iterator[Function]:
        """Every function as soon as it is written; the last is `run`."""
        self.begin()
        if self.sharing:
            self.functions |= {f.name: f for f in (meeting(pause(self.features)), taking())}
            yield from self.functions.values()
        for nest in self.fusion.nests:
            known = len(self.functions)
            self.write_nest(nest)
            yield from list(self.functions.values())[known:]
        self.nest = None
        self.lines.append("  %next = add nuw nsw i64 %s, 1")
        self._enter(self.sharing.closing if self.sharing else 0)
        self.divided = False
        self.alone(self.frame.close)
        self.meet()
        yield self.end(self.frame.loss_is_finite())

    def write_one(self, nest: Nest) -> list[Function]:
        """A function that runs one nest in every step, and nothing else."""
        self.begin()
        self.write_nest(nest)
        self.lines.append("  %next = add nuw nsw i64 %s, 1")
        return [*self.functions.values(), self.end("true")]

    def begin(self) -> None:
        """What comes before the nests."""
        self.frame.begin()

    def end(self, finite: str) -> Function:
        """`run`, when they are written."""
        return Function("@run", [], self.frame.around(finite))

    def write_nest(self, nest: Nest) -> None:
        """A nest in its turn."""
        self.nest = nest
        self.divided = False
        if self.sharing:
            self.divided = nest in self.sharing.split
            self._enter(self.sharing.phases[nest])
        if nest.kind == "join" and not copied_parts(nest, self.layout.buffers):
            return
        write = partial(WRITERS[nest.kind], self, nest)
        if not self.is_apart(nest):
            self.scopes.append({})
            write() if self.divided else self.alone(write)
            self.scopes.pop()
            return
        self.run(nest, write)

    def _enter(self, phase: int) -> None:
        """Threads meet where a phase begins."""
        if phase > self.phase:
            self.meet()

    # ---- modules ---------------------------------------------------------------------------------

    def emitted(self, functions: Iterable[Function]) -> Emitted:
        """These, and what they need."""
        found = list(functions)
        return Emitted(found, sorted(self.declared), self.strided)

    def module(self, part: list[Function]) -> str:
        """Some functions, and what they need of the others."""
        text = "\n".join(f.text for f in part)
        called = {*_CALLED.findall(text)} - {f.name for f in part}
        others = [f for f in self.functions.values() if f.name in called]
        return "\n".join([*sorted(self.declared), *(f.declaration for f in others), text])


def emit(fusion: Fusion, layout: Layout, plan: Plan, *, unroll: bool, features: str) -> Emitted:
    """The program as LLVM functions, of which one is `run`, for a processor with such features
    (`processor`): how it waits for another, estimates, and takes subnormal numbers for zeros."""
    step = Step(fusion, layout, plan, unroll, features)
    return step.emitted(step.write_all())


def emit_modules(
    fusion: Fusion, layout: Layout, plan: Plan, *, unroll: bool, features: str
) -> Iterator[str]:
    """The same as modules that call each other's functions, each as soon as it is worth a thread:
    then LLVM begins with it while others are still being written."""
    step = Step(fusion, layout, plan, unroll, features)
    part: list[Function] = []
    for function in step.write_all():
        part.append(function)
        if sum(len(f.text) for f in part) > _WORTHWHILE:
            yield step.module(part)
            part = []
    if part:
        yield step.module(part)


def emit_nest(fusion: Fusion, layout: Layout, plan: Plan, nest: Nest, features: str) -> Emitted:
    """One nest alone, as a program of the same kind: for timing it, on one thread."""
    step = Step(fusion, layout, replace(plan, sharing=None), False, features)
    return step.emitted(step.write_one(nest))
