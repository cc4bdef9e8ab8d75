"""Pieces: what a nest sums, cut into fixed parts that threads add up apart.

The gradient of a convolution's weight, the mean of a channel, the loss: few results, each a sum
over many elements, leave nothing else to divide. There the outermost loop over what is summed is
cut into pieces, which are the same for any number of threads. Every piece has sums of its own in
memory, and whoever completes the last one adds them up in their order. So results depend neither on
how many threads there are nor on which of them is faster.
"""

from math import prod

from steepest.compiler.graph import Value
from steepest.compiler.memory.buffers import Buffer, lanes, padded
from steepest.compiler.memory.layout import Layout
from steepest.compiler.nests.affine import Index
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.nest import Nest, reduced_axes
from steepest.primitives import argmax

__all__ = ["contiguous_symbols", "pieces_of", "reduced_loops", "sums_of"]

_MOST = 8  # pieces
_FEWEST = 4  # rounds of a loop that is worth a cut
_ROOM = 400_000  # bytes that the sums of all pieces may take
_RESULTS = 512  # of a reduction; where there are more, threads divide them


def contiguous_symbols(
    nest: Nest, x: Value, index: Index, fusion: Fusion, layout: Layout
) -> set[str]:
    """Symbols along which something that x reads at this index is contiguous."""
    walk = fusion.reach(nest)
    walk(x, index)
    found = set()
    for leaf, places in walk.reads.items():
        for place in places:
            for a, stride in zip(place, layout.buffers[leaf].strides, strict=True):
                found |= {symbol for symbol, c in a[1] if c * stride == 1}
    return found


def reduced_loops(nest: Nest, fusion: Fusion, layout: Layout) -> tuple[list[tuple[str, int]], bool]:
    """The loops of a reduce nest over what is summed, and whether lanes lie along an axis that
    stays; else they lie along the last of the loops."""
    assert nest.anchor is not None
    x, index = nest.reduced_operand(nest.anchor)
    loops = [(f"r{d}", x.shape[d]) for d in reduced_axes(nest.anchor) if x.shape[d] != 1]
    along = contiguous_symbols(nest, x, index, fusion, layout)
    lanes_stay = bool(nest.space) and not nest.anchor.is_row(argmax)
    if lanes_stay and (nest.symbols[-1] in along or not any(s in along for s, _ in loops)):
        return loops, True
    return sorted(loops, key=lambda loop: loop[0] in along) or [("r", 1)], False


def pieces_of(nest: Nest, fusion: Fusion, layout: Layout) -> int:
    """Into how many pieces what the nest sums is cut; 1 if it is not."""
    rounds = _rounds(nest, fusion, layout)
    if rounds < _FEWEST:
        return 1
    count = min(_MOST, rounds)
    while count > 2 and count * sums_of(nest, 1, fusion, layout).bytes > _ROOM:
        count //= 2
    return count


def _rounds(nest: Nest, fusion: Fusion, layout: Layout) -> int:
    """Of the outermost loop over what is summed."""
    if nest.kind == "contract":
        roles = layout.roles[nest]
        return roles.size[roles.inner[0]] if roles.waiting and roles.inner else 1
    held = [*nest.held, *nest.sums]
    if any(v.dtype != held[0].dtype or v.is_row(argmax) for v in held):
        return 1
    if nest.kind == "row" and nest.sums and nest.depth:
        rows = nest.space[0]
        return rows if nest.depth > 1 else rows // lanes(rows, layout.width)
    if nest.kind == "reduce" and prod(nest.space) <= _RESULTS:
        loops, across = reduced_loops(nest, fusion, layout)
        return loops[0][1] if across or len(loops) > 1 else 1
    return 1


def sums_of(nest: Nest, count: int, fusion: Fusion, layout: Layout) -> Buffer:
    """Memory for the sums of so many pieces."""
    width, shape = layout.width, tuple[int, ...]()
    if nest.kind == "contract":
        assert nest.anchor is not None
        roles = layout.roles[nest]
        shape = tuple(roles.size[i] for i in (*roles.outer, roles.row, roles.lane) if i)
        shape += (lanes(roles.size[roles.summed], width),) if roles.summed else ()
        like = nest.anchor
    elif nest.kind == "reduce":
        like = next(iter(nest.held))
        shape = (len(nest.held), *nest.space)
        shape += () if reduced_loops(nest, fusion, layout)[1] else (width,)
    else:
        like = nest.sums[0]
        across = lanes(nest.space[-1], width)
        shape = (sum(-(-v.size // across) for v in nest.sums), width)
    return padded((count, *shape), like.dtype, len(shape), width)
