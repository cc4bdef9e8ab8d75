"""The multi-layer perceptron: linear layers with a bend after each but the last."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from steepest import nn
from steepest.core import RequestError, closest, said

__all__ = ["ACTIVATIONS", "mlp"]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "scaled_tanh": nn.ScaledTanh,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "mish": nn.Mish,
    "identity": nn.Identity,
}


def mlp(
    inputs: int, outputs: int, hidden: Sequence[int] = (64, 64), activation: str = "tanh"
) -> nn.Module:
    """activation(W·x + b) for each hidden layer, W·x + b for the last.

    Args:
        inputs: the number of features.
        outputs: 1 for a regression, the number of classes for a classification.
        hidden: the width of each hidden layer; empty for a linear model.
        activation: a name in `ACTIVATIONS`.

    Raises:
        RequestError: an unknown activation, or a width that is not a whole number above 0.
    """
    if activation not in ACTIVATIONS:
        hint = closest(str(activation), ACTIVATIONS)
        raise RequestError(said("mlp", f"unknown activation {activation!r}{hint}"))
    for width in hidden:
        if not isinstance(width, int) or isinstance(width, bool) or width < 1:
            raise RequestError(
                said("mlp", "a layer's width is a whole number above 0", got=repr(width))
            )
    layers: list[nn.Module] = []
    for before, width in pairwise([inputs, *hidden]):
        layers += [nn.Linear(before, width), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers, nn.Linear([inputs, *hidden][-1], outputs))
