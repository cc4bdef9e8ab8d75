"""A workload in PyTorch's words: model, loss, optimizer and the loop, in either library.

The same lines run with PyTorch and with steepest, which is the point. What steepest's `nn`
does not have is written here as its user would.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peer import Peer
from benchmarks.workloads import Workload
from steepest import api as steepest

__all__ = ["network", "optimizer_of", "trained"]

nn = steepest.nn


class LayerNorm(nn.Module):
    """Each row to mean 0 and variance 1, then a scale and a shift per feature."""

    def __init__(self, features: int, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(steepest.ones(features))
        self.bias = nn.Parameter(steepest.zeros(features))

    def forward(self, x: Any) -> Any:
        centred = x - steepest.mean(x, 1, keepdim=True)
        variance = steepest.mean(centred * centred, 1, keepdim=True)
        return centred * steepest.rsqrt(variance + self.eps) * self.weight + self.bias


class BatchNorm1d(nn.Module):
    """Each feature to mean 0 and variance 1 over the batch; averages of both kept for use."""

    def __init__(self, features: int, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(steepest.ones(features))
        self.bias = nn.Parameter(steepest.zeros(features))
        self.register_buffer("running_mean", steepest.zeros(features))
        self.register_buffer("running_var", steepest.ones(features))

    def forward(self, x: Any) -> Any:
        mean = steepest.mean(x, 0)
        centred = x - mean
        variance = steepest.mean(centred * centred, 0)
        with steepest.no_grad():
            kept, rows = 1 - self.momentum, len(x)
            unbiased = variance * (rows / (rows - 1))
            self.running_mean.copy_(kept * self.running_mean + self.momentum * mean)
            self.running_var.copy_(kept * self.running_var + self.momentum * unbiased)
        return centred * steepest.rsqrt(variance + self.eps) * self.weight + self.bias


_HERE = {"LayerNorm": LayerNorm, "BatchNorm1d": BatchNorm1d}


def network(library: Any, workload: Workload) -> tuple[Any, Any]:
    """(model, loss function) of a workload; `library` is PyTorch or steepest."""
    own = _HERE if library is steepest else {}
    layers = [
        (own.get(kind) or getattr(library.nn, kind))(*sizes) for kind, *sizes in workload.layers
    ]
    if workload.loss == "SumSquaresLoss":
        return library.nn.Sequential(*layers), library.nn.MSELoss(reduction="sum")
    return library.nn.Sequential(*layers), getattr(library.nn, workload.loss)()


def optimizer_of(library: Any, model: Any, workload: Workload) -> Any:
    """The workload's optimizer on the model's parameters."""
    return getattr(library.optim, workload.optimizer)(model.parameters(), **workload.settings)


def trained(
    library: Any, workload: Workload, compiled: Callable[[Any], Any] = lambda forward: forward
) -> Peer:
    """The loop that everybody writes.

    Args:
        library: PyTorch or steepest.
        compiled: what is done to the function from a mini-batch to its loss.
    """
    model, loss_function = network(library, workload)
    with library.no_grad():
        for parameter, value in zip(model.parameters(), workload.weights(), strict=True):
            parameter.copy_(library.from_numpy(value))
    initial = {name: value.clone() for name, value in model.state_dict().items()}
    x, y = library.from_numpy(workload.x), library.from_numpy(workload.y)
    batches = [library.from_numpy(b) for b in workload.batches()]
    forward = compiled(lambda x, y: loss_function(model(x), y))
    optimizers: list[Any] = []

    def reset() -> None:
        model.load_state_dict(initial)
        optimizers[:] = [optimizer_of(library, model, workload)]

    def run() -> np.ndarray:
        (optimizer,), losses = optimizers, []
        for batch in batches:
            loss = forward(x[batch], y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return np.array([float(loss) for loss in losses])

    return Peer(reset, run)
