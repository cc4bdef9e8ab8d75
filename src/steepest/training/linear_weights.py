"""What a linear model learned about each feature, in the target's own units."""

from typing import Any

import numpy as np

from steepest import nn
from steepest.core import RequestError, said

__all__ = ["linear_weights", "weight_unit"]

_STEPS = {
    "standard": "standard deviation",
    "minmax": "full range",
    "mean": "full range",
    "none": "unit",
}


def linear_weights(model: nn.Module, data: Any) -> dict[str, float]:
    """How much the prediction changes per step of each feature, in the target's units.

    A step is what the scaling made 1: a standard deviation, the full range, or the feature's unit.
    Features that go together share their influence between them, so a weight is not a cause.

    Args:
        model: a trained model whose only layer with weights is a Linear with one output.
        data: from `load_data`, a regression.

    Raises:
        RequestError: the model has other layers with weights, or the target is a class.
    """
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    held = sum(1 for _ in model.parameters())
    if data.task != "regression" or len(layers) != 1 or held > 2:
        raise RequestError(
            said("linear_weights", "only a linear model of one number has a weight per feature")
        )
    scaled = layers[0].weight.detach().numpy().reshape(-1, 1)
    nothing = data.preparation.in_units(np.zeros((1, 1), np.float32))
    changes = data.preparation.in_units(scaled) - nothing
    return dict(zip(data.feature_names, changes.reshape(-1).tolist(), strict=True))


def weight_unit(data: Any) -> str:
    """What the weights of `linear_weights` are measured in."""
    units = data.preparation.units or data.preparation.target
    return f"{units} per {_STEPS[data.preparation.scale]} of the feature"
