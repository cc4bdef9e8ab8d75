"""Floor 1: the table. One row is the whole truth about one operation.

table        the rows: name, evaluation, shape rule, lowering class, aligned like a page of a table
derivatives  the page beside it: one derivative per array operand, written in rows
evaluate     the NumPy evaluations that are longer than one expression
shapes       the shape rules
"""

from typing import TYPE_CHECKING

from steepest.primitives import derivatives as derivatives  # fills in the vjp column
from steepest.primitives import table
from steepest.primitives.evaluate import split_spec as split_spec
from steepest.primitives.evaluate import threefry as threefry
from steepest.primitives.table import *

if not TYPE_CHECKING:
    __all__ = [*table.__all__, "split_spec", "threefry"]
