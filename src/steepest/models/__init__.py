"""Floor 4: ready-made models, by name."""

from steepest.models.create import MODELS, USUAL_SCALE, create
from steepest.models.digit_codes import digit_codes
from steepest.models.lenet import POOLINGS, SEEN_BY_C3, lenet5
from steepest.models.linear import linear
from steepest.models.mlp import ACTIVATIONS, mlp

__all__ = [
    "ACTIVATIONS",
    "MODELS",
    "POOLINGS",
    "SEEN_BY_C3",
    "USUAL_SCALE",
    "create",
    "digit_codes",
    "lenet5",
    "linear",
    "mlp",
]
