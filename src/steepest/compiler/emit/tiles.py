"""Contractions: register tiles, with everything that follows them written into their epilogue.

The tile's sums become registers of the nest at (row, lane), and then the nest *pulls whatever it
stores*: bias, activation, the derivative's mask, the optimizer's update. No case is a pattern.

The loops, from outside: letters that B has and no tile covers; pieces of the summed dimension, each
with its copy of A; strips of columns, each with its copy of B; letters that only A has; tiles.
"""

from math import prod
from typing import NamedTuple

from steepest.compiler.buffers import lanes
from steepest.compiler.builder import Op
from steepest.compiler.contraction import split_rows
from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.packing import Packing, placed
from steepest.compiler.emit.scalars import register_base
from steepest.compiler.emit.threads import TilesHere
from steepest.compiler.index import (
    Affine,
    address,
    affine,
    is_view,
    plus,
    substitute,
    through,
    times,
    varies,
)
from steepest.compiler.layout import Roles
from steepest.compiler.nest import Nest

__all__ = ["Tiles"]

_LONG = 8  # rounds of a loop that threads divide without caring for a remainder
_LINE = 64  # bytes of a line of the cache


class Piece(NamedTuple):
    """Some rows, and part of the summed dimension: where each begins, how long it is, and whether
    sums are complete only with other pieces."""

    top: Affine
    height: int
    start: Affine
    depth: int
    partial: bool


class Tiles(Packing):
    """Emitter of contract nests."""

    def contract(self, nest: Nest) -> None:
        roles = self.layout.roles[nest]
        self.width = lanes(roles.size[roles.lane], self.layout.width) if roles.lane else 0
        around = [(self.symbol_of(nest, i), roles.size[i]) for i in roles.outer]
        around = [(s, n) for s, n in around if varies(roles.b_index, s)]
        # Threads divide the outermost loop if it is long enough, else the tiles inside. Sums that
        # wait in memory have one place for all rounds.
        divided = self.divided
        long = bool(around) and around[0][1] >= _LONG and not self.plan.scratch[nest].partial

        def inside(where: Environment, _: list[Op]) -> None:
            self.divided = divided and not long
            self._blocks(nest, roles, where)
            self.divided = divided

        self.over(around, {}, inside, shared=long)

    def _blocks(self, nest: Nest, roles: Roles, where: Environment) -> None:
        """All rows, or as many as stay in the cache until they are read again."""
        m = roles.size.get(roles.row, 1)
        height = self.plan.tiles[nest].height or m
        whole = m // height * height
        self.loop(whole, lambda i, _: self._pieces(nest, roles, where, i, height), step=height)
        if whole < m:
            self._pieces(nest, roles, where, affine(whole), m - whole)

    def _pieces(
        self, nest: Nest, roles: Roles, where: Environment, top: Affine, height: int
    ) -> None:
        """The summed dimension whole, or in pieces whose sums wait in memory."""
        depth = prod(roles.size[i] for i in roles.inner)
        length = self.plan.tiles[nest].block or depth
        if length >= depth:
            self._piece(nest, roles, where, Piece(top, height, affine(0), depth, False))
            return
        symbol, whole = self.symbol_of(nest, roles.inner[0]), depth // length * length
        self._clear_start(nest)

        def at(k: Affine, length: int) -> None:
            self._piece(nest, roles, {**where, symbol: k}, Piece(top, height, k, length, True))

        self.loop(whole, lambda k, _: at(k, length), step=length)
        if whole < depth:
            at(affine(whole), depth - whole)

    def _clear_start(self, nest: Nest) -> None:
        """The sums from which the first piece starts."""
        start, tile = self.plan.scratch[nest].start, self.plan.tiles[nest]
        assert start is not None
        for k in range(tile.rows * tile.vectors):
            at = affine(k * max(self.width, 1))
            self.store(self.number(0, start.base), start.pointer, at, self.width)

    def _piece(self, nest: Nest, roles: Roles, where: Environment, piece: Piece) -> None:
        """Strips of columns; in each, rows in tiles of two nearly equal sizes."""
        if self.plan.scratch[nest].left:
            self.pack_left(nest, roles, where, piece.top, (piece.height, piece.depth))
        count = -(-roles.size.get(roles.lane, 1) // max(self.width, 1))
        step, most = max(self.width, 1), self.plan.tiles[nest].vectors
        whole = count // most * most

        tiles = sum(number for number, _ in split_rows(piece.height, self.plan.tiles[nest].rows))
        copied = self.plan.scratch[nest].right is not None

        def strip(number: Affine, vectors: int) -> None:
            j = times(number, most * step)
            divided = self._divides_line(nest, roles)
            line = number, -(-count // most), tiles
            apart = copied and -(-count // most) >= _LONG
            here = self.tiles_here(*line, apart=apart) if divided else None

            def write() -> None:
                if copied:
                    self.pack_right(nest, roles, where, j, vectors, piece.depth)
                self._tiles(nest, roles, where, j, vectors, piece, here)

            if copied and here is not None:
                self.when(self.compare("ult", *here), write)
            else:
                write()

        self.loop(whole // most, lambda number, _: strip(number, most))
        if count > whole:
            strip(affine(whole // most), count - whole)

    def _within(self, nest: Nest, roles: Roles) -> list[tuple[str, int]]:
        """The loops over letters that only A has."""
        loops = [(self.symbol_of(nest, i), roles.size[i]) for i in roles.outer]
        return [(s, n) for s, n in loops if not varies(roles.b_index, s)]

    def _divides_line(self, nest: Nest, roles: Roles) -> bool:
        """Whether threads divide the tiles: where no loop over letters that only A has is long."""
        within = self._within(nest, roles)
        return not within or within[0][1] < _LONG

    def _tiles(
        self,
        nest: Nest,
        roles: Roles,
        where: Environment,
        j: Affine,
        vectors: int,
        piece: Piece,
        here: TilesHere,
    ) -> None:
        """The tiles of a strip, for all letters that only A has."""

        def inside(where: Environment, _: list[Op]) -> None:
            def one(i: Affine, rows: int) -> None:
                _Tile(self, nest, roles, where, i, j, rows, vectors, piece).write()

            self.row_tiles(nest, piece.height, one, here)

        shared = not self._divides_line(nest, roles)
        self.over(self._within(nest, roles), where, inside, shared=shared)

    def bounds(self, roles: Roles) -> dict[str, tuple[Affine, int, int]]:
        """By the symbol of a window's offset: (index into the bounded pad, start, size inside)."""
        assert self.nest is not None
        found: dict[str, tuple[Affine, int, int]] = {}
        for v, index in ((roles.a, roles.a_index), (roles.b, roles.b_index)):
            while v not in self.layout.buffers and v not in self.nest.bounded and is_view(v):
                v, index = through(v, index)
            if v in self.nest.bounded:
                parts = zip(index, v.params["starts"], v.operands[0].shape, strict=True)
                for a, start, n in parts:
                    offsets = [s for s, c in a[1] if s.startswith("k") and c == 1]
                    found |= dict.fromkeys(offsets, (a, start, n))
        return found

    def inside(
        self, bound: tuple[Affine, int, int], symbol: str, where: Environment, n: int
    ) -> tuple[str, str]:
        """The first offset in a window that is inside, and the one after the last."""
        a, start, size = bound
        rest = substitute((a[0], tuple(t for t in a[1] if t[0] != symbol)), where)
        first = plus(affine(start), times(rest, -1))
        low, high = (Op(self.integer(x), "i64", 0) for x in (first, plus(first, affine(size))))
        low = self.call("llvm.smax", low, self.number(0, "i64"))
        return low.name, self.call("llvm.smin", high, self.number(n, "i64")).name


class _Tile:
    """rows × vectors sums in registers."""

    def __init__(
        self,
        emitter: Tiles,
        nest: Nest,
        roles: Roles,
        where: Environment,
        i: Affine,
        j: Affine,
        rows: int,
        vectors: int,
        piece: Piece,
    ):
        self.emitter, self.nest, self.roles, self.piece = emitter, nest, roles, piece
        self.row, self.lane = (emitter.symbol_of(nest, x) for x in (roles.row, roles.lane))
        self.scratch, self.bounds = emitter.plan.scratch[nest], emitter.bounds(roles)
        width = emitter.width
        self.local, i = i, plus(piece.top, i)
        self.rows = [plus(i, affine(r)) for r in range(rows)]
        self.columns = [plus(j, affine(q * width)) for q in range(vectors)]
        if width:
            self.columns = [lane_at(a) for a in self.columns]
        self.where, self.i, self.j = where, i, j
        assert nest.anchor is not None
        self.base = register_base(nest.anchor.dtype)

    def position(self, r: int, q: int) -> Environment:
        return {**self.where, self.row: self.rows[r], self.lane: self.columns[q]}

    def write(self) -> None:
        emitter, nest, spill = self.emitter, self.nest, self.scratch.spill
        points = [(r, q) for r in range(len(self.rows)) for q in range(len(self.columns))]
        if self.piece.partial:
            self._add_piece(len(points))
            return
        zero = emitter.number(0, self.base)
        start = Op(emitter.spell(zero, emitter.width), self.base, emitter.width)
        sums = self._products([start] * len(points))
        if spill and len(points) > 1:
            self._keep_sums(sums, spill.pointer)
            self._loop_epilogue(spill.pointer)
            return
        assert nest.anchor is not None
        for (r, q), x in zip(points, sums, strict=True):
            emitter.hold(nest.anchor, self.position(r, q), x)
            emitter.write(nest.stores, self.position(r, q))

    def _add_piece(self, count: int) -> None:
        """Sums that wait in memory, strip by strip and row by row, until the last piece is added;
        the first is added to zeros."""
        emitter, scratch, step = self.emitter, self.scratch, max(self.emitter.width, 1)
        assert scratch.partial is not None and scratch.start is not None
        m = self.roles.size.get(self.roles.row, 1)
        at = plus(times(self.j, m), times(self.i, len(self.columns) * step))
        partial = emitter.pointer(scratch.partial.pointer, self.base, at)
        depth = prod(self.roles.size[i] for i in self.roles.inner)
        end = depth - self.piece.depth
        first, last = self._is_piece(0), self._is_piece(end)
        truth = f"i1 {first.name}, ptr {scratch.start.pointer}, ptr {partial}"
        start = emitter.new(f"select {truth}")
        places = [affine(k * step) for k in range(count)]
        sums = [emitter.load(start, self.base, place, emitter.width) for place in places]
        self._keep_sums(self._products(sums), partial)
        emitter.when(last, lambda: self._loop_epilogue(partial))

    def _is_piece(self, start: int) -> Op:
        k = Op(self.emitter.integer(self.piece.start), "i64", 0)
        return self.emitter.compare("eq", k, self.emitter.number(start, "i64"))

    def _keep_sums(self, sums: list[Op], pointer: str) -> None:
        width = self.emitter.width
        for k, x in enumerate(sums):
            self.emitter.store(x, pointer, affine(k * max(width, 1)), width)

    # ---- products --------------------------------------------------------------------------------

    def _products(self, sums: list[Op]) -> list[Op]:
        """The loops over the summed letters, each round one product per register."""
        emitter, depth = self.emitter, self.piece.depth
        loops = emitter.summed(self.nest, self.roles, depth)
        rounds = len(self.rows)
        plain = len(loops) == 1 and not self.bounds and depth >= 4 * rounds
        if not plain or self.nest not in emitter.plan.ahead:
            return self._inside(loops, loops, {}, sums)
        # What the epilogue will touch is called for row by row, between the products.
        symbol, part = loops[0][0], depth // rounds

        def called(r: Affine, sums: list[Op]) -> list[Op]:
            self._call_for(r)
            return emitter.loop(
                part,
                lambda k, sums: self._step(loops, {symbol: plus(times(r, part), k)}, sums),
                carried=sums,
            )

        sums = emitter.loop(rounds, called, carried=sums)
        return emitter.loop(
            depth,
            lambda k, sums: self._step(loops, {symbol: k}, sums),
            start=part * rounds,
            carried=sums,
        )

    def _call_for(self, r: Affine) -> None:
        """Prefetch a row of what the epilogue reads and writes."""
        emitter = self.emitter
        for buffer, index in emitter.plan.ahead[self.nest]:
            lanes_in_line = _LINE // buffer.dtype.itemsize
            for q in range(0, len(self.columns) * emitter.width, lanes_in_line):
                here = {self.row: plus(self.i, r), self.lane: plus(self.j, affine(q))}
                at = address(placed(index, {**self.where, **here}), buffer.strides)
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
            where = emitter.moved(self.where, local)
            low, high = emitter.inside(self.bounds[symbol], symbol, where, n)
            return emitter.loop(
                high,
                lambda k, sums: self._inside(loops, rest, {**local, symbol: k}, sums),
                start=low,
                carried=sums,
            )
        short = not rest and n % 2 == 0 and len(sums) <= 16 and n > 8
        return emitter.loop(
            n,
            lambda k, sums: self._inside(loops, rest, {**local, symbol: k}, sums),
            carried=sums,
            unroll=2 if short else 1,
        )

    def _step(self, loops: list[tuple[str, int]], local: Environment, sums: list[Op]) -> list[Op]:
        """One element of the summed dimension."""
        emitter = self.emitter
        k, where = emitter.position(loops, local), emitter.moved(self.where, local)
        bs = [self._b(k, where, q) for q in range(len(self.columns))]
        # A depends on the lane only where a letter is in both operands and the result.
        lanes_in_a = bool(self.lane) and varies(self.roles.a_index, self.lane)
        new: list[Op] = []
        for r in range(len(self.rows)):
            places = range(len(self.columns)) if lanes_in_a else range(1)
            found = [self._a(k, where, r, q) for q in places]
            for b, a in zip(bs, found * (len(bs) // len(found)), strict=True):
                new.append(emitter.fma(a, b, sums[len(new)]))
        return new

    def _a(self, k: Affine, where: Environment, r: int, q: int) -> Op:
        emitter, roles = self.emitter, self.roles
        left = self.scratch.left
        if left:
            at = plus(times(self.local, self.piece.depth), times(k, len(self.rows)))
            return emitter.load(left.pointer, left.base, plus(at, affine(r)))
        here = {**where, self.row: self.rows[r], self.lane: self.columns[q]}
        return emitter.pull(roles.a, placed(roles.a_index, here))

    def _b(self, k: Affine, where: Environment, q: int) -> Op:
        emitter, roles, right = self.emitter, self.roles, self.scratch.right
        if right:
            width = emitter.width
            at = plus(times(k, len(self.columns) * width), affine(q * width))
            return emitter.load(right.pointer, right.base, at, width)
        return emitter.pull(roles.b, placed(roles.b_index, {**where, self.lane: self.columns[q]}))

    # ---- a long epilogue -------------------------------------------------------------------------

    def _loop_epilogue(self, sums: str) -> None:
        """A long epilogue (Adam) is a loop over the rows of a tile in memory, not a copy of it for
        every register: a fraction of the code. A row is one vector as long as it has lanes, of
        which the processor computes all parts at once."""
        emitter, nest = self.emitter, self.nest
        width, vectors = emitter.width, len(self.columns)
        step = max(width, 1)

        def some(r: Affine, q: int, count: int) -> None:
            at = plus(times(r, vectors * step), affine(q * step))
            with emitter.wide(count * width):
                x = emitter.load(sums, self.base, at, emitter.width)
                position = {**self.where, self.row: plus(self.i, r), self.lane: self.columns[q]}
                assert nest.anchor is not None
                emitter.hold(nest.anchor, position, x)
                emitter.write(nest.stores, position)

        def row(r: Affine, _: list[Op]) -> None:
            q = 0
            while q < vectors:
                count = 1 << ((vectors - q).bit_length() - 1)
                some(r, q, count)
                q += count

        emitter.loop(len(self.rows), row)
