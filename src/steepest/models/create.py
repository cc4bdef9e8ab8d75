"""A model by its name, in the sizes that the data ask for."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from steepest import nn
from steepest.core import RequestError, closest, said
from steepest.models.linear import linear
from steepest.models.mlp import mlp
from steepest.random import default_generator

__all__ = ["MODELS", "create"]

MODELS: dict[str, Callable[..., nn.Module]] = {"linear": linear, "mlp": mlp}


def create(
    name: str,
    data: Any,
    hidden: Sequence[int] = (64, 64),
    activation: str = "tanh",
    *,
    seed: int = 0,
    outputs: int | None = None,
) -> nn.Module:
    """The model called `name`, with inputs and outputs to fit `data`.

    Samples with more than one axis (images) are flattened first.

    Args:
        name: "linear" or "mlp".
        data: from `load_data`.
        hidden, activation: of an "mlp".
        seed: of the first weights, which are PyTorch's for this seed. The default generator
            is where it was afterwards.
        outputs: by default 1 for a regression and one per class; 1 for binary cross entropy.

    Raises:
        RequestError: an unknown name.
    """
    if name not in MODELS:
        raise RequestError(said("create", f"unknown model {name!r}{closest(str(name), MODELS)}"))
    inputs, outputs = math.prod(data.sample_shape), outputs or data.outputs
    with default_generator.undisturbed():
        default_generator.manual_seed(seed)
        shape = {} if name == "linear" else {"hidden": hidden, "activation": activation}
        model = MODELS[name](inputs, outputs, **shape)
    return nn.Sequential(nn.Flatten(), *model) if len(data.sample_shape) > 1 else model
