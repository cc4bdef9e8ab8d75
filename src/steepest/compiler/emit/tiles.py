"""Contractions: register tiles, with everything that follows them written into their epilogue.

The tile's sums become registers of the nest at (row, lane), and then the nest *pulls whatever it
stores*: bias, activation, the derivative's mask, the optimizer's update. No case is a pattern.

The loops, from outside: letters that B has and no tile covers; pieces of the summed dimension, each
with its copy of A; strips of columns, each with its copy of B; letters that only A has; tiles.
"""

from math import prod

from steepest.compiler.emit.expressions import Environment
from steepest.compiler.emit.packing import Packing
from steepest.compiler.emit.threads import TilesHere
from steepest.compiler.emit.tile import Piece, Place, Tile
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import lanes
from steepest.compiler.memory.roles import Roles
from steepest.compiler.nests.affine import Affine, affine, times, varies
from steepest.compiler.nests.nest import Nest

__all__ = ["Tiles"]

_FEW = 4  # rows of tiles, of which threads have some each
_LONG = 8  # rounds of loops that threads divide without caring for a remainder


class Tiles(Packing):
    """Emitter of contract nests."""

    def contract(self, nest: Nest) -> None:
        roles = self.layout.roles[nest]
        self.width = lanes(roles.size[roles.lane], self.layout.width) if roles.lane else 0
        around = [(nest.symbol(i), roles.size[i]) for i in roles.outer]
        around = [(s, n) for s, n in around if varies(roles.b_index, s)]
        # Threads divide the outermost loop if it is long enough, else the tiles inside. Sums that
        # wait in memory have one place for all rounds.
        divided = self.divided
        long = _is_long(around) and not self.plan.scratch[nest].partial

        def inside(where: Environment, _: list[Op]) -> None:
            self.divided = divided and not long
            self._blocks(nest, roles, where)
            self.divided = divided

        self.over(around, {}, inside, line=self.line(around) if long else 0)

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
        symbol, whole = nest.symbol(roles.inner[0]), depth // length * length
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
        """Strips of columns; in each, tiles."""
        if self.plan.scratch[nest].left:
            self.pack_left(nest, roles, where, piece.top, (piece.height, piece.depth))
        count = -(-roles.size.get(roles.lane, 1) // max(self.width, 1))
        step, most = max(self.width, 1), self.plan.tiles[nest].vectors
        whole = count // most * most

        tiles = -(-piece.height // self.plan.tiles[nest].rows)
        strips, copied = -(-count // most), self.plan.scratch[nest].right is not None
        within = self._divided_within(nest, roles)
        rounds = prod(n for _, n in within) if within else tiles
        apart = strips == 1 or rounds < _FEW or (copied and strips >= _LONG)

        def strip(number: Affine, vectors: int) -> None:
            j = times(number, most * step)
            here = self.tiles_here(number, strips, rounds, apart=apart)

            def copy() -> None:
                self.pack_right(nest, roles, where, j, vectors, piece.depth)

            def write() -> None:
                if copied and here is not None and not where and self.is_taken(nest):
                    self.copied(number, strips, copy)
                elif copied:
                    copy()
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
        loops = [(nest.symbol(i), roles.size[i]) for i in roles.outer]
        return [(s, n) for s, n in loops if not varies(roles.b_index, s)]

    def _divided_within(self, nest: Nest, roles: Roles) -> list[tuple[str, int]]:
        """Those of them that threads divide, and not the tiles inside, if they are long."""
        within = self._within(nest, roles)
        return within[: self.line(within)] if _is_long(within) else []

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
            def one(i: Affine, first: Affine, rows: int) -> None:
                Tile(self, nest, roles, where, Place(i, first, j, rows, vectors), piece).write()

            self.row_tiles(nest, piece.height, one, None if line else here)

        within, line = self._within(nest, roles), len(self._divided_within(nest, roles))
        self.over(within, where, inside, line=line, ends=here if line else None)


def _is_long(loops: list[tuple[str, int]]) -> bool:
    """Whether threads divide such loops, and not the tiles inside."""
    return bool(loops) and prod(n for _, n in loops) >= _LONG
