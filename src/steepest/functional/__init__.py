"""Floor 2: composed functions. Everything here is built from rows; add a composed function here.

One page per kind: creation, conversion, mathematics, comparison, reduction, selection, shape,
products, activations, losses, dropout. What is marked `@method` is a method of Tensor too.
"""

from steepest.functional import activation as activation
from steepest.functional import loss as loss
from steepest.functional.activation import *  # noqa: F403
from steepest.functional.comparison import *  # noqa: F403
from steepest.functional.convert import *  # noqa: F403
from steepest.functional.creation import *  # noqa: F403
from steepest.functional.dropout import *  # noqa: F403
from steepest.functional.loss import *  # noqa: F403
from steepest.functional.math import *  # noqa: F403
from steepest.functional.product import *  # noqa: F403
from steepest.functional.reduction import *  # noqa: F403
from steepest.functional.select import *  # noqa: F403
from steepest.functional.shape import *  # noqa: F403
