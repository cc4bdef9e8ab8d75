"""Packing: copies of a contraction's operands, in the order in which its tiles read them.

The copy of B is a panel: one strip of columns and one piece of the summed dimension, a row of lanes
for every summed element. The copy of A is the whole piece, tile by tile: all of a tile's rows for
one summed element, then for the next. A tile then reads both one number after the other, wherever
the numbers lay before.
"""

from collections.abc import Callable
from math import prod

from steepest.compiler.emit.contraction import Contraction
from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.functions import turning
from steepest.compiler.emit.threads import TilesHere
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.contraction import padded_rows
from steepest.compiler.memory.pieces import contiguous_symbols
from steepest.compiler.nests.affine import Affine, affine, placed, plus, times

__all__ = ["Packing"]


class Packing(Contraction):
    """A contraction whose operands are copied, where its tile says so."""

    def row_tiles(
        self, height: int, tile: Callable[[Affine, Affine, int], None], here: TilesHere = None
    ) -> None:
        """tile(i, first, rows) for so many rows, counted from 0; of them the tiles that are `here`.

        All tiles are equally high, so that there is one code for all. The last begins at `first`
        in the one before, where rows are left over; its own rows are those from i on.
        """
        rows = min(self.tile.rows, height)

        def one(i: Affine, _: list[Op]) -> None:
            tile(i, self.at_most(i, height - rows) if height % rows else i, rows)

        end = padded_rows(height, rows)
        within = self.emitter.rows_within(here, rows)
        self.emitter.loop(end, one, step=rows, within=within)

    # ---- B ---------------------------------------------------------------------------------------

    def pack_right(self, where: Environment, j: Affine, vectors: int, depth: int) -> None:
        """The panel of the columns from j on: by squares transposed in registers where B is
        contiguous along a summed letter, else row by row."""
        emitter, roles, panel, width = self.emitter, self.roles, self.scratch.right, self.width
        side = roles.b, roles.b_index
        along = contiguous_symbols(self.nest, *side, emitter.fusion, emitter.layout)
        loops, columns = self.summed(depth), vectors * max(width, 1)
        assert panel is not None
        turned = next((s for s, _ in loops if s in along), "")
        if roles.strided and turned and dict(loops)[turned] >= width:
            self._squares(where, j, vectors, loops, turned)
            return

        def row(local: Environment, _: list[Op]) -> None:
            here, k = self.moved(where, local), self.position(loops, local)

            def vector(q: Affine, _: list[Op]) -> None:
                at = {**here, self.lane: lane_at(plus(j, q))}
                x = emitter.vector(emitter.pull(roles.b, placed(roles.b_index, at)), width)
                emitter.store(x, panel.pointer, plus(times(k, columns), q), width)

            emitter.loop(columns, vector, step=max(width, 1))

        emitter.over(loops, {}, row)

    def _squares(
        self,
        where: Environment,
        j: Affine,
        vectors: int,
        loops: list[tuple[str, int]],
        turned: str,
    ) -> None:
        """Width × width elements, read along the summed letter and transposed into the panel.
        The last square may begin in the one before, so that none reaches beyond the end."""
        emitter, roles, panel, width = self.emitter, self.roles, self.scratch.right, self.width
        depth = dict(loops)[turned]
        assert panel is not None
        if (key := (panel.base, width)) not in emitter.functions:
            emitter.functions[key] = turning(panel.base, width)
        turn, rows = emitter.functions[key], emitter.scratch(panel.dtype, (width, width))
        names = [symbol for symbol, _ in loops]
        step = prod(n for _, n in loops[names.index(turned) + 1 :]) * vectors * width

        def square(local: Environment, q: Affine, k: Affine) -> None:
            here = self.moved(where, {**local, turned: k})
            here[turned] = lane_at(here[turned])
            first = self.position(loops, {**local, turned: k})
            corner = plus(times(first, vectors * width), times(q, width))

            def row(r: Affine, _: list[Op]) -> None:
                at = {**here, self.lane: plus(plus(j, times(q, width)), r)}
                x = emitter.pull(roles.b, placed(roles.b_index, at))
                emitter.store(emitter.vector(x, width), rows.pointer, times(r, width), width)

            emitter.loop(width, row, unroll=min(width, 4))
            place = emitter.pointer(panel.pointer, panel.base, corner)
            given = f"ptr {rows.pointer}, ptr {place}, i64 {step}"
            emitter.lines.append(f"  call void {turn.name}({given})")

        def squares(local: Environment, q: Affine) -> None:
            whole = depth // width * width
            emitter.loop(whole, lambda k, _: square(local, q, k), step=width)
            if depth > whole:
                square(local, q, affine(depth - width))

        def column(local: Environment, _: list[Op]) -> None:
            emitter.loop(vectors, lambda q, _: squares(local, q))

        emitter.over([(s, n) for s, n in loops if s != turned], {}, column)

    # ---- A ---------------------------------------------------------------------------------------

    def pack_left(self, where: Environment, top: Affine, height: int, depth: int) -> None:
        """The rows of a piece, tile by tile; A is contiguous along its rows. A vector may reach
        into the next element's place, which is written afterwards."""
        emitter, roles, left = self.emitter, self.roles, self.scratch.left
        assert left is not None
        width, symbol = emitter.layout.width, self.nest.symbol(roles.inner[0])

        def tile(i: Affine, first: Affine, rows: int) -> None:
            def element(k: Affine, _: list[Op]) -> None:
                here = self.moved(where, {symbol: k})
                for r in range(0, rows, width):
                    at = {**here, self.row: lane_at(plus(plus(top, first), affine(r)))}
                    x = emitter.pull(roles.a, placed(roles.a_index, at))
                    to = plus(plus(times(i, depth), times(k, rows)), affine(r))
                    emitter.store(emitter.vector(x, width), left.pointer, to, width)

            emitter.loop(depth, element)

        with emitter.wide(width):
            self.row_tiles(height, tile)
