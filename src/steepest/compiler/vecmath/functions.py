"""The functions by the names that the C library has for them."""

from collections.abc import Callable

from steepest.compiler.ir.operands import Op
from steepest.compiler.vecmath.estimates import root
from steepest.compiler.vecmath.exponential import erf, exp, sigmoid, tanh
from steepest.compiler.vecmath.logarithm import log
from steepest.compiler.vecmath.through_double import cos, pow_, sin

__all__ = ["FUNCTIONS", "IN_DOUBLE"]

FUNCTIONS: dict[str, Callable[..., Op]] = {
    "sqrt": root,
    "exp": exp,
    "log": log,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "erf": erf,
    "sin": sin,
    "cos": cos,
    "pow": pow_,
}
# Those that know float64 too.
IN_DOUBLE = frozenset({"sqrt", "exp", "log", "tanh", "sigmoid"})
