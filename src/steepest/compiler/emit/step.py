"""The function around the nests: a loop over steps, with what changes from step to step.

    i64 run(memory, rows, control, inputs…, outputs…, steps)
    i64 run(memory, rows, control, inputs…, outputs…, first, steps, thread, threads)

The second form is for several threads, which all call it; it begins at a step that need not be 0.
It runs until `steps` steps are done, somebody writes to control[0], or the loss is not finite, and
gives the number of steps done. After every step control[1] is that number, so another thread can
follow; control[2] becomes 1 when the loss was not finite.

Every nest is a function of the memory that it uses, and nests that do the same (see `outline`) are
one function: a network of many equal layers costs the compile time of one. Only where calls would
be felt, in steps that are written out, nests stand in the step itself.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from math import prod
from typing import NamedTuple

from steepest.compiler.emit.flushing import flushing
from steepest.compiler.emit.functions import Function
from steepest.compiler.emit.runs import Runs
from steepest.compiler.emit.taking import taking
from steepest.compiler.emit.threads import barrier
from steepest.compiler.graph import Value
from steepest.compiler.ir.operands import Op
from steepest.compiler.machine.processor import has_estimates, pause
from steepest.compiler.memory.buffers import BASES, Buffer, lanes
from steepest.compiler.memory.layout import Layout
from steepest.compiler.memory.parts import copied_parts
from steepest.compiler.memory.plan import Plan
from steepest.compiler.memory.sharing import COUNTERS, LINE, STOP
from steepest.compiler.nests.affine import Affine, affine
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.nest import Nest

__all__ = ["Emitted", "emit", "emit_modules", "emit_nest"]

_POLL = "load volatile i64, ptr %control"
_POINTER = re.compile(r"%m\d+")
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
    """Emitter of the whole function."""

    def __init__(self, fusion: Fusion, layout: Layout, plan: Plan, unroll: bool, features: str):
        super().__init__(fusion, layout, plan)
        self.unroll, self.features = unroll, features
        self.estimates = has_estimates(features)
        self.pointers = ["%memory", "%index", "%control"]

    def write_all(self) -> Iterator[Function]:
        """Every function as soon as it is written; the last is `run`."""
        self._begin()
        if self.sharing:
            self.functions |= {f.name: f for f in (barrier(pause(self.features)), taking())}
            yield from self.functions.values()
        for nest in self.fusion.nests:
            known = len(self.functions)
            self._write_nest(nest)
            yield from list(self.functions.values())[known:]
        self.nest = None
        self.lines.append("  %next = add nuw nsw i64 %s, 1")
        self._enter(self.sharing.closing if self.sharing else 0)
        self.alone(self._close)
        self.meet()
        yield Function("@run", [], self._assembled(self._loss_is_finite()))

    def _write_nest(self, nest: Nest) -> None:
        self.nest = nest
        self.divided = False
        if self.sharing:
            self.divided = nest in self.sharing.split
            self._enter(self.sharing.phases[nest])
        if nest.kind == "join" and not copied_parts(nest, self.layout.buffers):
            return
        write = partial(getattr(self, nest.kind), nest)
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

    def _close(self) -> None:
        """What the first thread does at the end of a step."""
        self.divided = False
        for k, v in enumerate(self.fusion.graph.outputs):
            self._write_output(v, f"%out{k}")
        for before, after in self.fusion.graph.state:
            if before in self.fusion.aside:
                self._copy(self.layout.buffers[after], self.layout.buffers[before])
        done = self.new("getelementptr i64, ptr %control, i64 1")
        self.lines.append(f"  store volatile i64 %next, ptr {done}")
        if self.sharing:
            stop = self.new(_POLL)
            self.lines.append(f"  store i64 {stop}, ptr %stops")

    def write_one(self, nest: Nest) -> list[Function]:
        """A function that runs one nest in every step, and nothing else."""
        self._begin()
        self._write_nest(nest)
        self.lines.append("  %next = add nuw nsw i64 %s, 1")
        return [*self.functions.values(), Function("@run", [], self._assembled("true"))]

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

    def _begin(self) -> None:
        self._name_buffers()
        self.block = "step"
        self._advance_inputs()
        if self.sharing:
            # The first thread may already be a step ahead of one that reads this.
            odd = self.new("and i64 %s, 1")
            at = self.new(f"getelementptr i8, ptr %team, i64 {STOP}")
            self.lines.append(f"  %stops = getelementptr i64, ptr {at}, i64 {odd}")

    def _name_buffers(self) -> None:
        """One pointer per buffer. What a thread must not share is in memory of its own."""
        plan, layout = self.plan, self.layout
        if self.sharing:
            self.head += [
                f"  %team = getelementptr i8, ptr %memory, i64 {plan.team}",
                "  %leads = icmp eq i64 %thread, 0",
                f"  %before = mul i64 %thread, {self.sharing.each}",
                f"  %after = add i64 %before, {self.sharing.words}",
                "  %copied = getelementptr i8, ptr %team, i64 %after",
                "  %whose = add i64 %thread, 0",
                *(f"  %{name} = add i64 {n}, 0" for name, n in (("from", 0), ("to", 1), ("of", 1))),
            ]
            for k in range(len(self.sharing.pieces)):
                at = COUNTERS + LINE * k
                self.head.append(f"  %counter{k} = getelementptr i8, ptr %team, i64 {at}")
        else:
            self.head.append(f"  %private = getelementptr i8, ptr %memory, i64 {plan.private}")
        scratch = [buffer for each in plan.scratch.values() for buffer in each.buffers()]
        every = [*layout.buffers.values(), *scratch]
        for k, buffer in enumerate(dict.fromkeys(every)):
            if buffer.place in ("memory", "private"):
                buffer.pointer = f"%m{k}"
                self.buffers[buffer.pointer] = buffer
        for k, v in enumerate(layout.sources):
            layout.sources[v].pointer = f"%in{k}"
            self.pointers.append(f"%in{k}")
        self.pointers += [f"%out{k}" for k in range(len(self.fusion.graph.outputs))]

    def _advance_inputs(self) -> None:
        """The batch's row numbers, and this step's entry of every stepped input."""
        gathered = self._gathered()
        batch = gathered[0].shape[0] if gathered else 0
        self._line("%rows = getelementptr i64, ptr %index, i64 {}", {"%s": batch})
        for v, buffer in self.layout.sources.items():
            if v.role == "stepped":
                now = f"%now{buffer.pointer[1:]}"
                text = f"{now} = getelementptr {buffer.base}, ptr {buffer.pointer}, i64 {{}}"
                self._line(text, {"%s": prod(v.shape)})
                buffer.pointer = now

    def _gathered(self) -> list[Value]:
        """The inputs of which a step sees some rows."""
        return [v for v in self.layout.sources if v.role == "gathered"]

    def _line(self, text: str, terms: dict[str, int]) -> None:
        self.lines.append("  " + text.format(self.integer((0, tuple(terms.items())))))

    def _write_output(self, v: Value, pointer: str) -> None:
        """v's elements, one after the other, in this step's entry of the output's array."""
        self.width = 0
        base = BASES[v.dtype]
        entry = self.new(f"getelementptr {base}, ptr {pointer}, i64 {self._entry(v.size)}")
        strides = tuple(prod(v.shape[d + 1 :]) for d in range(v.ndim))
        target = Buffer(v.shape, v.dtype, strides, v.size, pointer=entry)
        names = [f"o{d}" for d in range(v.ndim)]

        def one(where: dict[str, Affine], _: list[Op]) -> None:
            index = tuple(where[name] for name in names)
            self.keep(target, index, self.pull(v, index))

        self.over(list(zip(names, v.shape, strict=True)), {}, one)

    def _entry(self, size: int) -> str:
        return self.integer((0, (("%s", size),)))

    def _copy(self, source: Buffer, target: Buffer) -> None:
        """All of one buffer into another of the same layout."""
        self.width = lanes(source.size, self.layout.width)
        count = -(-source.size // self.width)

        def one(j: Affine, _: list[Op]) -> None:
            x = self.load(source.pointer, source.base, j, self.width)
            self.store(x, target.pointer, j, self.width)

        self.loop(count * self.width, one, step=self.width)

    def _loss_is_finite(self) -> str:
        outputs = self.fusion.graph.outputs
        if not outputs or outputs[0].dtype.kind != "f" or outputs[0].size != 1:
            return "true"
        loss = outputs[0]
        base = BASES[loss.dtype]
        entry = self.new(f"getelementptr {base}, ptr %out0, i64 {self._entry(loss.size)}")
        x = self.load(entry, base, affine(0))
        zero = Op(self.new(f"fsub {base} {x.name}, {x.name}"), base, 0)  # ∞ − ∞ is NaN
        return self.compare("oeq", zero, self.number(0.0, base)).name

    def _pointers_here(self) -> list[str]:
        """Pointers that the step itself reads and writes through. Calls compute theirs one by one:
        so many would not stay in registers all the time."""
        named = dict.fromkeys(_POINTER.findall("\n".join(self.lines)))
        found = [(p, self.buffers[p]) for p in named]
        return [f"  {p} = getelementptr i8, ptr %{b.place}, i64 {b.offset}" for p, b in found]

    def _assembled(self, finite: str) -> str:
        arguments = ", ".join(f"ptr noalias {p}" for p in self.pointers)
        first, counts = "0", "i64 %steps"
        if self.sharing:
            first, counts = (
                "%first",
                ("i64 %first, i64 %steps, i64 %thread, i64 %threads, ptr %private"),
            )
        around = flushing(self.features, arguments, counts) if self._gathered() else ""
        name = "internal i64 @steps" if around else "i64 @run"
        return "\n".join(
            [
                *self.table(),
                around,
                f"define {name}({arguments}, {counts}) nounwind {{",
                "entry:",
                *self.head,
                *self._pointers_here(),
                f"  %begin = icmp sgt i64 %steps, {first}",
                "  br i1 %begin, label %step, label %nothing",
                "nothing:",
                f"  ret i64 {first}",
                *(["abandoned:", "  ret i64 %s"] if self.sharing else ()),
                "step:",
                f"  %s = phi i64 [{first}, %entry], [%next, %{self.block}]",
                *self.lines,
                f"  %stop = {'load i64, ptr %stops' if self.sharing else _POLL}",
                "  %wanted = icmp eq i64 %stop, 0",
                "  %more = icmp slt i64 %next, %steps",
                f"  %sound = and i1 %wanted, {finite}",
                "  %again = and i1 %more, %sound",
                "  br i1 %again, label %step, label %end",
                "end:",
                f"  %unsound = xor i1 {finite}, true",
                "  %flag = zext i1 %unsound to i64",
                "  %place = getelementptr i64, ptr %control, i64 2",
                "  store volatile i64 %flag, ptr %place",
                "  ret i64 %next",
                "}",
            ]
        )


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
