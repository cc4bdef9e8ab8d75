"""Packing: copies of a contraction's operands, in the order in which its tiles read them.

The copy of B is a panel: one strip of columns and one piece of the summed dimension, a row of lanes
for every summed element. The copy of A is the whole piece, tile by tile: all of a tile's rows for
one summed element, then for the next. A tile then reads both one number after the other, wherever
the numbers lay before.
"""

from collections.abc import Callable
from math import prod

from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.functions import turning
from steepest.compiler.emit.reductions import Reductions
from steepest.compiler.emit.threads import TilesHere
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.contraction import padded_rows
from steepest.compiler.memory.pieces import contiguous_symbols
from steepest.compiler.memory.roles import Roles
from steepest.compiler.nests.affine import Affine, affine, placed, plus, times
from steepest.compiler.nests.nest import Nest

__all__ = ["Packing"]


class Packing(Reductions):
    """Emitter of the copies."""

    def row_tiles(
        self,
        nest: Nest,
        height: int,
        tile: Callable[[Affine, Affine, int], None],
        here: TilesHere = None,
    ) -> None:
        """tile(i, first, rows) for so many rows, counted from 0; of them the tiles that are `here`.

        All tiles are equally high, so that there is one code for all. The last begins at `first`
        in the one before, where rows are left over; its own rows are those from i on.
        """
        rows = min(self.plan.tiles[nest].rows, height)

        def one(i: Affine, _: list[Op]) -> None:
            tile(i, self._at_most(i, height - rows) if height % rows else i, rows)

        end = padded_rows(height, rows)
        self.loop(end, one, step=rows, within=self.rows_within(here, rows))

    def _at_most(self, i: Affine, most: int) -> Affine:
        """The smaller of the two."""
        if not i[1]:
            return affine(min(i[0], most))
        at = Op(self.integer(i), "i64", 0)
        return affine(self.call("llvm.smin", at, self.number(most, "i64")).name)

    # ---- B ---------------------------------------------------------------------------------------

    def pack_right(
        self, nest: Nest, roles: Roles, where: Environment, j: Affine, vectors: int, depth: int
    ) -> None:
        """The panel of the columns from j on: by squares transposed in registers where B is
        contiguous along a summed letter, else row by row."""
        along = contiguous_symbols(nest, roles.b, roles.b_index, self.fusion, self.layout)
        symbols = [*map(nest.symbol, roles.inner)]
        loops, columns = self.summed(nest, roles, depth), vectors * max(self.width, 1)
        panel = self.plan.scratch[nest].right
        assert panel is not None
        turned = next((s for s in symbols if s in along), "")
        if roles.strided and turned and dict(loops)[turned] >= self.width:
            self._squares(nest, roles, where, j, vectors, loops, turned)
            return

        def row(local: Environment, _: list[Op]) -> None:
            here, k = self.moved(where, local), self.position(loops, local)

            def vector(q: Affine, _: list[Op]) -> None:
                at = {**here, nest.symbol(roles.lane): lane_at(plus(j, q))}
                x = self.vector(self.pull(roles.b, placed(roles.b_index, at)), self.width)
                self.store(x, panel.pointer, plus(times(k, columns), q), self.width)

            self.loop(columns, vector, step=max(self.width, 1))

        self.over(loops, {}, row)

    def summed(self, nest: Nest, roles: Roles, depth: int) -> list[tuple[str, int]]:
        """The loops over the summed letters; `depth` is the length of a single one's piece."""
        symbols = [*map(nest.symbol, roles.inner)]
        sizes = [depth] if len(symbols) == 1 else [roles.size[i] for i in roles.inner]
        return list(zip(symbols, sizes, strict=True))

    def moved(self, where: Environment, local: Environment) -> Environment:
        """Positions within a piece become positions within the whole."""
        return {**where, **{s: plus(i, where.get(s, affine(0))) for s, i in local.items()}}

    def position(self, loops: list[tuple[str, int]], local: Environment) -> Affine:
        """The number of a summed element within its piece."""
        total = affine(0)
        for symbol, n in loops:
            total = plus(times(total, n), local[symbol])
        return total

    def _squares(
        self,
        nest: Nest,
        roles: Roles,
        where: Environment,
        j: Affine,
        vectors: int,
        loops: list[tuple[str, int]],
        turned: str,
    ) -> None:
        """Width × width elements, read along the summed letter and transposed into the panel.
        The last square may begin in the one before, so that none reaches beyond the end."""
        lane, width, depth = nest.symbol(roles.lane), self.width, dict(loops)[turned]
        panel = self.plan.scratch[nest].right
        assert panel is not None
        if (key := (panel.base, width)) not in self.functions:
            self.functions[key] = turning(panel.base, width)
        turn, rows = self.functions[key], self.scratch(panel.dtype, (width, width))
        names = [symbol for symbol, _ in loops]
        step = prod(n for _, n in loops[names.index(turned) + 1 :]) * vectors * width

        def square(local: Environment, q: Affine, k: Affine) -> None:
            here = self.moved(where, {**local, turned: k})
            here[turned] = lane_at(here[turned])
            first = self.position(loops, {**local, turned: k})
            corner = plus(times(first, vectors * width), times(q, width))

            def row(r: Affine, _: list[Op]) -> None:
                at = {**here, lane: plus(plus(j, times(q, width)), r)}
                x = self.pull(roles.b, placed(roles.b_index, at))
                self.store(self.vector(x, width), rows.pointer, times(r, width), width)

            self.loop(width, row, unroll=min(width, 4))
            place = self.pointer(panel.pointer, panel.base, corner)
            given = f"ptr {rows.pointer}, ptr {place}, i64 {step}"
            self.lines.append(f"  call void {turn.name}({given})")

        def squares(local: Environment, q: Affine) -> None:
            whole = depth // width * width
            self.loop(whole, lambda k, _: square(local, q, k), step=width)
            if depth > whole:
                square(local, q, affine(depth - width))

        def column(local: Environment, _: list[Op]) -> None:
            self.loop(vectors, lambda q, _: squares(local, q))

        self.over([(s, n) for s, n in loops if s != turned], {}, column)

    # ---- A ---------------------------------------------------------------------------------------

    def pack_left(
        self,
        nest: Nest,
        roles: Roles,
        where: Environment,
        top: Affine,
        size: tuple[int, int],
    ) -> None:
        """The rows of a piece, tile by tile; A is contiguous along its rows. A vector may reach
        into the next element's place, which is written afterwards."""
        left, row = self.plan.scratch[nest].left, nest.symbol(roles.row)
        assert left is not None
        (height, depth), width = size, self.layout.width
        symbol = nest.symbol(roles.inner[0])

        def tile(i: Affine, first: Affine, rows: int) -> None:
            def element(k: Affine, _: list[Op]) -> None:
                here = self.moved(where, {symbol: k})
                for r in range(0, rows, width):
                    at = {**here, row: lane_at(plus(plus(top, first), affine(r)))}
                    x = self.pull(roles.a, placed(roles.a_index, at))
                    to = plus(plus(times(i, depth), times(k, rows)), affine(r))
                    self.store(self.vector(x, width), left.pointer, to, width)

            self.loop(depth, element)

        with self.wide(width):
            self.row_tiles(nest, height, tile)
