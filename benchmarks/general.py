"""`python -m benchmarks.general`: networks that nobody tuned for, beside JAX and PyTorch.

Twenty networks are drawn from a fixed seed (benchmarks/draw.py). Numbers after the command choose
some of them; only a run of all of them writes benchmarks/general.md.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.draw import NETWORKS, draw
from benchmarks.environment import clean_environment, description
from benchmarks.measure import Timing, agreeing, timings
from benchmarks.peers import BASE, JAX, PEERS, TORCH
from benchmarks.workloads import Workload

__all__ = ["Result", "page", "summary"]

PAGE = Path(__file__).parent / "general.md"
TARGETS = {JAX: 1.5, TORCH: 10.0}  # medians over the networks
REPEATS = 5
COLUMNS = ("network", "batch", "layers", "ours, µs", "min–max", "JAX scan", "PyTorch", "")


@dataclass
class Result:
    """A network's times. Ratios are a peer's time divided by ours: above 1, we are faster."""

    workload: Workload
    times: dict[str, Timing]

    def ratio(self, peer: str) -> float | None:
        """None where the peer was left out."""
        return self.times[peer].ratio if peer in self.times else None

    def behind(self) -> bool:
        """Is one of the peers faster?"""
        return any((self.ratio(peer) or 1) < 1 for peer in TARGETS)

    def cells(self) -> tuple[str, ...]:
        """The row of the table, in the order of COLUMNS."""
        job, ours = self.workload, self.times[BASE]
        kinds = [layer[0] for layer in job.layers if layer[0] != "Linear"]
        set_to = (f"{key} {value:g}" for key, value in job.settings.items() if key != "lr")
        described = [*dict.fromkeys(kinds), job.loss, " ".join((job.optimizer, *set_to))]
        return (
            f"{job.name} {job.title}",
            str(job.batch),
            ", ".join(described),
            f"{ours.middle:,.2f}",
            f"{ours.low:,.2f}–{ours.high:,.2f}",
            *(_times(self.ratio(peer)) for peer in TARGETS),
            "slower" if self.behind() else "",
        )


def _times(ratio: float | None) -> str:
    return "left out" if ratio is None else f"{ratio:.2f}×"


def measured(workload: Workload, console: Console) -> Result:
    """A network's times, after the losses have been found equal."""
    chosen = {name: PEERS[name] for name in (BASE, TORCH, JAX)}
    peers = agreeing(workload, chosen, console.print)
    return Result(workload, timings(peers, len(workload.batches()), REPEATS))


def summary(results: list[Result]) -> list[str]:
    """Lines that say whether the targets are met."""
    lines = []
    for peer, target in TARGETS.items():
        ratios = [ratio for r in results if (ratio := r.ratio(peer)) is not None]
        if ratios:
            word = "met" if median(ratios) >= target else "missed"
            lines.append(
                f"{peer}: median {median(ratios):.2f}× over {len(ratios)} networks, "
                f"from {min(ratios):.2f}× to {max(ratios):.2f}×; target {target:g}×: {word}"
            )
    behind = [r.workload.name for r in results if r.behind()]
    lines.append(
        f"slower than the faster of the two: {', '.join(behind) or 'none'}; target none: "
        + ("missed" if behind else "met")
    )
    return lines


def page(results: list[Result], circumstances: str) -> str:
    """The table as Markdown."""
    lines = [
        "# Networks that nobody tuned for",
        "",
        "Written by `make bench-general`. Twenty networks drawn from a fixed seed; the columns of",
        "the peers are their time divided by ours just before: above 1, we are faster. Losses were",
        "compared before anything was timed; networks with dropout were compared without it,",
        "because each library draws its own noise, and timed with it.",
        "",
        circumstances,
        "",
        *(f"- {line}" for line in summary(results)),
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
        *(f"| {' | '.join(r.cells())} |" for r in results),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.general", description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, help=f"1 … {NETWORKS} (all)")
    numbers = parser.parse_args().numbers
    clean_environment()
    circumstances, console = description(), Console()
    drawn = [w for i, w in enumerate(draw(), 1) if not numbers or i in numbers]
    results = []
    for workload in drawn:
        results.append(measured(workload, console))
        console.print(" | ".join(results[-1].cells()), soft_wrap=True)
    shown = [i for i, name in enumerate(COLUMNS) if name != "layers"]  # they would fill the screen
    table = Table(*(COLUMNS[i] for i in shown), title="Networks that nobody tuned for")
    for result in results:
        table.add_row(*(result.cells()[i] for i in shown))
    console.print(table)
    console.print(circumstances, *summary(results), sep="\n")
    if not numbers:
        PAGE.write_text(page(results, circumstances), encoding="utf-8")
        console.print(f"written to {PAGE.name}")


if __name__ == "__main__":
    main()
