"""Contractions: register tiles, with everything that follows them written into their epilogue.

The tile's sums become registers of the nest at (row, lane), and then the nest *pulls whatever it
stores*: bias, activation, the derivative's mask, the optimizer's update. No case is a pattern.

The loops, from outside: letters that B has and no tile covers; pieces of the summed dimension, each
with its copy of A; strips of columns, each with its copy of B; letters that only A has; tiles.
"""

from functools import partial
from math import prod

from steepest.compiler.emit.expressions import Environment
from steepest.compiler.emit.packing import Packing
from steepest.compiler.emit.threads import TilesHere
from steepest.compiler.emit.tile import Piece, Place, RegisterTile
from steepest.compiler.ir.operands import Op
from steepest.compiler.nests.affine import Affine, affine, times, varies

__all__ = ["Tiles"]

_FEW = 4  # rows of tiles, of which threads have some each
_LONG = 8  # rounds of loops that threads divide without caring for a remainder


class Tiles(Packing):
    """A contraction in register tiles."""

    def write(self) -> None:
        emitter, b_index = self.emitter, self.roles.b_index
        around = [(s, n) for s, n in self.loops(self.roles.outer) if varies(b_index, s)]
        # Threads divide the outermost loop if it is long enough, else the tiles inside. Sums that
        # wait in memory have one place for all rounds.
        divided = emitter.divided
        long = _is_long(around) and not self.scratch.partial

        def inside(where: Environment, _: list[Op]) -> None:
            emitter.divided = divided and not long
            self._blocks(where)
            emitter.divided = divided

        emitter.over(around, {}, inside, line=emitter.line(around) if long else 0)

    def _blocks(self, where: Environment) -> None:
        """All rows, or as many as stay in the cache until they are read again."""
        m = self.roles.size.get(self.roles.row, 1)
        self.emitter.in_parts(m, self.tile.height or m, partial(self._pieces, where))

    def _pieces(self, where: Environment, top: Affine, height: int) -> None:
        """The summed dimension whole, or in pieces whose sums wait in memory."""
        roles = self.roles
        depth = prod(roles.size[i] for i in roles.inner)
        length = self.tile.block or depth
        if length >= depth:
            self._piece(where, Piece(top, height, affine(0), depth, False))
            return
        symbol = self.nest.symbol(roles.inner[0])
        self._clear_start()

        def at(k: Affine, length: int) -> None:
            self._piece({**where, symbol: k}, Piece(top, height, k, length, True))

        self.emitter.in_parts(depth, length, at)

    def _clear_start(self) -> None:
        """The sums from which the first piece starts."""
        emitter, start = self.emitter, self.scratch.start
        assert start is not None
        for k in range(self.tile.rows * self.tile.vectors):
            at = affine(k * max(self.width, 1))
            emitter.store(emitter.number(0, start.base), start.pointer, at, self.width)

    def _piece(self, where: Environment, piece: Piece) -> None:
        """Strips of columns; in each, tiles."""
        emitter = self.emitter
        if self.scratch.left:
            self.pack_left(where, piece.top, piece.height, piece.depth)
        step, most = max(self.width, 1), self.tile.vectors
        count = -(-self.roles.size.get(self.roles.lane, 1) // step)
        whole = count // most * most

        tiles = -(-piece.height // self.tile.rows)
        strips, copied = -(-count // most), self.scratch.right is not None
        within = self._divided_within()
        rounds = prod(n for _, n in within) if within else tiles
        apart = strips == 1 or rounds < _FEW or (copied and strips >= _LONG)

        def strip(number: Affine, vectors: int) -> None:
            j = times(number, most * step)
            here = emitter.tiles_here(number, strips, rounds, apart=apart)

            def copy() -> None:
                self.pack_right(where, j, vectors, piece.depth)

            def write() -> None:
                if copied and here is not None and not where and emitter.is_taken(self.nest):
                    emitter.copied(number, strips, copy)
                elif copied:
                    copy()
                self._tiles(where, j, vectors, piece, here)

            if copied and here is not None:
                emitter.when(emitter.compare("ult", *here), write)
            else:
                write()

        emitter.loop(whole // most, lambda number, _: strip(number, most))
        if count > whole:
            strip(affine(whole // most), count - whole)

    def _within(self) -> list[tuple[str, int]]:
        """The loops over letters that only A has."""
        b_index = self.roles.b_index
        return [(s, n) for s, n in self.loops(self.roles.outer) if not varies(b_index, s)]

    def _divided_within(self) -> list[tuple[str, int]]:
        """Those of them that threads divide, and not the tiles inside, if they are long."""
        within = self._within()
        return within[: self.emitter.line(within)] if _is_long(within) else []

    def _tiles(
        self, where: Environment, j: Affine, vectors: int, piece: Piece, here: TilesHere
    ) -> None:
        """The tiles of a strip, for all letters that only A has."""

        def inside(where: Environment, _: list[Op]) -> None:
            def one(i: Affine, first: Affine, rows: int) -> None:
                place = Place(i, first, j, rows, vectors)
                RegisterTile(self, where, place, piece).write()

            self.row_tiles(piece.height, one, None if line else here)

        within, line = self._within(), len(self._divided_within())
        self.emitter.over(within, where, inside, line=line, ends=here if line else None)


def _is_long(loops: list[tuple[str, int]]) -> bool:
    """Whether threads divide such loops, and not the tiles inside."""
    return bool(loops) and prod(n for _, n in loops) >= _LONG
