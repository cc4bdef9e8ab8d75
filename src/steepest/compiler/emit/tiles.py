"""Contractions: register tiles, with everything that follows them written into their epilogue.

The tile's sums become registers of the nest at (row, lane), and then the nest *pulls whatever it
stores*: bias, activation, the derivative's mask, the optimizer's update. No case is a pattern.
"""

from collections.abc import Callable
from math import prod

from steepest.compiler.builder import Op
from steepest.compiler.contraction import split_rows
from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.reductions import Reductions
from steepest.compiler.emit.scalars import register_base
from steepest.compiler.fuse import Fusion
from steepest.compiler.index import (
    ZERO,
    Affine,
    Index,
    affine,
    is_view,
    plus,
    substitute,
    through,
    times,
    varies,
)
from steepest.compiler.layout import Buffer, Layout, Roles, lanes
from steepest.compiler.nest import Nest, letters
from steepest.compiler.plan import Plan

__all__ = ["Tiles"]

_LONG = 8  # rounds of a loop that threads can divide nearly equally


class Tiles(Reductions):
    """Emitter of contract nests."""

    def __init__(self, fusion: Fusion, layout: Layout, plan: Plan):
        super().__init__(fusion, layout, plan.sharing)
        self.plan = plan

    def contract(self, nest: Nest) -> None:
        roles = self.layout.roles[nest]
        size = roles.size
        self.width = lanes(size[roles.lane], self.layout.width) if roles.lane else 0
        if roles.packed:
            self._pack(nest, roles, roles.packed)
            if self.divided:
                self.meet()
        place = letters(nest)
        outer = [(place[i][1][0][0], size[i]) for i in roles.outer]
        # Threads divide the outermost loop if it is long enough, else the tiles inside. Sums that
        # wait in memory have one place for all rounds.
        divided = self.divided
        long = bool(outer) and outer[0][1] >= _LONG and nest not in self.plan.partial

        def inside(environment: Environment, _: list[Op]) -> None:
            self.divided = divided and not long
            self._blocks(nest, roles, environment)
            self.divided = divided

        self.over(outer, {}, inside, shared=long)

    def _blocks(self, nest: Nest, roles: Roles, where: Environment) -> None:
        """The inner dimension whole, or in pieces whose sums wait in memory."""
        depth = prod(roles.size[i] for i in roles.inner)
        piece = self.plan.tiles[nest].block or depth
        if nest not in self.plan.partial:
            self._strips(nest, roles, where, ZERO, True, True)
            return
        self._strips(nest, roles, where, ZERO, True, False)
        self.loop(
            depth - piece,
            lambda k, _: self._strips(nest, roles, where, k, False, False),
            start=piece,
            step=piece,
        )
        self._strips(nest, roles, where, affine(depth - piece), False, True)

    def _strips(
        self,
        nest: Nest,
        roles: Roles,
        where: Environment,
        k: Affine,
        first: bool,
        last: bool,
    ) -> None:
        """Columns of tiles; in each, rows in tiles of two nearly equal sizes."""
        tile = self.plan.tiles[nest]
        m, n = roles.size.get(roles.row, 1), roles.size.get(roles.lane, 1)
        step = max(self.width, 1)
        full, rest = divmod(-(-n // step), tile.vectors)
        groups = split_rows(m, tile.rows)
        tiles = sum(count for count, _ in groups)

        strips = full + bool(rest)

        def strip(number: Affine, vectors: int) -> None:
            here = self.tiles_here(number, strips, tiles)
            j, at, above = times(number, tile.vectors * step), 0, 0
            for count, rows in groups:

                def one(i: Affine, _: list[Op], rows: int = rows) -> None:
                    _Tile(self, nest, roles, where, i, j, rows, vectors).write(k, first, last)

                within = self.rows_within(here, (above, above + count), at, rows)
                self.loop(at + count * rows, one, start=at, step=rows, within=within)
                at, above = at + count * rows, above + count

        self.loop(full, lambda number, _: strip(number, tile.vectors))
        if rest:
            strip(affine(full), rest)

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

    def operand(self, index: Index, where: Environment) -> Index:
        return tuple(substitute(a, where) for a in index)

    # ---- packing ---------------------------------------------------------------------------------

    def _pack(self, nest: Nest, roles: Roles, packed: Buffer) -> None:
        """A copy of B with its lanes contiguous: by squares transposed in registers where B is
        contiguous along a summed letter, else element by element."""
        place = letters(nest)
        kept = [i for i in roles.outer + roles.inner if place[i] in roles.b_index]
        symbols = [place[i][1][0][0] for i in kept]
        lane = place[roles.lane][1][0][0]
        along = self._contiguous_symbols(roles.b, roles.b_index)
        inner = next((s for i, s in zip(kept, symbols, strict=True) if s in along), "")
        sizes = [(s, roles.size[i]) for i, s in zip(kept, symbols, strict=True)]
        n = roles.size[roles.lane]

        def store(where: Environment, x: Op) -> None:
            self.keep(packed, tuple(where[s] for s in [*symbols, lane]), x)

        if not inner or dict(sizes)[inner] < self.width:
            self.over(sizes, {}, lambda where, _: self._columns(roles, where, lane, n, store))
            return
        others = [(s, m) for s, m in sizes if s != inner]
        depth = dict(sizes)[inner]
        self.over(
            others,
            {},
            lambda where, _: self._squares(roles, where, (lane, n), (inner, depth), store),
        )

    def _columns(
        self, roles: Roles, where: Environment, lane: str, n: int, store: Callable[..., None]
    ) -> None:
        """Lanes gathered one vector at a time."""

        def one(j: Affine, _: list[Op]) -> None:
            at = {**where, lane: lane_at(j)}
            store(at, self.pull(roles.b, self.operand(roles.b_index, at)))

        count = -(-n // self.width)
        within = self.part(count, self.width)
        self.loop(count * self.width, one, step=self.width, within=within)

    def _squares(
        self,
        roles: Roles,
        where: Environment,
        lanes: tuple[str, int],
        depths: tuple[str, int],
        store: Callable[..., None],
    ) -> None:
        """Width × width elements read along the summed letter and transposed in registers."""
        (lane, n), (inner, depth), width = lanes, depths, self.width

        def square(j: Affine, k: Affine, rows: int, most: int) -> None:
            at = [
                {**where, inner: lane_at(k), lane: plus(j, affine(min(r, rows - 1)))}
                for r in range(width)
            ]
            found = [self.pull(roles.b, self.operand(roles.b_index, a)) for a in at]
            for r, x in enumerate(self.transpose(found)[:most]):
                store({**where, inner: plus(k, affine(r)), lane: lane_at(j)}, x)

        def strip(j: Affine, rows: int) -> None:
            whole = depth // width * width
            self.loop(whole, lambda k, _: square(j, k, rows, width), step=width)
            if depth > whole:
                square(j, affine(whole), rows, depth - whole)

        whole = n // width * width
        within = self.part(n // width, width)
        self.loop(whole, lambda j, _: strip(j, width), step=width, within=within)
        if n > whole:
            self.loop(1, lambda *_: strip(affine(whole), n - whole), within=self.part(1))


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
    ):
        self.emitter, self.nest, self.roles = emitter, nest, roles
        place = letters(nest)
        self.row = place[roles.row][1][0][0] if roles.row else ""
        self.lane = place[roles.lane][1][0][0] if roles.lane else ""
        self.summed = [(place[i][1][0][0], roles.size[i]) for i in roles.inner]
        self.kept = [
            s
            for k in roles.outer + roles.inner
            if place[k] in roles.b_index
            for s in [place[k][1][0][0]]
        ]
        width = emitter.width
        self.rows = [plus(i, affine(r)) for r in range(rows)]
        self.columns = [plus(j, affine(q * width)) for q in range(vectors)]
        if width:
            self.columns = [lane_at(a) for a in self.columns]
        self.where, self.first_row = where, i
        assert nest.anchor is not None
        self.base = register_base(nest.anchor.dtype)

    def position(self, r: int, q: int) -> Environment:
        return {**self.where, self.row: self.rows[r], self.lane: self.columns[q]}

    def write(self, k: Affine, first: bool, last: bool) -> None:
        emitter, nest = self.emitter, self.nest
        partial = emitter.plan.partial.get(nest)
        points = [(r, q) for r in range(len(self.rows)) for q in range(len(self.columns))]
        if first:
            zero = emitter.number(0, self.base)
            sums = [Op(emitter.spell(zero, emitter.width), self.base, emitter.width)] * len(points)
        else:
            assert partial is not None
            sums = [emitter.fetch(partial, (self.rows[r], self.columns[q])) for r, q in points]
        sums = self._inner(k, sums)
        if not last:
            assert partial is not None
            for (r, q), x in zip(points, sums, strict=True):
                emitter.keep(partial, (self.rows[r], self.columns[q]), x)
        elif nest in emitter.plan.spill and len(points) > 1:
            self._loop_epilogue(emitter.plan.spill[nest], sums)
        else:
            assert nest.anchor is not None
            for (r, q), x in zip(points, sums, strict=True):
                emitter.hold(nest.anchor, self.position(r, q), x)
                emitter.write(nest.stores, self.position(r, q))

    def _inner(self, k: Affine, sums: list[Op]) -> list[Op]:
        """The loops over the summed letters, each round one product per register."""
        emitter = self.emitter
        registers = len(sums)
        bounds = emitter.bounds(self.roles)
        lanes_in_a = bool(self.lane) and varies(self.roles.a_index, self.lane)

        def step(where: Environment, sums: list[Op]) -> list[Op]:
            bs = [self._b({**where, self.lane: column}) for column in self.columns]
            new: list[Op] = []
            for row in self.rows:
                # A depends on the lane only where a letter is in both operands and the result.
                places = self.columns if lanes_in_a else self.columns[:1]
                found = [self._a({**where, self.row: row, self.lane: j}) for j in places]
                for b, a in zip(bs, found * (len(bs) // len(found)), strict=True):
                    new.append(emitter.fma(a, b, sums[len(new)]))
            return new

        def inside(loops: list[tuple[str, int]], where: Environment, sums: list[Op]) -> list[Op]:
            if not loops:
                return step(where, sums)
            (symbol, n), *rest = loops
            if symbol in bounds:
                low, high = emitter.inside(bounds[symbol], symbol, where, n)
                return emitter.loop(
                    high,
                    lambda i, sums: inside(rest, {**where, symbol: i}, sums),
                    start=low,
                    carried=sums,
                )
            n = emitter.plan.tiles[self.nest].block or n
            short = not rest and n % 2 == 0 and registers <= 16 and n > 8
            return emitter.loop(
                n,
                lambda i, sums: inside(rest, {**where, symbol: plus(i, k)}, sums),
                carried=sums,
                unroll=2 if short else 1,
            )

        return inside(self.summed, dict(self.where), sums)

    def _a(self, where: Environment) -> Op:
        emitter, roles = self.emitter, self.roles
        return emitter.pull(roles.a, emitter.operand(roles.a_index, where))

    def _b(self, where: Environment) -> Op:
        emitter, roles = self.emitter, self.roles
        if not roles.packed:
            return emitter.pull(roles.b, emitter.operand(roles.b_index, where))
        packed, index = roles.packed, tuple(where[s] for s in [*self.kept, self.lane])
        return emitter.once((packed, index), lambda: emitter.fetch(packed, index))

    def _loop_epilogue(self, spill: Buffer, sums: list[Op]) -> None:
        """A long epilogue (Adam) is a loop over a tile in memory, not a copy of it for every
        register: a fraction of the code, the same speed."""
        emitter, nest = self.emitter, self.nest
        width, vectors = emitter.width, len(self.columns)
        step = max(width, 1)
        for at, x in enumerate(sums):
            emitter.store(x, spill.pointer, affine(at * step), width)

        def one(r: Affine, q: Affine) -> None:
            at = plus(times(r, vectors * step), times(q, step))
            x = emitter.load(spill.pointer, self.base, at, width)
            row, column = plus(self.first_row, r), plus(self.columns[0], times(q, step))
            position = {**self.where, self.row: row, self.lane: column}
            assert nest.anchor is not None
            emitter.hold(nest.anchor, position, x)
            emitter.write(nest.stores, position)

        def row(r: Affine, _: list[Op]) -> None:
            if nest in emitter.plan.heavy:
                emitter.loop(vectors, lambda q, _: one(r, q))
            else:
                for q in range(vectors):
                    one(r, affine(q))

        emitter.loop(len(self.rows), row)
