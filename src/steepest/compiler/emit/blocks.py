"""A block of rows: what is held of each, what is computed from it at every point.

Each row's sums are first a vector of partial sums; those of the whole block are folded together,
transposed while they are added, into one vector with a lane per row. What depends on the row alone
(the logarithm of a cross entropy, the root of a layer norm, a loss) is computed for the whole block
at once. Then every row takes its lane back, for what is computed at its points.
"""

from collections.abc import Callable
from math import prod

import numpy as np

from steepest.compiler.emit.cells import Cells
from steepest.compiler.emit.expressions import Environment
from steepest.compiler.graph import Value
from steepest.compiler.ir.operands import PIECE, Op
from steepest.compiler.memory.buffers import Buffer
from steepest.compiler.nests.affine import LANE, Affine, Index, affine, placed, symbols
from steepest.compiler.nests.costs import is_expensive
from steepest.compiler.nests.nest import Nest
from steepest.compiler.nests.reach import Reach, is_elementwise, is_read
from steepest.core import Primitive

__all__ = ["Block"]

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


class Block(Cells):
    """Rows, one per lane, and what is computed for all of them at once."""

    def write(self, carried: list[Op]) -> list[Op]:
        """First what is held, group by group; then points; then what the rows alone give."""
        emitter, nest = self.emitter, self.nest
        if emitter.unroll:
            self._read_rows()
        groups = self._independent(list(nest.held))
        sums = [v for v in nest.sums if not nest.is_row_level(v.operands[0])]
        stores = [v for v in nest.stores if not nest.is_row_level(v)]
        passes = [[v.operands[0] for v in group] for group in [*groups, sums]]
        passes[-1] += stores
        memory = self.apart and prod(nest.space[nest.depth :]) <= _KEPT
        costly = [self._costly(values) if memory else [] for values in passes]
        for k, group in enumerate(groups):
            again = [v for v in costly[k] if any(v in later for later in costly[k + 1 :])]
            self._give_points(passes[k])
            self._hold_group(group, again)
        self._give_points(passes[-1])

        def points(r: Affine, carried: list[Op]) -> list[Op]:
            return self.at_points(sums, stores, self._take_row(r), carried)

        if emitter.unroll and sums:
            carried = self._in_chains(points, carried)
        elif sums or stores:
            carried = emitter.loop(self.rows, points, carried=carried)
        return self._at_rows(carried)

    def _read_rows(self) -> None:
        """What is gathered, one number per row, is under way while points are summed up: of what
        is written out, a processor sees so much at once."""
        emitter, nest = self.emitter, self.nest
        walk, inner = emitter.fusion.reach(nest), set(nest.symbols[nest.depth :])
        for v, index in nest.roots():
            walk(v, index)
        with emitter.wide(self.width):
            for v, index in [(v, i) for v, at in walk.reads.items() for i in sorted(at, key=str)]:
                if v.role == "gathered" and not inner & set().union(*map(symbols, index)):
                    emitter.pull(v, placed(index, self.all()))

    def _in_chains(
        self, points: Callable[[Affine, list[Op]], list[Op]], carried: list[Op]
    ) -> list[Op]:
        """Points that are written out: several sums, each over every so manyth row, because every
        addition waits for the one before."""
        emitter, nest = self.emitter, self.nest
        combine = [emitter.adder(v) for v in nest.sums for _ in self.of.zeros[v]]
        zeros = [x for v in nest.sums for x in self.of.zeros[v]]
        chains = [zeros] * max(min(_CHAINS, self.rows // 2), 1)
        for r in range(self.rows):
            k = r % len(chains)
            chains[k] = points(affine(r), list(chains[k]))
        each = zip(combine, zip(*chains, carried, strict=True), strict=True)
        return [emitter.tree(add, list(xs)) for add, xs in each]

    def _costly(self, values: list[Value]) -> list[Value]:
        """Expensive values that are computed at every point on the way to these."""
        emitter, nest = self.emitter, self.nest
        walk = emitter.fusion.reach(nest)
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

    def _hold_group(self, group: list[Value], again: list[Value]) -> None:
        """The sums of every row, then those of all rows in one vector per held value."""
        emitter, nest = self.emitter, self.nest
        looped = self.apart and self.rows > 1
        waiting = [emitter.scratch(v.dtype, (self.rows, emitter.width)) for v in group if looped]
        new = {v: emitter.scratch(v.dtype, (self.rows, *nest.space[nest.depth :])) for v in again}
        parts: list[list[Op]] = []

        def one(r: Affine, _: list[Op]) -> None:
            parts.append(self.partial(group, self._take_row(r), new))
            for buffer, x in zip(waiting, parts[-1], strict=looped):
                emitter.keep(buffer, (r, LANE), x)

        emitter.loop(self.rows, one)
        square = looped and self.rows == self.width == emitter.width
        if looped and not square:
            each = range(self.rows)
            parts = [[emitter.fetch(buffer, (affine(r), LANE)) for buffer in waiting] for r in each]
        for k, v in enumerate(group):
            combine, rows = emitter.adder(v), [found[k] for found in parts]
            if square:
                total = self._folded(v, waiting[k])
            elif self.width:
                total = emitter.fold(combine, rows)
            else:
                total = emitter.horizontal(combine, rows[0])
            with emitter.wide(self.width):
                emitter.hold(v, self.all(), total)
        self.kept |= new

    def _folded(self, v: Value, rows: Buffer) -> Op:
        """The lanes of every row folded, as many rows as lanes: some columns at a time, in a loop.
        At once it would be four times the code."""
        emitter = self.emitter
        combine, width = emitter.adder(v), emitter.width

        def some(first: Affine, totals: list[Op]) -> list[Op]:
            found = emitter.columns_of(rows.pointer, rows.base, first, width, rows.strides[0])
            return [emitter.tree(combine, [*totals, *found])]

        start = emitter.start(v)
        return emitter.loop(width, some, step=min(width, PIECE), carried=[start])[0]

    def _give_points(self, values: list[Value]) -> None:
        """Compute for all rows what points on the way to these values need of their row."""
        emitter, nest = self.emitter, self.nest
        walk = _PerRow(nest, emitter.fusion.home, emitter.fusion.holder)
        for v in values:
            walk(*nest.placed(v))
        with emitter.wide(self.width):
            for v in [v for v in walk.found if v not in self.spread]:
                x = emitter.pull(v, emitter.at(v, self.all()))
                self.spread[v] = x
                if self.width:
                    self.spread[v] = buffer = emitter.scratch(v.dtype, (self.width,))
                    emitter.keep(buffer, (LANE,), x)

    def _take_row(self, r: Affine) -> Environment:
        """Where row r is; what was spread over the lanes is its own from here on."""
        emitter = self.emitter
        where = self.row(r)
        for v, place in self.spread.items():
            if isinstance(place, Buffer):
                emitter.hold(v, where, emitter.fetch(place, (r,)))
            else:
                emitter.hold(v, where, emitter.lane(place, r[0]))
        return where

    def _at_rows(self, carried: list[Op]) -> list[Op]:
        """Sums and stores of values with one element per row."""
        emitter, nest = self.emitter, self.nest
        places, mask = self.of.places, None
        if self.rows < self.width:
            mask = emitter.first_lanes(self.rows, self.width)
        alike: dict[tuple[Primitive | None, np.dtype], list[Value]] = {}
        for v in nest.sums:
            if nest.is_row_level(v.operands[0]):
                alike.setdefault((v.row, v.dtype), []).append(v)
        with emitter.wide(self.width):
            for values in alike.values():
                combine = emitter.adder(values[0])
                cells = [self.at_cell(v, self.all(), mask) for v in values]
                for v, total in zip(values, emitter.horizontals(combine, cells), strict=True):
                    carried[places[v]] = combine(carried[places[v]], total)
            emitter.write([v for v in nest.stores if nest.is_row_level(v)], self.all())
        return carried
