"""Map nests as loops, and what all emitters of nests share."""

from collections.abc import Callable, Sequence
from functools import partial

from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.scalars import maximum, minus_infinity, register_base
from steepest.compiler.emit.threads import Ends, Threads
from steepest.compiler.graph import Value
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import lanes
from steepest.compiler.memory.parts import copied_parts
from steepest.compiler.nests.affine import Affine, Index, address, affine, coefficient, placed, plus
from steepest.compiler.nests.nest import Nest
from steepest.primitives import max_

__all__ = ["Nests"]

_LIGHT = 10  # instructions per vector, up to which a map takes four vectors at a time


class Nests(Threads):
    """Emitters of the nests whose lanes are elements."""

    def over(
        self,
        loops: Sequence[tuple[str, int]],
        environment: Environment,
        inside: Callable[[Environment, list[Op]], list[Op] | None],
        carried: Sequence[Op] = (),
        *,
        line: int = 0,
        ends: Ends | None = None,
        summed: bool = False,
    ) -> list[Op]:
        """inside(environment, carried) in all of the loops. So many of the first are a line, which
        the threads divide where they divide the nest, or of which this one has what lies between
        the `ends`; where what is `summed` is cut, the first loop is."""
        if not loops:
            return list(inside(environment, list(carried)) or ())
        first, rest = loops[:line], loops[line:]
        ends = ends or self.ends_of(first)
        if ends is not None:
            low, high = (x.name for x in ends)

            def along(k: Affine, _: list[Op]) -> None:
                self.over(rest, {**environment, **self.along_line(k, first)}, inside)

            assert not carried
            return self.loop(0, along, within=(low, high))
        (symbol, n), *rest = loops
        low, high = self.bounds_of(n) if summed else (0, n)
        return self.loop(
            high,
            lambda i, values: self.over(rest, {**environment, symbol: i}, inside, values),
            start=low,
            carried=carried,
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
        # What is read lane by lane, or is long, is long enough with one other beside it.
        most = 2 if self._has_strides(nest, symbol) or self.fusion.work(nest) > _LIGHT else 4
        step = next(s for s in (4, 2, 1) if s <= most and count % s == 0)

        def inside(environment: Environment, _: list[Op]) -> None:
            def body(j: Affine, _: list[Op]) -> None:
                with self.wide(step * self.width):
                    self.write(nest.stores, {**environment, symbol: lane_at(j)})

            within = None if others else self.part(count // step, step * self.width)
            self.loop(count * self.width, body, step=step * self.width, within=within)

        others = [(s, m) for s, m in zip(nest.symbols, nest.space, strict=True) if s != symbol]
        self.over(others, {}, inside, line=self.line(others))

    def _has_strides(self, nest: Nest, symbol: str) -> bool:
        """Whether what the nest reads is neither one number nor contiguous along a loop."""
        return any(
            coefficient(address(index, self.layout.buffers[v].strides), symbol) not in (0, 1)
            for v, indices in self.fusion.reads(nest).items()
            for index in indices
        )

    def _lane_dimension(self, nest: Nest, v: Value) -> int:
        """The dimension of the nest along which v is contiguous in memory."""
        strides = self.layout.buffers[v].strides
        wide = [stride for stride, n in zip(strides, v.shape, strict=True) if n != 1]
        return wide.index(1) if 1 in wide else len(wide) - 1

    # ---- join ------------------------------------------------------------------------------------

    def join(self, nest: Nest) -> None:
        """Copy what is not where it belongs: whole vectors, then the rest one by one, because the
        next part follows at once."""
        for x, index, begin in copied_parts(nest, self.layout.buffers):
            self._copy_part(nest, x, index, begin)

    def _copy_part(self, nest: Nest, x: Value, index: Index, begin: int) -> None:
        assert nest.anchor is not None
        buffer, axis = self.layout.buffers[nest.anchor], nest.anchor.params["axis"]
        loops = [(a[1][0][0], n) for a, n in zip(index, x.shape, strict=True) if n > 1]
        *outer, (symbol, n) = loops or [("", 1)]
        width = lanes(n, self.layout.width)
        whole = n // width * width

        def copy(environment: Environment, _: list[Op]) -> None:
            def one(j: Affine, _: list[Op]) -> None:
                where = {**environment, symbol: lane_at(j) if self.width else j}
                at = placed(index, where)
                there = (*at[:axis], plus(at[axis], affine(begin)), *at[axis + 1 :])
                self.keep(buffer, there, self.pull(x, at))

            for first, last, self.width in ((0, whole, width), (whole, n, 0)):
                self.loop(last, one, start=first, step=max(self.width, 1))

        self.over(outer, {}, copy)

    # ---- reductions ------------------------------------------------------------------------------

    def adder(self, v: Value) -> Callable[[Op, Op], Op]:
        """Adds two up, or compares them; what a sum starts from needs no instruction."""
        combine = partial(maximum, self, v.dtype) if v.is_row(max_) else self.add
        neutral = self.neutral(v)

        def combined(x: Op, y: Op) -> Op:
            for one, other in ((x, y), (y, x)):
                if one.name == self.spell(neutral, one.width):
                    return other
            return combine(x, y)

        return combined

    def neutral(self, v: Value) -> Op:
        x = minus_infinity(v.dtype) if v.is_row(max_) else 0
        return self.number(x, register_base(v.dtype))
