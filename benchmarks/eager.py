"""What one small operation costs before anything is compiled: `python -m benchmarks.eager`.

Three-vectors, so that nearly nothing is computed and the time is that of the library around it:
finding the row, running it, remembering it for the gradient. Both libraries take turns in one
process; a figure is the median of the turns, each the fastest of a few repetitions.
"""

import statistics
import sys
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.environment import clean_environment
from steepest import api as steepest
from steepest.core import lazy

__all__ = ["main", "operations", "seconds"]

torch = lazy("torch")

TURNS, CALLS = 9, 2000


def operations(library: Any) -> dict[str, Callable[[], Any]]:
    """The operations by name, on vectors of three elements that require a gradient."""
    x = library.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = library.tensor([0.5, 0.5, 2.0], requires_grad=True)
    plain = library.tensor([1.0, 2.0, 3.0])

    def forward_and_backward() -> None:
        (x + y).sum().backward()

    return {
        "x + y, with gradient": lambda: x + y,
        "x * y, with gradient": lambda: x * y,
        "x + 1, with gradient": lambda: x + 1,
        "x + x, without": lambda: plain + plain,
        "tanh(x), with gradient": lambda: library.tanh(x),
        "softmax(x), with gradient": lambda: library.softmax(x, 0),
        "x[0], with gradient": lambda: x[0],
        "x.max(), with gradient": lambda: x.max(),
        "x.sum(), with gradient": lambda: x.sum(),
        "(x + y).sum().backward()": forward_and_backward,
    }


def seconds(operation: Callable[[], Any], calls: int) -> float:
    """The time of one call: the fastest of three repetitions."""
    return min(timeit.repeat(operation, number=calls, repeat=3)) / calls


def main(turns: int = TURNS, calls: int = CALLS) -> None:
    """Print microseconds per operation, ours and PyTorch's, and their ratio."""
    ours, theirs = operations(steepest), operations(torch)
    print(f"{'microseconds':28}{'steepest':>10}{'PyTorch':>10}{'ratio':>8}")
    for name, operation in ours.items():
        pairs = [(seconds(operation, calls), seconds(theirs[name], calls)) for _ in range(turns)]
        mine, other = (statistics.median(turn) * 1e6 for turn in zip(*pairs, strict=True))
        ratio = float(np.median([a / b for a, b in pairs]))
        print(f"{name:28}{mine:10.2f}{other:10.2f}{ratio:8.2f}")


if __name__ == "__main__":
    clean_environment()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else TURNS)
