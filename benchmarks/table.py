"""Measuring the peers on one workload, and the table of ratios."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.first import First
from benchmarks.measure import agreeing, timings
from benchmarks.peers import BASE, PEERS, REFERENCE
from benchmarks.workloads import Workload

__all__ = ["Row", "as_markdown", "as_rich", "first_as_rich", "measure"]


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
    peers = agreeing(workload, PEERS, BASE, REFERENCE, console.print)
    times = timings(peers, len(workload.batches()), repeats)
    ours = times[BASE].middle
    return [
        Row(workload.name, workload.title, name, t.middle, t.low, t.high, t.middle / ours)
        for name, t in times.items()
    ]


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
