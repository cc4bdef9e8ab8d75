"""Which contractions are products of matrices as a library computes them, without copies."""

from typing import NamedTuple

from steepest.compiler.graph import Value
from steepest.compiler.machine.blas import FUNCTIONS
from steepest.compiler.memory.layout import Layout
from steepest.compiler.memory.roles import Roles, view_of
from steepest.compiler.nests.affine import Affine, Index, address, affine, substitute, symbols
from steepest.compiler.nests.nest import Nest

__all__ = ["Matrix", "matrices"]


class Matrix(NamedTuple):
    """An operand as the library reads it: where its first element is, whether its columns are
    contiguous instead of its rows, and the elements from one to the next."""

    value: Value
    start: Affine
    turned: bool
    step: int


def matrices(nest: Nest, roles: Roles, layout: Layout) -> tuple[Matrix, Matrix] | None:
    """Both operands as (rows, summed) and (summed, lanes); None where they are no such matrices."""
    dtype = roles.a.dtype
    single = len(roles.inner) == 1 and roles.row and roles.lane and not roles.summed
    if not single or nest.bounded or dtype not in FUNCTIONS or roles.b.dtype != dtype:
        return None
    row, lane, k = map(nest.symbol, (roles.row, roles.lane, roles.inner[0]))
    a = _matrix(roles.a, roles.a_index, row, k, layout)
    b = _matrix(roles.b, roles.b_index, k, lane, layout)
    return (a, b) if a and b else None


def _matrix(v: Value, index: Index, row: str, column: str, layout: Layout) -> Matrix | None:
    v, index = view_of(v, index, layout.buffers)
    if v not in layout.buffers or layout.buffers[v].place != "memory":
        return None
    place = address(index, layout.buffers[v].strides)
    steps = dict(place[1])
    if set(steps) != symbols(place):
        return None  # an element's place takes more than a sum
    rows, columns = steps.get(row, 0), steps.get(column, 0)
    if 1 not in (rows, columns) or min(rows, columns) < 1:
        return None
    start = substitute(place, {row: affine(0), column: affine(0)})
    return Matrix(v, start, rows == 1 and columns != 1, max(rows, columns))
