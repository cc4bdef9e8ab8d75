"""Row nests: what is held per row, what is computed from it at every point, what is summed up.

Rows come in blocks, one row per lane of a vector. Each row's sums are first a vector of partial
sums; those of the whole block are folded together, transposed while they are added, into one vector
with a lane per row. What depends on the row alone (the logarithm of a cross entropy, the root of a
layer norm, a loss) is computed for the whole block at once. Then every row takes its lane back, for
what is computed at its points.

A block of rows that are too long to stay in the first cache together is one row.
"""

from collections.abc import Callable
from math import prod

import numpy as np

from steepest.compiler.emit.cells import Block, Cells
from steepest.compiler.emit.expressions import Environment
from steepest.compiler.graph import Value
from steepest.compiler.ir.builder import PIECE
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import Buffer, lanes
from steepest.compiler.nests.affine import LANE, ZERO, Affine, Index, affine, placed, symbols
from steepest.compiler.nests.costs import is_expensive
from steepest.compiler.nests.nest import Nest
from steepest.compiler.nests.reach import Reach, is_elementwise, is_read
from steepest.core import Primitive

__all__ = ["Rows"]

_BLOCK = 2048  # elements in the rows of a block
_CHAINS = 4  # sums of what is written out
_KEPT = 16384  # elements of the longest row of which anything is kept for a later pass


class _PerRow(Reach):
    """A walk from points that stops at, and finds, what is computed once per row."""

    def __init__(self, nest: Nest, home: dict[Value, Nest], holder: dict[Value, Nest]):
        super().__init__(nest, home, holder)
        self.found: dict[Value, None] = {}

    def _walk(self, v: Value, index: Index) -> bool:
        nest = self.nest
        own = v in nest.held or (is_elementwise(v) and not is_read(v, nest, self.home))
        if own and nest.is_row_level(v) and nest.index_of(v) == index:
            self.found[v] = None
            return True
        return super()._walk(v, index)


class Rows(Cells):
    """Emitter of row nests."""

    def row(self, nest: Nest) -> None:
        self.width = lanes(nest.space[-1], self.layout.width)
        outer = list(zip(nest.symbols, nest.space, strict=True))[: max(nest.depth - 1, 0)]
        starts = [x for v in nest.sums for x in self.zeros(nest, v)]

        def sums(where: Environment, carried: list[Op]) -> list[Op]:
            return self._row_blocks(nest, where, carried)

        if self.sharing is None or nest not in self.sharing.pieces:
            self._finish(nest, self.over(outer, {}, sums, starts, line=self.line(outer)))
            return
        slots = [(affine(k), LANE if x.width else ZERO) for k, x in enumerate(starts)]

        def write() -> None:
            memory, found = self.sums_of_piece(), self.over(outer, {}, sums, starts, summed=True)
            for slot, x in zip(slots, found, strict=True):
                self.keep(memory, slot, x)

        def finish() -> None:
            combine = [self.adder(v) for v in nest.sums for _ in self.zeros(nest, v)]
            totals = [self.total_at(slot, add) for slot, add in zip(slots, combine, strict=True)]
            self._finish(nest, totals if outer else self._last_rows(nest, {}, totals))

        self.in_pieces(write, finish)

    def _row_blocks(self, nest: Nest, where: Environment, carried: list[Op]) -> list[Op]:
        """The blocks of rows; of a piece of the rows, without what is left after whole blocks."""
        rows, divided = nest.space[nest.depth - 1] if nest.depth else 1, nest.depth <= 1
        size = self._rows_together(nest, rows)
        low, high = self.bounds_of(rows // size, size) if divided else (0, rows // size * size)
        carried = self.loop(
            high,
            lambda i, sums: self._some_rows(nest, where, (i, size), sums),
            start=low,
            step=size,
            carried=carried,
            within=self.part(rows // size, size) if divided else None,
        )
        return carried if self.pieces and divided else self._last_rows(nest, where, carried)

    def _last_rows(self, nest: Nest, where: Environment, carried: list[Op]) -> list[Op]:
        """Those that are left after whole blocks."""
        rows = nest.space[nest.depth - 1] if nest.depth else 1
        last = rows % self._rows_together(nest, rows)
        if not last:
            return carried
        return self.loop(
            1,
            lambda _, sums: self._some_rows(nest, where, (affine(rows - last), last), sums),
            carried=carried,
            within=self.part(1) if nest.depth <= 1 else None,
        )

    def _some_rows(
        self, nest: Nest, where: Environment, rows: tuple[Affine, int], carried: list[Op]
    ) -> list[Op]:
        """A block: its first row, and how many there are."""
        start, count = rows
        width = lanes(count, self.layout.width) if count > 1 else 0
        apart = not self.unroll and (count > 1 or not self.is_short(nest))
        symbol = nest.symbols[nest.depth - 1] if nest.depth else ""
        return self._block(nest, Block(where, symbol, start, count, width, apart), carried)

    def _rows_together(self, nest: Nest, rows: int) -> int:
        """As many rows as a vector has lanes, if so many stay in the first cache."""
        room = max(_BLOCK // prod(nest.space[nest.depth :]), 1) if self.is_short(nest) else 1
        size = lanes(rows, self.layout.width)
        while size > room:
            size //= 2
        return size

    def _finish(self, nest: Nest, totals: list[Op]) -> None:
        """Store what the sums have come to."""
        for v in nest.sums:
            parts = [totals.pop(0) for _ in self.zeros(nest, v)]
            buffer = self.layout.buffers[v]
            if v.size == 1:
                self.keep(buffer, (ZERO,) * v.ndim, self.horizontal(self.adder(v), parts[0]))
                continue
            for c, part in enumerate(parts):
                self.store(part, buffer.pointer, affine(c * self.width), self.width)

    # ---- a block ---------------------------------------------------------------------------------

    def _block(self, nest: Nest, block: Block, carried: list[Op]) -> list[Op]:
        """First what is held, group by group; then points; then what the rows alone give."""
        if self.unroll:
            self._read_rows(nest, block)
        groups = self._independent(list(nest.held))
        sums = [v for v in nest.sums if not nest.is_row_level(v.operands[0])]
        stores = [v for v in nest.stores if not nest.is_row_level(v)]
        passes = [[v.operands[0] for v in group] for group in [*groups, sums]]
        passes[-1] += stores
        memory = block.apart and prod(nest.space[nest.depth :]) <= _KEPT
        costly = [self._costly(nest, values) if memory else [] for values in passes]
        for k, group in enumerate(groups):
            again = [v for v in costly[k] if any(v in later for later in costly[k + 1 :])]
            self._give_points(nest, block, passes[k])
            self._hold_group(nest, block, group, again)
        self._give_points(nest, block, passes[-1])

        def points(r: Affine, carried: list[Op]) -> list[Op]:
            return self.at_points(nest, block, sums, stores, self._take_row(block, r), carried)

        if self.unroll and sums:
            carried = self._in_chains(nest, block.rows, points, carried)
        elif sums or stores:
            carried = self.loop(block.rows, points, carried=carried)
        return self._at_rows(nest, block, carried)

    def _read_rows(self, nest: Nest, block: Block) -> None:
        """What is gathered, one number per row, is under way while points are summed up: of what
        is written out, a processor sees so much at once."""
        walk, inner = self.fusion.reach(nest), set(nest.symbols[nest.depth :])
        for v, index in nest.roots():
            walk(v, index)
        with self.wide(block.width):
            for v, index in [(v, i) for v, at in walk.reads.items() for i in sorted(at, key=str)]:
                if v.role == "gathered" and not inner & set().union(*map(symbols, index)):
                    self.pull(v, placed(index, block.all()))

    def _in_chains(
        self,
        nest: Nest,
        rows: int,
        points: Callable[[Affine, list[Op]], list[Op]],
        carried: list[Op],
    ) -> list[Op]:
        """Points that are written out: several sums, each over every so manyth row, because every
        addition waits for the one before."""
        combine = [self.adder(v) for v in nest.sums for _ in self.zeros(nest, v)]
        zeros = [x for v in nest.sums for x in self.zeros(nest, v)]
        chains = [zeros] * max(min(_CHAINS, rows // 2), 1)
        for r in range(rows):
            k = r % len(chains)
            chains[k] = points(affine(r), list(chains[k]))
        each = zip(combine, zip(*chains, carried, strict=True), strict=True)
        return [self._tree(add, list(xs)) for add, xs in each]

    def _costly(self, nest: Nest, values: list[Value]) -> list[Value]:
        """Expensive values that are computed at every point on the way to these."""
        walk = self.fusion.reach(nest)
        for v in values:
            walk(*nest.placed(v))
        return [
            v
            for v, at in walk.visited.items()
            if is_expensive(v) and nest.index_of(v) in at and not nest.is_row_level(v)
        ]

    def _independent(self, held: list[Value]) -> list[list[Value]]:
        """Held values in groups, none of which needs another of its group."""
        groups: list[list[Value]] = []
        for v in held:
            needed = self._needs(v.operands[0], set(held))
            if groups and not needed & set(groups[-1]):
                groups[-1].append(v)
            else:
                groups.append([v])
        return groups

    def _needs(self, v: Value, held: set[Value]) -> set[Value]:
        found, stack, seen = set(), [v], set()
        while stack:
            v = stack.pop()
            if v in held:
                found.add(v)
            elif v not in seen:
                seen.add(v)
                stack.extend(v.operands)
        return found

    # ---- from rows to lanes, and back ------------------------------------------------------------

    def _hold_group(self, nest: Nest, block: Block, group: list[Value], again: list[Value]) -> None:
        """The sums of every row, then those of all rows in one vector per held value."""
        looped = block.apart and block.rows > 1
        waiting = [self.scratch(v.dtype, (block.rows, self.width)) for v in group if looped]
        new = {v: self.scratch(v.dtype, (block.rows, *nest.space[nest.depth :])) for v in again}
        parts: list[list[Op]] = []

        def one(r: Affine, _: list[Op]) -> None:
            parts.append(self.partial(nest, block, group, self._take_row(block, r), new))
            for buffer, x in zip(waiting, parts[-1], strict=looped):
                self.keep(buffer, (r, LANE), x)

        self.loop(block.rows, one)
        square = looped and block.rows == block.width == self.width
        if looped and not square:
            each = range(block.rows)
            parts = [[self.fetch(buffer, (affine(r), LANE)) for buffer in waiting] for r in each]
        for k, v in enumerate(group):
            combine, rows = self.adder(v), [found[k] for found in parts]
            if square:
                total = self._folded(v, waiting[k])
            elif block.width:
                total = self.fold(combine, rows)
            else:
                total = self.horizontal(combine, rows[0])
            with self.wide(block.width):
                self.hold(v, block.all(), total)
        block.kept |= new

    def _folded(self, v: Value, rows: Buffer) -> Op:
        """The lanes of every row folded, as many rows as lanes: some columns at a time, in a loop.
        At once it would be four times the code."""
        combine, width = self.adder(v), self.width

        def some(first: Affine, totals: list[Op]) -> list[Op]:
            found = self.columns_of(rows.pointer, rows.base, first, width, rows.strides[0])
            return [self._tree(combine, [*totals, *found])]

        start = self.vector(self.neutral(v), width)
        return self.loop(width, some, step=min(width, PIECE), carried=[start])[0]

    def _give_points(self, nest: Nest, block: Block, values: list[Value]) -> None:
        """Compute for all rows what points on the way to these values need of their row."""
        walk = _PerRow(nest, self.fusion.home, self.fusion.holder)
        for v in values:
            walk(*nest.placed(v))
        with self.wide(block.width):
            for v in [v for v in walk.found if v not in block.spread]:
                x = self.pull(v, self.at(v, block.all()))
                block.spread[v] = x
                if block.width:
                    block.spread[v] = buffer = self.scratch(v.dtype, (block.width,))
                    self.keep(buffer, (LANE,), x)

    def _take_row(self, block: Block, r: Affine) -> Environment:
        """Where row r is; what was spread over the lanes is its own from here on."""
        where = block.row(r)
        for v, place in block.spread.items():
            x = self.fetch(place, (r,)) if isinstance(place, Buffer) else self.lane(place, r[0])
            self.hold(v, where, x)
        return where

    def _at_rows(self, nest: Nest, block: Block, carried: list[Op]) -> list[Op]:
        """Sums and stores of values with one element per row."""
        places, mask = self.places(nest), None
        if block.rows < block.width:
            mask = self.first_lanes(block.rows, block.width)
        alike: dict[tuple[Primitive | None, np.dtype], list[Value]] = {}
        for v in nest.sums:
            if nest.is_row_level(v.operands[0]):
                alike.setdefault((v.row, v.dtype), []).append(v)
        with self.wide(block.width):
            for values in alike.values():
                combine = self.adder(values[0])
                cells = [self.at_cell(v, block.all(), mask) for v in values]
                for v, total in zip(values, self.horizontals(combine, cells), strict=True):
                    carried[places[v]] = combine(carried[places[v]], total)
            self.write([v for v in nest.stores if nest.is_row_level(v)], block.all())
        return carried
