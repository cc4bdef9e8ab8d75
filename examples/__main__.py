"""`python -m examples [NAME ...]`: every program in its three forms, one after the other.

Losses must agree with PyTorch's at the first steps; later ones part, as rounding is amplified by
training itself. Times are wall time of the whole program, data and printing included, on one
thread; a compiled program is run twice, first with nothing cached.
"""

import os
import sys
import time
from tempfile import TemporaryDirectory

import torch
from rich.console import Console
from rich.table import Table

from examples.variants import COMPILED, EAGER, PROGRAMS, PYTORCH, variant

FIRST = 10  # losses that are compared


def main(names: list[str]) -> int:
    console = Console()
    if unknown := sorted(set(names) - set(PROGRAMS)):
        console.print(f"no program {', '.join(unknown)}; there are {', '.join(PROGRAMS)}")
        return 2
    torch.set_num_threads(1)
    table = Table(title="Seconds per program, one thread")
    columns = (PYTORCH, EAGER, "compiled, first time", "again", "PyTorch / again")
    table.add_column("program")
    for column in ("losses differ by", *columns):
        table.add_column(column, justify="right")
    for name in names or PROGRAMS:
        console.print(name)
        table.add_row(name, *row(name))
    console.print(table)
    return 0


def row(name: str) -> list[str]:
    """The numbers of one program, as text."""
    theirs, slow = timed(name, PYTORCH)
    _, eager = timed(name, EAGER)
    with TemporaryDirectory() as cache:
        os.environ["STEEPEST_CACHE"] = cache
        ours, cold = timed(name, COMPILED)
        _, warm = timed(name, COMPILED)
    pairs = zip(ours[:FIRST], theirs[:FIRST], strict=True)
    apart = max(abs(a - b) / abs(b) for a, b in pairs)
    return [f"{apart:.1e}", *(f"{x:.2f}" for x in (slow, eager, cold, warm, slow / warm))]


def timed(name: str, form: str) -> tuple[list[float], float]:
    """The losses and the seconds that the program takes."""
    run = variant(name, form)
    start = time.perf_counter()
    return run(), time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
