"""Map nests as loops, and what all emitters of nests share."""

from collections.abc import Callable, Sequence
from functools import partial

from steepest.compiler.builder import Op
from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.scalars import maximum, minus_infinity, register_base
from steepest.compiler.emit.threads import Threads
from steepest.compiler.graph import Value
from steepest.compiler.index import Affine
from steepest.compiler.layout import lanes
from steepest.compiler.nest import Nest

__all__ = ["Nests"]


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
        summed: bool = False,
    ) -> list[Op]:
        """inside(environment, carried) in all of the loops. Where the threads divide the nest, they
        divide the first if it is `shared`; where what is `summed` is cut, the first is."""
        if not loops:
            return list(inside(environment, list(carried)) or ())
        (symbol, n), *rest = loops
        low, high = self.bounds_of(n) if summed else (0, n)
        return self.loop(
            high,
            lambda i, values: self.over(rest, {**environment, symbol: i}, inside, values),
            start=low,
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
                with self.wide(step * self.width):
                    self.write(nest.stores, {**environment, symbol: lane_at(j)})

            within = None if others else self.part(count // step, step * self.width)
            self.loop(count * self.width, body, step=step * self.width, within=within)

        others = [(s, m) for s, m in zip(nest.symbols, nest.space, strict=True) if s != symbol]
        self.over(others, {}, inside, shared=True)

    def _lane_dimension(self, nest: Nest, v: Value) -> int:
        """The dimension of the nest along which v is contiguous in memory."""
        strides = self.layout.buffers[v].strides
        wide = [stride for stride, n in zip(strides, v.shape, strict=True) if n != 1]
        return wide.index(1) if 1 in wide else len(wide) - 1

    # ---- reductions ------------------------------------------------------------------------------

    def adder(self, v: Value) -> Callable[[Op, Op], Op]:
        assert v.row is not None
        if v.row.name == "max":
            return partial(maximum, self, v.dtype)
        return self.add

    def neutral(self, v: Value) -> Op:
        assert v.row is not None
        x = minus_infinity(v.dtype) if v.row.name == "max" else 0
        return self.number(x, register_base(v.dtype))
