"""Reduce nests: sums, maxima, argmax over any axes."""

from collections.abc import Callable
from functools import partial

from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.loops import Loops
from steepest.compiler.emit.scalars import minus_infinity, register_base
from steepest.compiler.graph import Value
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import lanes
from steepest.compiler.memory.pieces import reduced_loops
from steepest.compiler.nests.affine import LANE, Affine, Index, affine, placed, plus
from steepest.compiler.nests.nest import Nest
from steepest.primitives import argmax

__all__ = ["write_reduce"]

_BLOCKS = (8, 6, 5, 4, 3, 2, 1)
_SUMS = 16  # vectors of sums in registers

Places = list[Environment]


def write_reduce(emitter: Loops, nest: Nest) -> None:
    """Lanes along an axis that stays, several vectors at a time; or, where memory runs along an
    axis that is summed, along that one."""
    loops, across = reduced_loops(nest, emitter.fusion, emitter.layout)
    (_Across if across else _Along)(emitter, nest, loops).write()


class _Reduction:
    """One reduce nest; `loops` run over what is summed."""

    def __init__(self, emitter: Loops, nest: Nest, loops: list[tuple[str, int]]):
        self.emitter, self.nest, self.loops = emitter, nest, loops
        self.kept = list(zip(nest.symbols, nest.space, strict=True))
        self.width = emitter.width = self.lanes()

    def lanes(self) -> int:
        """Of the registers that sum."""
        raise NotImplementedError

    def sums(self, at: Places) -> list[Op]:
        """A register for every held value at every one of the positions."""
        raise NotImplementedError

    def everywhere(self, write: Callable[[Places], None]) -> None:
        """write(positions) for all of them, some at a time."""
        raise NotImplementedError

    def total(self, v: Value, x: Op) -> Op:
        """What a register of v has come to."""
        return x

    def write(self) -> None:
        """Threads divide the results, or what is summed."""
        sharing = self.emitter.sharing
        if sharing and self.nest in sharing.pieces:
            self.emitter.in_pieces(self.add_up, self.finish)
        else:
            self.everywhere(lambda at: self.give(at, self.sums(at)))

    def give(self, at: Places, registers: list[Op]) -> None:
        """Store what follows from the sums."""
        emitter, found = self.emitter, iter(registers)
        for v in self.nest.held:
            for where in at:
                emitter.hold(v, where, self.total(v, next(found)))
        for where in at:
            emitter.write(self.nest.stores, where)

    # ---- pieces ----------------------------------------------------------------------------------

    def place(self, number: int, where: Environment) -> Index:
        """Where the sum of a held value is in the memory of a piece."""
        return (affine(number), *(where[symbol] for symbol, _ in self.kept))

    def add_up(self) -> None:
        """The sums of a piece."""
        memory = self.emitter.sums_of_piece()

        def keep(at: Places) -> None:
            found = iter(self.sums(at))
            for number in range(len(self.nest.held)):
                for where in at:
                    self.emitter.keep(memory, self.place(number, where), next(found))

        self.everywhere(keep)

    def finish(self) -> None:
        """All pieces together."""
        emitter = self.emitter

        def add(at: Places) -> None:
            emitter.width = self.width
            held = enumerate(self.nest.held)
            every = [(self.place(number, where), v) for number, v in held for where in at]
            self.give(at, [emitter.total_at(place, emitter.adder(v)) for place, v in every])

        self.everywhere(add)

    # ---- what is summed --------------------------------------------------------------------------

    def reduced(self, v: Value, where: Environment) -> Op:
        """What v runs over, at one place."""
        x, index = self.nest.reduced_operand(v)
        return self.emitter.pull(x, placed(index, where))


class _Across(_Reduction):
    """Lanes are results."""

    def lanes(self) -> int:
        return lanes(self.kept[-1][1], self.emitter.layout.width)

    def sums(self, at: Places) -> list[Op]:
        emitter, held = self.emitter, self.nest.held
        start = [emitter.start(v) for v in held for _ in at]

        def add(where: Environment, sums: list[Op]) -> list[Op]:
            pairs = zip([(v, {**where, **a}) for v in held for a in at], sums, strict=True)
            return [emitter.adder(v)(s, self.reduced(v, p)) for (v, p), s in pairs]

        return emitter.over(self.loops, at[0], add, start, summed=True)

    def give(self, at: Places, registers: list[Op]) -> None:
        """Store what follows from the sums: a long epilogue (Adam) in a loop over their vectors."""
        emitter, width, symbol = self.emitter, self.width, self.kept[-1][0]
        scratch = emitter.plan.scratch.get(self.nest)
        spill = scratch.spill if scratch else None
        if spill is None or len(at) == 1:
            super().give(at, registers)
            return
        for q, x in enumerate(registers):
            emitter.store(x, spill.pointer, affine(q * width), width)

        def vector(q: Affine, _: list[Op]) -> None:
            x = emitter.load(spill.pointer, registers[0].base, q, width)
            super(_Across, self).give([{**at[0], symbol: plus(at[0][symbol], q)}], [x])

        emitter.loop(len(at) * width, vector, step=width)

    def everywhere(self, write: Callable[[Places], None]) -> None:
        *outer, (symbol, n) = self.kept
        emitter, width, held = self.emitter, self.width, len(self.nest.held)
        count, _ = emitter.columns(n)
        block = next(s for s in _BLOCKS if (count % s == 0 and s * held <= _SUMS) or s == 1)

        def columns(where: Environment, _: list[Op]) -> None:
            def column(j: Affine, _: list[Op]) -> None:
                places = [lane_at(plus(j, affine(q * width))) for q in range(block)]
                write([{**where, symbol: place} for place in places])

            within = None if outer else emitter.part(count // block, block * width)
            emitter.loop(count * width, column, step=block * width, within=within)

        emitter.over(outer, {}, columns, line=emitter.line(outer))


class _Along(_Reduction):
    """Lanes are summed; or there are none, in search of the place of a maximum."""

    def lanes(self) -> int:
        assert self.nest.anchor is not None
        self.argmax = self.nest.anchor.is_row(argmax)
        return 0 if self.argmax else lanes(self.loops[-1][1], self.emitter.layout.width)

    def place(self, number: int, where: Environment) -> Index:
        return (*super().place(number, where), LANE)

    def everywhere(self, write: Callable[[Places], None]) -> None:
        line = self.emitter.line(self.kept)
        self.emitter.over(self.kept, {}, lambda where, _: write([where]), line=line)

    def sums(self, at: Places) -> list[Op]:
        emitter, (where,), outer = self.emitter, at, self.loops[:-1]
        emitter.width = self.width
        if self.argmax:
            (v,) = self.nest.held
            dtype = v.operands[0].dtype
            low = emitter.number(minus_infinity(dtype), register_base(dtype))
            start = [Op(emitter.spell(low, 0), low.base, 0), Op("0", "i64", 0)]
            return emitter.over(outer, where, self.vectors, start)[1:]
        start = [emitter.start(v) for v in self.nest.held]
        return emitter.over(outer, where, self.vectors, start, summed=bool(outer))

    def total(self, v: Value, x: Op) -> Op:
        return x if self.argmax else self.emitter.horizontal(self.emitter.adder(v), x)

    def vectors(self, where: Environment, values: list[Op]) -> list[Op]:
        """Through the innermost loop."""
        return self.emitter.in_vectors(self.loops[-1][1], partial(self.cell, where), values)

    def cell(self, where: Environment, j: Affine, mask: Op | None, values: list[Op]) -> list[Op]:
        emitter, place = self.emitter, {**where, self.loops[-1][0]: lane_at(j) if self.width else j}
        if self.argmax:
            (v,) = self.nest.held
            return self.later_maximum(v.operands[0], self.reduced(v, place), j, values)
        pairs = zip(self.nest.held, values, strict=True)
        return [emitter.adder(v)(y, self.counted(v, place, mask)) for v, y in pairs]

    def counted(self, v: Value, where: Environment, mask: Op | None) -> Op:
        """A vector; lanes that do not count are neutral."""
        emitter = self.emitter
        y = emitter.vector(self.reduced(v, where), self.width)
        return y if mask is None else emitter.select(mask, y, emitter.neutral(v))

    def later_maximum(self, x: Value, y: Op, j: Affine, values: list[Op]) -> list[Op]:
        """The larger of two and where it is; the first of equals, and the first NaN, stay."""
        emitter, (best, place) = self.emitter, values
        how = {"f": "ogt", "i": "sgt"}.get(x.dtype.kind, "ugt")
        better = emitter.compare(how, y, best)
        if x.dtype.kind == "f":
            first = emitter.compare("ord", best, best)
            no = emitter.number(0, "i1")
            missing = emitter.select(first, emitter.compare("uno", y, y), no)
            better = emitter.select(missing, emitter.number(1, "i1"), better)
        here = emitter.index(j)
        return [emitter.select(better, y, best), emitter.select(better, here, place)]
