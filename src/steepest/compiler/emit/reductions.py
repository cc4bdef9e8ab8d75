"""Reduce nests (sums, maxima, argmax over any axes) and scatter nests."""

from steepest.compiler.buffers import lanes
from steepest.compiler.builder import Op
from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.rows import Rows
from steepest.compiler.emit.scalars import minus_infinity, register_base
from steepest.compiler.graph import Value
from steepest.compiler.index import ZERO, Affine, affine, plus, scatter_index, substitute
from steepest.compiler.nest import Nest, reduced_axes

__all__ = ["Reductions"]

_BLOCKS = (8, 6, 5, 4, 3, 2, 1)
_SUMS = 16  # vectors of sums in registers


class Reductions(Rows):
    """Emitters of nests whose result is smaller, or elsewhere, than what they run through."""

    # ---- reduce ----------------------------------------------------------------------------------

    def reduce(self, nest: Nest) -> None:
        """Lanes along an axis that stays, several vectors at a time; or, where memory runs along an
        axis that is summed, along that one."""
        assert nest.anchor is not None and nest.anchor.row is not None
        x, index = nest.reduced_operand(nest.anchor)
        axes = reduced_axes(nest.anchor)
        inner = [(f"r{d}", x.shape[d]) for d in axes if x.shape[d] != 1]
        kept = list(zip(nest.symbols, nest.space, strict=True))
        argmax = nest.anchor.row.name == "argmax"
        along = self._contiguous_symbols(x, index)
        summed = any(symbol in along for symbol, _ in inner)
        if kept and not argmax and (kept[-1][0] in along or not summed):
            self._reduce_across(nest, kept, inner)
        else:
            self._reduce_along(nest, kept, inner, argmax)

    def _contiguous_symbols(self, x: Value, index: tuple[Affine, ...]) -> set[str]:
        """Symbols along which something that x reads is contiguous."""
        assert self.nest is not None
        walk = self.fusion.reach(self.nest)
        walk(x, index)
        found = set()
        for leaf, places in walk.reads.items():
            buffer = self.layout.buffers[leaf]
            for place in places:
                for a, stride in zip(place, buffer.strides, strict=True):
                    found |= {symbol for symbol, c in a[1] if c * stride == 1}
        return found

    def _reduce_across(
        self, nest: Nest, kept: list[tuple[str, int]], inner: list[tuple[str, int]]
    ) -> None:
        *outer, (symbol, n) = kept
        self.width = lanes(n, self.layout.width)
        count, _ = self.columns(n)
        block = next(
            s for s in _BLOCKS if (count % s == 0 and s * len(nest.held) <= _SUMS) or s == 1
        )
        start = [self.vector(self.neutral(v), self.width) for v in nest.held for _ in range(block)]

        def columns(environment: Environment, _: list[Op]) -> None:
            def column(j: Affine, _: list[Op]) -> None:
                at = [lane_at(plus(j, affine(q * self.width))) for q in range(block)]

                def add(where: Environment, sums: list[Op]) -> list[Op]:
                    places = [{**where, symbol: a} for a in at]
                    pairs = zip([(v, p) for v in nest.held for p in places], sums, strict=True)
                    return [self.adder(v)(s, self._reduced(nest, v, p)) for (v, p), s in pairs]

                sums = iter(self.over(inner, environment, add, start))
                for v in nest.held:
                    for a in at:
                        self.hold(v, {**environment, symbol: a}, next(sums))
                for a in at:
                    self.write(nest.stores, {**environment, symbol: a})

            within = None if outer else self.part(count // block, block * self.width)
            self.loop(count * self.width, column, step=block * self.width, within=within)

        self.over(outer, {}, columns, shared=True)

    def _reduce_along(
        self, nest: Nest, kept: list[tuple[str, int]], inner: list[tuple[str, int]], argmax: bool
    ) -> None:
        assert nest.anchor is not None
        x, index = nest.reduced_operand(nest.anchor)
        along = self._contiguous_symbols(x, index)
        *outer, (symbol, n) = sorted(inner, key=lambda loop: loop[0] in along) or [("r", 1)]
        self.width = 0 if argmax else lanes(n, self.layout.width)
        step = max(self.width, 1)
        whole = n // step * step

        def cell(where: Environment, j: Affine, mask: Op | None, values: list[Op]) -> list[Op]:
            place = {**where, symbol: lane_at(j) if self.width else j}
            if argmax:
                return self._later_maximum(
                    x, self.pull(x, tuple(substitute(i, place) for i in index)), j, values
                )
            pairs = zip(nest.held, values, strict=True)
            return [self.adder(v)(y, self._counted(nest, v, place, mask)) for v, y in pairs]

        def vectors(where: Environment, values: list[Op]) -> list[Op]:
            values = self.loop(
                whole, lambda j, sums: cell(where, j, None, sums), step=step, carried=values
            )
            if whole < n:
                mask = self.first_lanes(n - whole, self.width)
                values = cell(where, affine(whole), mask, values)
            return values

        def point(environment: Environment, _: list[Op]) -> None:
            if argmax:
                low = self.number(minus_infinity(x.dtype), register_base(x.dtype))
                start = [Op(self.spell(low, 0), low.base, 0), Op("0", "i64", 0)]
                totals = self.over(outer, environment, vectors, start)[1:]
            else:
                start = [self.vector(self.neutral(v), self.width) for v in nest.held]
                sums = zip(nest.held, self.over(outer, environment, vectors, start), strict=True)
                totals = [self.horizontal(self.adder(v), x) for v, x in sums]
            for v, total in zip(nest.held, totals, strict=True):
                self.hold(v, environment, total)
            self.write(nest.stores, environment)

        self.over(kept, {}, point, shared=True)

    def _reduced(self, nest: Nest, v: Value, where: Environment) -> Op:
        """What v runs over, at one place."""
        x, index = nest.reduced_operand(v)
        return self.pull(x, tuple(substitute(i, where) for i in index))

    def _counted(self, nest: Nest, v: Value, where: Environment, mask: Op | None) -> Op:
        """A vector of it; lanes that do not count are neutral."""
        y = self.vector(self._reduced(nest, v, where), self.width)
        return y if mask is None else self.select(mask, y, self.neutral(v))

    def _later_maximum(self, x: Value, y: Op, j: Affine, values: list[Op]) -> list[Op]:
        """The larger of two and where it is; the first of equals, and the first NaN, stay."""
        best, place = values
        how = {"f": "ogt", "i": "sgt"}.get(x.dtype.kind, "ugt")
        better = self.compare(how, y, best)
        if x.dtype.kind == "f":
            first = self.compare("ord", best, best)
            missing = self.select(first, self.compare("uno", y, y), self.number(0, "i1"))
            better = self.select(missing, self.number(1, "i1"), better)
        here = Op(self.integer(j), "i64", 0)
        return [self.select(better, y, best), self.select(better, here, place)]

    # ---- scatter ---------------------------------------------------------------------------------

    def scatter(self, nest: Nest) -> None:
        """Zero, then add: rows of scatter_add by vectors where they are contiguous."""
        assert nest.anchor is not None
        v = nest.anchor
        buffer = self.layout.buffers[v]
        x, index = nest.scattered_operands()[0]
        self._clear(v)
        loops = list(zip(nest.symbols, nest.space, strict=True))
        target = scatter_index(v, index)
        lane = target[-1] if target else ZERO
        whole = loops and lane == affine(loops[-1][0]) and buffer.strides[-1] == 1
        self.width = lanes(loops[-1][1], self.layout.width) if whole and loops else 0
        if self.width and loops[-1][1] % self.width and loops[-1][1] != v.shape[-1]:
            self.width = 0  # what lies behind the last lane are elements, not padding
        step = self.width or 1

        def add(environment: Environment, _: list[Op]) -> None:
            def one(j: Affine, _: list[Op]) -> None:
                place = dict(environment)
                if loops:
                    place[loops[-1][0]] = lane_at(j) if self.width else j
                y = self.pull(x, tuple(substitute(i, place) for i in index))
                at = tuple(substitute(i, place) for i in target)
                self.keep(buffer, at, self.add(self.fetch(buffer, at), y))

            self.loop(-(-loops[-1][1] // step) * step if loops else 1, one, step=step)

        self.over(loops[:-1], {}, add)

    def _clear(self, v: Value) -> None:
        buffer = self.layout.buffers[v]
        self.width = lanes(buffer.size, self.layout.width)
        zero = self.number(0, buffer.base)
        whole = buffer.size // self.width * self.width

        def one(j: Affine, _: list[Op]) -> None:
            self.store(zero, buffer.pointer, j, self.width)

        self.loop(whole, one, step=self.width)
        for j in range(whole, buffer.size):
            self.store(zero, buffer.pointer, affine(j))
