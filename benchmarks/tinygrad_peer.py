"""tinygrad, one jitted step per mini-batch. Its CPU backend compiles with clang."""

import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.peer import DoesNotApply, Peer
from benchmarks.workloads import Workload
from steepest.core import lazy

__all__ = ["tinygrad_jit"]

tinygrad = lazy("tinygrad")

ACTIVATIONS = {"Identity", "Sigmoid", "Tanh", "ReLU"}
LAYERS = {"Linear", "Conv2d", "AvgPool2d", "Flatten"} | ACTIVATIONS


def tinygrad_jit(workload: Workload) -> Peer:
    """The workload under `TinyJit`.

    Raises:
        DoesNotApply: layers, a loss or an optimizer that are not written out here.
    """
    tensor = tinygrad.Tensor
    if shutil.which("clang") is None:
        raise DoesNotApply("its CPU backend needs clang, which is not installed")
    kinds = {layer[0] for layer in workload.layers}
    if not kinds <= LAYERS or workload.optimizer not in ("SGD", "Adam"):
        raise DoesNotApply("the harness has no such layer or optimizer for it")
    x, y, *batches = (
        tensor(np.asarray(a, a.dtype if a.dtype == np.float32 else np.int32)).realize()
        for a in (workload.x, workload.y, *workload.batches())
    )
    parameters = [tensor(value).realize() for value in workload.weights()]
    optimizer = _optimizer(workload, parameters)
    averages = {name: value.numpy() for name, value in _held(optimizer).items()}
    step = _jitted(workload, x, y, parameters, optimizer)

    def reset() -> None:
        for parameter, value in zip(parameters, workload.weights(), strict=True):
            parameter.assign(tensor(value)).realize()
        for name, value in _held(optimizer).items():
            value.assign(tensor(averages[name])).realize()

    def run() -> np.ndarray:
        with tinygrad.Context(TRAINING=1):
            return np.array([step(rows).item() for rows in batches])

    return Peer(reset, run)


def _optimizer(workload: Workload, parameters: list[Any]) -> Any:
    settings, optim = workload.settings, tinygrad.nn.optim
    if workload.optimizer == "Adam":
        return optim.Adam(parameters, lr=settings["lr"])
    return optim.SGD(parameters, lr=settings["lr"], momentum=settings.get("momentum", 0))


def _held(optimizer: Any) -> dict[str, Any]:
    """What an optimizer keeps from step to step, which a new epoch begins without."""
    return {
        name: value
        for name, value in tinygrad.nn.state.get_state_dict(optimizer).items()
        if not name.startswith(("params", "lr"))
    }


def _jitted(workload: Workload, x: Any, y: Any, parameters: list[Any], optimizer: Any) -> Any:
    """(row numbers) -> loss, one step further; compiled once, as in the other peers."""

    def step(rows: Any) -> Any:
        h, held = x[rows], iter(parameters)
        for kind, *sizes in workload.layers:
            h = _layer(kind, sizes, h, held)
        squared = workload.loss == "MSELoss"
        loss = (
            ((h - y[rows]) ** 2).mean() if squared else h.sparse_categorical_crossentropy(y[rows])
        )
        optimizer.zero_grad()
        loss.backward()
        return loss.realize(*optimizer.schedule_step())

    return tinygrad.TinyJit(step)


def _layer(kind: str, sizes: list[Any], h: Any, held: Iterator[Any]) -> Any:
    """What one layer makes of h; its parameters are the next ones."""
    if kind == "Linear":
        return h.linear(next(held).transpose(), next(held))
    if kind == "Conv2d":
        _, _, _, stride, padding = sizes
        return h.conv2d(next(held), next(held), stride=stride, padding=padding)
    if kind == "AvgPool2d":
        return h.avg_pool2d(*sizes)
    if kind == "Flatten":
        return h.flatten(1)
    return h if kind == "Identity" else getattr(h, kind.lower())()
