"""Along the rows of a block: one pass over their points, vector by vector.

What a pass needs from an earlier one comes through registers where both are written out in one
piece of code, else through memory of the block's own.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from itertools import count as counting
from math import prod

from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.loops import Loops
from steepest.compiler.emit.scalars import register_base
from steepest.compiler.graph import Value
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import Buffer, lanes
from steepest.compiler.nests.affine import LANE, ZERO, Affine, Index, affine, plus, times
from steepest.compiler.nests.nest import Nest

__all__ = ["Cells", "RowNest"]

_UNROLLED = 16  # vectors of a row that are written out instead of looped over
_TOGETHER = 4  # vectors in a round of a loop over a longer row

Cell = Callable[[Environment, Op | None, list[Op]], Sequence[Op] | None]


class RowNest:
    """A row nest that is being written.

    is_short  whether what goes along a row is written out
    zeros     what the accumulators of each sum start from: one vector per column, one, or a scalar
    places    which of all accumulators are those of a sum: its first
    """

    def __init__(self, emitter: Loops, nest: Nest):
        self.emitter, self.nest = emitter, nest
        emitter.width = lanes(nest.space[-1], emitter.layout.width)
        inner = nest.space[nest.depth :]
        vectors = prod(inner[:-1]) * emitter.columns(inner[-1])[0]
        self.is_short = vectors <= _UNROLLED or any(v.size > 1 for v in nest.sums)
        self.zeros = {v: self._zeros(v) for v in nest.sums}
        starts = accumulate(map(len, self.zeros.values()), initial=0)
        self.places = dict(zip(nest.sums, starts, strict=False))

    def _zeros(self, v: Value) -> list[Op]:
        emitter, nest = self.emitter, self.nest
        if nest.is_row_level(v.operands[0]):
            return [Op(emitter.spell(emitter.neutral(v), 0), register_base(v.dtype), 0)]
        count = emitter.columns(nest.space[-1])[0] if v.size > 1 else 1
        return [emitter.start(v)] * count


class Cells:
    """Rows that are computed together, and passes over the points of each.

    where   the loops around them; start: the first of them
    symbol  the loop that counts rows, "" where the nest has only one
    rows    how many they are; width: lanes of a vector with one of them per lane, 0 for one row
    apart   whether passes are loops of their own, and pass numbers on through memory
    spread  values with one element per row that points need: a vector, a number, or memory
    kept    expensive values of points that a later pass needs again
    """

    def __init__(self, of: RowNest, where: Environment, start: Affine, rows: int):
        self.of, self.emitter, self.nest = of, of.emitter, of.nest
        self.where, self.start, self.rows = where, start, rows
        self.symbol = self.nest.symbols[self.nest.depth - 1] if self.nest.depth else ""
        self.width = lanes(rows, self.emitter.layout.width) if rows > 1 else 0
        self.apart = not self.emitter.unroll and (rows > 1 or not of.is_short)
        self.spread: dict[Value, Op | Buffer] = {}
        self.kept: dict[Value, Buffer] = {}

    def all(self) -> Environment:
        """Where its rows are lanes."""
        return self.row(LANE if self.width else ZERO)

    def row(self, r: Affine) -> Environment:
        return {**self.where, self.symbol: plus(self.start, r)} if self.symbol else self.where

    def _along(
        self, where: Environment, body: Cell, carried: Sequence[Op] = (), together: int = 1
    ) -> list[Op]:
        """body(environment, mask, carried) for every vector of a row; the mask of the last one
        says which of its lanes count. `together` vectors are a round of the loop, and each has its
        own part of what is carried."""
        emitter, nest = self.emitter, self.nest
        symbol, width = nest.symbols[-1], emitter.width
        whole = nest.space[-1] // width * width
        last = emitter.columns(nest.space[-1])[1]
        bulk = whole // (width * together) * width * together
        outer = list(zip(nest.symbols, nest.space, strict=True))[nest.depth : -1]
        share = len(carried) // together

        def vectors(where: Environment, values: list[Op]) -> list[Op]:
            def one(j: Affine, mask: Op | None, values: list[Op]) -> list[Op]:
                at = {**where, symbol: lane_at(j)}
                self._take_kept(at)
                return list(body(at, mask, values) or ())

            def some(j: Affine, values: list[Op]) -> list[Op]:
                found: list[Op] = []
                for q in range(together):
                    mine = values[q * share : (q + 1) * share]
                    found += one(plus(j, affine(q * width)), None, mine)
                return found

            values = emitter.loop(bulk, some, step=width * together, carried=values)
            for j in range(bulk, whole, width):
                values[:share] = one(affine(j), None, values[:share])
            if last < width:
                mask = emitter.first_lanes(last, width)
                values[:share] = one(affine(whole), mask, values[:share])
            return values

        before, emitter.unroll = emitter.unroll, emitter.unroll or self.of.is_short
        try:
            return emitter.over(outer, where, vectors, carried)
        finally:
            emitter.unroll = before

    def _inside(self, at: Environment) -> Index:
        """Where a point is in memory of the block's own."""
        inner = self.nest.symbols[self.nest.depth :]
        row = plus(at[self.symbol], times(self.start, -1)) if self.symbol else ZERO
        return (row, *(at[symbol] for symbol in inner))

    def _take_kept(self, at: Environment) -> None:
        for v, buffer in self.kept.items():
            self.emitter.hold(v, at, self.emitter.fetch(buffer, self._inside(at)))

    def at_cell(self, v: Value, at: Environment, mask: Op | None) -> Op:
        """The operand of a reduction at one vector; lanes that do not count are neutral."""
        emitter = self.emitter
        x = v.operands[0]
        y = emitter.vector(emitter.pull(x, emitter.at(x, at)), emitter.width)
        return y if mask is None else emitter.select(mask, y, emitter.neutral(v))

    def partial(self, group: list[Value], where: Environment, new: dict[Value, Buffer]) -> list[Op]:
        """One row's sums, each still in all lanes of a vector; what is `new` is kept for later."""
        emitter = self.emitter
        combine = [emitter.adder(v) for v in group]
        each: list[list[Op]] = []

        def cell(at: Environment, mask: Op | None) -> list[Op]:
            found = [self.at_cell(v, at, mask) for v in group]
            for v, buffer in new.items():
                emitter.keep(buffer, self._inside(at), emitter.pull(v, emitter.at(v, at)))
            return found

        def accumulate(at: Environment, mask: Op | None, sums: list[Op]) -> list[Op]:
            return [f(s, x) for f, s, x in zip(combine, sums, cell(at, mask), strict=True)]

        if emitter.unroll or self.of.is_short:
            self._along(where, lambda at, mask, _: each.append(cell(at, mask)))
        else:
            first = [emitter.start(v) for v in group] * _TOGETHER
            sums = self._along(where, accumulate, first, _TOGETHER)
            each = [sums[k : k + len(group)] for k in range(0, len(sums), len(group))]
        vectors = zip(combine, zip(*each, strict=True), strict=True)
        return [emitter.tree(f, list(xs)) for f, xs in vectors]

    def at_points(
        self,
        sums: list[Value],
        stores: list[Value],
        where: Environment,
        carried: list[Op],
    ) -> list[Op]:
        """Add a row to the sums over all points, or over all rows, and store what is per point."""
        emitter = self.emitter
        places, column = self.of.places, counting()

        def short(at: Environment, mask: Op | None, values: list[Op]) -> list[Op]:
            c = next(column)
            for v in sums:
                # Lanes of a sum per column do not meet: those that do not count do no harm.
                k, counted = (places[v] + c, None) if v.size > 1 else (places[v], mask)
                values[k] = emitter.adder(v)(values[k], self.at_cell(v, at, counted))
            emitter.write(stores, at)
            return values

        def long(at: Environment, mask: Op | None, values: list[Op]) -> list[Op]:
            found = [
                emitter.adder(v)(x, self.at_cell(v, at, mask))
                for v, x in zip(sums, values, strict=True)
            ]
            emitter.write(stores, at)
            return found

        if emitter.unroll or self.of.is_short:
            return self._along(where, short, carried)
        first = [emitter.start(v) for v in sums] * _TOGETHER
        found = self._along(where, long, first, _TOGETHER)
        for k, v in enumerate(sums):
            total = emitter.tree(emitter.adder(v), found[k :: len(sums)])
            carried[places[v]] = emitter.adder(v)(carried[places[v]], total)
        return carried
