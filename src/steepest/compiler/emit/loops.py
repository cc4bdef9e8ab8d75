"""Loops over several dimensions, and what all nests do in them."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from steepest.compiler.emit.expressions import Environment
from steepest.compiler.emit.scalars import maximum, minus_infinity, register_base
from steepest.compiler.emit.threads import Ends, Threads
from steepest.compiler.graph import Value
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import Buffer, padded
from steepest.compiler.nests.affine import Affine, affine
from steepest.primitives import max_

__all__ = ["Loops"]


class Loops(Threads):
    """Emitter of loops, with what is summed in them."""

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

    def in_parts(self, n: int, length: int, body: Callable[[Affine, int], None]) -> None:
        """body(where it begins, how long it is) for all parts of n, the last one what is left."""
        whole = n // length * length
        self.loop(whole, lambda k, _: body(k, length), step=length)
        if whole < n:
            body(affine(whole), n - whole)

    def in_vectors(
        self,
        n: int,
        body: Callable[[Affine, Op | None, list[Op]], list[Op]],
        carried: Sequence[Op],
    ) -> list[Op]:
        """body(the first lane, mask, carried) for n lanes, vector by vector; the mask of the last
        one says which of its lanes count."""
        step = max(self.width, 1)
        whole = n // step * step
        found = self.loop(whole, lambda j, xs: body(j, None, xs), step=step, carried=carried)
        if whole < n:
            found = body(affine(whole), self.first_lanes(n - whole, self.width), found)
        return found

    def scratch(self, dtype: np.dtype, shape: tuple[int, ...]) -> Buffer:
        """Memory of the nest's own, on the stack."""
        buffer = padded(shape, dtype, len(shape) - 1, self.layout.width)
        buffer.pointer = f"%scratch{len(self.head)}"
        size = buffer.size + self.layout.width
        self.head.append(f"  {buffer.pointer} = alloca [{size} x {buffer.base}], align 64")
        return buffer

    # ---- sums ------------------------------------------------------------------------------------

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
        """What changes no sum of v."""
        x = minus_infinity(v.dtype) if v.is_row(max_) else 0
        return self.number(x, register_base(v.dtype))

    def start(self, v: Value) -> Op:
        """A vector of what sums of v start from."""
        return self.vector(self.neutral(v), self.width)

    def tree(self, combine: Callable[[Op, Op], Op], xs: list[Op]) -> Op:
        """All of them combined, in pairs: as few as can be wait for one another."""
        while len(xs) > 1:
            pairs = [combine(*xs[i : i + 2]) for i in range(0, len(xs) - 1, 2)]
            xs = pairs + xs[len(pairs) * 2 :]
        return xs[0]
