"""The functions behind the layers, under the name that PyTorch gives them: nn.functional."""

from steepest.functional.activation import *  # noqa: F403
from steepest.functional.activation import __all__ as _activations
from steepest.functional.conv import *  # noqa: F403
from steepest.functional.conv import __all__ as _convolutions
from steepest.functional.distance import *  # noqa: F403
from steepest.functional.distance import __all__ as _distances
from steepest.functional.dropout import dropout
from steepest.functional.loss import *  # noqa: F403
from steepest.functional.loss import __all__ as _losses
from steepest.functional.normalization import *  # noqa: F403
from steepest.functional.normalization import __all__ as _normalization
from steepest.functional.pool import *  # noqa: F403
from steepest.functional.pool import __all__ as _pooling
from steepest.functional.product import linear
from steepest.functional.sliding import pad

__all__ = [
    *_activations,
    *_convolutions,
    *_distances,
    *_losses,
    *_normalization,
    *_pooling,
    "dropout",
    "linear",
    "pad",
]
