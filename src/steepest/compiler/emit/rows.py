"""Row nests: what is held per row, what is computed from it at every point, what is summed up.

Rows come in blocks (see `blocks`), one row per lane of a vector. A block of rows that are too long
to stay in the first cache together is one row.
"""

from math import prod

from steepest.compiler.emit.blocks import Block
from steepest.compiler.emit.cells import RowNest
from steepest.compiler.emit.expressions import Environment
from steepest.compiler.emit.loops import Loops
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import lanes
from steepest.compiler.nests.affine import LANE, ZERO, Affine, affine
from steepest.compiler.nests.nest import Nest

__all__ = ["write_row"]

_BLOCK = 2048  # elements in the rows of a block


def write_row(emitter: Loops, nest: Nest) -> None:
    """Block by block; of the first loops threads divide, or what is summed over the rows."""
    _Rows(emitter, nest).write()


class _Rows(RowNest):
    """One row nest."""

    def write(self) -> None:
        emitter, nest = self.emitter, self.nest
        outer = list(zip(nest.symbols, nest.space, strict=True))[: max(nest.depth - 1, 0)]
        starts = [x for v in nest.sums for x in self.zeros[v]]

        def sums(where: Environment, carried: list[Op]) -> list[Op]:
            return self._row_blocks(where, carried)

        if emitter.sharing is None or nest not in emitter.sharing.pieces:
            self._finish(emitter.over(outer, {}, sums, starts, line=emitter.line(outer)))
            return
        slots = [(affine(k), LANE if x.width else ZERO) for k, x in enumerate(starts)]

        def write() -> None:
            memory = emitter.sums_of_piece()
            found = emitter.over(outer, {}, sums, starts, summed=True)
            for slot, x in zip(slots, found, strict=True):
                emitter.keep(memory, slot, x)

        def finish() -> None:
            combine = [emitter.adder(v) for v in nest.sums for _ in self.zeros[v]]
            totals = [emitter.total_at(slot, add) for slot, add in zip(slots, combine, strict=True)]
            self._finish(totals if outer else self._last_rows({}, totals))

        emitter.in_pieces(write, finish)

    def _row_blocks(self, where: Environment, carried: list[Op]) -> list[Op]:
        """The blocks of rows; of a piece of the rows, without what is left after whole blocks."""
        emitter, nest = self.emitter, self.nest
        rows, divided = nest.space[nest.depth - 1] if nest.depth else 1, nest.depth <= 1
        size = self._rows_together(rows)
        low, high = emitter.bounds_of(rows // size, size) if divided else (0, rows // size * size)
        carried = emitter.loop(
            high,
            lambda i, sums: self._block(where, i, size, sums),
            start=low,
            step=size,
            carried=carried,
            within=emitter.part(rows // size, size) if divided else None,
        )
        return carried if emitter.pieces and divided else self._last_rows(where, carried)

    def _last_rows(self, where: Environment, carried: list[Op]) -> list[Op]:
        """Those that are left after whole blocks."""
        emitter, nest = self.emitter, self.nest
        rows = nest.space[nest.depth - 1] if nest.depth else 1
        last = rows % self._rows_together(rows)
        if not last:
            return carried
        return emitter.loop(
            1,
            lambda _, sums: self._block(where, affine(rows - last), last, sums),
            carried=carried,
            within=emitter.part(1) if nest.depth <= 1 else None,
        )

    def _block(self, where: Environment, start: Affine, rows: int, carried: list[Op]) -> list[Op]:
        return Block(self, where, start, rows).write(carried)

    def _rows_together(self, rows: int) -> int:
        """As many rows as a vector has lanes, if so many stay in the first cache."""
        emitter, nest = self.emitter, self.nest
        room = max(_BLOCK // prod(nest.space[nest.depth :]), 1) if self.is_short else 1
        size = lanes(rows, emitter.layout.width)
        while size > room:
            size //= 2
        return size

    def _finish(self, totals: list[Op]) -> None:
        """Store what the sums have come to."""
        emitter, nest = self.emitter, self.nest
        for v in nest.sums:
            parts = [totals.pop(0) for _ in self.zeros[v]]
            buffer = emitter.layout.buffers[v]
            if v.size == 1:
                total = emitter.horizontal(emitter.adder(v), parts[0])
                emitter.keep(buffer, (ZERO,) * v.ndim, total)
                continue
            for c, part in enumerate(parts):
                emitter.store(part, buffer.pointer, affine(c * emitter.width), emitter.width)
