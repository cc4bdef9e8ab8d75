"""`make soak`: many random programs over the table, and resident memory over many compilations.

    python tests/soak.py [PROGRAMS] [--memory COMPILATIONS]

Programs are drawn by hypothesis, which shrinks the first that fails. Each hundred runs in a process
of its own, so that a crash ends only that process and leaves the name of the program that it died
of. Compiled code is compared with replaying in double precision.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from memory import growth
from random_graphs import Maker

from steepest.compiler.graph import Graph, Value
from steepest.compiler.lower import lower
from steepest.compiler.replay import replay
from steepest.compiler.simplify import simplify

CHUNK, STEPS = 100, 3
# MiB between compilation 100 and 500: the last 28 programs that are kept, and the allocator's own.
ALLOWED = 10.0
# Sums of up to 20,000 numbers of size one, through up to forty rows and three steps.
CLOSE = {"float64": 1e-9, "float32": 1e-3}


class Drawn(NamedTuple):
    """What makes a program: equal numbers, equal program."""

    seed: int
    rows: int
    width: int
    dtype: str
    simplified: bool


PROGRAMS = st.builds(
    Drawn,
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 40),
    width=st.sampled_from([4, 8, 16]),
    dtype=st.sampled_from(sorted(CLOSE)),
    simplified=st.booleans(),
)


def bound(x: Value, array: np.ndarray) -> np.ndarray:
    """A copy of an input's array, in the shape that the simplifier gave the input."""
    lead = {"gathered": array.shape[:1], "stepped": (STEPS,)}.get(x.role, ())
    return np.array(array).reshape((*lead, *(x.shape[1:] if x.role == "gathered" else x.shape)))


def results(graph: Graph, run, arrays: list[np.ndarray], batch: int) -> list[np.ndarray]:
    """How many steps were done, then outputs and states after them, in double precision."""
    mine = {x: bound(x, array) for x, array in zip(graph.inputs, arrays, strict=True)}
    outputs = [np.zeros((STEPS, *v.shape), v.dtype) for v in graph.outputs]
    index = np.random.default_rng(0).integers(0, 40, STEPS * batch)
    with np.errstate(all="ignore"):
        done = run(mine, index, STEPS, outputs, np.zeros(3, np.int64))
    states = [mine[x] for x in graph.inputs if x.role == "state"]
    return [np.float64(done), *(np.asarray(x, np.float64) for x in [*outputs, *states])]


def replayed(program: Drawn, dtype: str, nudge: float = 0.0) -> list[np.ndarray]:
    """The program's results by NumPy, its inputs changed by a share of themselves."""
    graph, arrays, batch = Maker(program.seed, dtype=dtype).graph(program.rows)
    nudged = [
        array * (1 + nudge * np.sign(np.sin(np.arange(array.size)))).reshape(array.shape)
        if array.dtype.kind == "f"
        else array
        for array in arrays.values()
    ]
    nudged = [x.astype(a.dtype) for x, a in zip(nudged, arrays.values(), strict=True)]
    return results(graph, lambda *given: replay(graph, *given), nudged, batch)


def differ(found: list[np.ndarray], wanted: list[np.ndarray], close: float) -> bool:
    pairs = zip(found, wanted, strict=True)
    return not all(np.allclose(a, b, rtol=close, atol=close, equal_nan=True) for a, b in pairs)


def check(program: Drawn) -> None:
    """Compiled as replayed; a program that rounding throws over an edge proves nothing."""
    graph, arrays, batch = Maker(program.seed, dtype=program.dtype).graph(program.rows)
    graph = simplify(graph) if program.simplified else graph
    run = lower(graph, width=program.width).run
    found = results(graph, run, list(arrays.values()), batch)
    close = CLOSE[program.dtype]
    wanted = replayed(program, program.dtype)
    if differ(found, wanted, close):
        unit = np.finfo(program.dtype).eps
        others = [replayed(program, "float64", nudge) for nudge in (0, 4 * unit, -4 * unit)]
        assert any(differ(x, wanted, close) for x in others), program


def chunk(number: int) -> None:
    """A hundred programs; the one being run stands on the last line of the output."""

    @seed(number)
    @settings(
        max_examples=CHUNK, database=None, deadline=None,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(PROGRAMS)
    def programs(program: Drawn) -> None:
        print(program, flush=True)
        check(program)

    programs()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("programs", type=int, nargs="?", default=2000)
    parser.add_argument("--memory", type=int, default=500, help="compilations (500)")
    parser.add_argument("--first", type=int, default=0, help="number of the first hundred")
    arguments = parser.parse_args()
    failed = 0
    for number in range(arguments.first, arguments.first + arguments.programs // CHUNK):
        code = f"import soak; soak.chunk({number})"
        path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
        environment = os.environ | {"PYTHONPATH": path, "STEEPEST_CACHE": ""}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True
        )
        drawn = done.stdout.splitlines()
        said = "right" if not done.returncode else f"status {done.returncode}, at {drawn[-1:]}"
        print(f"hundred {number}: {len(drawn)} programs, {said}", flush=True)
        if done.returncode:
            failed += 1
            print(done.stderr[-3000:], flush=True)
    if arguments.memory:
        early, late = growth(arguments.memory)
        print(f"{early:.1f} MiB after a fifth of the compilations, {late:.1f} MiB after all")
        failed += late - early > ALLOWED
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
