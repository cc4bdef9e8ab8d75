"""One register tile: the sums of some rows and columns, the loops that add them up, what follows.

The sums of a row are one vector as long as the tile is wide, in parts of whole powers of two: it is
written once, and the processor's registers hold its pieces.
"""

from math import prod
from typing import NamedTuple

from steepest.compiler.emit.contraction import Contraction
from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.scalars import register_base
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import Buffer
from steepest.compiler.memory.contraction import padded_rows
from steepest.compiler.memory.roles import view_of
from steepest.compiler.nests.affine import (
    Affine,
    Index,
    address,
    affine,
    placed,
    plus,
    substitute,
    symbols,
    times,
    varies,
)
from steepest.compiler.nests.index import is_view, through

__all__ = ["Piece", "Place", "RegisterTile"]

_LINE = 64  # bytes of a line of the cache
_SHORT_ROUND, _LONG_ROUND = 4, 12  # summed elements between lines that are called for
# Lines of a sample that are called for before its tile begins, after which the processor has seen
# where it goes on; and how many times as many there must be.
_FIRST, _MANY = 4, 4


class Piece(NamedTuple):
    """Some rows, and part of the summed dimension: where each begins, how long it is, and whether
    sums are complete only with other pieces."""

    top: Affine
    height: int
    start: Affine
    depth: int
    partial: bool


class Place(NamedTuple):
    """Where a tile is: the row at which it has its place among others and, where the one before
    has some of its rows too, the row above, at which it begins; its first column; its size."""

    row: Affine
    first: Affine
    column: Affine
    rows: int
    vectors: int


class RegisterTile:
    """rows × vectors sums in registers.

    parts   the vectors of a row: the first column of each, and its lanes
    above   how many rows are the tile's before, too
    """

    def __init__(self, contraction: Contraction, where: Environment, place: Place, piece: Piece):
        of = self.of = contraction
        self.where, self.place, self.piece = where, place, piece
        self.emitter, self.nest, self.roles = of.emitter, of.nest, of.roles
        self.row, self.lane, self.scratch = of.row, of.lane, of.scratch
        self.anchor, self.base = of.anchor, register_base(of.anchor.dtype)
        self.bounds = _bounds(of)
        self.above = plus(place.row, times(place.first, -1))
        self.i = plus(piece.top, place.first)
        self.rows = [plus(self.i, affine(r)) for r in range(place.rows)]
        width, at = of.width, 0
        self.lanes = place.vectors * max(width, 1)
        self.parts = [(0, 0)] if not width else []
        while width and at < place.vectors:
            count = 1 << ((place.vectors - at).bit_length() - 1)
            self.parts.append((at * width, count * width))
            at += count

    def column(self, q: int) -> Affine:
        """The lanes of a part that begins q columns further."""
        at = plus(self.place.column, affine(q))
        return lane_at(at) if self.emitter.width else at

    def write(self) -> None:
        """The products, and what the nest stores."""
        emitter, spill = self.emitter, self.scratch.spill
        if self.piece.partial:
            self._add_piece()
            return
        zero = emitter.number(0, self.base)
        start = [emitter.vector(zero, lanes) for _, lanes in self.parts]
        sums = self._products(start * len(self.rows))
        if spill and len(self.rows) * self.place.vectors > 1:
            self._keep_sums(sums, spill.pointer)
            self._loop_epilogue(spill.pointer)
            return
        found = iter(sums)
        for row in self.rows:
            for part in self.parts:
                self._follow(row, part, next(found))

    def _follow(self, row: Affine, part: tuple[int, int], x: Op) -> None:
        """Store what follows from a part of a row."""
        q, lanes = part
        position = {**self.where, self.row: row, self.lane: self.column(q)}
        with self.emitter.wide(lanes):
            self.emitter.hold(self.anchor, position, x)
            self.emitter.write(self.nest.stores, position)

    def _add_piece(self) -> None:
        """Sums that wait in memory, strip by strip and row by row, until the last piece is added;
        the first is added to zeros."""
        emitter, scratch = self.emitter, self.scratch
        assert scratch.partial is not None and scratch.start is not None
        m = padded_rows(self.roles.size.get(self.roles.row, 1), len(self.rows))
        row = plus(self.piece.top, self.place.row)
        at = plus(times(self.place.column, m), times(row, self.lanes))
        partial = emitter.pointer(scratch.partial.pointer, self.base, at)
        depth = prod(self.roles.size[i] for i in self.roles.inner)
        first, last = self._is_piece(0), self._is_piece(depth - self.piece.depth)
        truth = f"i1 {first.name}, ptr {scratch.start.pointer}, ptr {partial}"
        start = emitter.new(f"select {truth}")
        sums = [emitter.load(start, self.base, at, lanes) for at, lanes in self._each()]
        self._keep_sums(self._products(sums), partial)
        emitter.when(last, lambda: self._loop_epilogue(partial))

    def _is_piece(self, start: int) -> Op:
        k = self.emitter.index(self.piece.start)
        return self.emitter.compare("eq", k, self.emitter.number(start, "i64"))

    def _each(self) -> list[tuple[Affine, int]]:
        """Where every part of every row is in memory, and its lanes."""
        rows = range(len(self.rows))
        return [(affine(r * self.lanes + q), lanes) for r in rows for q, lanes in self.parts]

    def _keep_sums(self, sums: list[Op], pointer: str) -> None:
        for (at, lanes), x in zip(self._each(), sums, strict=True):
            self.emitter.store(x, pointer, at, lanes)

    def _loop_epilogue(self, sums: str) -> None:
        """A long epilogue (Adam) is a loop over the rows of a tile in memory, not a copy of it for
        every row: a fraction of the code. The rows of the tile before are not written again."""
        emitter = self.emitter

        def row(r: Affine, _: list[Op]) -> None:
            for q, lanes in self.parts:
                at = plus(times(r, self.lanes), affine(q))
                x = emitter.load(sums, self.base, at, lanes)
                self._follow(plus(self.i, r), (q, lanes), x)

        above = emitter.integer(self.above) if self.above[1] else self.above[0]
        emitter.loop(len(self.rows), row, start=above)

    # ---- products --------------------------------------------------------------------------------

    def _products(self, sums: list[Op]) -> list[Op]:
        """The loops over the summed letters, each round one product per register."""
        emitter, depth = self.emitter, self.piece.depth
        self._find_samples()
        loops = self.of.summed(depth)
        once = self._lines_at_once(depth)
        if self.nest not in emitter.plan.ahead or len(loops) > 1 or self.bounds or not once:
            return self._inside(loops, loops, {}, sums)
        # What the epilogue will touch is called for line by line, between the products.
        line = _LINE // self.anchor.dtype.itemsize
        across = -(-self.lanes // (line * once))
        rounds, (symbol, _) = len(self.rows) * across, loops[0]

        def called(r: Affine, q: Affine, sums: list[Op]) -> list[Op]:
            self._call_for(r, [plus(times(q, line * once), affine(line * k)) for k in range(once)])
            low, high = self._round(plus(times(r, across), q), rounds, depth)
            return emitter.loop(
                high,
                lambda k, sums: self._step(loops, {symbol: k}, sums),
                start=low,
                carried=sums,
            )

        def row(r: Affine, sums: list[Op]) -> list[Op]:
            return emitter.loop(across, lambda q, sums: called(r, q, sums), carried=sums)

        return emitter.loop(len(self.rows), row, carried=sums)

    def _find_samples(self) -> None:
        """Before the loops: where the samples are that are the rows here, if A is read where the
        user has it."""
        emitter, roles = self.emitter, self.roles
        leaf, at = view_of(roles.a, roles.a_index, emitter.layout.buffers)
        if leaf.kind != "input" or emitter.source(leaf).place != "gathered" or self.scratch.left:
            return
        if symbols(at[0]) & {self.lane, *map(self.nest.symbol, roles.inner)}:
            return
        source = emitter.source(leaf)
        for row in self.rows:
            emitter.sample(source, placed(at, {**self.where, self.row: row}))
        self._call_for_samples(source, at)

    def _call_for_samples(self, source: Buffer, at: Index) -> None:
        """Prefetch where the rows of the tile below begin: samples lie anywhere in memory."""
        emitter, rows, of = self.emitter, len(self.rows), self.of
        line, most = _LINE // source.dtype.itemsize, self.roles.size.get(self.roles.row, 1) - rows
        if self.piece.depth < _FIRST * _MANY * line or not most:
            return
        below = of.at_most(plus(self.i, affine(rows)), most)
        begin = of.moved(self.where, {s: affine(0) for s, _ in of.summed(self.piece.depth)})
        for r in range(rows):
            where = {**begin, self.row: plus(below, affine(r))}
            sample, index = emitter.sample(source, placed(at, where))
            start = address(index, sample.strides)
            for k in range(_FIRST):
                place = plus(start, affine(k * line))
                emitter.prefetch(sample.pointer, sample.base, place, write=False)

    def _lines_at_once(self, depth: int) -> int:
        """How many lines of a row are called for at once: few, for the processor waits for so many
        only, but with products enough between them. 0 if there are too few products for any."""
        lines = -(-self.lanes * self.anchor.dtype.itemsize // _LINE)
        if depth < _SHORT_ROUND * len(self.rows):
            return 0
        rounds = depth // (_LONG_ROUND * len(self.rows))
        return -(-lines // max(rounds, 1))

    def _round(self, number: Affine, rounds: int, depth: int) -> tuple[str, str]:
        """Where one of so many rounds through the summed dimension begins and ends."""
        emitter, part = self.emitter, depth // rounds
        at, end = (plus(times(number, part), affine(k)) for k in (0, part))
        low, high = map(emitter.index, (at, end))
        if depth % rounds:
            here = emitter.index(number)
            last = emitter.compare("eq", here, emitter.number(rounds - 1, "i64"))
            high = emitter.select(last, emitter.number(depth, "i64"), high)
        return low.name, high.name

    def _call_for(self, r: Affine, columns: list[Affine]) -> None:
        """Prefetch lines of a row of what the epilogue reads and writes."""
        emitter = self.emitter
        for buffer, index in emitter.plan.ahead[self.nest]:
            for q in columns:
                column = plus(self.place.column, q)
                here = {**self.where, self.row: plus(self.i, r), self.lane: column}
                at = address(placed(index, here), buffer.strides)
                emitter.prefetch(buffer.pointer, buffer.base, at)

    def _inside(
        self,
        loops: list[tuple[str, int]],
        rest: list[tuple[str, int]],
        local: Environment,
        sums: list[Op],
    ) -> list[Op]:
        emitter = self.emitter
        if not rest:
            return self._step(loops, local, sums)
        (symbol, n), *rest = rest
        if symbol in self.bounds:
            where = self.of.moved(self.where, local)
            low, high = self._within(symbol, where, n)
            return emitter.loop(
                high,
                lambda k, sums: self._inside(loops, rest, {**local, symbol: k}, sums),
                start=low,
                carried=sums,
            )
        few = len(self.rows) * self.place.vectors <= 16
        short = not rest and n % 2 == 0 and few and n > 8
        return emitter.loop(
            n,
            lambda k, sums: self._inside(loops, rest, {**local, symbol: k}, sums),
            carried=sums,
            unroll=2 if short else 1,
        )

    def _within(self, symbol: str, where: Environment, n: int) -> tuple[int | str, int | str]:
        """The first offset in a window that is inside, and the one after the last."""
        emitter = self.emitter
        a, start, size = self.bounds[symbol]
        rest = substitute((a[0], tuple(t for t in a[1] if t[0] != symbol)), where)
        first = plus(affine(start), times(rest, -1))
        if not first[1]:
            return max(first[0], 0), min(first[0] + size, n)
        low, high = map(emitter.index, (first, plus(first, affine(size))))
        low = emitter.call("llvm.smax", low, emitter.number(0, "i64"))
        return low.name, emitter.call("llvm.smin", high, emitter.number(n, "i64")).name

    def _step(self, loops: list[tuple[str, int]], local: Environment, sums: list[Op]) -> list[Op]:
        """One element of the summed dimension."""
        emitter = self.emitter
        k, where = self.of.position(loops, local), self.of.moved(self.where, local)
        bs = [self._b(k, where, part) for part in self.parts]
        # A depends on the lane only where a letter is in both operands and the result.
        lanes_in_a = bool(self.lane) and varies(self.roles.a_index, self.lane)
        new: list[Op] = []
        for r in range(len(self.rows)):
            parts = self.parts if lanes_in_a else self.parts[:1]
            found = [self._a(k, where, r, part) for part in parts]
            for b, a in zip(bs, found * (len(bs) // len(found)), strict=True):
                new.append(emitter.fma(a, b, sums[len(new)]))
        return new

    def _a(self, k: Affine, where: Environment, r: int, part: tuple[int, int]) -> Op:
        emitter, roles, left = self.emitter, self.roles, self.scratch.left
        if left:
            at = plus(times(self.place.row, self.piece.depth), times(k, len(self.rows)))
            return emitter.load(left.pointer, left.base, plus(at, affine(r)))
        q, lanes = part
        here = {**where, self.row: self.rows[r], self.lane: self.column(q)}
        with emitter.wide(lanes):
            return emitter.pull(roles.a, placed(roles.a_index, here))

    def _b(self, k: Affine, where: Environment, part: tuple[int, int]) -> Op:
        emitter, roles, right = self.emitter, self.roles, self.scratch.right
        q, lanes = part
        if right:
            at = plus(times(k, self.lanes), affine(q))
            return emitter.load(right.pointer, right.base, at, lanes)
        with emitter.wide(lanes):
            here = {**where, self.lane: self.column(q)}
            return emitter.pull(roles.b, placed(roles.b_index, here))


def _bounds(contraction: Contraction) -> dict[str, tuple[Affine, int, int]]:
    """By the symbol of a window's offset: (index into the bounded pad, start, size inside)."""
    buffers, bounded = contraction.emitter.layout.buffers, contraction.nest.bounded
    found: dict[str, tuple[Affine, int, int]] = {}
    for v, index in contraction.roles.sides:
        while v not in buffers and v not in bounded and is_view(v):
            v, index = through(v, index)
        if v in bounded:
            parts = zip(index, v.params["starts"], v.operands[0].shape, strict=True)
            for a, start, n in parts:
                offsets = [s for s, c in a[1] if s.startswith("k") and c == 1]
                found |= dict.fromkeys(offsets, (a, start, n))
    return found
