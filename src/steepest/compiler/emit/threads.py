"""Code for several threads: each runs the whole function, with its own part of every split loop.

`%thread` is the number of the thread that runs, `%threads` how many do. Bounds of a thread's part
are computed once, when the function begins. A barrier counts who has come; the last one to come
starts the next generation, for which the others wait: spinning, and after a while giving their turn
to whoever else wants the processor, for there may be more threads than processors.

The threads' words are at the end of the program's memory (`sharing` says where): how many have come
to the barrier, its generation, the stop flag, and what to do when waiting becomes long.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from steepest.compiler.buffers import Buffer
from steepest.compiler.emit.calls import Calls
from steepest.compiler.emit.functions import Function
from steepest.compiler.fuse import Fusion
from steepest.compiler.index import Affine, Index, affine, plus, times
from steepest.compiler.layout import Layout
from steepest.compiler.operands import Op
from steepest.compiler.plan import Plan
from steepest.compiler.sharing import ABANDONED, GENERATION, YIELD

__all__ = ["Threads", "TilesHere", "barrier"]

TilesHere = tuple[Op, Op] | None  # the tiles of a strip that are this thread's; None: all

_PATIENCE = 1000  # rounds of waiting before the processor is given away

_BARRIER = """\
define hidden i1 @meet(ptr %team, i64 %threads) {{
entry:
  %alone = icmp eq i64 %threads, 1
  br i1 %alone, label %go, label %arrive
arrive:
  %generation = getelementptr i8, ptr %team, i64 {generation}
  %now = load atomic i64, ptr %generation acquire, align 8
  %before = atomicrmw add ptr %team, i64 1 acq_rel
  %come = add i64 %before, 1
  %last = icmp eq i64 %come, %threads
  br i1 %last, label %open, label %wait
open:
  store atomic i64 0, ptr %team monotonic, align 8
  %next = add i64 %now, 1
  store atomic i64 %next, ptr %generation release, align 8
  br label %go
wait:
  %round = phi i64 [0, %arrive], [%again, %spin], [0, %hope], [0, %give]
  %seen = load atomic i64, ptr %generation acquire, align 8
  %opened = icmp ne i64 %seen, %now
  br i1 %opened, label %go, label %spin
spin:
{pause}  %again = add i64 %round, 1
  %patient = icmp ult i64 %again, {patience}
  br i1 %patient, label %wait, label %tired
tired:
  %flag = getelementptr i8, ptr %team, i64 {abandoned}
  %abandoned = load atomic i64, ptr %flag monotonic, align 8
  %hopeless = icmp ne i64 %abandoned, 0
  %place = getelementptr i8, ptr %team, i64 {give}
  %yield = load ptr, ptr %place, align 8
  %some = icmp ne ptr %yield, null
  br i1 %hopeless, label %leave, label %hope
hope:
  br i1 %some, label %give, label %wait
give:
  call i32 %yield()
  br label %wait
go:
  ret i1 false
leave:
  ret i1 true
}}"""


class Threads(Calls):
    """Loops of which each thread runs a part, and code that only the first thread runs."""

    def __init__(self, fusion: Fusion, layout: Layout, plan: Plan):
        super().__init__(fusion, layout)
        self.plan, self.sharing = plan, plan.sharing
        self.phase = 0
        self.divided = False  # whether the threads divide the loops that are being written
        self.pieces = 0  # of what is summed, where a piece of it, number %piece, is being written

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

    def _shares(self, total: int) -> tuple[Op, Op]:
        """total·thread/threads and total·(thread + 1)/threads."""
        thread, threads = Op("%thread", "i64", 0), Op("%threads", "i64", 0)
        following = self.add(thread, self.number(1, "i64"))
        every = self.number(total, "i64")
        low, high = (self.mul(every, t) for t in (thread, following))
        return self.binary("udiv", low, threads), self.binary("udiv", high, threads)

    def _at_start(self, key: tuple, make: Callable[[], Any]) -> Any:
        """What `make` writes, once, where the function begins."""
        if key not in self.scopes[0]:
            lines, scopes, self.lines, self.scopes = self.lines, self.scopes, self.head, [{}]
            scopes[0][key] = make()
            self.lines, self.scopes = lines, scopes
        return self.scopes[0][key]

    # ---- pieces ----------------------------------------------------------------------------------

    def in_pieces(self, write: Callable[[], None], finish: Callable[[], None]) -> None:
        """What `write` sums up, in pieces where the nest being written is cut into some; then
        `finish`, by the thread that completes the last of them."""
        assert self.nest is not None
        count = self.sharing.pieces.get(self.nest, 1) if self.sharing else 1
        if count == 1:
            write()
            finish()
            return

        mine, self.divided, self.pieces = self.part(count), False, count
        function = self.functions[self.nest] = self.function(write)  # with registers of its own
        self.pieces = 0

        def one(k: Affine, _: list[Op]) -> None:
            self.lines.append(self.call_of(function, {"%piece": self.integer(k)}))

        self.loop(count, one, within=mine)
        if mine is None:
            finish()
        else:
            self.when(self._is_last(mine, count), finish)

    def _is_last(self, mine: tuple[str, str], count: int) -> Op:
        """Whether nobody has a piece left, now that this thread has completed its own."""
        assert self.sharing is not None and self.nest is not None
        counter = f"%counter{list(self.sharing.pieces).index(self.nest)}"
        low, high = (Op(x, "i64", 0) for x in mine)
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
            at = Op(self.integer(times(k, rounds)), "i64", 0)
            at = self.binary("udiv", at, self.number(self.pieces, "i64"))
            ends.append(self.mul(at, self.number(step, "i64")).name)
        return ends[0], ends[1]

    # ---- tiles -----------------------------------------------------------------------------------

    def tiles_here(self, strip: Affine, strips: int, tiles: int, *, apart: bool) -> TilesHere:
        """This thread's tiles in one strip of a contraction, each strip so many tiles high.

        Tile after tile of the first row of tiles, then of the second and so on are one line, which
        the threads cut into equal parts. So a thread writes rows that are side by side in memory:
        where threads write alternate pieces of a row, their caches fetch the others' pieces too.
        Where strips are kept `apart`, the line goes strip after strip instead: of many strips that
        are copied first, few are copied by two threads.
        """
        if not self.divided:
            return None
        low, high = self._at_start(("tiles", strips * tiles), lambda: self._shares(strips * tiles))
        if apart:
            before = Op(self.integer(times(strip, tiles)), "i64", 0)
            first, last = (self._clamp(self.sub(end, before), tiles) for end in (low, high))
            return first, last
        before = Op(self.integer(strip), "i64", 0)
        every, up = self.number(strips, "i64"), self.number(strips - 1, "i64")
        first, last = (self.sub(self.add(end, up), before) for end in (low, high))
        return self.binary("udiv", first, every), self.binary("udiv", last, every)

    def rows_within(self, here: TilesHere, rows: int) -> tuple[str, str] | None:
        """Rows of this thread's tiles, which are so high."""
        if here is None:
            return None
        low, high = (self.mul(x, self.number(rows, "i64")).name for x in here)
        return low, high

    def _clamp(self, x: Op, most: int) -> Op:
        """x, kept within 0 … most."""
        above = self.call("llvm.smax", x, self.number(0, "i64"))
        return self.call("llvm.smin", above, self.number(most, "i64"))

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
            return
        self.count += 1
        mine, join = f"mine{self.count}", f"join{self.count}"
        self.lines += [f"  br i1 %leads, label %{mine}, label %{join}", f"{mine}:"]
        self.block = mine
        self.scopes.append({})
        write()
        self.scopes.pop()
        self.lines += [f"  br label %{join}", f"{join}:"]
        self.block = join


def barrier(pause: str) -> Function:
    """The function `meet`; `pause` is an instruction for a processor that waits, or nothing."""
    text = _BARRIER.format(
        pause=f"  {pause}\n" if pause else "",
        patience=_PATIENCE,
        generation=GENERATION,
        abandoned=ABANDONED,
        give=YIELD,
    )
    return Function("@meet", ["ptr", "i64"], text, result="i1")
