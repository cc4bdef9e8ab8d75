"""Where the time of the first call goes: the stages of the compiler, one after the other.

`python -m benchmarks.stages W2 deep` prints milliseconds per stage, each workload in a process of
its own, as a first call finds it; what a process pays once (loading and waking LLVM) is a
line of its own. `deep` is an MLP of twelve layers of 64, most of them alike.

Below the stages are the waits of a person, in processes that do nothing else: `cold`, from the
first epoch's call to its first step with nothing cached; `warm`, the same where another process
compiled before; `call`, an epoch of one step thereafter.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.alone import first_call
from benchmarks.networks import network, optimizer_of
from benchmarks.peers import BASE
from benchmarks.workloads import WORKLOADS, Workload, mlp
from steepest import api as steepest
from steepest.compiler import loop, lower
from steepest.compiler.capture.capture import capture
from steepest.compiler.capture.captured import Captured
from steepest.compiler.check import check
from steepest.compiler.emit import emit_modules
from steepest.compiler.emit.supported import check_supported
from steepest.compiler.graph import Graph, Value
from steepest.compiler.machine import engine
from steepest.compiler.machine.executable import NativeFunction
from steepest.compiler.machine.processor import processor, vector_lanes, vector_registers
from steepest.compiler.machine.resident import awake
from steepest.compiler.memory.layout import lay_out
from steepest.compiler.memory.plan import plan
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.images import images
from steepest.compiler.nests.order import ordered
from steepest.compiler.nests.results import with_own_results
from steepest.compiler.nests.turned import turned_once
from steepest.compiler.run.signature import Signature
from steepest.compiler.simplify import merge_twins, simplify
from steepest.core import Aval

__all__ = ["captured_step", "final_graph", "stages_of"]

ONCE = "LLVM, once"
BESIDE = "codegen, beyond emit"


def deep() -> Workload:
    x = np.random.default_rng(0).standard_normal((320, 64), np.float32)
    layers = mlp((64,) * 13 + (1,), "Tanh")
    title, lr = "MLP of 12 layers", {"lr": 1e-3}
    return Workload("deep", title, x, x[:, :1], layers, "MSELoss", "Adam", lr, 32)


COMPILED = {**WORKLOADS, "deep": deep}


class _Clock:
    """Milliseconds by name, in order; what has one name is added up."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}

    def __call__(self, name: str, run: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        found = run()
        self.times[name] = self.times.get(name, 0) + (time.perf_counter() - start) * 1000
        return found


def stages_of(workload: Workload) -> dict[str, float]:
    """Milliseconds of every stage of the first compilation in this process, and sizes."""
    clock = _Clock()
    features = clock(ONCE, _woken)
    captured = clock("capture", _ready(workload))
    graph = clock("simplify", lambda: simplify(captured.graph))
    graph, _ = clock("twins", lambda: merge_twins(graph, _alike(captured, graph)))
    clock("check", lambda: (check_supported(graph), check(graph), graph.key))
    graph = turned_once(with_own_results(graph))
    width, registers = vector_lanes(features), vector_registers(features)
    found = images(graph, width)
    fusion = clock("fuse", lambda: ordered(Fusion(graph, found.bounded).run()))
    unroll = lower.is_tiny(graph)
    layout = clock("layout", lambda: lay_out(fusion, width, found.contiguous))
    planned = clock("plan", lambda: plan(fusion, layout, registers, unroll))
    written: list[str] = []

    def modules() -> Iterator[str]:
        """Each as soon as it is there; the clock counts their writing apart."""
        ready = emit_modules(fusion, layout, planned, unroll=unroll, features=features)
        while text := clock("emit", lambda: next(ready, "")):
            written.append(text)
            yield text

    code = clock(BESIDE, lambda: engine.machine_code(modules(), features))
    clock.times[BESIDE] -= clock.times["emit"]
    signature = Signature.of(graph, layout, planned)
    clock("load", lambda: NativeFunction(code, signature.pointers))
    return {
        **clock.times,
        "total": sum(ms for name, ms in clock.times.items() if name != ONCE),
        "nests": len(fusion.nests),
        "lines of LLVM": sum(text.count("\n") for text in written),
        "bytes of code": len(code),
    }


def _woken() -> str:
    """LLVM, loaded and set up; gives the processor's features."""
    awake()
    return processor().features


def captured_step(workload: Workload) -> Captured:
    """The training step that `fit` would run; its learning rate is data, the input "stepped"."""
    return _ready(workload)()


def _ready(workload: Workload) -> Callable[[], Captured]:
    """`captured_step`, up to where the network exists."""
    model, loss_of = network(steepest, workload)
    optimizer = optimizer_of(steepest, model, workload)
    optimizer.prepare()
    rate, (group,) = steepest.tensor(0.0), optimizer.param_groups
    group["lr"] = rate

    def step(x: Any, y: Any) -> Any:
        loss = loss_of(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    arrays = enumerate([workload.x, workload.y])
    inlets = [
        (f"argument{i}", Aval((workload.batch, *x.shape[1:]), x.dtype), "gathered")
        for i, x in arrays
    ]

    def captured() -> Captured:
        found = capture(step, inlets, stepped=[rate])
        labels = found.graph.inputs[1]
        if labels.dtype.kind in "iu":
            labels.bounds = int(workload.y.min()), int(workload.y.max())
        return found

    return captured


def final_graph(captured: Captured) -> Graph:
    """The graph of a captured step that is lowered."""
    graph = simplify(captured.graph)
    return merge_twins(graph, _alike(captured, graph))[0]


def _alike(captured: Captured, graph: Graph) -> list[list[Value]]:
    """States that hold the same number now."""
    return [[graph.inputs[i] for i in group] for group in loop._alike(captured)]


def _cold(workload: Workload) -> dict[str, float]:
    return {"cold": first_call(workload, BASE)[0]}


def _warm(workload: Workload) -> dict[str, float]:
    wait, call = first_call(workload, BASE)
    return {"warm": wait, "call, µs": call}


MEASURES = {
    "stages": stages_of,
    "cold": _cold,  # in this order: what `warm` finds compiled before
    "warm": _warm,
}


def _measured(measure: str, name: str) -> list[list[str]]:
    """What a measure finds in a process of its own: names and figures."""
    command = [sys.executable, "-m", "benchmarks.stages", f"--{measure}", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def main() -> None:
    names = sys.argv[1:] or list(COMPILED)
    if names[0].startswith("--"):
        for name, figure in MEASURES[names[0][2:]](COMPILED[names[1]]()).items():
            print(name, f"{figure:,.1f}" if isinstance(figure, float) else f"{figure:,}", sep="\t")
        return
    columns = []
    for name in names:
        with TemporaryDirectory() as folder:
            os.environ["STEEPEST_CACHE"] = folder
            columns.append([row for measure in MEASURES for row in _measured(measure, name)])
    print("| ms | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for row in zip(*columns, strict=True):
        print(f"| {row[0][0]} | " + " | ".join(figure for _, figure in row) + " |")


if __name__ == "__main__":
    main()
