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


@pytest.mark.parametrize("name", ["W1", "W2", "W3", "W4"])
def test_weights_after_a_hundred_steps(name):
    """The eager loop is in double precision: in single, one number that a ReLU gets in W4 rounds to
    the other side of 0 at its fiftieth step, and its losses are soon off by a hundredth."""
    exact = workload(name, "float64")
    weights, step = training(exact)
    batches = islice(iter(exact.batches()), STEPS)
    losses = [step(tensor(exact.x[rows]), tensor(exact.y[rows])).item() for rows in batches]
    for dtype, close in CLOSE.items():
        found, others = compiled(workload(name, dtype))
        np.testing.assert_allclose(others, losses, **close)
        for a, b in zip(found, weights, strict=True):
            np.testing.assert_allclose(a, b.value, **close)


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
