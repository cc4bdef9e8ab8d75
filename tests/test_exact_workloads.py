"""Hundred steps of the timed workloads: the weights that the eager loop gives, and the same bits
in every run and every process.
"""

import hashlib
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.networks import network, optimizer_of
from benchmarks.workloads import WORKLOADS, Workload

from steepest import api as steepest
from steepest import tensor
from steepest.compiler import Epochs

STEPS = 100
# Hundred updates round as many times; in W2 and W4 each sums a hundred or a thousand products.
CLOSE = {"float64": {"rtol": 1e-9, "atol": 1e-10}, "float32": {"rtol": 1e-4, "atol": 1e-5}}


@cache
def workload(name: str, dtype: str) -> Workload:
    """The workload with as many passes over its data as hundred steps need."""
    made = WORKLOADS[name]()
    y = made.y if made.y.dtype.kind == "i" else made.y.astype(dtype)
    return replace(made, x=made.x.astype(dtype), y=y, epochs=STEPS)


def training(work: Workload) -> tuple[list, Any]:
    model, loss_function = network(steepest, work)
    model.to(work.x.dtype)
    for parameter, value in zip(model.parameters(), work.weights(), strict=True):
        parameter.value[...] = value
    optimizer = optimizer_of(steepest, model, work)

    def step(x: Any, y: Any) -> Any:
        loss = loss_function(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return list(model.parameters()), step


def compiled(work: Workload) -> tuple[list[np.ndarray], np.ndarray]:
    weights, step = training(work)
    order = np.concatenate(list(islice(iter(work.batches()), STEPS)))
    losses = Epochs(step).run([work.x, work.y], order, work.batch)
    return [w.value for w in weights], losses


def eager(work: Workload) -> tuple[list[np.ndarray], np.ndarray]:
    weights, step = training(work)
    batches = islice(iter(work.batches()), STEPS)
    losses = [step(tensor(work.x[rows]), tensor(work.y[rows])).item() for rows in batches]
    return [w.value for w in weights], np.array(losses)


@pytest.mark.parametrize("name", ["W1", "W2", "W3", "W4"])
def test_weights_after_a_hundred_steps(name):
    """What is compiled in single precision has to follow the eager loop in double, or in single.

    One number that a ReLU gets in W4, at its fiftieth step, lies so near to 0 that it rounds to
    either side, and the losses of the two loops are soon a hundredth apart.
    """
    loops = {dtype: eager(workload(name, dtype)) for dtype in CLOSE}
    for dtype, close in CLOSE.items():
        found, losses = compiled(workload(name, dtype))
        followed = (loops[kind] for kind in CLOSE if dtype != "float64" or kind == dtype)
        weights, others = min(followed, key=lambda loop: abs(loop[1] - losses).max())
        np.testing.assert_allclose(losses, others, **close)
        for a, b in zip(found, weights, strict=True):
            np.testing.assert_allclose(a, b, **close)


# ---- the same bits -------------------------------------------------------------------------------


def digest(name: str) -> str:
    weights, losses = compiled(workload(name, "float32"))
    return hashlib.sha256(b"".join(x.tobytes() for x in [*weights, losses])).hexdigest()


@pytest.mark.parametrize("name", ["W2", "W4"])
def test_the_same_bits_in_every_run_and_every_process(name, monkeypatch):
    monkeypatch.setenv("STEEPEST_CACHE", "")  # the other process compiles for itself
    here = Path(__file__).parent
    asked = f"import test_exact_workloads as test; print(test.digest({name!r}))"
    path = [str(here), str(here.parent), *sys.path]
    other = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path}; {asked}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    first, second = digest(name), digest(name)
    assert first == second == other.stdout.strip()
