"""A model by its name, in the sizes that the data ask for."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest import nn
from steepest.core import RequestError, closest, said
from steepest.models.lenet import lenet5
from steepest.models.linear import linear
from steepest.models.mlp import mlp
from steepest.random import default_generator

__all__ = ["MODELS", "USUAL_SCALE", "create"]


@dataclass
class _Wish:
    """What a model is made for, and what was said about it."""

    data: Any
    outputs: int
    hidden: Sequence[int]
    activation: str
    pooling: str

    @property
    def inputs(self) -> int:
        return math.prod(self.data.sample_shape)


def _linear(wish: _Wish) -> nn.Module:
    return _flat(wish, linear(wish.inputs, wish.outputs))


def _mlp(wish: _Wish) -> nn.Module:
    return _flat(wish, mlp(wish.inputs, wish.outputs, wish.hidden, wish.activation))


def _flat(wish: _Wish, model: Any) -> nn.Module:
    return nn.Sequential(nn.Flatten(), *model) if len(wish.data.sample_shape) > 1 else model


def _lenet5(wish: _Wish) -> nn.Module:
    """The border has the value that most of the images' own edges have."""
    channels, height, width = _image(wish)
    edges = [wish.data.train.x[..., e, :].ravel() for e in (0, -1)]
    background = float(np.median(np.concatenate(edges)))
    return lenet5(
        size=(height, width), channels=channels, outputs=wish.outputs, background=background
    )


def _lenet5_modern(wish: _Wish) -> nn.Module:
    channels, height, width = _image(wish)
    return lenet5(
        modern=True,
        size=(height, width),
        channels=channels,
        outputs=wish.outputs,
        activation=wish.activation,
        pooling=wish.pooling,
    )


def _image(wish: _Wish) -> tuple[int, ...]:
    """(channels, height, width)."""
    shape = wish.data.sample_shape
    if len(shape) != 3:
        got = f"{wish.inputs} features per row"
        raise RequestError(said("create", "LeNet-5 is for images", got=got, write="the model mlp"))
    return shape


MODELS: dict[str, Callable[[_Wish], nn.Module]] = {
    "linear": _linear,
    "mlp": _mlp,
    "lenet5": _lenet5,
    "lenet5-modern": _lenet5_modern,
}

# How data are scaled for a model where nobody says how; "standard" for all others.
USUAL_SCALE = {"lenet5": "lecun"}


def create(
    name: str,
    data: Any,
    hidden: Sequence[int] = (64, 64),
    activation: str = "tanh",
    pooling: str = "average",
    *,
    seed: int = 0,
    outputs: int | None = None,
) -> nn.Module:
    """The model called `name`, with inputs and outputs to fit `data`.

    Samples with more than one axis (images) are flattened first, unless the model is for images.

    Args:
        name: "linear", "mlp", "lenet5" (as published in 1998) or "lenet5-modern".
        data: from `load_data`.
        hidden: of an "mlp".
        activation: of an "mlp" and a "lenet5-modern".
        pooling: of a "lenet5-modern", "average" or "max".
        seed: of the first weights, which are PyTorch's for this seed (but those of "lenet5", which
            are the paper's). The default generator is where it was afterwards.
        outputs: by default 1 for a regression and one per class; 1 for binary cross entropy.

    Raises:
        RequestError: an unknown name, or data that the model is not for.
    """
    if name not in MODELS:
        raise RequestError(said("create", f"unknown model {name!r}{closest(str(name), MODELS)}"))
    with default_generator.undisturbed():
        default_generator.manual_seed(seed)
        return MODELS[name](_Wish(data, outputs or data.outputs, hidden, activation, pooling))
