"""Map and row nests as loops. What reduces or scatters, and contractions, have their own files."""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod

from steepest.compiler.builder import Op
from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.scalars import maximum, minus_infinity, register_base
from steepest.compiler.emit.threads import Threads
from steepest.compiler.graph import Value
from steepest.compiler.index import (
    ZERO,
    Affine,
    affine,
    plus,
)
from steepest.compiler.layout import lanes
from steepest.compiler.nest import Nest

__all__ = ["Nests"]

_UNROLLED = 16  # vectors of a row that are written out instead of looped over


class Nests(Threads):
    """Emitters of the nests whose lanes are elements."""

    def over(
        self,
        loops: Sequence[tuple[str, int]],
        environment: Environment,
        inside: Callable[[Environment, list[Op]], list[Op] | None],
        carried: Sequence[Op] = (),
        *,
        shared: bool = False,
    ) -> list[Op]:
        """inside(environment, carried) in all of the loops; `shared`: the threads of a nest that
        is split divide the first."""
        if not loops:
            return list(inside(environment, list(carried)) or ())
        (symbol, n), *rest = loops
        return self.loop(
            n,
            lambda i, values: self.over(rest, {**environment, symbol: i}, inside, values),
            carried=carried,
            within=self.part(n) if shared else None,
        )

    # ---- map -------------------------------------------------------------------------------------

    def map(self, nest: Nest) -> None:
        if not nest.space:
            self.width = 0
            self.write(nest.stores, {})
            return
        k = self._lane_dimension(nest, nest.stores[0])
        n, symbol = nest.space[k], nest.symbols[k]
        self.width = lanes(n, self.layout.width)
        count, _ = self.columns(n)
        step = next(s for s in (4, 2, 1) if count % s == 0)

        def inside(environment: Environment, _: list[Op]) -> None:
            def body(j: Affine, _: list[Op]) -> None:
                for q in range(step):
                    at = lane_at(plus(j, affine(q * self.width)))
                    self.write(nest.stores, {**environment, symbol: at})

            within = None if others else self.part(count // step, step * self.width)
            self.loop(count * self.width, body, step=step * self.width, within=within)

        others = [(s, m) for s, m in zip(nest.symbols, nest.space, strict=True) if s != symbol]
        self.over(others, {}, inside, shared=True)

    def _lane_dimension(self, nest: Nest, v: Value) -> int:
        """The dimension of the nest along which v is contiguous in memory."""
        strides = self.layout.buffers[v].strides
        wide = [stride for stride, n in zip(strides, v.shape, strict=True) if n != 1]
        return wide.index(1) if 1 in wide else len(wide) - 1

    # ---- row -------------------------------------------------------------------------------------

    def row(self, nest: Nest) -> None:
        """Rows outside; inside, the lanes of a row: first what is held, then sums, then stores."""
        self.width = lanes(nest.space[-1], self.layout.width)
        row_loops = list(zip(nest.symbols, nest.space, strict=True))[: nest.depth]
        starts = [x for v in nest.sums for x in self._zeros(nest, v)]

        def body(environment: Environment, carried: list[Op]) -> list[Op]:
            for group in self._independent(list(nest.held)):
                self._hold_group(nest, group, environment)
            sums = self._add_sums(nest, environment, carried)
            self._store_row(nest, environment)
            return sums

        totals = self.over(row_loops, {}, body, starts, shared=True)
        for v in nest.sums:
            buffer = self.layout.buffers[v]
            parts = [totals.pop(0) for _ in self._zeros(nest, v)]
            if v.size == 1:
                total = self.horizontal(self.adder(v), parts[0])
                self.keep(buffer, (ZERO,) * v.ndim, total)
                continue
            for c, part in enumerate(parts):
                self.store(part, buffer.pointer, affine(c * self.width), self.width)

    def adder(self, v: Value) -> Callable[[Op, Op], Op]:
        assert v.row is not None
        if v.row.name == "max":
            return partial(maximum, self, v.dtype)
        return self.add

    def neutral(self, v: Value) -> Op:
        assert v.row is not None
        x = minus_infinity(v.dtype) if v.row.name == "max" else 0
        return self.number(x, register_base(v.dtype))

    def _zeros(self, nest: Nest, v: Value) -> list[Op]:
        """What the accumulators of a sum start from: one vector per column, one, or a scalar."""
        if nest.is_row_level(v.operands[0]):
            return [Op(self.spell(self.neutral(v), 0), register_base(v.dtype), 0)]
        count = self.columns(nest.space[-1])[0] if v.size > 1 else 1
        return [self.vector(self.neutral(v), self.width)] * count

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

    def _is_short(self, nest: Nest) -> bool:
        inner = nest.space[nest.depth :]
        count = prod(inner[:-1]) * self.columns(inner[-1])[0]
        return count <= _UNROLLED or any(v.size > 1 for v in nest.sums)

    def _cells(
        self,
        nest: Nest,
        environment: Environment,
        body: Callable[[Environment, Op | None, list[Op]], list[Op] | None],
        carried: Sequence[Op] = (),
    ) -> list[Op]:
        """body(environment, mask, carried) for every vector of a row; the mask of the last one
        says which of its lanes count."""
        n, symbol = nest.space[-1], nest.symbols[-1]
        count, last = self.columns(n)
        mask = self.first_lanes(last, self.width) if last < self.width else None
        whole = (count - 1 if mask else count) * self.width
        outer = list(zip(nest.symbols, nest.space, strict=True))[nest.depth : -1]

        def vectors(where: Environment, values: list[Op]) -> list[Op]:
            def one(j: Affine, values: list[Op]) -> list[Op]:
                return list(body({**where, symbol: lane_at(j)}, None, values) or ())

            values = self.loop(whole, one, step=self.width, carried=values)
            if mask is not None:
                values = list(body({**where, symbol: lane_at(affine(whole))}, mask, values) or ())
            return values

        before, self.unroll = self.unroll, self.unroll or self._is_short(nest)
        try:
            return self.over(outer, environment, vectors, carried)
        finally:
            self.unroll = before

    def _at_cell(self, v: Value, where: Environment, mask: Op | None, start: Op) -> Op:
        """The operand of a reduction at one vector; lanes that do not count are neutral."""
        x = v.operands[0]
        y = self.vector(self.pull(x, self.at(x, where)), self.width)
        return y if mask is None else self.select(mask, y, start)

    def _hold_group(self, nest: Nest, group: list[Value], environment: Environment) -> None:
        starts = [self.neutral(v) for v in group]
        combine = [self.adder(v) for v in group]
        if self._is_short(nest) or self.unroll:
            parts: list[list[Op]] = [[] for _ in group]

            def collect(where: Environment, mask: Op | None, _: list[Op]) -> None:
                for v, start, found in zip(group, starts, parts, strict=True):
                    found.append(self._at_cell(v, where, mask, start))

            self._cells(nest, environment, collect)
            totals = [self._tree(f, found) for f, found in zip(combine, parts, strict=True)]
        else:

            def accumulate(where: Environment, mask: Op | None, sums: list[Op]) -> list[Op]:
                rounds = zip(group, starts, combine, sums, strict=True)
                return [f(s, self._at_cell(v, where, mask, start)) for v, start, f, s in rounds]

            first = [self.vector(start, self.width) for start in starts]
            totals = self._cells(nest, environment, accumulate, first)
        for v, f, total in zip(group, combine, totals, strict=True):
            self.hold(v, environment, self.horizontal(f, total))

    def _tree(self, combine: Callable[[Op, Op], Op], xs: list[Op]) -> Op:
        while len(xs) > 1:
            pairs = [combine(*xs[i : i + 2]) for i in range(0, len(xs) - 1, 2)]
            xs = pairs + xs[len(pairs) * 2 :]
        return xs[0]

    def _add_sums(self, nest: Nest, environment: Environment, carried: list[Op]) -> list[Op]:
        if not nest.sums:
            return []
        rows = [v for v in nest.sums if nest.is_row_level(v.operands[0])]
        places, at = {}, 0
        for v in nest.sums:
            places[v] = at
            at += len(self._zeros(nest, v))
        for v in rows:
            x = self.pull(v.operands[0], self.at(v.operands[0], environment))
            carried[places[v]] = self.adder(v)(carried[places[v]], x)
        rest = [v for v in nest.sums if v not in rows]
        if not rest:
            return carried
        column = [0]

        def accumulate(where: Environment, mask: Op | None, sums: list[Op]) -> list[Op]:
            for v in rest:
                k = places[v] + (column[0] if v.size > 1 else 0)
                sums[k] = self.adder(v)(sums[k], self._at_cell(v, where, mask, self.neutral(v)))
            column[0] += 1
            return sums

        return self._cells(nest, environment, accumulate, carried)

    def _store_row(self, nest: Nest, environment: Environment) -> None:
        points = [v for v in nest.stores if not nest.is_row_level(v)]
        if points:
            self._cells(nest, environment, lambda where, mask, _: self.write(points, where))
        self.write([v for v in nest.stores if nest.is_row_level(v)], environment)
