"""Where the time of a step goes: `python -m benchmarks.profile W4 [--threads 2]`.

One line per loop nest, in the order in which they run and under the numbers that `explain` gives
them: microseconds per step, the part of the step, operations and bytes per second, and the least
time that these take on one core as a share of the time taken. An expensive function counts as so
many operations as it has instructions; bytes count once, however often they are read. Waiting
stands at the end, and so does the sum, beside a step of the program as it is, without clocks.
"""

import argparse
from dataclasses import dataclass, field
from itertools import product
from math import prod

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.clocked import Clocked, Run
from benchmarks.environment import clean_environment, on_cores
from benchmarks.roofline import Roofline, measure_roofline
from benchmarks.stages import captured_step, final_graph
from benchmarks.workloads import WORKLOADS, Sweep, Workload
from steepest.compiler.graph import Value
from steepest.compiler.lower import Lowered, stages
from steepest.compiler.nests.affine import Affine
from steepest.compiler.nests.costs import instructions
from steepest.compiler.nests.index import is_view, through
from steepest.compiler.nests.nest import Nest

__all__ = ["COLUMNS", "Line", "Profile", "profile"]

RUNS = 7  # the fastest counts
COLUMNS = ("nest", "µs", "of the step", "GFLOP/s", "GB/s", "roofline")


@dataclass
class Line:
    """A nest, or what else takes time.

    times     microseconds per step, by thread
    products  multiply-adds, or other operations on numbers
    moved     bytes read and written
    share     of what one core can do at most, or of what all threads' cores can
    """

    text: str
    times: list[float]
    products: int = 0
    moved: int = 0
    share: float = 0.0

    def cells(self, total: float) -> tuple[str, ...]:
        """As text, of a step that takes so many microseconds."""
        shown = " / ".join(f"{time:,.2f}" for time in self.times)
        longest = max(*self.times, 1e-3)
        cells = self.text, shown, f"{longest / total:.0%}"
        if not self.moved:
            return *cells, "", "", ""
        speeds = (2 * self.products / longest / 1e3, self.moved / longest / 1e3)
        return *cells, *(f"{speed:,.1f}" for speed in speeds), f"{self.share:.0%}"


@dataclass
class Profile:
    """The lines of a step.

    measured  microseconds per step of the program without clocks
    """

    measured: float
    lines: list[Line] = field(default_factory=list)

    @property
    def total(self) -> float:
        """Microseconds per step of all lines, on the thread that takes longest."""
        return max(map(sum, zip(*[line.times for line in self.lines], strict=True)))

    def largest(self, count: int) -> list[Line]:
        """The lines that take longest, in their order."""
        chosen = sorted(self.lines, key=lambda line: -max(line.times))[:count]
        return [line for line in self.lines if line in chosen]

    def rows(self, lines: list[Line]) -> list[tuple[str, ...]]:
        """Lines as text."""
        return [line.cells(self.total) for line in lines]

    def summary(self) -> str:
        """The sum beside the measured step."""
        return f"All lines {self.total:,.2f} µs; the step without clocks {self.measured:,.2f} µs."


def profile(workload: Workload, roofline: Roofline, threads: int = 1) -> Profile:
    """Where the time of a step goes, on as many cores; of a sweep, that of a member's step."""
    with on_cores(threads):
        return _profile(workload, roofline, threads)


def _profile(workload: Workload, roofline: Roofline, threads: int) -> Profile:
    if isinstance(workload, Sweep):
        workload = workload.members()[0]
    captured = captured_step(workload)
    lowered = stages(final_graph(captured))
    clocked = Clocked(lowered)
    plain, timed = (
        Run(lowered, emitted, (workload, captured), threads)
        for emitted in (lowered.emitted, clocked.emitted(clocked.write_all()))
    )
    for _ in range(RUNS):  # in turn, so that a disturbance hits both
        plain.once()
        timed.once()
    found = clocked.laps_of(timed.fastest()[1])
    return Profile(plain.fastest()[0], _lines(lowered, clocked.laps, found, roofline))


def _lines(
    lowered: Lowered, laps: list[Nest | str], found: np.ndarray, roofline: Roofline
) -> list[Line]:
    times: dict[Nest | str, np.ndarray] = {}
    for lap, column in zip(laps, found.T, strict=True):
        times[lap] = times.get(lap, 0) + column
    graph = lowered.fusion.graph
    names = graph.names()
    names |= {new: f"{names[old]}′" for old, new in graph.state if new is not old}
    lines = []
    for number, nest in enumerate(lowered.fusion.nests):
        line = Line(_text(number, nest, lowered, names), times[nest].tolist())
        line.products, line.moved = _products(nest, lowered), _moved(nest, lowered)
        least = roofline.least(line.products, line.moved) / len(line.times)
        line.share = least / max(*line.times, 1e-3)
        lines.append(line)
    others = [(lap, column) for lap, column in times.items() if isinstance(lap, str)]
    return lines + [Line(lap, column.tolist()) for lap, column in others]


def _text(number: int, nest: Nest, lowered: Lowered, names: dict[Value, str]) -> str:
    """The nest's number, kind and size, and what it stores."""
    size = "×".join(map(str, nest.space)) or "one number"
    if nest in lowered.layout.roles:
        summed = prod(lowered.layout.roles[nest].size.values()) // prod(nest.space)
        size += f", {summed} summed"
    first, *others = (names[v] for v in nest.written())
    more = f" and {len(others)} more" if others else ""
    return f"nest {number}: {nest.kind} {size} → {first}{more}"


def _products(nest: Nest, lowered: Lowered) -> int:
    """Multiply-adds of a contraction, and one for every instruction on other numbers."""
    walk = lowered.fusion.reach(nest)
    for v, index in nest.roots():
        walk(v, index)
    each = sum(map(instructions, walk.visited))
    return _all(nest, lowered) + prod(nest.space) * each


def _all(nest: Nest, lowered: Lowered) -> int:
    """Multiply-adds of a contraction, without those beyond the border of an image."""
    roles = lowered.layout.roles.get(nest)
    if roles is None:
        return 0
    part = 1.0
    for v, index in ((roles.a, roles.a_index), (roles.b, roles.b_index)):
        while is_view(v) and v not in lowered.layout.buffers:
            v, index = through(v, index)
        if v in nest.bounded:
            sizes = {at[1][0][0]: roles.size[i] for i, at in nest.letters.items() if at[1]}
            inside = zip(index, v.params["starts"], v.operands[0].shape, strict=True)
            part *= prod(_part_inside(a, start, n, sizes) for a, start, n in inside)
    return round(prod(roles.size.values()) * part)


def _part_inside(a: Affine, start: int, n: int, sizes: dict[str, int]) -> float:
    """The part of all positions of the loops at which start ≤ a < start + n."""
    loops = [range(0, c * sizes[symbol], c) for symbol, c in a[1]]
    places = [a[0] + sum(at) for at in product(*loops)]
    return sum(start <= place < start + n for place in places) / len(places)


def _moved(nest: Nest, lowered: Lowered) -> int:
    """Bytes of all that is read and of all that is written."""
    values = [*lowered.fusion.reads(nest), *nest.written()]
    return sum(v.size * v.dtype.itemsize for v in values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="+", choices=WORKLOADS, metavar="workload")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    clean_environment()
    console, roofline = Console(), measure_roofline()
    console.print(f"One core: {roofline}.")
    for name in chosen.workloads:
        found = profile(WORKLOADS[name](), roofline, chosen.threads)
        table = Table(*COLUMNS, title=name)
        for row in found.rows(found.lines):
            table.add_row(*row)
        console.print(table)
        console.print(found.summary())


if __name__ == "__main__":
    main()
