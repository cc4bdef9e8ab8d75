"""`python -m benchmarks.landscape`: what looking at a loss surface costs.

A Hessian-vector product beside a gradient, and 51 × 51 points of a loss surface, for the housing
network and for LeNet-5 on 1,000 digits; every figure is the median of several runs, compilation
beside it.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from steepest import explain, models, nn
from steepest.core import get_num_threads
from steepest.data import load_data

__all__ = ["main"]

POINTS = 51


def objectives() -> dict[str, explain.Objective]:
    """What is looked at, by name."""
    houses, digits = load_data("housing", seed=0), load_data("mnist", seed=0)
    part, images = houses.train, digits.train
    lenet = models.lenet5(True, size=(28, 28), background=float(images.x.min()))
    return {
        "housing, MLP 13-64-64-1": explain.Objective(
            models.create("mlp", houses), nn.MSELoss(), part.x, part.y
        ),
        "1,000 digits, LeNet-5": explain.Objective(
            lenet, nn.CrossEntropyLoss(), images.x[:1000], images.y[:1000]
        ),
    }


def timed(act: Callable[[], Any], times: int) -> tuple[float, float]:
    """Seconds of the first run, and the median of so many more."""
    seconds = []
    for _ in range(times + 1):
        began = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - began)
    return seconds[0], median(seconds[1:])


def main() -> None:
    """Measure and print."""
    table = Table("network", "gradient", "product", "ratio", f"{POINTS} × {POINTS}", "compiling")
    for name, objective in objectives().items():
        v = np.random.default_rng(0).standard_normal(objective.size)
        first = [timed(objective.gradient, 7), timed(lambda o=objective, v=v: o.product(v), 7)]
        plane = explain.random_plane(objective)
        cold = timed(objective.value, 1)[0]
        began = time.perf_counter()
        explain.surface(objective, plane, POINTS)
        surface = time.perf_counter() - began
        gradient, product = first[0][1], first[1][1]
        compiling = cold + sum(one - later for one, later in first)
        shown = [f"{1e3 * t:.2f} ms" for t in (gradient, product)]
        shown += [f"{product / gradient:.2f}", f"{surface:.2f} s", f"{compiling:.1f} s"]
        table.add_row(name, *shown)
    console = Console(highlight=False)
    console.print(table)
    console.print(f"{get_num_threads()} threads at most; `compiling` is of all three programs")


if __name__ == "__main__":
    main()
