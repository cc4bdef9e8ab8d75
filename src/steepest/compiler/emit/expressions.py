"""`pull(value, index)`: the whole expression compiler.

It walks down from an index to what exists (registers of the nest, stored values, inputs) and
writes one instruction per elementwise row on the way back. Every (value, index) is computed once
per scope, so common subexpressions, loop invariants, and what prologue and epilogue share come by
themselves.
"""

from collections.abc import Sequence

import numpy as np

from steepest import primitives as P
from steepest.compiler.emit.elements import Elements
from steepest.compiler.emit.scalars import (
    SCALAR_RULES,
    converted,
    maximum,
    register_base,
    uniform,
)
from steepest.compiler.graph import Value, splat
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import Buffer
from steepest.compiler.memory.layout import Layout
from steepest.compiler.nests.affine import (
    LANE,
    ZERO,
    Affine,
    Derived,
    Index,
    affine,
    apart,
    at_lane,
    placed,
    plus,
    symbols,
    times,
    varies,
)
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.index import (
    inside,
    is_small_window,
    is_view,
    taken,
    through,
    window_indices,
)
from steepest.compiler.nests.nest import Nest
from steepest.compiler.nests.reach import is_leaf

__all__ = ["Environment", "Expressions", "lane_at"]

Environment = dict[str, Affine]


class Expressions(Elements):
    """A builder that knows values: where they are, and how to compute them."""

    def __init__(self, fusion: Fusion, layout: Layout):
        super().__init__()
        self.fusion, self.layout = fusion, layout
        self.nest: Nest | None = None

    # ---- reading ---------------------------------------------------------------------------------

    def pull(self, v: Value, index: Index) -> Op:
        """v at this index, in a register."""
        return self.once((v, index, self.width), lambda: self._compute(v, index))

    def _compute(self, v: Value, index: Index) -> Op:
        number = splat(v)
        if number is not None:
            return self.number(number.item(), register_base(v.dtype))
        if is_leaf(v, self.nest, self.fusion.home):
            return self.fetch(self.source(v), index)
        if is_view(v):
            return self.pull(*through(v, index))
        if v.is_row(P.take):
            return self._taken(v, index)
        if self.nest is not None and v in self.nest.bounded:
            return self.pull(*through(v, index))
        if v.is_row(P.pad):
            return self._padded(v, index)
        if v.is_row(P.uniform):
            return self._drawn(v, index)
        if is_small_window(v):
            return self._pooled(v, index)
        assert v.row in SCALAR_RULES, f"{v} is not in a register at {index}"
        return SCALAR_RULES[v.row](self, v, *[self.pull(x, index) for x in v.operands])

    def source(self, v: Value) -> Buffer:
        """Where the nest being written reads a value."""
        loaded = self.fusion.is_loaded(v, self.nest)
        return (self.layout.buffers if loaded else self.layout.sources)[v]

    def _pooled(self, v: Value, index: Index) -> Op:
        """The elements of a window, added or compared one after the other."""
        total, *others = [self.pull(v.operands[0], at) for at in window_indices(v, index)]
        for x in others:
            total = maximum(self, v.dtype, total, x) if v.is_row(P.max_) else self.add(total, x)
        return total

    def _each_lane(self, v: Value, index: Index) -> Op:
        """v computed for one lane after the other, where lanes cannot be read together."""
        lanes, width, self.width = self.lanes_inside(index, v.shape), self.width, 0
        self.strided += len(lanes)
        each = [self.pull(v, at_lane(index, i)) for i in lanes]
        self.width = width
        base = register_base(v.dtype)
        return self.gather([Op(self.spell(x, 0), base, 0) for x in each], width)

    def _taken(self, v: Value, index: Index) -> Op:
        at, rest = taken(v, index)
        if self.width and varies(at, "L"):
            return self._each_lane(v, index)
        return self.pull(v.operands[0], rest)

    def _padded(self, v: Value, index: Index) -> Op:
        """The operand where the index is inside, else zero."""
        if self.width and varies(index, "L"):
            moved = [
                a for a, n, m in zip(index, v.shape, v.operands[0].shape, strict=True) if n != m
            ]
            if varies(tuple(moved), "L"):
                return self._each_lane(v, index)
        at, conditions = inside(v, index)
        zero = self.number(0, register_base(v.dtype))
        truth: Op | None = None
        for a, size, step in conditions:
            for holds in self._bounds(a, size, step):
                truth = holds if truth is None else self.binary("and", truth, holds)
        x = self.pull(v.operands[0], at)
        return x if truth is None else self.select(truth, x, zero)

    def _bounds(self, a: Affine, size: int, step: int) -> list[Op]:
        """0 ≤ a < size·step, in one unsigned comparison, and step divides a."""
        i = self.index(a)
        found = [self.compare("ult", i, self.number(size * step, "i64"))]
        if step > 1:
            rest = self.binary("urem", i, self.number(step, "i64"))
            found.append(self.compare("eq", rest, self.number(0, "i64")))
        return found

    def _drawn(self, v: Value, index: Index) -> Op:
        shape = v.shape
        place = ZERO
        for a, n in zip(index, shape, strict=True):
            place = plus(times(place, n), a)
        stride, first = apart(place, "L")
        if "L" in symbols(first):
            return self._each_lane(v, index)
        counter = self.index(first)
        counter = self.convert("trunc", counter, "i32")
        if stride:
            ramp = self.mul(self.ramp("i32", self.width), self.number(stride, "i32"))
            counter = self.add(ramp, counter)
        key = v.operands[0]
        return uniform(self, (self.pull(key, (affine(0),)), self.pull(key, (affine(1),))), counter)

    # ---- addresses -------------------------------------------------------------------------------

    def symbol(self, symbol: str) -> str:
        if isinstance(symbol, Derived):
            return self.once(("symbol", symbol), lambda: self._derived(symbol))
        return symbol

    def _derived(self, s: Derived) -> str:
        if s.kind == "row":
            return self._row_number(s)
        i = self.index(s.operand)
        if s.kind == "clamp":
            return self._kept_within(i, s.size).name
        instruction = "sdiv" if s.kind == "div" else "srem"
        return self.binary(instruction, i, self.number(s.size, "i64")).name

    def _kept_within(self, i: Op, size: int) -> Op:
        zero, top = self.number(0, "i64"), self.number(size - 1, "i64")
        i = self.select(self.compare("slt", i, zero), zero, i)
        return self.select(self.compare("sgt", i, top), top, i)

    def _row_number(self, s: Derived) -> str:
        """A row number from memory: the batch's own, checked before the run, or a value's."""
        if not s.size:
            return self.load("%rows", "i64", s.at[0]).name
        width, self.width = self.width, 0
        x = self.pull(s.value, s.at)
        i = converted(self, Op(self.spell(x, 0), x.base, 0), s.value.dtype, np.dtype(np.int64))
        self.width = width
        wrapped = self.add(i, self.number(s.size, "i64"))
        negative = self.compare("slt", i, self.number(0, "i64"))
        return self._kept_within(self.select(negative, wrapped, i), s.size).name

    # ---- writing ---------------------------------------------------------------------------------

    def at(self, v: Value, environment: Environment) -> Index:
        """Where v is in the nest being written, at actual positions of its loops."""
        assert self.nest is not None
        _, index = self.nest.placed(v)
        return placed(index, environment)

    def hold(self, v: Value, environment: Environment, x: Op) -> None:
        """From here on, in this scope, v at this position is in that register; where that is one
        number for all lanes, also for code that goes lane by lane."""
        at = self.at(v, environment)
        self.scopes[-1][(v, at, self.width)] = x
        if not varies(at, "L"):
            self.scopes[-1][(v, at, 0)] = x

    def write(self, values: Sequence[Value], environment: Environment) -> None:
        """Compute all values at one position, then store them: a new state overwrites what the
        others may still read."""
        done = [(v, self.at(v, environment)) for v in values]
        pulled = [self.pull(v, index) for v, index in done]
        for (v, index), x in zip(done, pulled, strict=True):
            self.keep(self.layout.buffers[v], index, x)


def lane_at(a: Affine) -> Affine:
    """Lanes that begin at a."""
    return plus(a, LANE)
