"""Contractions whose lanes are summed: tiles of dot products.

Where memory runs along a letter that the result does not have (the samples, in the gradient of a
convolution's weight), both operands are read as vectors along it. Every sum is a vector in memory
until the end, when its lanes are added up; so the loop over the first summed letter (the rows of
the images) can be outermost, and what it reads stays in the cache. Threads divide the first letter
that no tile covers.
"""

from collections.abc import Callable

from steepest.compiler.builder import Op
from steepest.compiler.contraction import split_rows
from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.library import Library
from steepest.compiler.emit.packing import placed
from steepest.compiler.emit.scalars import register_base
from steepest.compiler.graph import Value
from steepest.compiler.index import LANE, Affine, Index, affine, plus
from steepest.compiler.layout import Roles, lanes
from steepest.compiler.nest import Nest, letters

__all__ = ["Dots"]

Points = list[Environment]


class Dots(Library):
    """Emitter of contract nests, those with summed lanes included."""

    def contract(self, nest: Nest) -> None:
        if not self.layout.roles[nest].summed:
            super().contract(nest)
            return
        dots = _Dots(self, nest)
        dots.clear()
        dots.accumulate()
        dots.finish()


class _Dots:
    """One contraction: its loops, and a vector in memory for each of its sums."""

    def __init__(self, emitter: Dots, nest: Nest):
        assert nest.anchor is not None
        self.emitter, self.nest, self.anchor = emitter, nest, nest.anchor
        self.roles: Roles = emitter.layout.roles[nest]
        partial = emitter.plan.scratch[nest].partial
        assert partial is not None
        self.tile, self.partial = emitter.plan.tiles[nest], partial
        self.names = {i: place[1][0][0] for i, place in letters(nest).items() if place[1]}
        self.kept = [i for i in (*self.roles.outer, self.roles.row, self.roles.lane) if i]
        self.width = emitter.width = lanes(self.roles.size[self.roles.summed], emitter.layout.width)

    def loops(self, found: list[str]) -> list[tuple[str, int]]:
        return [(self.names[i], self.roles.size[i]) for i in found]

    def place(self, where: Environment) -> Index:
        """Where the vector of a sum is."""
        return (*(where[self.names[i]] for i in self.kept), LANE)

    def clear(self) -> None:
        emitter = self.emitter
        zero = emitter.number(0, register_base(self.anchor.dtype))

        def one(where: Environment, _: list[Op]) -> None:
            emitter.keep(self.partial, self.place(where), zero)

        emitter.over(self.loops(self.kept), {}, one, shared=True)

    def accumulate(self) -> None:
        roles, (first, *rest) = self.roles, [*self.roles.inner, ""]

        def block(where: Environment, _: list[Op]) -> None:
            self.pieces(roles.lane, self.tile.vectors, lambda columns: over_columns(where, columns))

        def over_columns(where: Environment, columns: Points) -> None:
            def over_rows(where: Environment, _: list[Op]) -> None:
                def write(rows: Points) -> None:
                    self.add(where, rows, columns, [i for i in rest if i])

                self.pieces(roles.row, self.tile.rows, write)

            self.emitter.over(self.loops(roles.outer), where, over_rows, shared=True)

        self.emitter.over(self.loops([first] if first else []), {}, block)

    def pieces(self, letter: str, most: int, write: Callable[[Points], None]) -> None:
        """write(positions) for all positions of a letter, at most so many at a time."""
        at = 0
        for count, n in split_rows(self.roles.size[letter], most) if letter else []:

            def some(i: Affine, _: list[Op], n: int = n) -> None:
                write([{self.names[letter]: plus(i, affine(r))} for r in range(n)])

            self.emitter.loop(at + count * n, some, start=at, step=n)
            at += count * n
        if not letter:
            write([{}])

    def add(self, where: Environment, rows: Points, columns: Points, inner: list[str]) -> None:
        """rows × columns sums in registers, through all the other loops."""
        emitter, roles = self.emitter, self.roles
        places = [self.place({**where, **row, **at}) for row in rows for at in columns]
        n, symbol = roles.size[roles.summed], self.names[roles.summed]
        last = n % self.width
        whole = n // self.width * self.width

        def step(where: Environment, mask: Op | None, sums: list[Op]) -> list[Op]:
            a = [self.part(roles.a, roles.a_index, {**where, **row}, mask) for row in rows]
            b = [self.part(roles.b, roles.b_index, {**where, **at}, mask) for at in columns]
            pairs = [(x, y) for x in a for y in b]
            return [emitter.fma(x, y, z) for (x, y), z in zip(pairs, sums, strict=True)]

        def vectors(where: Environment, sums: list[Op]) -> list[Op]:
            def one(s: Affine, sums: list[Op]) -> list[Op]:
                return step({**where, symbol: lane_at(s)}, None, sums)

            sums = emitter.loop(whole, one, step=self.width, carried=sums)
            if whole < n:
                mask = emitter.first_lanes(last, self.width)
                sums = step({**where, symbol: lane_at(affine(whole))}, mask, sums)
            return sums

        sums = [emitter.fetch(self.partial, place) for place in places]
        sums = emitter.over(self.loops(inner), where, vectors, sums)
        for place, x in zip(places, sums, strict=True):
            emitter.keep(self.partial, place, x)

    def part(self, v: Value, index: Index, where: Environment, mask: Op | None) -> Op:
        """A vector of an operand; lanes beyond the end are zero."""
        emitter = self.emitter
        x = emitter.vector(emitter.pull(v, placed(index, where)), self.width)
        return x if mask is None else emitter.select(mask, x, emitter.number(0, x.base))

    def finish(self) -> None:
        """Add up the lanes of every sum; what the nest stores follows at once."""
        emitter = self.emitter

        def one(where: Environment, _: list[Op]) -> None:
            emitter.width = self.width
            x = emitter.fetch(self.partial, self.place(where))
            total = emitter.horizontal(emitter.add, x)
            emitter.width = 0
            emitter.hold(self.anchor, where, total)
            emitter.write(self.nest.stores, where)

        emitter.over(self.loops(self.kept), {}, one, shared=True)
