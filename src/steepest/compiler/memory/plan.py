"""Memory of a program: one block, with everything in it at a fixed offset.

First what stays (states, arrays that every step reads, constants), then an arena for what lives
only within a step, where values share places if they do not live at the same time.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from steepest.compiler.graph import Value
from steepest.compiler.memory.buffers import Buffer
from steepest.compiler.memory.contraction import Tile
from steepest.compiler.memory.layout import Layout
from steepest.compiler.memory.offsets import Span, overrun, share_places, side_by_side, whole_lines
from steepest.compiler.memory.pieces import sums_of
from steepest.compiler.memory.sharing import MOST, Sharing, share
from steepest.compiler.memory.tiling import Scratch, Tiling, spill_of, tiling
from steepest.compiler.nests.affine import Index
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.nest import Nest

__all__ = ["Plan", "plan"]


@dataclass
class Plan:
    """bytes     of the whole block
    arena     where the part begins that no step reads before writing it
    tiles     the register tile of each contract nest
    scratch   what it needs beside values
    ahead     what its epilogue touches and no cache holds, to be called for early
    sharing   what threads divide; None where there is one thread only
    team      where the threads' own words are, if there are several
    private   where the memory begins that every further thread needs for itself; its size is `own`
    """

    bytes: int = 0
    arena: int = 0
    tiles: dict[Nest, Tile] = field(default_factory=dict)
    scratch: dict[Nest, Scratch] = field(default_factory=dict)
    ahead: dict[Nest, list[tuple[Buffer, Index]]] = field(default_factory=dict)
    private: int = 0
    own: int = 0
    sharing: Sharing | None = None
    team: int = 0

    def tile(self, nest: Nest, tiling: Tiling) -> None:
        """Compute a contract nest in this tile."""
        self.tiles[nest] = tiling.tile
        if tiling.scratch is not None:
            self.scratch[nest] = tiling.scratch
        if tiling.ahead is not None:
            self.ahead[nest] = tiling.ahead


def plan(
    fusion: Fusion,
    layout: Layout,
    registers: int,
    unroll: bool,
    chosen: dict[Nest, Tile] | None = None,
    nests: Collection[Nest] | None = None,
) -> Plan:
    """Choose tiles, where none is chosen yet, and give every buffer its offset; of some nests only
    theirs, for one thread."""
    found = Plan(tiles=dict(chosen or {}))
    alone = {nest for nest, tile in found.tiles.items() if tile.library}
    found.sharing = share(fusion, layout, alone) if nests is None else None
    pieces = found.sharing.pieces if found.sharing else {}
    for nest in layout.roles if nests is None else nests:
        found.tile(nest, tiling(nest, fusion, layout, registers, unroll, found.tiles.get(nest)))
    for nest in fusion.nests if nests is None and not unroll else []:
        spill = spill_of(nest, fusion, layout)
        if spill:
            found.scratch[nest] = Scratch(spill=spill)
    for nest in [*pieces, *(nest for nest in found.tiles if layout.roles[nest].waiting)]:
        sums = sums_of(nest, pieces.get(nest, 1), fusion, layout)
        found.scratch[nest] = Scratch(partial=sums)
    _place_all(fusion, layout, found, fusion.nests if nests is None else nests)
    found.bytes = found.private + found.own + overrun(layout)
    if found.sharing:
        found.team = whole_lines(found.bytes)
        found.bytes = found.team + found.sharing.words + MOST * found.sharing.each
    return found


def _place_all(fusion: Fusion, layout: Layout, found: Plan, running: Collection[Nest]) -> None:
    """Give every buffer that these nests use its offset."""
    steady = [b for v, b in layout.buffers.items() if _stays(v, fusion) and b.place == "memory"]
    found.arena = side_by_side(steady, layout)
    spans = _lifetimes(running, fusion, layout, found, set(steady))
    found.private = share_places(spans, layout, found.arena)
    for buffer in layout.buffers.values():
        buffer.offset = buffer.whole.offset + buffer.start * buffer.dtype.itemsize
    for scratch in found.scratch.values():
        for buffer in scratch.own():
            buffer.place = "private"
        found.own = max(found.own, side_by_side(scratch.own(), layout))


def _stays(v: Value, fusion: Fusion) -> bool:
    """Whether v lives from step to step: a state, a constant, or an array that every step reads."""
    return v.kind != "row" and v not in fusion.home


def _lifetimes(
    nests: Collection[Nest], fusion: Fusion, layout: Layout, found: Plan, steady: set[Buffer]
) -> dict[Buffer, Span]:
    """The first and the last moment in which these nests use each buffer of the arena."""
    spans: dict[Buffer, Span] = {}

    def used(buffer: Buffer | None, first: int, last: int) -> None:
        buffer = buffer and buffer.whole
        if buffer is not None and buffer.place == "memory" and buffer not in steady:
            low, high = spans.get(buffer, (first, last))
            spans[buffer] = min(low, first), max(high, last)

    for k, nest in enumerate(nests):
        partial = found.scratch[nest].partial if nest in found.scratch else None
        moments = _moments(k, nest, len(fusion.nests), found.sharing)
        for v in [*fusion.loads(nest), *nest.written()]:
            used(layout.buffers.get(v), *moments)
        used(partial, *moments)
    end = len(fusion.nests) ** 2  # after the last nest
    for v in fusion.graph.results():
        used(layout.buffers.get(layout.stored(v)), end, end)
    return spans


def _moments(k: int, nest: Nest, count: int, sharing: Sharing | None) -> Span:
    """When nest k of so many runs, from the first moment to the last: at any time of its phase if
    threads divide it, else in its turn, for one thread runs all of those."""
    if sharing is None:
        return k, k
    begin = sharing.phases[nest] * count
    return (begin, begin + count - 1) if nest in sharing.split else (begin + k, begin + k)
