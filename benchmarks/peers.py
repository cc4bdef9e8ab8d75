"""One function per peer: a workload becomes a function that trains one epoch from the same weights.

Each returns the loss of every step, so that the peers can be compared before they are timed. A peer
that is not installed is left out by name.
"""

from collections.abc import Callable
from typing import Any

from benchmarks.workloads import Workload
from steepest.core import lazy

__all__ = ["PEERS"]

Epoch = Callable[[], list[float]]


def _pytorch_style(torch: Any, workload: Workload) -> Epoch:
    """The loop that a PyTorch user writes; it runs on both libraries, which is the point."""
    nn = torch.nn
    activations = {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "relu": nn.ReLU}
    layers: list[Any] = []
    for i, (inputs, outputs) in enumerate(zip(workload.sizes, workload.sizes[1:], strict=False)):
        if i:
            layers.append(activations[workload.activation]())
        layers.append(nn.Linear(inputs, outputs))
    model = nn.Sequential(*layers)
    loss_function = {"mse": nn.MSELoss, "ce": nn.CrossEntropyLoss}[workload.loss]()
    x, y = torch.from_numpy(workload.x), torch.from_numpy(workload.y)
    batches = [torch.from_numpy(b) for b in workload.batches()]
    initial = workload.weights()

    def epoch() -> list[float]:
        with torch.no_grad():
            for parameter, value in zip(model.parameters(), initial, strict=True):
                parameter.copy_(torch.from_numpy(value))
        optimizer = _optimizer(torch, model, workload)
        losses = []
        for batch in batches:
            loss = loss_function(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return [float(loss) for loss in losses]

    return epoch


def _optimizer(torch: Any, model: Any, workload: Workload) -> Any:
    parameters = model.parameters()
    if workload.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=workload.lr)
    momentum = 0.9 if workload.optimizer == "momentum" else 0.0
    return torch.optim.SGD(parameters, lr=workload.lr, momentum=momentum)


def steepest_eager(workload: Workload) -> Epoch:
    return _pytorch_style(lazy("steepest"), workload)


def pytorch_eager(workload: Workload) -> Epoch:
    torch = lazy("torch")
    torch.set_num_threads(1)
    return _pytorch_style(torch, workload)


def numpy_by_hand(workload: Workload) -> Epoch:
    """Only the matrix products of a step, in NumPy: what no eager library can go below."""
    batches, layers = workload.batches(), workload.weights()[0::2]

    def epoch() -> list[float]:
        for batch in batches:
            h = workload.x[batch]
            inputs = []
            for weight in layers:
                inputs.append(h)
                h = h @ weight.T
            for weight, before in zip(layers[::-1], inputs[::-1], strict=True):
                _ = h.T @ before
                h = h @ weight
        return []

    return epoch


PEERS: dict[str, Callable[[Workload], Epoch]] = {
    "steepest eager": steepest_eager,
    "PyTorch eager": pytorch_eager,
    "NumPy products only": numpy_by_hand,
}
