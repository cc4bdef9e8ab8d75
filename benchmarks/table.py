"""Measuring the peers on one workload, and the table of ratios."""

import time
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.peers import PEERS
from benchmarks.workloads import Workload

__all__ = ["Row", "as_markdown", "as_rich", "measure"]

AGREEMENT = 1e-4  # relative difference allowed between the peers' mean losses of an epoch


@dataclass
class Row:
    """One peer on one workload; times in microseconds per training step."""

    workload: str
    title: str
    peer: str
    middle: float
    low: float
    high: float
    ratio: float


def measure(workload: Workload, repeats: int, console: Console) -> list[Row]:
    """Time every peer that is installed and computes the same losses."""
    epochs: dict[str, Any] = {}
    for name, prepare in PEERS.items():
        try:
            epochs[name] = prepare(workload)
        except ModuleNotFoundError as missing:
            console.print(f"{workload.name}: {name} left out, {missing.name} is not installed")
    expected: float | None = None
    for name, epoch in list(epochs.items()):
        losses = epoch()  # the warm-up
        if not losses:
            continue
        mean = float(np.mean(losses))
        expected = mean if expected is None else expected
        if abs(mean - expected) > AGREEMENT * abs(expected):
            console.print(f"{workload.name}: {name} left out, its loss is {mean}, not {expected}")
            del epochs[name]
    steps = len(workload.batches())
    times: dict[str, list[float]] = {name: [] for name in epochs}
    for _ in range(repeats):  # peers alternate, so that a disturbance hits all of them
        for name, epoch in epochs.items():
            start = time.process_time()
            epoch()
            times[name].append((time.process_time() - start) / steps * 1e6)
    ours = median(times["steepest eager"])
    return [
        Row(workload.name, workload.title, name, median(t), min(t), max(t), median(t) / ours)
        for name, t in times.items()
    ]


def as_rich(rows: list[Row]) -> Table:
    """The table for the terminal."""
    table = Table("workload", "peer", "µs per step", "min–max", "time / ours", title="One step")
    for row in rows:
        table.add_row(
            f"{row.workload} {row.title}",
            row.peer,
            f"{row.middle:,.1f}",
            f"{row.low:,.1f}–{row.high:,.1f}",
            f"{row.ratio:.2f}",
        )
    return table


def as_markdown(rows: list[Row], waits: dict[str, float], description: str) -> str:
    """The same table as a page."""
    lines = [
        "# One training step, side by side",
        "",
        "Written by `make bench`. Median of the repeats; the last column is the peer's time",
        "divided by ours: above 1, we are faster. Eager mode is NumPy and not the fast path.",
        "",
        description,
        "",
        "| workload | peer | µs per step | min–max | time / ours |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.workload} {r.title} | {r.peer} | {r.middle:,.1f} | {r.low:,.1f}–{r.high:,.1f} "
        f"| {r.ratio:.2f} |"
        for r in rows
    ]
    lines += ["", "| start-up, sum of `python -X importtime` | ms |", "|---|---|"]
    lines += [f"| {name} | {milliseconds:.0f} |" for name, milliseconds in waits.items()]
    return "\n".join(lines) + "\n"
