"""`python -m benchmarks`: the training step of small networks, side by side, in one run.

Every peer trains the same network on the same batches from the same weights. Before anything is
timed, the losses of an epoch are compared; a peer that computes something else is not timed.
Process CPU time of one thread on one core, weights reset before every repeat, median and spread.
"""

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from benchmarks.environment import clean_environment, description
from benchmarks.startup import startup
from benchmarks.table import as_markdown, as_rich, measure
from benchmarks.workloads import WORKLOADS

RESULTS = Path(__file__).parent / "results.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("workloads", nargs="*", default=list(WORKLOADS), help="W1 … (all)")
    parser.add_argument("--repeats", type=int, default=5, help="timed epochs per peer")
    arguments = parser.parse_args()
    clean_environment()
    console = Console()
    rows = []
    for name in arguments.workloads:
        rows += measure(WORKLOADS[name](), arguments.repeats, console)
    console.print(as_rich(rows))
    waits = startup()
    for name, milliseconds in waits.items():
        console.print(f"{name}: {milliseconds:.0f} ms")
    RESULTS.write_text(as_markdown(rows, waits, description()), encoding="utf-8")
    console.print(f"written to {os.path.relpath(RESULTS)}")


if __name__ == "__main__":
    sys.exit(main())
