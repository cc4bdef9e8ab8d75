"""Floor 2: composed functions. Everything here is built from rows; add a composed function here.

One page per kind: creation, conversion, mathematics, comparison, reduction, selection, shape,
products, activations, losses, dropout. What is marked `@method` is a method of Tensor too.
"""

from steepest.functional import activation as activation
from steepest.functional import loss as loss
from steepest.functional.activation import *
from steepest.functional.axes import *
from steepest.functional.comparison import *
from steepest.functional.convert import *
from steepest.functional.creation import *
from steepest.functional.dropout import *
from steepest.functional.loss import *
from steepest.functional.math import *
from steepest.functional.product import *
from steepest.functional.reduction import *
from steepest.functional.select import *
from steepest.functional.shape import *
