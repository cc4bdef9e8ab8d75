"""LeNet-5 in PyTorch: the layers of one of our models with the same weights, and the usual loop.

What PyTorch lacks (sub-sampling with a coefficient, a table of connections, penalties and their
loss) is written in its operations, as its user would.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from steepest import nn
from steepest.core import lazy
from steepest.data import batches, epoch_order

__all__ = ["torch_epochs"]

torch = lazy("torch")


def torch_epochs(
    model: nn.Module,
    data: Any,
    settings: dict[str, Any],
    epochs: int,
    of: int,
    *,
    reverse: bool = False,
) -> tuple[float, np.ndarray]:
    """Train a copy of the model as `fit` trains it: the same first weights, batches and rates.

    Args:
        settings: of `fit`: lr of Adam with the cosine schedule, batch_size, seed.
        epochs: how many are trained, of that many for which the schedule is made.
        reverse: the rows of every batch come in reverse order, so that only roundings differ.

    Returns:
        Seconds of wall time of the epochs, and the losses of the first one's steps.
    """
    parameters, forward = _translated(model)
    optimizer = torch.optim.Adam(parameters, lr=settings["lr"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, of)
    loss_function = _map_loss if isinstance(model[-1], nn.RBF) else torch.nn.CrossEntropyLoss()
    x, y = torch.from_numpy(data.train.x), torch.from_numpy(data.train.y)
    first: list[float] = []
    began = time.perf_counter()
    for epoch in range(1, epochs + 1):
        order = epoch_order(len(data.train), settings["seed"], epoch)
        for rows in batches(order, settings["batch_size"]):
            rows = rows[::-1].copy() if reverse else rows
            loss = loss_function(forward(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if epoch == 1:
                first.append(loss.item())
        schedule.step()
    return time.perf_counter() - began, np.array(first)


def _translated(model: nn.Module) -> tuple[list[Any], Callable[[Any], Any]]:
    """(parameters, function from images to outputs)."""
    layers, parameters = [], []
    for layer in model.children():
        own = [torch.tensor(p.detach().numpy(), requires_grad=True) for p in layer.parameters()]
        layers.append((_LAYERS[type(layer).__name__](layer), own))
        parameters += own

    def forward(x: Any) -> Any:
        for function, own in layers:
            x = function(x, *own)
        return x

    return parameters, forward


def _scaled_tanh(layer: Any) -> Callable[..., Any]:
    return lambda x: layer.amplitude * torch.tanh(layer.slope * x)


def _sub_sampling(layer: Any) -> Callable[..., Any]:
    def function(x: Any, weight: Any, bias: Any) -> Any:
        total = torch.nn.functional.avg_pool2d(x, layer.kernel_size, divisor_override=1)
        return total * weight[:, None, None] + bias[:, None, None]

    return function


def _table(layer: Any) -> Callable[..., Any]:
    """Each filter in its place among zeros, then a full convolution."""
    places = torch.tensor(layer.places.numpy())
    shape = (layer.out_channels, layer.in_channels, *layer.kernel_size)

    def function(x: Any, weight: Any, bias: Any) -> Any:
        empty = torch.zeros(shape[0] * shape[1], *shape[2:], dtype=weight.dtype)
        filters = empty.index_copy(0, places, weight).reshape(shape)
        return torch.nn.functional.conv2d(x, filters, bias)

    return function


def _rbf(layer: Any) -> Callable[..., Any]:
    codes = torch.tensor(layer.codes.numpy())
    return lambda x: ((x[:, None] - codes) ** 2).sum(2)


def _map_loss(penalties: Any, y: Any, j: float = 20.0) -> Any:
    others = torch.nn.functional.softplus(torch.logsumexp(-penalties, 1) + j) - j
    return torch.nn.functional.nll_loss(-penalties, y) + others.mean()


# our layer's class: (our layer) -> a function of (input, *parameters)
_LAYERS: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "ConstantPad2d": lambda held: (
        lambda x: torch.nn.functional.pad(x, held.padding, value=held.value)
    ),
    "Conv2d": lambda held: (
        lambda x, w, b: torch.nn.functional.conv2d(x, w, b, padding=held.padding)
    ),
    "TableConv2d": _table,
    "SubSampling": _sub_sampling,
    "AvgPool2d": lambda held: torch.nn.AvgPool2d(held.kernel_size),
    "MaxPool2d": lambda held: torch.nn.MaxPool2d(held.kernel_size),
    "ScaledTanh": _scaled_tanh,
    "Tanh": lambda held: torch.tanh,
    "ReLU": lambda held: torch.relu,
    "Flatten": lambda held: torch.nn.Flatten(),
    "Linear": lambda held: torch.nn.functional.linear,
    "RBF": _rbf,
}
