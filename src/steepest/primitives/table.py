"""THE TABLE: one row per operation. Add an operation here, and its derivative on the next page.

Conventions
  * Operands of an elementwise row have one shape and one dtype. Broadcasting is the row `broadcast`
    and promotion the row `cast`; Tensor's operators insert both, once.
  * Axes are non-negative and sorted; shapes, starts, sizes and steps are tuples of Python ints.
  * A bool product is "and", a bool maximum "or", and equality with False "not".
  * maximum and max propagate NaN: code that turns max(NaN, 0) into 0 hides divergence.
  * `lowering` names the loop nest that the compiler makes of a row:
      elementwise     one scalar operation per element; fuses with whatever it can reach
      reduction       a loop over the axes that disappear
      contraction     a register-tiled product over the letters that disappear
      movement        no code: a function from the result's indices to the operand's
      gather-scatter  addresses that are data
      random          a counter-based generator: bits depend on key and position only
"""

from typing import TYPE_CHECKING

import numpy as np

from steepest.core import Primitive
from steepest.primitives import evaluate, shapes

# fmt: off
#             name                       evaluation                               shape rule          lowering
neg         = Primitive("neg",           np.negative,                             shapes.same,        "elementwise")
exp         = Primitive("exp",           np.exp,                                  shapes.same,        "elementwise")
log         = Primitive("log",           np.log,                                  shapes.same,        "elementwise")
sqrt        = Primitive("sqrt",          np.sqrt,                                 shapes.same,        "elementwise")
tanh        = Primitive("tanh",          np.tanh,                                 shapes.same,        "elementwise")
# no composition keeps the small tail of the sigmoid and a finite slope, so it is a row of its own
sigmoid     = Primitive("sigmoid",       evaluate.sigmoid,                        shapes.same,        "elementwise")
sin         = Primitive("sin",           np.sin,                                  shapes.same,        "elementwise")
cos         = Primitive("cos",           np.cos,                                  shapes.same,        "elementwise")
erf         = Primitive("erf",           evaluate.erf,                            shapes.same,        "elementwise")
floor       = Primitive("floor",         np.floor,                                shapes.same,        "elementwise")
round_      = Primitive("round",         np.rint,                                 shapes.same,        "elementwise")
add         = Primitive("add",           np.add,                                  shapes.same,        "elementwise")
mul         = Primitive("mul",           np.multiply,                             shapes.same,        "elementwise")
div         = Primitive("div",           np.divide,                               shapes.same,        "elementwise")
# exp(y log x) loses negative bases and the derivative at 0, so powers are a row of their own
pow_        = Primitive("pow",           np.power,                                shapes.same,        "elementwise")
maximum     = Primitive("maximum",       np.maximum,                              shapes.same,        "elementwise")
less        = Primitive("less",          np.less,                                 shapes.truth,       "elementwise")
equal       = Primitive("equal",         np.equal,                                shapes.truth,       "elementwise")
where       = Primitive("where",         np.where,                                shapes.chosen,      "elementwise")
cast        = Primitive("cast",          lambda x, dtype: x.astype(dtype),        shapes.casted,      "elementwise")

sum_        = Primitive("sum",           lambda x, axes: np.add.reduce(x, axes, x.dtype), shapes.reduced,    "reduction")
max_        = Primitive("max",           lambda x, axes: np.maximum.reduce(x, axes), shapes.filled,      "reduction")
argmax      = Primitive("argmax",        lambda x, axis: np.argmax(x, axis),      shapes.arg_reduced, "reduction")

contract    = Primitive("contract",      evaluate.contract,                       shapes.contracted,  "contraction")

reshape     = Primitive("reshape",       lambda x, shape: x.reshape(shape),       shapes.reshaped,    "movement")
permute     = Primitive("permute",       lambda x, order: x.transpose(order),     shapes.permuted,    "movement")
broadcast   = Primitive("broadcast",     evaluate.broadcast,                      shapes.broadcasted, "movement")
slice_      = Primitive("slice",         evaluate.slice_,                         shapes.sliced,      "movement")
pad         = Primitive("pad",           evaluate.pad,                            shapes.padded,      "movement")
windows     = Primitive("windows",       evaluate.windows,                        shapes.windowed,    "movement")

fold        = Primitive("fold",          evaluate.fold,                           shapes.folded,      "gather-scatter")
take        = Primitive("take",          lambda x, index: x[index],               shapes.taken,       "gather-scatter")
scatter_add = Primitive("scatter_add",   evaluate.scatter_add,                    shapes.scattered,   "gather-scatter")

uniform     = Primitive("uniform",       evaluate.uniform,                        shapes.drawn,       "random")
# fmt: on

_ROWS = {name: row for name, row in globals().items() if isinstance(row, Primitive)}
TABLE: dict[str, Primitive] = {row.name: row for row in _ROWS.values()}

if not TYPE_CHECKING:  # type checkers read no computed lists; without one they see every row
    __all__ = ["TABLE", *_ROWS]
