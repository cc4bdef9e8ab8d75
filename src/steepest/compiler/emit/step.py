"""The function around the nests: a loop over steps, with what changes from step to step.

    i64 run(memory, rows, control, inputs…, outputs…, steps)

It runs until `steps` steps are done, somebody writes to control[0], or the loss is not finite, and
gives the number of steps done. After every step control[1] is that number, so another thread can
follow; control[2] becomes 1 when the loss was not finite.
"""

from math import prod
from typing import NamedTuple

from steepest.compiler.builder import Op
from steepest.compiler.emit.dots import Dots
from steepest.compiler.fuse import Fusion
from steepest.compiler.graph import Value
from steepest.compiler.index import Affine, affine
from steepest.compiler.layout import BASES, Buffer, Layout, lanes
from steepest.compiler.nest import Nest
from steepest.compiler.plan import Plan

__all__ = ["Emitted", "emit", "emit_nest"]


class Emitted(NamedTuple):
    """The module's text; how many memory accesses in it went lane by lane."""

    text: str
    strided: int


class Step(Dots):
    """Emitter of the whole function."""

    def __init__(self, fusion: Fusion, layout: Layout, plan: Plan, unroll: bool):
        super().__init__(fusion, layout, plan)
        self.unroll = unroll
        self.pointers = ["%memory", "%index", "%control"]

    def write_all(self) -> Emitted:
        self._begin()
        for nest in self.fusion.nests:
            self._write_nest(nest)
        self.nest = None
        self.scopes.append({})
        for k, v in enumerate(self.fusion.graph.outputs):
            self._write_output(v, f"%out{k}")
        for before in self.fusion.graph.state:
            if before[0] in self.fusion.aside:
                self._copy(self.layout.buffers[before[1]], self.layout.buffers[before[0]])
        finite = self._loss_is_finite()
        return Emitted(self._assembled(finite), self.strided)

    def write_one(self, nest: Nest) -> Emitted:
        """A function that runs one nest in every step, and nothing else."""
        self._begin()
        self._write_nest(nest)
        return Emitted(self._assembled("true"), self.strided)

    def _begin(self) -> None:
        self._name_buffers()
        self.block = "step"
        self._advance_inputs()

    def _write_nest(self, nest: Nest) -> None:
        self.nest = nest
        self.scopes.append({})
        getattr(self, nest.kind)(nest)
        self.scopes.pop()

    def _name_buffers(self) -> None:
        """One pointer per buffer, computed once when the function begins."""
        plan, layout = self.plan, self.layout
        scratch = [buffer for each in plan.scratch.values() for buffer in each.buffers()]
        every = [*layout.buffers.values(), *scratch]
        for k, buffer in enumerate(dict.fromkeys(every)):
            if buffer.place == "memory":
                buffer.pointer = f"%m{k}"
                place = f"getelementptr i8, ptr %memory, i64 {buffer.offset}"
                self.head.append(f"  {buffer.pointer} = {place}")
        for k, v in enumerate(layout.sources):
            layout.sources[v].pointer = f"%in{k}"
            self.pointers.append(f"%in{k}")
        self.pointers += [f"%out{k}" for k in range(len(self.fusion.graph.outputs))]

    def _advance_inputs(self) -> None:
        """The batch's row numbers, and this step's entry of every stepped input."""
        gathered = [v for v in self.layout.sources if v.role == "gathered"]
        batch = gathered[0].shape[0] if gathered else 0
        self._line("%rows = getelementptr i64, ptr %index, i64 {}", {"%s": batch})
        for v, buffer in self.layout.sources.items():
            if v.role == "stepped":
                now = f"%now{buffer.pointer[1:]}"
                text = f"{now} = getelementptr {buffer.base}, ptr {buffer.pointer}, i64 {{}}"
                self._line(text, {"%s": prod(v.shape)})
                buffer.pointer = now

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
        if not outputs or outputs[0].dtype.kind != "f":
            return "true"
        loss = outputs[0]
        base = BASES[loss.dtype]
        entry = self.new(f"getelementptr {base}, ptr %out0, i64 {self._entry(loss.size)}")
        x = self.load(entry, base, affine(0))
        zero = Op(self.new(f"fsub {base} {x.name}, {x.name}"), base, 0)  # ∞ − ∞ is NaN
        return self.compare("oeq", zero, self.number(0.0, base)).name

    def _assembled(self, finite: str) -> str:
        arguments = ", ".join(f"ptr noalias {p}" for p in self.pointers)
        return "\n".join(
            [
                *sorted(self.declared),
                f"define i64 @run({arguments}, i64 %steps) {{",
                "entry:",
                *self.head,
                "  %begin = icmp sgt i64 %steps, 0",
                "  br i1 %begin, label %step, label %nothing",
                "nothing:",
                "  ret i64 0",
                "step:",
                f"  %s = phi i64 [0, %entry], [%next, %{self.block}]",
                *self.lines,
                "  %next = add nuw nsw i64 %s, 1",
                "  %done = getelementptr i64, ptr %control, i64 1",
                "  store volatile i64 %next, ptr %done",
                "  %stop = load volatile i64, ptr %control",
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


def emit(fusion: Fusion, layout: Layout, plan: Plan, *, unroll: bool) -> Emitted:
    """The program as an LLVM module with one function, `run`."""
    return Step(fusion, layout, plan, unroll).write_all()


def emit_nest(fusion: Fusion, layout: Layout, plan: Plan, nest: Nest) -> Emitted:
    """One nest alone, as a module of the same kind: for timing it."""
    return Step(fusion, layout, plan, False).write_one(nest)
