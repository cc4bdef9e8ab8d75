"""`python -m benchmarks.epoch`: where the time of an epoch of `fit` goes, on the housing job.

An epoch is two kinds of native calls with Python around them: one call runs all steps (and one more
the smaller last mini-batch), and one call per part looks at it with the weights that the epoch
ended with. What remains is for Python, which has to know them after every epoch: metrics, the best
weights so far, callbacks, the next order. A look at a single row shows what a call costs that does
nothing.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.environment import clean_environment, description
from steepest import nn
from steepest.data import epoch_order, load_data
from steepest.models import create
from steepest.training import fit
from steepest.training.measure import measure
from steepest.training.native import NativeEpochs, NativeOutputs

__all__ = ["epoch"]


def epoch(epochs: int = 300, repeats: int = 300) -> dict[str, float]:
    """Microseconds of an epoch and of its pieces, medians."""
    data = load_data("housing")
    run = fit(create("mlp", data, (64, 64), "tanh"), data, epochs=epochs, progress="none")
    parts, train = [data.train, data.val], data.train
    native, looks = NativeEpochs(run), NativeOutputs(run)
    outputs = [looks.run(part.x) for part in parts]
    order = epoch_order(len(train), 0, 1)

    def metrics() -> None:
        for part, found in zip(parts, outputs, strict=True):
            measure(run.model, run.loss, data.preparation, found, part, part.y)

    def looking(job: Callable[[], Any]) -> Callable[[], Any]:
        def looked() -> None:
            with nn.watching(run.model):
                job()

        return looked

    found = {"an epoch of fit": median(row["seconds"] for row in run.history) * 1e6}
    for name, job in {
        "all steps, two native calls": lambda: native.run(train.x, train.y, order),
        "looking at both parts, two native calls": looking(
            lambda: [looks.run(part.x) for part in parts]
        ),
        "looking at one row: a native call that does nothing": looking(
            lambda: looks.run(train.x[:1])
        ),
        "looking at nothing: modes and random numbers kept": looking(lambda: None),
        "loss and metrics of both parts, Python": metrics,
    }.items():
        found[name] = _microseconds(job, repeats)
    return found


def _microseconds(job: Callable[[], Any], repeats: int) -> float:
    """Of one call; the first ones, which compile, do not count."""
    times = []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return median(times[3:]) * 1e6


def main() -> None:
    clean_environment()
    print(description())
    for name, microseconds in epoch().items():
        print(f"{microseconds:8,.0f} µs  {name}")


if __name__ == "__main__":
    main()
