"""Floor 2: composed functions. Everything here is built from rows; add a composed function here.

One page per kind: creation, conversion, mathematics, comparison, reduction, selection, shape,
products, convolution, pooling, normalization, distances, activations, losses, dropout. What is
marked `@method` is a method of Tensor too.
"""

from typing import TYPE_CHECKING

from steepest import autograd as autograd  # gives Tensor its backward()
from steepest.functional import (
    activation,
    comparison,
    conv,
    convert,
    creation,
    distance,
    loss,
    math,
    normalization,
    pool,
    product,
    reduction,
    select,
    shape,
)
from steepest.functional.activation import *
from steepest.functional.comparison import *
from steepest.functional.conv import *
from steepest.functional.convert import *
from steepest.functional.creation import *
from steepest.functional.distance import *
from steepest.functional.dropout import *
from steepest.functional.loss import *
from steepest.functional.math import *
from steepest.functional.normalization import *
from steepest.functional.pool import *
from steepest.functional.product import *
from steepest.functional.reduction import *
from steepest.functional.select import *
from steepest.functional.shape import *
from steepest.functional.sliding import pad

if not TYPE_CHECKING:  # type checkers read no computed lists; without one they see every name
    __all__ = [
        *activation.__all__,
        *comparison.__all__,
        *conv.__all__,
        *convert.__all__,
        *creation.__all__,
        *distance.__all__,
        "dropout",
        *loss.__all__,
        *math.__all__,
        *normalization.__all__,
        *pool.__all__,
        *product.__all__,
        *reduction.__all__,
        *select.__all__,
        *shape.__all__,
        "pad",
    ]
