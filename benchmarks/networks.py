"""A workload in PyTorch's words: model, loss, optimizer and the loop, in either library.

The same lines run with PyTorch and with steepest, which is the point.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peer import Peer
from benchmarks.sequences import layer_of
from benchmarks.workloads import Workload

__all__ = ["network", "optimizer_of", "trained"]


def network(library: Any, workload: Workload) -> tuple[Any, Any]:
    """(model, loss function) of a workload; `library` is PyTorch or steepest."""
    layers = [layer_of(library, *layer) for layer in workload.layers]
    if workload.loss == "SumSquaresLoss":
        return library.nn.Sequential(*layers), library.nn.MSELoss(reduction="sum")
    return library.nn.Sequential(*layers), getattr(library.nn, workload.loss)()


def optimizer_of(library: Any, model: Any, workload: Workload) -> Any:
    """The workload's optimizer on the model's parameters."""
    return getattr(library.optim, workload.optimizer)(model.parameters(), **workload.settings)


def trained(
    library: Any,
    workload: Workload,
    compiled: Callable[[Any], Any] = lambda forward: forward,
    arranged: Callable[[Any], Any] = lambda held: held,
) -> Peer:
    """The loop that everybody writes.

    Args:
        library: PyTorch or steepest.
        compiled: what is done to the function from a mini-batch to its loss.
        arranged: gives the model, and the data, in another order of memory.
    """
    model, loss_function = network(library, workload)
    model = arranged(model)
    with library.no_grad():
        for parameter, value in zip(model.parameters(), workload.weights(), strict=True):
            parameter.copy_(library.from_numpy(value))
    initial = {name: value.clone() for name, value in model.state_dict().items()}
    x, y = arranged(library.from_numpy(workload.x)), library.from_numpy(workload.y)
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
