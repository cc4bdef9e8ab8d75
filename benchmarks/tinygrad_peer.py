"""tinygrad, one jitted step per mini-batch. Its CPU backend compiles with clang."""

import shutil
from typing import Any

import numpy as np

from benchmarks.peer import DoesNotApply, Peer
from benchmarks.workloads import Workload
from steepest.core import lazy

__all__ = ["tinygrad_jit"]

tinygrad = lazy("tinygrad")

ACTIVATIONS = {"Identity", "Sigmoid", "Tanh", "ReLU"}


def tinygrad_jit(workload: Workload) -> Peer:
    """The workload under `TinyJit`.

    Raises:
        DoesNotApply: layers, a loss or an optimizer that are not written out here.
    """
    tensor = tinygrad.Tensor
    if shutil.which("clang") is None:
        raise DoesNotApply("its CPU backend needs clang, which is not installed")
    kinds = {layer[0] for layer in workload.layers} - {"Linear"}
    if not kinds <= ACTIVATIONS or workload.optimizer not in ("SGD", "Adam"):
        raise DoesNotApply("the harness has no such layer or optimizer for it")
    x, y, *batches = (
        tensor(np.asarray(a, a.dtype if a.dtype == np.float32 else np.int32)).realize()
        for a in (workload.x, workload.y, *workload.batches())
    )
    parameters = [tensor(value) for value in workload.weights()]
    made: list[Any] = []

    def reset() -> None:
        for parameter, value in zip(parameters, workload.weights(), strict=True):
            parameter.assign(tensor(value)).realize()
        made[:] = [_jitted(workload, x, y, parameters)]

    def run() -> np.ndarray:
        with tinygrad.Context(TRAINING=1):
            losses = [made[0](rows).clone().realize() for rows in batches]
            return np.array([loss.item() for loss in losses])

    return Peer(reset, run)


def _jitted(workload: Workload, x: Any, y: Any, parameters: list[Any]) -> Any:
    """(row numbers) -> loss, one step further."""
    settings, optim = workload.settings, tinygrad.nn.optim
    if workload.optimizer == "Adam":
        optimizer = optim.Adam(parameters, lr=settings["lr"])
    else:
        optimizer = optim.SGD(parameters, lr=settings["lr"], momentum=settings.get("momentum", 0))

    def step(rows: Any) -> Any:
        h, held = x[rows], iter(parameters)
        for kind, *_ in workload.layers:
            if kind == "Linear":
                h = h.linear(next(held).transpose(), next(held))
            elif kind != "Identity":
                h = getattr(h, kind.lower())()
        squared = workload.loss == "MSELoss"
        loss = (
            ((h - y[rows]) ** 2).mean() if squared else h.sparse_categorical_crossentropy(y[rows])
        )
        optimizer.zero_grad()
        loss.backward()
        return loss.realize(*optimizer.schedule_step())

    return tinygrad.TinyJit(step)
