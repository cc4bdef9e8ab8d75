"""Floor 2: composed functions. Everything here is built from rows; add a composed function here.

One page per kind: creation, conversion, mathematics, comparison, reduction, selection, shape,
products, convolution, pooling, normalization, distances, activations, losses, dropout, embedding,
recurrence, attention. What is marked `@method` is a method of Tensor too.
"""

from typing import TYPE_CHECKING

from steepest import autograd as autograd  # gives Tensor its backward()
from steepest.functional import (
    activation,
    adaptive_pool,
    aliases,
    classification,
    comparison,
    conv,
    convert,
    creation,
    distance,
    elementary,
    likelihood,
    loss,
    margin,
    math,
    normalization,
    placement,
    pool,
    product,
    rearrange,
    reduction,
    scan,
    shape,
)
from steepest.functional import select as selection  # `select` is also a function
from steepest.functional.activation import *
from steepest.functional.adaptive_pool import *
from steepest.functional.aliases import *
from steepest.functional.attention import *
from steepest.functional.classification import *
from steepest.functional.comparison import *
from steepest.functional.conv import *
from steepest.functional.convert import *
from steepest.functional.creation import *
from steepest.functional.distance import *
from steepest.functional.dropout import *
from steepest.functional.einsum import *
from steepest.functional.elementary import *
from steepest.functional.embedding import *
from steepest.functional.likelihood import *
from steepest.functional.loss import *
from steepest.functional.margin import *
from steepest.functional.math import *
from steepest.functional.normalization import *
from steepest.functional.placement import *
from steepest.functional.pool import *
from steepest.functional.product import *
from steepest.functional.rearrange import *
from steepest.functional.recurrent import *
from steepest.functional.reduction import *
from steepest.functional.sampling import *
from steepest.functional.scan import *
from steepest.functional.select import *
from steepest.functional.shape import *
from steepest.functional.sliding import pad

if not TYPE_CHECKING:  # type checkers read no computed lists; without one they see every name
    __all__ = [
        *activation.__all__,
        *adaptive_pool.__all__,
        *aliases.__all__,
        *classification.__all__,
        *comparison.__all__,
        *conv.__all__,
        *convert.__all__,
        *creation.__all__,
        *distance.__all__,
        "dropout",
        "einsum",
        "embedding",
        "gru_cell",
        *likelihood.__all__,
        *elementary.__all__,
        *loss.__all__,
        "lstm_cell",
        *margin.__all__,
        *math.__all__,
        *normalization.__all__,
        *pool.__all__,
        *product.__all__,
        *rearrange.__all__,
        *reduction.__all__,
        "rnn_relu_cell",
        "rnn_tanh_cell",
        "scaled_dot_product_attention",
        "bernoulli",
        "multinomial",
        *scan.__all__,
        *placement.__all__,
        *selection.__all__,
        *shape.__all__,
        "pad",
    ]
