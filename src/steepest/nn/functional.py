"""The functions behind the layers, under the name that PyTorch gives them: nn.functional."""

from steepest.functional.activation import *  # noqa: F403
from steepest.functional.activation import __all__ as _activations
from steepest.functional.adaptive_pool import *  # noqa: F403
from steepest.functional.adaptive_pool import __all__ as _adaptive
from steepest.functional.attention import scaled_dot_product_attention
from steepest.functional.classification import *  # noqa: F403
from steepest.functional.classification import __all__ as _classification
from steepest.functional.conv import *  # noqa: F403
from steepest.functional.conv import __all__ as _convolutions
from steepest.functional.distance import *  # noqa: F403
from steepest.functional.distance import __all__ as _distances
from steepest.functional.dropout import dropout
from steepest.functional.embedding import embedding
from steepest.functional.likelihood import *  # noqa: F403
from steepest.functional.likelihood import __all__ as _likelihoods
from steepest.functional.loss import *  # noqa: F403
from steepest.functional.loss import __all__ as _losses
from steepest.functional.margin import *  # noqa: F403
from steepest.functional.margin import __all__ as _margins
from steepest.functional.normalization import *  # noqa: F403
from steepest.functional.normalization import __all__ as _normalization
from steepest.functional.pool import *  # noqa: F403
from steepest.functional.pool import __all__ as _pooling
from steepest.functional.product import bilinear, linear
from steepest.functional.select import one_hot
from steepest.functional.sliding import pad

__all__ = [
    *_activations,
    *_adaptive,
    *_classification,
    *_convolutions,
    *_distances,
    *_likelihoods,
    *_losses,
    *_margins,
    *_normalization,
    *_pooling,
    "bilinear",
    "dropout",
    "embedding",
    "linear",
    "one_hot",
    "pad",
    "scaled_dot_product_attention",
]
