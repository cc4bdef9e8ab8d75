"""The frame: the function `run` around the nests, a loop over steps.

    i64 run(memory, rows, control, inputs…, outputs…, steps)
    i64 run(memory, rows, control, inputs…, outputs…, first, steps, thread, threads, private)

The second form is for several threads, which all call it; it begins at a step that need not be 0.
It runs until `steps` steps are done, somebody writes to control[0], or the loss is not finite, and
gives the number of steps done. After every step control[1] is that number, so another thread can
follow; control[2] becomes 1 when the loss was not finite.
"""

import re
from math import prod

from steepest.compiler.emit.carried import carried
from steepest.compiler.emit.flushing import flushing
from steepest.compiler.emit.runs import Runs
from steepest.compiler.graph import Value
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import BASES, Buffer, lanes
from steepest.compiler.memory.sharing import COUNTERS, LINE, STOP
from steepest.compiler.nests.affine import Affine, affine

__all__ = ["Frame"]

_POLL = "load volatile i64, ptr %control"
_POINTER = re.compile(r"%m\d+")
_SHARED = "i64 %first, i64 %steps, i64 %thread, i64 %threads, ptr %private"


class Frame:
    """What a step begins and ends with, and what is written around it.

    features  what the processor can do
    pointers  that `run` is given
    gathered  whether a step sees some rows of the data
    """

    def __init__(self, emitter: Runs, features: str):
        self.emitter, self.features = emitter, features
        sources = emitter.layout.sources
        self.pointers = ["%memory", "%index", "%control", *(f"%in{k}" for k in range(len(sources)))]
        self.pointers += [f"%out{k}" for k in range(len(emitter.fusion.graph.outputs))]
        self.gathered = any(v.role == "gathered" for v in sources)

    # ---- where a step begins ---------------------------------------------------------------------

    def begin(self) -> None:
        """Name all memory, and find what this step reads of the user's."""
        emitter = self.emitter
        self._name_threads()
        self._name_buffers()
        emitter.block = "step"
        self._advance_inputs()
        if emitter.sharing:
            # The first thread may already be a step ahead of one that reads this.
            odd = emitter.new("and i64 %s, 1")
            at = emitter.new(f"getelementptr i8, ptr %team, i64 {STOP}")
            emitter.lines.append(f"  %stops = getelementptr i64, ptr {at}, i64 {odd}")

    def _name_threads(self) -> None:
        """The threads' words, and what a nest is told of shares where it has none."""
        head, plan, sharing = self.emitter.head, self.emitter.plan, self.emitter.sharing
        if sharing is None:
            head.append(f"  %private = getelementptr i8, ptr %memory, i64 {plan.private}")
            return
        head += [
            f"  %team = getelementptr i8, ptr %memory, i64 {plan.team}",
            "  %leads = icmp eq i64 %thread, 0",
            f"  %before = mul i64 %thread, {sharing.each}",
            f"  %after = add i64 %before, {sharing.words}",
            "  %copied = getelementptr i8, ptr %team, i64 %after",
            "  %whose = add i64 %thread, 0",
            *(f"  %{name} = add i64 {n}, 0" for name, n in (("from", 0), ("to", 1), ("of", 1))),
        ]
        for k in range(len(sharing.pieces)):
            at = COUNTERS + LINE * k
            head.append(f"  %counter{k} = getelementptr i8, ptr %team, i64 {at}")

    def _name_buffers(self) -> None:
        """One pointer per buffer. What a thread must not share is in memory of its own."""
        emitter, layout = self.emitter, self.emitter.layout
        scratch = [buffer for each in emitter.plan.scratch.values() for buffer in each.buffers()]
        for k, buffer in enumerate(dict.fromkeys([*layout.buffers.values(), *scratch])):
            if buffer.place in ("memory", "private"):
                buffer.pointer = f"%m{k}"
                emitter.buffers[buffer.pointer] = buffer
        for k, buffer in enumerate(layout.sources.values()):
            buffer.pointer = f"%in{k}"

    def _advance_inputs(self) -> None:
        """The batch's row numbers, and this step's entry of every stepped input."""
        sources = self.emitter.layout.sources
        batch = next((v.shape[0] for v in sources if v.role == "gathered"), 0)
        self._line("%rows = getelementptr i64, ptr %index, i64 {}", batch)
        for v, buffer in sources.items():
            if v.role == "stepped":
                now = f"%now{buffer.pointer[1:]}"
                text = f"{now} = getelementptr {buffer.base}, ptr {buffer.pointer}, i64 {{}}"
                self._line(text, prod(v.shape))
                buffer.pointer = now

    def _line(self, text: str, each: int) -> None:
        """A line about what there is so much of for every step."""
        self.emitter.lines.append("  " + text.format(self._entry(each)))

    def _entry(self, each: int) -> str:
        """Where this step's part begins."""
        return self.emitter.integer((0, (("%s", each),)))

    # ---- where it ends ---------------------------------------------------------------------------

    def close(self) -> None:
        """What the first thread does at the end of a step."""
        emitter = self.emitter
        for k, v in enumerate(emitter.fusion.graph.outputs):
            self._write_output(v, f"%out{k}")
        for before, after in emitter.fusion.graph.state:
            if before in emitter.fusion.aside:
                self._copy(emitter.layout.buffers[after], emitter.layout.buffers[before])
        done = emitter.new("getelementptr i64, ptr %control, i64 1")
        emitter.lines.append(f"  store volatile i64 %next, ptr {done}")
        if emitter.sharing:
            stop = emitter.new(_POLL)
            emitter.lines.append(f"  store i64 {stop}, ptr %stops")

    def _write_output(self, v: Value, pointer: str) -> None:
        """v's elements, one after the other, in this step's entry of the output's array."""
        emitter, base = self.emitter, BASES[v.dtype]
        emitter.width = 0
        entry = emitter.new(f"getelementptr {base}, ptr {pointer}, i64 {self._entry(v.size)}")
        strides = tuple(prod(v.shape[d + 1 :]) for d in range(v.ndim))
        target = Buffer(v.shape, v.dtype, strides, v.size, pointer=entry)
        names = [f"o{d}" for d in range(v.ndim)]

        def one(where: dict[str, Affine], _: list[Op]) -> None:
            index = tuple(where[name] for name in names)
            emitter.keep(target, index, emitter.pull(v, index))

        emitter.over(list(zip(names, v.shape, strict=True)), {}, one)

    def _copy(self, source: Buffer, target: Buffer) -> None:
        """All of one buffer into another of the same layout."""
        emitter = self.emitter
        width = emitter.width = lanes(source.size, emitter.layout.width)

        def one(j: Affine, _: list[Op]) -> None:
            x = emitter.load(source.pointer, source.base, j, width)
            emitter.store(x, target.pointer, j, width)

        emitter.loop(-(-source.size // width) * width, one, step=width)

    def loss_is_finite(self) -> str:
        """Whether the step's first output is, if it is a loss."""
        emitter, outputs = self.emitter, self.emitter.fusion.graph.outputs
        if not outputs or outputs[0].dtype.kind != "f" or outputs[0].size != 1:
            return "true"
        base = BASES[outputs[0].dtype]
        entry = emitter.new(f"getelementptr {base}, ptr %out0, i64 {self._entry(1)}")
        x = emitter.load(entry, base, affine(0))
        zero = Op(emitter.new(f"fsub {base} {x.name}, {x.name}"), base, 0)  # ∞ − ∞ is NaN
        return emitter.compare("oeq", zero, emitter.number(0.0, base)).name

    # ---- around it -------------------------------------------------------------------------------

    def around(self, finite: str) -> str:
        """The function, now that the step is written; `finite` says whether its loss is."""
        emitter, shared = self.emitter, self.emitter.sharing is not None
        arguments = ", ".join(f"ptr noalias {p}" for p in self.pointers)
        first, counts = ("%first", _SHARED) if shared else ("0", "i64 %steps")
        flushed = flushing(self.features, arguments, counts) if self.gathered else ""
        name = "internal i64 @steps" if flushed else "i64 @run"
        step = carried(emitter.lines, emitter.block, self._alone())
        return "\n".join(
            [
                *emitter.table(),
                flushed,
                f"define {name}({arguments}, {counts}) nounwind {{",
                "entry:",
                *emitter.head,
                *self._pointers_here(),
                *step.before,
                f"  %begin = icmp sgt i64 %steps, {first}",
                "  br i1 %begin, label %step, label %nothing",
                "nothing:",
                f"  ret i64 {first}",
                *(["abandoned:", "  ret i64 %s"] if shared else ()),
                "step:",
                f"  %s = phi i64 [{first}, %entry], [%next, %{emitter.block}]",
                *step.head,
                *step.lines,
                f"  %stop = {'load i64, ptr %stops' if shared else _POLL}",
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

    def _alone(self) -> set[str]:
        """Pointers to memory that no other reaches: to no part of it."""
        buffers = self.emitter.buffers
        shared = {buffer.within for buffer in buffers.values()}
        return {p for p, x in buffers.items() if x.within is None and x not in shared}

    def _pointers_here(self) -> list[str]:
        """Pointers that the step itself reads and writes through. Calls compute theirs one by one:
        so many would not stay in registers all the time."""
        named = dict.fromkeys(_POINTER.findall("\n".join(self.emitter.lines)))
        found = [(p, self.emitter.buffers[p]) for p in named]
        return [f"  {p} = getelementptr i8, ptr %{b.place}, i64 {b.offset}" for p, b in found]
