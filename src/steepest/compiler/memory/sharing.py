"""Sharing: which nests several threads divide among them, and where the threads meet.

A nest is split along axes that stay, where every number is computed by one thread in the same order
of operations; or, where few numbers stay, in pieces of what is summed (`pieces`), which are the
same for any number of threads. So results do not depend on how many there are. Small nests, and
those that scatter, run on the first thread alone.

Two nests may run at the same time unless one writes what the other reads or writes. Between such
nests stands a barrier, which all threads reach before any goes on; what runs between two barriers
is a phase.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod

from steepest.compiler.memory.buffers import Buffer
from steepest.compiler.memory.layout import Layout
from steepest.compiler.memory.parts import copied_parts
from steepest.compiler.memory.pieces import pieces_of
from steepest.compiler.nests.costs import instructions
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.nest import Nest

__all__ = [
    "ABANDONED",
    "COUNTERS",
    "GENERATION",
    "LINE",
    "MOST",
    "STOP",
    "YIELD",
    "Sharing",
    "share",
]

# Element operations of a step below which it has no code for threads, and of a nest below which one
# thread runs it: a barrier takes as long as some ten thousand.
STEP, NEST = 2_000_000, 10_000

# The threads' own words, at the end of the program's memory: how many have come to the barrier; on
# a line of its own its generation; the stop flag of every other step, as the first thread read it;
# whether a thread will never come; the address of the function that gives the processor away, or 0;
# then, on lines of their own, the finished pieces of every nest that is cut; and those of every
# thread: the strip of which it has a copy, and its shares of each nest of a phase (`emit/taking`).
GENERATION, STOP, ABANDONED, YIELD, COUNTERS, LINE = 64, 128, 192, 200, 256, 64
MOST = 64  # threads
_WORD = 8  # bytes

# Element operations of a nest of which threads take shares from one another; those of a share; and
# how many shares a thread has of it.
LONG, SHARE = 500_000, 100_000
_FEWEST, _MOST = 4, 64


@dataclass
class Sharing:
    """split    nests that the threads divide among them
    long     those of which threads take shares from one another, and how many each thread has
    slots    which of a thread's words such a nest has; nests of other phases may have it, too
    pieces   those of which they divide what is summed, and into how many pieces it is cut
    phases   the phase of each nest; between phases threads meet
    closing  the phase in which the first thread writes the step's outputs
    """

    split: set[Nest]
    long: dict[Nest, int] = field(default_factory=dict)
    slots: dict[Nest, int] = field(default_factory=dict)
    pieces: dict[Nest, int] = field(default_factory=dict)
    phases: dict[Nest, int] = field(default_factory=dict)
    closing: int = 0

    @property
    def barriers(self) -> int:
        """Barriers in a step, with the one that ends it."""
        return self.closing + 1

    @property
    def words(self) -> int:
        """Bytes of the words that threads have in common."""
        return COUNTERS + LINE * len(self.pieces)

    @property
    def each(self) -> int:
        """Bytes of a thread's words, which come after these."""
        return -(-_WORD * (1 + max(self.slots.values(), default=0)) // LINE) * LINE

    def words_of(self, nest: Nest) -> int:
        """Where the first thread's word for a long nest is."""
        return self.words + _WORD * self.slots[nest]

    def text(self) -> str:
        """A line for `explain`."""
        return f"threads divide {len(self.split)} nests and meet {self.barriers} times"


def share(fusion: Fusion, layout: Layout, alone: set[Nest]) -> Sharing | None:
    """Who runs what and when; None for a step too short to be shared. Nests that are not the
    compiler's own code run alone."""
    work = {nest: _work(nest, fusion, layout) for nest in fusion.nests}
    if sum(work.values()) < STEP:
        return None
    large = [nest for nest, n in work.items() if n >= NEST and nest not in alone]
    found = Sharing(set(large), {n: _shares(work[n]) for n in large if work[n] >= LONG})
    for nest in large:
        count = pieces_of(nest, fusion, layout)
        if count > 1:
            found.pieces[nest] = count
        elif not _divisible(nest, layout):
            found.split.remove(nest)
    phase, since = 0, list[_Part]()
    for nest in fusion.nests:
        part = _part(nest, nest in found.split, fusion, layout)
        if any(part.needs(earlier) for earlier in since):
            phase, since = phase + 1, []
        found.phases[nest] = phase
        since.append(part)
    taken = Counter[int]()
    for nest in found.long:
        taken[found.phases[nest]] += 1
        found.slots[nest] = taken[found.phases[nest]]
    closing = _closing(fusion, layout)
    found.closing = phase + any(closing.needs(earlier) for earlier in since)
    return found


def _shares(work: int) -> int:
    """How many shares of a nest every thread has; halves of them are taken, so a power of two."""
    return min(max(1 << max((work // SHARE).bit_length() - 2, 0), _FEWEST), _MOST)


def _work(nest: Nest, fusion: Fusion, layout: Layout) -> int:
    """Element operations of the whole nest, roughly."""
    visited = fusion.walked(nest).visited
    each = 1 + sum(map(instructions, visited))
    if nest.kind == "contract":
        return prod(layout.roles[nest].size.values()) + prod(nest.space) * each
    if nest.kind == "join":
        return sum(x.size for x, _, _ in copied_parts(nest, layout.buffers)) * each
    if nest.kind == "reduce":
        return max(v.operands[0].size for v in nest.held) * each
    return prod(nest.space) * each


def _divisible(nest: Nest, layout: Layout) -> bool:
    """Whether the nest has a loop whose rounds are independent."""
    if nest.kind == "contract" and layout.roles[nest].waiting:
        return bool(layout.roles[nest].outer)
    if nest.kind == "row":
        return nest.depth > 0 and not nest.sums
    return nest.kind not in ("scatter", "join") and bool(nest.space)


@dataclass
class _Part:
    """A nest, and the memory that it reads and writes."""

    split: bool
    reads: set[Buffer]
    writes: set[Buffer]

    def needs(self, earlier: "_Part") -> bool:
        """Whether the earlier part must be complete before this begins."""
        if not (self.split or earlier.split):
            return False  # one thread runs both
        return bool(earlier.writes & (self.reads | self.writes) or earlier.reads & self.writes)


def _part(nest: Nest, split: bool, fusion: Fusion, layout: Layout) -> _Part:
    if nest.kind == "join" and not copied_parts(nest, layout.buffers):
        return _Part(split, set(), set())
    reads = _memory(layout.buffers.get(v) for v in fusion.loads(nest))
    writes = _memory(layout.buffers[v] for v in nest.written())
    return _Part(split, reads, writes)


def _closing(fusion: Fusion, layout: Layout) -> _Part:
    """The end of the step, on the first thread: outputs, and states that were kept aside."""
    aside = [pair for pair in fusion.graph.state if pair[0] in fusion.aside]
    read = [*map(layout.stored, fusion.graph.outputs), *(after for _, after in aside)]
    reads = _memory(layout.buffers.get(v) for v in read)
    return _Part(False, reads, {layout.buffers[before] for before, _ in aside})


def _memory(buffers: Iterable[Buffer | None]) -> set[Buffer]:
    return {b.whole for b in buffers if b is not None and b.place == "memory"}
