"""Code for several threads: each runs the whole function, with its own part of every split loop.

`%thread` is the number of the thread that runs, `%threads` how many do. Bounds of a thread's part
are computed once, when the function begins. The threads' words are at the end of the program's
memory (`memory/sharing` says where).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate
from math import prod
from operator import mul
from typing import Any

from steepest.compiler.emit.calls import Calls
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import Buffer
from steepest.compiler.memory.layout import Layout
from steepest.compiler.memory.plan import Plan
from steepest.compiler.nests.affine import Affine, Index, affine, plus, times
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.nest import Nest

__all__ = ["SHARE", "Threads", "TilesHere"]

# What a nest is told: whose shares to run, among those of %threads; the first, and the one after
# the last, of %of that each has. Where threads take them, also %which nest in which step it is.
SHARE = ("%whose", "%from", "%to")
BLOCKS = ("%since", "%until")

Loops = Sequence[tuple[str, int]]
Ends = tuple[Op, Op]
TilesHere = Ends | None  # the tiles of a strip that are this thread's; None: all

_FINE = 64  # rounds of loops that threads divide, where there are so many


class Threads(Calls):
    """Loops of which each thread runs a part, and code that only the first thread runs."""

    def __init__(self, fusion: Fusion, layout: Layout, plan: Plan):
        super().__init__(fusion, layout)
        self.plan, self.sharing = plan, plan.sharing
        self.phase = 0
        self.divided = False  # whether the threads divide the loops that are being written
        self.pieces = 0  # of what is summed, where a piece of it, number %piece, is being written
        self.blocks = 0  # of its results, of which those from %since to %until are being written

    # ---- parts -----------------------------------------------------------------------------------

    def part(self, rounds: int, step: int = 1) -> tuple[str, str] | None:
        """Bounds of this thread's part of a loop of so many rounds, each `step` further; None
        where the nest is not divided."""
        if not self.divided:
            return None
        return self._at_start(("part", rounds, step), lambda: self._part(rounds, step))

    def _part(self, rounds: int, step: int) -> tuple[str, str]:
        low, high = self._shares(rounds)
        size = self.number(step, "i64")
        return self.mul(low, size).name, self.mul(high, size).name

    def _shares(self, total: int) -> Ends:
        """Where the shares of this call begin and end in a line of so many rounds."""
        threads, each = (Op(name, "i64", 0) for name in ("%threads", "%of"))
        whose, *ends = (Op(name, "i64", 0) for name in SHARE)
        before, every = self.mul(whose, each), self.mul(threads, each)
        low, high = (
            self._part_of(self.number(total, "i64"), self.add(before, x), every) for x in ends
        )
        return low, high

    def _part_of(self, total: Op, number: Op, every: Op) -> Op:
        """total·number/every."""
        return self.binary("udiv", self.mul(total, number), every)

    # ---- lines -----------------------------------------------------------------------------------

    def line(self, loops: Loops) -> int:
        """How many of the first loops make a line that is long enough to be divided."""
        rounds = accumulate((n for _, n in loops), mul)
        return next((k for k, n in enumerate(rounds, 1) if n >= _FINE), len(loops))

    def ends_of(self, loops: Loops) -> Ends | None:
        """Where this thread's part of a line begins and ends: all rounds of some loops, one after
        the other. None: it has all of them."""
        if self.blocks > 1 and loops:
            since, until = (Op(name, "i64", 0) for name in BLOCKS)
            return since, until
        if not (self.divided and loops):
            return None
        total = prod(n for _, n in loops)
        return self._at_start(("line", total), lambda: self._shares(total))

    def along_line(self, number: Affine, loops: Loops) -> dict[str, Affine]:
        """Where a round of a line is in its loops."""
        found, left = dict[str, Affine](), number
        for symbol, n in reversed(loops[1:]):
            x, size = self.index(left), self.number(n, "i64")
            found[symbol] = affine(self.binary("urem", x, size).name)
            left = affine(self.binary("udiv", x, size).name)
        return {**found, loops[0][0]: left}

    def _at_start(self, key: tuple, make: Callable[[], Any]) -> Any:
        """What `make` writes, once, where the function begins."""
        if key not in self.scopes[0]:
            lines, scopes, self.lines, self.scopes = self.lines, self.scopes, self.head, [{}]
            scopes[0][key] = make()
            self.lines, self.scopes = lines, scopes
        return self.scopes[0][key]

    # ---- pieces ----------------------------------------------------------------------------------

    def in_pieces(
        self, write: Callable[[], None], finish: Callable[[], None], blocks: int = 1
    ) -> None:
        """What `write` sums up, in pieces where the nest being written is cut into some; then
        `finish`, by the thread that completes the last of them. Where all of `write` is loops over
        so many blocks of the results, threads divide these as well."""
        assert self.nest is not None
        count = self.sharing.pieces.get(self.nest, 1) if self.sharing else 1
        if count == 1:
            write()
            finish()
            return

        mine = self.ends_of([("", count * blocks)])
        assert mine is not None
        self.divided, self.pieces, self.blocks = False, count, blocks
        function = self.functions[self.nest] = self.function(write)  # with registers of its own
        self.pieces = self.blocks = 0

        every, up = (self.number(n, "i64") for n in (blocks, blocks - 1))
        first, last = (self.binary("udiv", x, every) for x in (mine[0], self.add(mine[1], up)))

        def one(k: Affine, _: list[Op]) -> None:
            before = self.index(times(k, blocks))
            here = [self._clamp(self.sub(end, before), every).name for end in mine]
            names = ("%piece", *BLOCKS), (self.integer(k), *here)
            self.lines.append(self.call_of(function, dict(zip(*names, strict=True))))

        self.loop(count, one, within=(first.name, last.name))
        self.when(self._is_last(mine, count * blocks), finish)

    def _is_last(self, mine: Ends, count: int) -> Op:
        """Whether nobody has anything left, now that this thread has completed its own."""
        assert self.sharing is not None and self.nest is not None
        counter = f"%counter{list(self.sharing.pieces).index(self.nest)}"
        low, high = mine
        own = self.sub(high, low)
        before = self.new(f"atomicrmw add ptr {counter}, i64 {own.name} acq_rel")
        after = self.add(Op(before, "i64", 0), own)
        last = self.compare("eq", after, self.number(count, "i64"))
        last = self.binary("and", last, self.compare("ne", own, self.number(0, "i64")))
        zero = f"  store atomic i64 0, ptr {counter} monotonic, align 8"
        self.when(last, lambda: self.lines.append(zero))
        return last

    def sums_of_piece(self) -> Buffer:
        """The memory for sums of the piece being written, or of a nest that has none."""
        assert self.nest is not None
        every = self.plan.scratch[self.nest].partial
        assert every is not None
        number = affine("%piece") if self.pieces else affine(0)
        at = self.pointer(every.pointer, every.base, times(number, every.strides[0]))
        return replace(every, shape=every.shape[1:], strides=every.strides[1:], pointer=at)

    def total_at(self, index: Index, combine: Callable[[Op, Op], Op]) -> Op:
        """What the sums of all pieces come to."""
        assert self.nest is not None
        every = self.plan.scratch[self.nest].partial
        assert every is not None
        total, *others = [self.fetch(every, (affine(k), *index)) for k in range(every.shape[0])]
        for x in others:
            total = combine(total, x)
        return total

    def bounds_of(self, rounds: int, step: int = 1) -> tuple[int | str, int | str]:
        """Of a loop of so many rounds, each `step` further; of the piece being written, if there
        is one."""
        if not self.pieces:
            return 0, rounds * step
        ends = []
        for k in (affine("%piece"), plus(affine("%piece"), affine(1))):
            at = self.index(times(k, rounds))
            at = self.binary("udiv", at, self.number(self.pieces, "i64"))
            ends.append(self.mul(at, self.number(step, "i64")).name)
        return ends[0], ends[1]

    # ---- tiles -----------------------------------------------------------------------------------

    def tiles_here(self, strip: Affine, strips: int, tiles: int, *, apart: bool) -> TilesHere:
        """This thread's tiles in one strip of a contraction, each strip so many tiles high.

        A thread has the same rows of tiles in all strips. So it writes rows that are side by side
        in memory: where threads write alternate pieces of a row, their caches fetch the others'
        pieces too. Its shares are side by side in the line of its tiles, strip after strip, so that
        what a strip reads is read for all of them at once.

        Where strips are kept `apart`, the threads divide the line of all tiles: of many strips that
        are copied first, few are copied by two threads.
        """
        if not self.divided:
            return None
        key = "tiles", strips, tiles, apart
        top, height, *ends = self._at_start(key, lambda: self._own_tiles(strips, tiles, apart))
        before = self.mul(self.index(strip), height)
        first, last = (self._clamp(self.sub(end, before), height) for end in ends)
        return self.add(top, first), self.add(top, last)

    def _own_tiles(self, strips: int, tiles: int, apart: bool) -> tuple[Op, Op, Op, Op]:
        """The thread's first row of tiles, and how many it has; where its shares begin and end in
        the line of their tiles."""
        if apart:
            return self.number(0, "i64"), self.number(tiles, "i64"), *self._shares(strips * tiles)
        every, one = self.number(tiles, "i64"), self.number(1, "i64")
        threads, each = (Op(name, "i64", 0) for name in ("%threads", "%of"))
        whose, start, end = (Op(name, "i64", 0) for name in SHARE)
        top = self._part_of(every, whose, threads)
        height = self.sub(self._part_of(every, self.add(whose, one), threads), top)
        line = self.mul(height, self.number(strips, "i64"))
        return top, height, self._part_of(line, start, each), self._part_of(line, end, each)

    def rows_within(self, here: TilesHere, rows: int) -> tuple[str, str] | None:
        """Rows of this thread's tiles, which are so high."""
        if here is None:
            return None
        low, high = (self.mul(x, self.number(rows, "i64")).name for x in here)
        return low, high

    def _clamp(self, x: Op, most: Op) -> Op:
        """x, kept within 0 … most."""
        return self.call("llvm.smin", self.call("llvm.smax", x, self.number(0, "i64")), most)

    # ---- copies ----------------------------------------------------------------------------------

    def is_taken(self, nest: Nest) -> bool:
        """Whether threads take shares of the nest from one another: not where every share would
        copy all of an operand anew, nor where its code has no function."""
        if self.sharing is None or nest not in self.sharing.long:
            return False
        tile = self.plan.tiles.get(nest)
        return self.is_apart(nest) and not (tile and tile.left)

    def is_apart(self, nest: Nest) -> bool:
        """Whether the nest's code is a function."""
        return bool(nest.space) and not self.unroll

    def copied(self, strip: Affine, strips: int, copy: Callable[[], None]) -> None:
        """What `copy` writes for a strip of the nest, unless it is what this thread has copied
        last, for another share."""
        which, every = Op("%which", "i64", 0), self.number(strips, "i64")
        now = self.add(self.mul(which, every), self.index(strip))
        last = Op(self.new("load i64, ptr %copied"), "i64", 0)

        def anew() -> None:
            self.lines.append(f"  store i64 {now.name}, ptr %copied")
            copy()

        self.when(self.compare("ne", now, last), anew)

    # ---- meeting ---------------------------------------------------------------------------------

    def meet(self) -> None:
        """A barrier, where there may be several threads."""
        if self.sharing is None:
            return
        self.phase += 1
        hopeless = self.new("call i1 @meet(ptr %team, i64 %threads)")
        self.block = f"met{hopeless[2:]}"
        branch = f"  br i1 {hopeless}, label %abandoned, label %{self.block}"
        self.lines += [branch, f"{self.block}:"]

    def alone(self, write: Callable[[], None]) -> None:
        """What `write` writes, for the first thread only."""
        if self.sharing is None:
            write()
        else:
            self.when(Op("%leads", "i1", 0), write)
