"""PyTorch's second names for functions. In the library itself only the first ones are used."""

from steepest.functional import comparison, elementary, math, shape
from steepest.tensors import method, neg

__all__ = [
    "absolute",
    "arccos",
    "arcsin",
    "arctan",
    "clip",
    "concat",
    "concatenate",
    "divide",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "moveaxis",
    "multiply",
    "negative",
    "not_equal",
    "subtract",
    "swapaxes",
    "swapdims",
]

absolute, clip = math.abs, math.clamp
multiply, subtract, negative, divide = math.mul, math.sub, neg, elementary.div
arccos, arcsin, arctan = elementary.acos, elementary.asin, elementary.atan
greater, greater_equal, not_equal = comparison.gt, comparison.ge, comparison.ne
less, less_equal = comparison.lt, comparison.le
concat = concatenate = shape.cat
moveaxis, swapaxes, swapdims = shape.movedim, shape.transpose, shape.transpose

for _name in __all__:
    if not _name.startswith("concat"):
        method(globals()[_name], _name)
