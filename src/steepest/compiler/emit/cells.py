"""Along the rows of a block: one pass over their points, vector by vector.

What a pass needs from an earlier one comes through registers where both are written out in one
piece of code, else through memory of the block's own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count as counting
from math import prod

import numpy as np

from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.nests import Nests
from steepest.compiler.emit.scalars import register_base
from steepest.compiler.graph import Value
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import Buffer, padded
from steepest.compiler.nests.affine import LANE, ZERO, Affine, Index, affine, plus, times
from steepest.compiler.nests.nest import Nest

__all__ = ["Block", "Cells"]

_UNROLLED = 16  # vectors of a row that are written out instead of looped over
_TOGETHER = 4  # vectors in a round of a loop over a longer row

Cell = Callable[[Environment, Op | None, list[Op]], Sequence[Op] | None]


@dataclass
class Block:
    """Rows that are computed together.

    where   the loops around the block
    symbol  the loop that counts rows, "" where the nest has only one
    rows    how many they are; width: lanes of a vector with one of them per lane, 0 for one row
    apart   whether its passes are loops of their own, and pass numbers on through memory
    spread  values with one element per row that points need: a vector, a number, or memory
    kept    expensive values of points that a later pass needs again
    """

    where: Environment
    symbol: str
    start: Affine
    rows: int
    width: int
    apart: bool
    spread: dict[Value, Op | Buffer] = field(default_factory=dict)
    kept: dict[Value, Buffer] = field(default_factory=dict)

    def all(self) -> Environment:
        """Where its rows are lanes."""
        return self.row(LANE if self.width else ZERO)

    def row(self, r: Affine) -> Environment:
        return {**self.where, self.symbol: plus(self.start, r)} if self.symbol else self.where


class Cells(Nests):
    """Emitter of passes over the points of a row."""

    def is_short(self, nest: Nest) -> bool:
        inner = nest.space[nest.depth :]
        vectors = prod(inner[:-1]) * self.columns(inner[-1])[0]
        return vectors <= _UNROLLED or any(v.size > 1 for v in nest.sums)

    def zeros(self, nest: Nest, v: Value) -> list[Op]:
        """What the accumulators of a sum start from: one vector per column, one, or a scalar."""
        if nest.is_row_level(v.operands[0]):
            return [Op(self.spell(self.neutral(v), 0), register_base(v.dtype), 0)]
        count = self.columns(nest.space[-1])[0] if v.size > 1 else 1
        return [self.vector(self.neutral(v), self.width)] * count

    def places(self, nest: Nest) -> dict[Value, int]:
        """Which of the accumulators are those of a sum: its first."""
        places, at = {}, 0
        for v in nest.sums:
            places[v], at = at, at + len(self.zeros(nest, v))
        return places

    def scratch(self, dtype: np.dtype, shape: tuple[int, ...]) -> Buffer:
        """Memory of the nest's own, on the stack."""
        buffer = padded(shape, dtype, len(shape) - 1, self.layout.width)
        buffer.pointer = f"%scratch{len(self.head)}"
        size = buffer.size + self.layout.width
        self.head.append(f"  {buffer.pointer} = alloca [{size} x {buffer.base}], align 64")
        return buffer

    def _cells(
        self,
        nest: Nest,
        block: Block,
        where: Environment,
        body: Cell,
        carried: Sequence[Op] = (),
        together: int = 1,
    ) -> list[Op]:
        """body(environment, mask, carried) for every vector of a row; the mask of the last one
        says which of its lanes count. `together` vectors are a round of the loop, and each has its
        own part of what is carried."""
        symbol, width = nest.symbols[-1], self.width
        whole = nest.space[-1] // width * width
        last = self.columns(nest.space[-1])[1]
        bulk = whole // (width * together) * width * together
        outer = list(zip(nest.symbols, nest.space, strict=True))[nest.depth : -1]
        share = len(carried) // together

        def vectors(where: Environment, values: list[Op]) -> list[Op]:
            def one(j: Affine, mask: Op | None, values: list[Op]) -> list[Op]:
                at = {**where, symbol: lane_at(j)}
                self._take_kept(nest, block, at)
                return list(body(at, mask, values) or ())

            def some(j: Affine, values: list[Op]) -> list[Op]:
                found: list[Op] = []
                for q in range(together):
                    mine = values[q * share : (q + 1) * share]
                    found += one(plus(j, affine(q * width)), None, mine)
                return found

            values = self.loop(bulk, some, step=width * together, carried=values)
            for j in range(bulk, whole, width):
                values[:share] = one(affine(j), None, values[:share])
            if last < width:
                mask = self.first_lanes(last, width)
                values[:share] = one(affine(whole), mask, values[:share])
            return values

        before, self.unroll = self.unroll, self.unroll or self.is_short(nest)
        try:
            return self.over(outer, where, vectors, carried)
        finally:
            self.unroll = before

    def _inside(self, nest: Nest, block: Block, at: Environment) -> Index:
        """Where a point is in memory of the block's own."""
        row = plus(at[block.symbol], times(block.start, -1)) if block.symbol else ZERO
        return (row, *(at[symbol] for symbol in nest.symbols[nest.depth :]))

    def _take_kept(self, nest: Nest, block: Block, at: Environment) -> None:
        for v, buffer in block.kept.items():
            self.hold(v, at, self.fetch(buffer, self._inside(nest, block, at)))

    def at_cell(self, v: Value, at: Environment, mask: Op | None) -> Op:
        """The operand of a reduction at one vector; lanes that do not count are neutral."""
        x = v.operands[0]
        y = self.vector(self.pull(x, self.at(x, at)), self.width)
        return y if mask is None else self.select(mask, y, self.neutral(v))

    def partial(
        self,
        nest: Nest,
        block: Block,
        group: list[Value],
        where: Environment,
        new: dict[Value, Buffer],
    ) -> list[Op]:
        """One row's sums, each still in all lanes of a vector; what is `new` is kept for later."""
        combine = [self.adder(v) for v in group]
        each: list[list[Op]] = []

        def cell(at: Environment, mask: Op | None) -> list[Op]:
            found = [self.at_cell(v, at, mask) for v in group]
            for v, buffer in new.items():
                self.keep(buffer, self._inside(nest, block, at), self.pull(v, self.at(v, at)))
            return found

        def accumulate(at: Environment, mask: Op | None, sums: list[Op]) -> list[Op]:
            return [f(s, x) for f, s, x in zip(combine, sums, cell(at, mask), strict=True)]

        if self.unroll or self.is_short(nest):
            self._cells(nest, block, where, lambda at, mask, _: each.append(cell(at, mask)))
        else:
            first = [self.vector(self.neutral(v), self.width) for v in group] * _TOGETHER
            sums = self._cells(nest, block, where, accumulate, first, _TOGETHER)
            each = [sums[k : k + len(group)] for k in range(0, len(sums), len(group))]
        return [
            self._tree(f, list(xs)) for f, xs in zip(combine, zip(*each, strict=True), strict=True)
        ]

    def at_points(
        self,
        nest: Nest,
        block: Block,
        sums: list[Value],
        stores: list[Value],
        where: Environment,
        carried: list[Op],
    ) -> list[Op]:
        """Add a row to the sums over all points, or over all rows, and store what is per point."""
        places, column = self.places(nest), counting()

        def short(at: Environment, mask: Op | None, values: list[Op]) -> list[Op]:
            c = next(column)
            for v in sums:
                # Lanes of a sum per column do not meet: those that do not count do no harm.
                k, counted = (places[v] + c, None) if v.size > 1 else (places[v], mask)
                values[k] = self.adder(v)(values[k], self.at_cell(v, at, counted))
            self.write(stores, at)
            return values

        def long(at: Environment, mask: Op | None, values: list[Op]) -> list[Op]:
            found = [
                self.adder(v)(x, self.at_cell(v, at, mask))
                for v, x in zip(sums, values, strict=True)
            ]
            self.write(stores, at)
            return found

        if self.unroll or self.is_short(nest):
            return self._cells(nest, block, where, short, carried)
        first = [self.vector(self.neutral(v), self.width) for v in sums] * _TOGETHER
        found = self._cells(nest, block, where, long, first, _TOGETHER)
        for k, v in enumerate(sums):
            total = self._tree(self.adder(v), found[k :: len(sums)])
            carried[places[v]] = self.adder(v)(carried[places[v]], total)
        return carried

    def _tree(self, combine: Callable[[Op, Op], Op], xs: list[Op]) -> Op:
        while len(xs) > 1:
            pairs = [combine(*xs[i : i + 2]) for i in range(0, len(xs) - 1, 2)]
            xs = pairs + xs[len(pairs) * 2 :]
        return xs[0]
