"""Floor 4: ready-made models, by name."""

from steepest.models.create import MODELS, create
from steepest.models.linear import linear
from steepest.models.mlp import ACTIVATIONS, mlp

__all__ = ["ACTIVATIONS", "MODELS", "create", "linear", "mlp"]
