"""Memory of a program: one block, with everything in it at a fixed offset.

First what stays (states, arrays that every step reads, constants), then an arena for what lives
only within a step, where values share places if they do not live at the same time.
"""

from dataclasses import dataclass, field
from math import prod

from steepest.compiler.contraction import Tile, best_tile, dots_tile
from steepest.compiler.fuse import Fusion
from steepest.compiler.graph import Value
from steepest.compiler.layout import Buffer, Layout, Roles, lanes, padded
from steepest.compiler.nest import Nest
from steepest.compiler.reach import COST
from steepest.compiler.sharing import TEAM_BYTES, Sharing, share

__all__ = ["Plan", "plan"]

_ALIGN = 64
# Instructions of an epilogue that is written out for every register of a tile, and for every
# vector of a row of it; beyond, it is a loop.
_LIGHT, _HEAVY = 6, 60
_SPILL_ROWS = 32


@dataclass
class Plan:
    """bytes     of the whole block
    arena     where the part begins that no step reads before writing it
    tiles     the register tile of each contract nest
    partial   sums that are not complete yet, of contractions that are cut into blocks
    spill     tiles on their way to an epilogue that is a loop over their rows; on the stack
    heavy     nests in which it is a loop over vectors too
    sharing   what threads divide; None where there is one thread only
    team      where the threads' own words are, if there are several
    """

    bytes: int = 0
    arena: int = 0
    tiles: dict[Nest, Tile] = field(default_factory=dict)
    partial: dict[Nest, Buffer] = field(default_factory=dict)
    spill: dict[Nest, Buffer] = field(default_factory=dict)
    heavy: set[Nest] = field(default_factory=set)
    sharing: Sharing | None = None
    team: int = 0


def plan(fusion: Fusion, layout: Layout, registers: int, unroll: bool) -> Plan:
    """Choose tiles and give every buffer its offset."""
    found = Plan()
    for nest, roles in layout.roles.items():
        _choose_tile(nest, roles, fusion, layout, found, registers, unroll)
    found.sharing = share(fusion, layout, found.partial)
    steady = [b for v, b in layout.buffers.items() if _stays(v, fusion) and b.place == "memory"]
    at = 0
    for buffer in dict.fromkeys(steady):
        buffer.offset, at = at, at + _room(buffer, layout)
    found.arena = at
    spans = _lifetimes(fusion, layout, found, set(steady))
    found.bytes = at + _place(spans, at, layout) + _overrun(layout)
    if found.sharing:
        found.team = -(-found.bytes // _ALIGN) * _ALIGN
        found.bytes = found.team + TEAM_BYTES
    return found


def _stays(v: Value, fusion: Fusion) -> bool:
    return v.kind != "row" and v not in fusion.home


def _room(buffer: Buffer, layout: Layout) -> int:
    """Bytes that a buffer takes: whole lines, and a vector beyond its end that may be read."""
    return -(-(buffer.bytes + layout.width * buffer.dtype.itemsize) // _ALIGN) * _ALIGN


def _overrun(layout: Layout) -> int:
    """How far lanes that are loaded one by one may point beyond the last buffer."""
    strides = [max(b.strides, default=0) * b.dtype.itemsize for b in layout.buffers.values()]
    return layout.width * max(strides, default=0) + _ALIGN


def _choose_tile(
    nest: Nest,
    roles: Roles,
    fusion: Fusion,
    layout: Layout,
    found: Plan,
    registers: int,
    unroll: bool,
) -> None:
    if roles.waiting:
        _choose_waiting(nest, roles, layout, found, registers)
        return
    size = roles.size
    m, n = size.get(roles.row, 1), size.get(roles.lane, 1)
    k = 1
    for letter in roles.inner:
        k *= size[letter]
    whole = len(roles.inner) != 1 or unroll
    width = lanes(n, layout.width)
    tile = best_tile(m, n, k, width, registers, blocks=not whole)
    found.tiles[nest] = Tile(m, 1) if unroll else tile
    assert nest.anchor is not None
    if tile.block and not unroll:
        found.partial[nest] = padded((m, n), nest.anchor.dtype, 1, layout.width)
    weight = _weight(nest, fusion)
    if weight > _HEAVY:
        found.heavy.add(nest)
    if weight > _LIGHT and not unroll:
        shape = (_SPILL_ROWS * layout.width,)
        found.spill[nest] = padded(shape, nest.anchor.dtype, 0, layout.width)


def _choose_waiting(nest: Nest, roles: Roles, layout: Layout, found: Plan, registers: int) -> None:
    """Tiles, and the memory in which all sums are until the end; a vector each if lanes are
    summed."""
    assert nest.anchor is not None
    m, n = (roles.size.get(i, 1) for i in (roles.row, roles.lane))
    shape = tuple(roles.size[i] for i in (*roles.outer, roles.row, roles.lane) if i)
    if roles.summed:
        found.tiles[nest] = dots_tile(m, n, registers)
        shape += (lanes(roles.size[roles.summed], layout.width),)
    else:
        depth = prod(roles.size[i] for i in roles.inner[1:])
        width = lanes(n, layout.width)
        found.tiles[nest] = best_tile(m, n, depth, width, registers, blocks=False)
    found.partial[nest] = padded(shape, nest.anchor.dtype, len(shape) - 1, layout.width)


def _weight(nest: Nest, fusion: Fusion) -> int:
    """Instructions of an epilogue per vector, roughly."""
    walk = fusion.reach(nest)
    for v in nest.stores:
        if v not in nest.held:
            walk(*nest.placed(v))
    names = [v.row.name for v in walk.visited if v.row is not None]
    return len(nest.stores) - 1 + sum(COST.get(name, 1) for name in names)


def _lifetimes(
    fusion: Fusion, layout: Layout, found: Plan, steady: set[Buffer]
) -> dict[Buffer, tuple[int, int]]:
    """The first and the last nest that uses each buffer of the arena; for threads, the barrier
    before it and the one after it."""
    spans: dict[Buffer, tuple[int, int]] = {}

    def used(buffer: Buffer | None, at: int) -> None:
        if buffer is not None and buffer.place == "memory" and buffer not in steady:
            low, high = spans.get(buffer, (at, at))
            spans[buffer] = min(low, at), max(high, at)

    for k, nest in enumerate(fusion.nests):
        for at in found.sharing.phases[nest] if found.sharing else (k,):
            for v in [*fusion.reads(nest), *nest.written()]:
                used(layout.buffers.get(v), at)
            used(found.partial.get(nest), at)
            if nest in layout.roles:
                used(layout.roles[nest].packed, at)
    for v in fusion.graph.results():  # read after the last nest
        used(layout.buffers.get(layout.stored(v)), len(fusion.nests))
    return spans


def _place(spans: dict[Buffer, tuple[int, int]], start: int, layout: Layout) -> int:
    """First fit, largest first, disjoint while alive; gives the bytes that are needed."""
    placed: list[tuple[int, int, int, int]] = []
    top = 0
    for buffer, (low, high) in sorted(spans.items(), key=lambda item: -item[0].bytes):
        size, at = _room(buffer, layout), 0
        for begin, end, first, last in sorted(placed):
            if first <= high and low <= last and at < end and begin < at + size:
                at = end
        placed.append((at, at + size, low, high))
        buffer.offset, top = start + at, max(top, at + size)
    return top
