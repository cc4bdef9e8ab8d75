"""Graph -> Program: all stages of the back end in order, and the native function they end in.

fuse     which values are stored, and in which loop nest each is computed
layout   where they are, which dimension is contiguous, who does what in a contraction
tune     tiles of large contractions, by timing
plan     register tiles, what threads divide, one block of memory
emit     LLVM IR as text
engine   machine code, linked into one image
"""

from collections.abc import Iterator
from functools import cached_property
from math import prod

from steepest.compiler.emit import Emitted, emit, emit_modules
from steepest.compiler.emit.supported import check_supported
from steepest.compiler.graph import Graph, Value
from steepest.compiler.machine.engine import machine_code
from steepest.compiler.machine.processor import processor, vector_lanes, vector_registers
from steepest.compiler.machine.resident import give_back
from steepest.compiler.memory.buffers import Buffer
from steepest.compiler.memory.layout import Layout, lay_out
from steepest.compiler.memory.plan import Plan, plan
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.images import images
from steepest.compiler.nests.index import is_view
from steepest.compiler.nests.nest import Nest
from steepest.compiler.nests.order import ordered
from steepest.compiler.nests.pseudo import pseudo_code
from steepest.compiler.nests.results import with_own_results
from steepest.compiler.nests.turned import turned_once
from steepest.compiler.run.program import Program
from steepest.compiler.run.signature import Signature
from steepest.compiler.tune import tuned
from steepest.primitives import contract, split_spec

__all__ = ["Lowered", "lower", "stages"]

_TINY = 4000  # element operations per step below which every loop is written out
_LONGEST = 60_000  # letters; beyond, what LLVM takes for them is felt more than loops are


class Lowered:
    """Every stage's result, for `explain` and for tests."""

    def __init__(self, graph: Graph, width: int, features: str):
        self.width, registers = width, vector_registers(features)
        found = images(graph, width)
        self.fusion = ordered(Fusion(graph, found.bounded).run())
        self.features, self.unroll = features, is_tiny(graph)
        self.layout: Layout = lay_out(self.fusion, width, found.contiguous)
        # What is made for another processor cannot be timed.
        here = features == processor().features
        timed = tuned(self.fusion, self.layout, registers, width, features) if here else {}
        self.plan: Plan = plan(self.fusion, self.layout, registers, self.unroll, timed)
        if self.unroll and len(self.emitted.text) > _LONGEST:
            self.unroll = False
            self.plan = plan(self.fusion, self.layout, registers, self.unroll, timed)
            del self.emitted

    @cached_property
    def emitted(self) -> Emitted:
        return emit(self.fusion, self.layout, self.plan, unroll=self.unroll, features=self.features)

    def modules(self) -> Iterator[str]:
        """What is emitted, as modules, each as soon as it is written."""
        if self.unroll:
            return iter([self.emitted.text])
        return emit_modules(
            self.fusion, self.layout, self.plan, unroll=self.unroll, features=self.features
        )

    def text(self) -> str:
        """Nests in the order in which they run, as pseudo-code, then what is where in memory."""
        graph = self.fusion.graph
        names = graph.names()
        names |= {new: f"{names[old]}′" for old, new in graph.state if new is not old}
        lines = []
        for number, nest in enumerate(self.fusion.nests):
            lines.append(f"nest {number}: {nest.kind} {self._registers(nest)}".rstrip())
            lines += [f"    {line}" for line in pseudo_code(nest, self.fusion, names)]
        shared = [self.plan.sharing.text()] if self.plan.sharing else []
        return "\n".join([*lines, "", *shared, *self._memory(names)])

    def _registers(self, nest: Nest) -> str:
        """The register tile of a contraction, and what is copied for it."""
        if nest not in self.layout.roles:
            return ""
        roles, tile = self.layout.roles[nest], self.plan.tiles[nest]
        rows, lanes = map(nest.symbol, (roles.row, roles.summed or roles.lane))
        text = f"{tile}, rows {rows or 'one'}, lanes {lanes or 'one'}"
        return f"{text}, {self.fusion.graph.names()[roles.b]} packed" if tile.right else text

    def _memory(self, names: dict[Value, str]) -> list[str]:
        """Where each stored value is, and how often its elements are one by one."""
        head = f"{self.plan.bytes:,} bytes, of which {self.plan.bytes - self.plan.arena:,} are for "
        head += f"what lives within a step; vectors of {self.width}; "
        lines = [head + f"{self.emitted.strided} accesses lane by lane"]
        first: dict[Buffer, Value] = {}
        for v, buffer in self.layout.buffers.items():
            if buffer.place == "memory" and first.setdefault(buffer, v) is v:
                strides = ",".join(map(str, buffer.strides))
                lines.append(f"    {buffer.offset:>10,}  {names[v]}: {v.aval} strides ({strides})")
        return lines


def is_tiny(graph: Graph) -> bool:
    """Whether a step does so little that loops and calls would be felt."""
    return sum(map(_work, graph.equations())) < _TINY


def _work(v: Value) -> int:
    """Element operations of one equation, roughly."""
    if v.is_row(contract):
        a, b, _ = split_spec(v.params["spec"])
        shapes = v.operands[0].shape + v.operands[1].shape
        return prod(dict(zip(a + b, shapes, strict=True)).values())
    if is_view(v):
        return 0
    return max([v.size, *(x.size for x in v.operands)])


def stages(graph: Graph, *, width: int | None = None, features: str | None = None) -> Lowered:
    """All stages before code generation."""
    check_supported(graph)
    features = processor().features if features is None else features
    graph = turned_once(with_own_results(graph))
    return Lowered(graph, width or vector_lanes(features), features)


def lower(graph: Graph, *, width: int | None = None, features: str | None = None) -> Program:
    """A native program for a traced, checked and simplified graph.

    Args:
        width: lanes of float32 vectors, a power of two; by default the processor's.
        features: what the processor can do, as LLVM writes it; by default all that this one can.

    Raises:
        RequestError: a row or dtype that has no native code.
    """
    features = processor().features if features is None else features
    lowered = stages(graph, width=width, features=features)
    signature = Signature.of(lowered.fusion.graph, lowered.layout, lowered.plan)
    code = machine_code(lowered.modules(), features)
    give_back()
    return Program(graph.inputs, [v.aval for v in graph.outputs], signature, code)
