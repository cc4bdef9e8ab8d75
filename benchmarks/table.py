"""Measuring the peers on one workload, and the table of ratios."""

import math
import time
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.first import First
from benchmarks.peers import BASE, PEERS, REFERENCE
from benchmarks.workloads import Workload

__all__ = ["Row", "agreeing", "as_markdown", "as_rich", "first_as_rich", "measure"]

AGREEMENT = 1e-4  # relative difference allowed between the peers' mean losses of an epoch
SHORTEST = 0.05  # seconds that one timing takes at least


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
    epochs = agreeing(workload, console)
    counts = {name: _enough(epoch) for name, epoch in epochs.items()}
    steps = len(workload.batches())
    times: dict[str, list[float]] = {name: [] for name in epochs}
    for _ in range(repeats):  # peers alternate, so that a disturbance hits all of them
        for name, epoch in epochs.items():
            start = time.process_time()
            for _ in range(counts[name]):
                epoch()
            taken = time.process_time() - start
            times[name].append(taken / (steps * counts[name]) * 1e6)
    ours = median(times[BASE])
    return [
        Row(workload.name, workload.title, name, median(t), min(t), max(t), median(t) / ours)
        for name, t in times.items()
    ]


def agreeing(workload: Workload, console: Console) -> dict[str, Any]:
    """The peers that are installed and have the reference's losses, ready to be timed.

    Raises:
        ArithmeticError: ours, compiled, is not among them; there is nothing to compare with then.
    """
    epochs: dict[str, Any] = {}
    for name, prepare in PEERS.items():
        try:
            epochs[name] = prepare(workload)
        except ModuleNotFoundError as missing:
            console.print(f"{workload.name}: {name} left out, {missing.name} is not installed")
    means = {name: _mean(epoch()) for name, epoch in epochs.items()}
    expected = means[REFERENCE]
    assert expected is not None
    for name, mean in means.items():
        if mean is not None and not abs(mean - expected) <= AGREEMENT * abs(expected):
            wrong = f"{workload.name}: {name} left out, its loss is {mean}, not {expected}"
            if name == BASE:
                raise ArithmeticError(wrong)
            console.print(wrong)
            del epochs[name]
    return epochs


def _mean(losses: Any) -> float | None:
    """The mean of an epoch's losses; None for the peer that computes none."""
    return float(np.mean(losses)) if len(losses) else None


def _enough(epoch: Any) -> int:
    """How many epochs make a time that the clock measures well."""
    start = time.process_time()
    epoch()
    return math.ceil(SHORTEST / max(time.process_time() - start, 1e-6))


def as_rich(rows: list[Row]) -> Table:
    """The table for the terminal."""
    table = Table("workload", "peer", "µs per step", "min–max", "time / ours", title="One step")
    for row in rows:
        table.add_row(
            row.workload,
            row.peer,
            f"{row.middle:,.2f}",
            f"{row.low:,.2f}–{row.high:,.2f}",
            f"{row.ratio:.2f}",
        )
    return table


def first_as_rich(calls: list[First]) -> Table:
    """The first calls for the terminal."""
    table = Table("workload", "peer", "cold, ms", "cached, ms", title="First call")
    for call in calls:
        table.add_row(call.workload, call.peer, f"{call.cold:,.0f}", _milliseconds(call.cached))
    return table


def _milliseconds(time: float | None) -> str:
    return "—" if time is None else f"{time:,.0f}"


def as_markdown(
    rows: list[Row], calls: list[First], waits: dict[str, float], description: str
) -> str:
    """The same tables as a page."""
    lines = [
        "# One training step, side by side",
        "",
        "Written by `make bench`. Median of the repeats; the last column is the peer's time",
        "divided by that of the compiled step: above 1, we are faster. Eager mode is NumPy and not",
        "the fast path.",
        "",
        description,
        "",
        "| workload | peer | µs per step | min–max | time / ours |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.workload} {r.title} | {r.peer} | {r.middle:,.2f} | {r.low:,.2f}–{r.high:,.2f} "
        f"| {r.ratio:.2f} |"
        for r in rows
    ]
    lines += [
        "",
        "The first call: tracing and compiling, wall time beyond that of a later call; cached: in",
        "a second process.",
        "",
        "| workload | peer | cold, ms | cached, ms |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {c.workload} | {c.peer} | {c.cold:,.0f} | {_milliseconds(c.cached)} |" for c in calls
    ]
    lines += ["", "| start-up, sum of `python -X importtime` | ms |", "|---|---|"]
    lines += [f"| {name} | {milliseconds:.0f} |" for name, milliseconds in waits.items()]
    return "\n".join(lines) + "\n"
