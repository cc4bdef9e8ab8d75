"""`python -m benchmarks`: the training step of small networks, side by side, in one run.

Every peer trains the same network on the same batches from the same weights. Before anything is
timed, the losses of an epoch are compared; a peer that computes something else is not timed.
Process CPU time of one thread on one core, weights reset before every epoch, median and spread.
Compiling peers: what their first call takes more, in a process of its own.
"""

import argparse
import os
from pathlib import Path

from rich.console import Console

from benchmarks.environment import clean_environment, description
from benchmarks.first import first_calls
from benchmarks.startup import startup
from benchmarks.table import as_markdown, as_rich, first_as_rich, measure
from benchmarks.workloads import WORKLOADS

RESULTS = Path(__file__).parent / "results.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("workloads", nargs="*", default=list(WORKLOADS), help="W1 … (all)")
    parser.add_argument("--repeats", type=int, default=5, help="timings per peer")
    arguments = parser.parse_args()
    clean_environment()
    circumstances, console = description(), Console()
    rows, calls = [], []
    for name in arguments.workloads:
        rows += measure(WORKLOADS[name](), arguments.repeats, console)
        calls += first_calls(name, [row.peer for row in rows if row.workload == name])
    console.print(as_rich(rows))
    console.print(first_as_rich(calls))
    waits = startup()
    for name, milliseconds in waits.items():
        console.print(f"{name}: {milliseconds:.0f} ms")
    RESULTS.write_text(as_markdown(rows, calls, waits, circumstances), encoding="utf-8")
    console.print(f"written to {os.path.relpath(RESULTS)}")


if __name__ == "__main__":
    main()
