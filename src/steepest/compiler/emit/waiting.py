"""Contractions whose sums wait in memory, such as the gradient of a convolution's weight.

All sums are in memory until the end; so the loop over the first summed letter (the samples, or the
rows of the images) can be outermost, and what it reads stays in the cache, although every tile
reads it again. It is this loop that threads divide, in pieces with sums of their own.

Where memory runs along a letter that the result does not have (the samples, if they are
contiguous), both operands are read as vectors along it: tiles of dot products. Every sum is a
vector, whose lanes are added up at the end.
"""

from collections.abc import Callable
from math import prod

from steepest.compiler.emit.contraction import Contraction
from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.loops import Loops
from steepest.compiler.emit.scalars import register_base
from steepest.compiler.graph import Value
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.contraction import split_rows
from steepest.compiler.nests.affine import LANE, Affine, Index, affine, placed, plus
from steepest.compiler.nests.nest import Nest

__all__ = ["Dots", "Waiting"]

Points = list[Environment]


class Waiting(Contraction):
    """A contraction whose sums wait in memory; lanes are elements of the result.

    kept    the letters of the result
    line    how many of the outermost of them threads divide
    blocks  rounds of their loops
    """

    def __init__(self, emitter: Loops, nest: Nest):
        super().__init__(emitter, nest)
        self.kept = [i for i in (*self.roles.outer, self.roles.row, self.roles.lane) if i]
        self.line = len(self.roles.outer)
        self.blocks = prod(self.roles.size[i] for i in self.roles.outer)

    def write(self) -> None:
        self.emitter.in_pieces(self.add_up, self.finish, self.blocks)

    def place(self, where: Environment) -> Index:
        """Where a vector of sums is."""
        return tuple(where[self.nest.symbol(i)] for i in self.kept)

    def total(self, where: Environment) -> Op:
        """A vector of sums, of all pieces together."""
        return self.emitter.total_at(self.place(where), self.emitter.add)

    def columns(self, write: Callable[[Points], None]) -> None:
        """write(positions) for all vectors of the result, at most so many of them at a time."""
        letter, width, at = self.roles.lane, self.width, 0
        count = -(-self.roles.size[letter] // width)
        for rounds, n in split_rows(count, self.tile.vectors):

            def some(j: Affine, _: list[Op], n: int = n) -> None:
                places = [lane_at(plus(j, affine(q * width))) for q in range(n)]
                write([{self.nest.symbol(letter): place} for place in places])

            end = at + rounds * n * width
            self.emitter.loop(end, some, start=at, step=n * width)
            at = end

    def everywhere(self, write: Callable[[Environment], None]) -> None:
        """write(position) for every vector of sums."""
        kept = [i for i in self.kept if i != self.roles.lane]

        def inside(where: Environment, _: list[Op]) -> None:
            def each(columns: Points) -> None:
                for at in columns:
                    write({**where, **at})

            self.columns(each)

        self.emitter.over(self.loops(kept), {}, inside, line=self.line)

    def add_up(self) -> None:
        """From zero, with the first summed letter outermost, the second in pieces: what the tiles
        read of a piece stays in the cache until all of them have used it."""
        sums = self.sums = self.emitter.sums_of_piece()
        zero = self.emitter.number(0, register_base(self.anchor.dtype))
        self.everywhere(lambda where: self.emitter.keep(sums, self.place(where), zero))
        first, second, rest = (self.loops(self.roles.inner[k:]) for k in (0, 1, 2))

        def block(where: Environment, _: list[Op]) -> None:
            if not second:
                self.tiles(where, [])
                return
            symbol, n = second[0]

            def piece(k: Affine, length: int) -> None:
                self.tiles({**where, symbol: k}, [(symbol, length), *rest])

            self.emitter.in_parts(n, self.tile.block or n, piece)

        self.emitter.over(first[:1], {}, block, summed=True)

    def tiles(self, where: Environment, inner: list[tuple[str, int]]) -> None:
        """All tiles, each through the loops of a piece."""

        def over_columns(columns: Points) -> None:
            def over_rows(where: Environment, _: list[Op]) -> None:
                def write(rows: Points) -> None:
                    self.add(where, rows, columns, inner)

                self.pieces(self.roles.row, self.tile.rows, write)

            self.emitter.over(self.loops(self.roles.outer), where, over_rows, line=self.line)

        self.columns(over_columns)

    def pieces(self, letter: str, most: int, write: Callable[[Points], None]) -> None:
        """write(positions) for all positions of a letter, at most so many at a time."""
        at = 0
        for count, n in split_rows(self.roles.size[letter], most) if letter else []:

            def some(i: Affine, _: list[Op], n: int = n) -> None:
                write([{self.nest.symbol(letter): plus(i, affine(r))} for r in range(n)])

            self.emitter.loop(at + count * n, some, start=at, step=n)
            at += count * n
        if not letter:
            write([{}])

    def add(
        self, where: Environment, rows: Points, columns: Points, inner: list[tuple[str, int]]
    ) -> None:
        """rows × columns sums in registers, through the loops of a piece."""
        emitter = self.emitter
        places = [self.place({**where, **row, **at}) for row in rows for at in columns]

        def inside(local: Environment, sums: list[Op]) -> list[Op]:
            return self.products(self.moved(where, local), rows, columns, sums)

        sums = [emitter.fetch(self.sums, place) for place in places]
        sums = emitter.over(inner, {}, inside, sums)
        for place, x in zip(places, sums, strict=True):
            emitter.keep(self.sums, place, x)

    def products(
        self, where: Environment, rows: Points, columns: Points, sums: list[Op]
    ) -> list[Op]:
        """At one place of all the loops."""
        emitter, roles = self.emitter, self.roles
        b = [emitter.pull(roles.b, placed(roles.b_index, {**where, **at})) for at in columns]
        new: list[Op] = []
        for row in rows:
            a = emitter.pull(roles.a, placed(roles.a_index, {**where, **row}))
            new += [emitter.fma(a, x, sums[len(new) + q]) for q, x in enumerate(b)]
        return new

    def finish(self) -> None:
        """What the nest stores."""
        emitter = self.emitter

        def one(where: Environment) -> None:
            emitter.hold(self.anchor, where, self.total(where))
            emitter.write(self.nest.stores, where)

        self.everywhere(one)


class Dots(Waiting):
    """Lanes are summed: a vector in memory for each of the sums."""

    def place(self, where: Environment) -> Index:
        return (*super().place(where), LANE)

    def columns(self, write: Callable[[Points], None]) -> None:
        self.pieces(self.roles.lane, self.tile.vectors, write)

    def everywhere(self, write: Callable[[Environment], None]) -> None:
        self.emitter.over(self.loops(self.kept), {}, lambda where, _: write(where), line=self.line)

    def products(
        self, where: Environment, rows: Points, columns: Points, sums: list[Op]
    ) -> list[Op]:
        emitter, roles = self.emitter, self.roles
        symbol = self.nest.symbol(roles.summed)

        def one(s: Affine, mask: Op | None, sums: list[Op]) -> list[Op]:
            here = {**where, symbol: lane_at(s)}
            a = [self.part(roles.a, roles.a_index, {**here, **row}, mask) for row in rows]
            b = [self.part(roles.b, roles.b_index, {**here, **at}, mask) for at in columns]
            pairs = [(x, y) for x in a for y in b]
            return [emitter.fma(x, y, z) for (x, y), z in zip(pairs, sums, strict=True)]

        return emitter.in_vectors(roles.size[roles.summed], one, sums)

    def part(self, v: Value, index: Index, where: Environment, mask: Op | None) -> Op:
        """A vector of an operand; lanes beyond the end are zero."""
        emitter = self.emitter
        x = emitter.vector(emitter.pull(v, placed(index, where)), self.width)
        return x if mask is None else emitter.select(mask, x, emitter.number(0, x.base))

    def finish(self) -> None:
        """Add up the lanes of every sum; what the nest stores follows at once."""
        emitter = self.emitter

        def one(where: Environment) -> None:
            emitter.width = self.width
            total = emitter.horizontal(emitter.add, self.total(where))
            emitter.width = 0
            emitter.hold(self.anchor, where, total)
            emitter.write(self.nest.stores, where)

        self.everywhere(one)
