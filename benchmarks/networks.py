"""A workload in PyTorch's words: the model, its loss and its optimizer, in either library.

The same lines build them with PyTorch and with steepest, which is the point.
"""

from typing import Any

from benchmarks.workloads import Workload

__all__ = ["network", "optimizer_of"]


def network(torch: Any, workload: Workload) -> tuple[Any, Any]:
    """(model, loss function) of a workload; `torch` is PyTorch or steepest."""
    nn = torch.nn
    activations = {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "relu": nn.ReLU}
    layers: list[Any] = []
    for i, (inputs, outputs) in enumerate(zip(workload.sizes, workload.sizes[1:], strict=False)):
        if i:
            layers.append(activations[workload.activation]())
        layers.append(nn.Linear(inputs, outputs))
    losses = {"mse": nn.MSELoss, "ce": nn.CrossEntropyLoss}
    return nn.Sequential(*layers), losses[workload.loss]()


def optimizer_of(torch: Any, model: Any, workload: Workload) -> Any:
    """The workload's optimizer on the model's parameters."""
    parameters = model.parameters()
    if workload.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=workload.lr)
    momentum = 0.9 if workload.optimizer == "momentum" else 0.0
    return torch.optim.SGD(parameters, lr=workload.lr, momentum=momentum)
