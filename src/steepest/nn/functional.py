"""The functions behind the layers, under the name that PyTorch gives them: nn.functional."""

from steepest.functional.activation import *  # noqa: F403
from steepest.functional.activation import __all__ as _activations
from steepest.functional.dropout import dropout
from steepest.functional.loss import *  # noqa: F403
from steepest.functional.loss import __all__ as _losses
from steepest.functional.product import linear

__all__ = [*_activations, *_losses, "dropout", "linear"]
