"""A compiled step that reads a clock between its nests, on a workload's data.

The program is compiled from the same stages as any other, by an emitter that writes a little more;
the compiler knows nothing of it, and nothing of it is kept on disk.
"""

import time
from functools import lru_cache

import numpy as np

from benchmarks.workloads import Workload
from steepest.compiler.capture.captured import Captured
from steepest.compiler.emit.functions import Function
from steepest.compiler.emit.step import Emitted, Step
from steepest.compiler.graph import Value
from steepest.compiler.lower import Lowered
from steepest.compiler.machine.engine import machine_code
from steepest.compiler.machine.executable import NativeFunction
from steepest.compiler.machine.processor import processor
from steepest.compiler.nests.nest import Nest
from steepest.compiler.run.program import Program
from steepest.compiler.run.signature import Signature
from steepest.compiler.run.team import SharedFunction

__all__ = ["REST", "WAITING", "Clocked", "Run"]

REST, WAITING = "outputs", "waiting at barriers"
FEWEST = 20  # steps of a run at least
Job = tuple[Workload, Captured]
_LINE = 8  # numbers in a line of the cache


class Clocked(Step):
    """A step that adds up, behind the numbers of `control`, how long each of its laps takes.

    laps  what each lap is: a nest, the rest of the step, or waiting for other threads
    """

    def __init__(self, lowered: Lowered):
        stage = lowered.fusion, lowered.layout, lowered.plan
        super().__init__(*stage, lowered.unroll, processor().features)
        self.laps: list[Nest | str] = []
        self.before, self.each = "", _room(lowered)

    def laps_of(self, control: np.ndarray) -> np.ndarray:
        """What `control` has of every thread (a row) in every lap (a column)."""
        return control[_LINE:].reshape(-1, self.each)[:, : len(self.laps)]

    def begin(self) -> None:
        super().begin()
        self.declared.add(f"declare i64 @{_clock()}()")
        self.before = self.new(f"call i64 @{_clock()}()")

    def _lap(self, what: Nest | str) -> None:
        """All the time since the last lap was this."""
        thread = (("%thread", self.each),) if self.sharing else ()
        place = self.integer((_LINE + len(self.laps), thread))
        at = self.new(f"getelementptr i64, ptr %control, i64 {place}")
        total = self.new(f"load i64, ptr {at}")
        after = self.new(f"call i64 @{_clock()}()")
        spent = self.new(f"sub i64 {after}, {self.before}")
        total = self.new(f"add i64 {total}, {spent}")
        self.lines.append(f"  store i64 {total}, ptr {at}")
        self.laps.append(what)
        self.before = after

    def write_nest(self, nest: Nest) -> None:
        super().write_nest(nest)
        self._lap(nest)

    def meet(self) -> None:
        if self.sharing is None:
            return
        self._lap(REST)
        super().meet()
        self._lap(WAITING)

    def end(self, finite: str) -> Function:
        self._lap(REST)
        return super().end(finite)


class Run:
    """A program of a captured step on the workload's data, run some epochs at a time.

    times  microseconds per step of every run
    laps   `control` of every run, in microseconds per step
    """

    def __init__(self, lowered: Lowered, emitted: Emitted, job: Job, threads: int):
        workload, captured = job
        graph = lowered.fusion.graph
        signature = Signature.of(graph, lowered.layout, lowered.plan)
        code = machine_code([emitted.text], processor().features)
        program = Program(graph.inputs, [v.aval for v in graph.outputs], signature, code)
        if isinstance(program.function, SharedFunction):
            program.function.keep(threads)
        batches = workload.batches()
        again = -(-FEWEST // len(batches))
        self.order, self.steps = np.concatenate(batches * again), again * len(batches)
        self.outputs = [np.empty((self.steps, *v.shape), v.dtype) for v in graph.outputs]
        self.control = np.zeros(_LINE + threads * _room(lowered), np.int64)
        arrays = {x.name: array for x, array in captured.arrays.items()}
        arrays |= {"argument0": workload.x, "argument1": workload.y}
        rates = np.full(self.steps, workload.settings["lr"], np.float32)
        inputs = graph.inputs
        given = {v: rates if v.role == "stepped" else _shaped(arrays[v.name], v) for v in inputs}
        self.bound = program.bind(given)
        self.bound.load()
        self.times: list[float] = []
        self.laps: list[np.ndarray] = []

    def once(self) -> None:
        """Some epochs more, on the clock."""
        self.control[:] = 0
        now = _counter()
        begin, first = time.perf_counter(), now(0)
        done = self.bound.run(self.order, self.steps, self.outputs, self.control)
        ticks, seconds = now(0) - first, time.perf_counter() - begin
        assert done == self.steps, "the loss must stay finite"
        self.times.append(seconds / done * 1e6)
        self.laps.append(self.control * (self.times[-1] / ticks))

    def fastest(self) -> tuple[float, np.ndarray]:
        """Microseconds per step of the fastest run, and its `control`."""
        k = self.times.index(min(self.times))
        return self.times[k], self.laps[k]


def _room(lowered: Lowered) -> int:
    """Numbers that a thread's laps take: lines of the cache for itself."""
    return -(-(3 * len(lowered.fusion.nests) + 4) // _LINE) * _LINE + _LINE


def _shaped(array: np.ndarray, v: Value) -> np.ndarray:
    """An array in the shape in which the program reads it."""
    lead = 1 if v.role == "gathered" else 0
    return array.reshape((*array.shape[:lead], *v.shape[lead:]))


def _clock() -> str:
    """The counter that every program may read; it runs at one speed."""
    return "llvm.readsteadycounter" if "+neon" in processor().features else "llvm.readcyclecounter"


@lru_cache(1)
def _counter() -> NativeFunction:
    """The clock, called from Python."""
    clock = f"declare i64 @{_clock()}()"
    text = "define i64 @run(i64 %unused) {\n"
    text += f"  %now = call i64 @{_clock()}()\n  ret i64 %now\n}}"
    return NativeFunction(machine_code([f"{clock}\n{text}"], processor().features), 0)
