"""Memory of a program: one block, with everything in it at a fixed offset.

First what stays (states, arrays that every step reads, constants), then an arena for what lives
only within a step, where values share places if they do not live at the same time.
"""

from bisect import insort
from collections.abc import Collection
from dataclasses import dataclass, field
from math import prod

from steepest.compiler.affine import Affine, Index, address, coefficient, symbols, varies
from steepest.compiler.buffers import Buffer, lanes, padded
from steepest.compiler.contraction import (
    L1,
    Product,
    Tile,
    candidates,
    dots_tile,
    is_far,
    padded_rows,
    repeats_rows,
)
from steepest.compiler.costs import instructions
from steepest.compiler.fuse import Fusion
from steepest.compiler.graph import Value
from steepest.compiler.layout import ROUNDS, Layout, Roles, overlaps, stride_of, view_of
from steepest.compiler.nest import Nest
from steepest.compiler.pieces import sums_of
from steepest.compiler.sharing import MOST, Sharing, share

__all__ = ["Plan", "Scratch", "plan", "product_of"]

_ALIGN = 64
# Instructions of an epilogue that is written out for every register of a tile; beyond, it is a
# loop over its rows.
_LIGHT = 6
_SPILL_ROWS = 32


@dataclass
class Scratch:
    """Memory that a nest needs while it runs, where it needs it.

    partial      sums that are not complete yet, where what is summed is cut into pieces
    start        zeros for the first of them
    spill        a tile, or some vectors of sums, on the way to an epilogue that is a loop
    left, right  copies of operands: of A one piece, of B one strip of a piece
    """

    partial: Buffer | None = None
    start: Buffer | None = None
    spill: Buffer | None = None
    left: Buffer | None = None
    right: Buffer | None = None

    def own(self) -> list[Buffer]:
        """What every thread that runs the nest needs for itself."""
        return [b for b in (self.start, self.spill, self.left, self.right) if b is not None]

    def buffers(self) -> list[Buffer]:
        return self.own() + ([self.partial] if self.partial is not None else [])


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
        _choose_tile(nest, layout.roles[nest], fusion, layout, found, registers, unroll)
    for nest in fusion.nests if nests is None and not unroll else []:
        if nest.kind == "reduce" and len(nest.held) == 1 and _is_heavy(nest, fusion):
            spill = _plain(_SPILL_ROWS * layout.width, next(iter(nest.held)), layout)
            found.scratch[nest] = Scratch(spill=spill)
    for nest in [*pieces, *(nest for nest in found.tiles if layout.roles[nest].waiting)]:
        sums = sums_of(nest, pieces.get(nest, 1), fusion, layout)
        found.scratch[nest] = Scratch(partial=sums)
    steady = [b for v, b in layout.buffers.items() if _stays(v, fusion) and b.place == "memory"]
    at = 0
    for buffer in dict.fromkeys(steady):
        buffer.offset, at = at, at + _room(buffer, layout)
    found.arena = at
    running = fusion.nests if nests is None else nests
    spans = _lifetimes(running, fusion, layout, found, set(steady))
    found.private = at + _place(spans, at, layout)
    for buffer in layout.buffers.values():
        buffer.offset = buffer.whole.offset + buffer.start * buffer.dtype.itemsize
    found.own = max([_place_own(each, layout) for each in found.scratch.values()], default=0)
    found.bytes = found.private + found.own + _overrun(layout)
    if found.sharing:
        found.team = -(-found.bytes // _ALIGN) * _ALIGN
        found.bytes = found.team + found.sharing.words + MOST * found.sharing.each
    return found


def _stays(v: Value, fusion: Fusion) -> bool:
    return v.kind != "row" and v not in fusion.home


def _room(buffer: Buffer, layout: Layout) -> int:
    """Bytes that a buffer takes: whole lines, and a vector beyond its end that may be read."""
    return -(-(buffer.bytes + layout.width * buffer.dtype.itemsize) // _ALIGN) * _ALIGN


def _place_own(scratch: Scratch, layout: Layout) -> int:
    """Give the buffers of one thread their offsets; the bytes that they take."""
    at = 0
    for buffer in scratch.own():
        buffer.place, buffer.offset, at = "private", at, at + _room(buffer, layout)
    return at


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
        _choose_waiting(nest, roles, fusion, layout, found, registers)
        return
    product = product_of(nest, roles, fusion, layout)
    tile = found.tiles.get(nest) or candidates(product, registers)[0]
    if unroll:
        tile = Tile(product.m, 1, right=roles.strided)
    found.tiles[nest] = tile
    scratch = found.scratch[nest] = Scratch()
    depth = tile.block or product.k
    whole = -(-product.n // max(product.width, 1)) * max(product.width, 1)
    assert nest.anchor is not None
    if depth < product.k or tile.library:
        scratch.partial = _plain(padded_rows(product.m, tile.rows) * whole, nest.anchor, layout)
    if depth < product.k:
        scratch.start = _plain(_SPILL_ROWS * layout.width, nest.anchor, layout)
    if tile.left:
        scratch.left = _plain(
            padded_rows(tile.height or product.m, tile.rows) * depth, roles.a, layout
        )
    if tile.right:
        scratch.right = _plain(depth * tile.vectors * product.width, roles.b, layout)
    if unroll:
        return
    if _is_heavy(nest, fusion) or (product.once and repeats_rows(product.m, tile)):
        scratch.spill = _plain(_SPILL_ROWS * layout.width, nest.anchor, layout)
    if is_far(product) and not scratch.partial:
        found.ahead[nest] = _touched(nest, roles, fusion, layout)


def _is_in_place(nest: Nest, fusion: Fusion, layout: Layout) -> bool:
    """Whether the nest overwrites something that it reads, and so must not do it twice."""
    stored = {layout.buffers[v] for v in nest.stores}
    return any(layout.buffers.get(v) in stored for v in fusion.loads(nest))


def _plain(size: int, like: Value, layout: Layout) -> Buffer:
    return padded((size,), like.dtype, 0, layout.width)


def product_of(nest: Nest, roles: Roles, fusion: Fusion, layout: Layout) -> Product:
    """A contraction as a product of matrices, with what matters for the choice of a tile."""
    size = roles.size
    m, n = size.get(roles.row, 1), size.get(roles.lane, 1)

    def step(v: Value, index: Index, letter: str) -> int:
        return abs(stride_of(v, index, nest.symbol(letter), layout)) * v.dtype.itemsize

    inner = roles.inner[0] if len(roles.inner) == 1 else ""
    within = [i for i in roles.outer if not varies(roles.b_index, nest.symbol(i))]
    dense = bool(inner) and not within and bool(roles.row)
    lane_in_a = bool(roles.lane) and varies(roles.a_index, nest.symbol(roles.lane))
    adjacent = dense and stride_of(roles.a, roles.a_index, nest.symbol(roles.row), layout) == 1
    return Product(
        m,
        n,
        prod(size[i] for i in roles.inner),
        lanes(n, layout.width) if roles.lane else 0,
        roles.a.dtype.itemsize,
        step(roles.a, roles.a_index, inner) if inner else 0,
        step(roles.b, roles.b_index, roles.inner[-1]) if roles.inner else 0,
        cut=dense and not nest.bounded,
        left=adjacent and not lane_in_a,
        strided=roles.strided,
        epilogue=len(_touched(nest, roles, fusion, layout)),
        rounds=prod(size[i] for i in within),
        once=not _is_heavy(nest, fusion) and _is_in_place(nest, fusion, layout),
    )


def _touched(
    nest: Nest, roles: Roles, fusion: Fusion, layout: Layout
) -> list[tuple[Buffer, Index]]:
    """What the epilogue reads or writes along the lanes, another line for every row."""
    walk = fusion.reach(nest)
    for v in nest.stores:
        if v not in nest.held:
            walk(*nest.placed(v))
    places = [(v, index) for v, indices in walk.reads.items() for index in indices]
    places += [nest.placed(v) for v in nest.stores]
    row, lane = map(nest.symbol, (roles.row, roles.lane))
    found: dict[tuple[Buffer, Affine], tuple[Buffer, Index]] = {}
    for v, index in places:
        buffer = layout.buffers[v]
        if not (row and lane) or buffer.place != "memory":
            continue
        at = address(index, buffer.strides)
        if coefficient(at, lane) == 1 and row in symbols(at):
            found.setdefault((buffer, at), (buffer, index))
    return list(found.values())


def _choose_waiting(
    nest: Nest, roles: Roles, fusion: Fusion, layout: Layout, found: Plan, registers: int
) -> None:
    m, n = (roles.size.get(i, 1) for i in (roles.row, roles.lane))
    if roles.summed:
        found.tiles[nest] = dots_tile(m, n, registers)
    else:
        depth = prod(roles.size[i] for i in roles.inner[1:])
        product = product_of(nest, roles, fusion, layout)
        product = product._replace(k=depth, cut=False, left=False, strided=False)
        found.tiles[nest] = candidates(product, registers)[0]
    tile = found.tiles[nest]
    found.tiles[nest] = tile._replace(block=_piece(nest, roles, tile, layout))


def _piece(nest: Nest, roles: Roles, tile: Tile, layout: Layout) -> int:
    """How much of the second summed letter all tiles of a strip of columns go through, one after
    the other, with what they read in the first cache; 0 for all of it."""
    if len(roles.inner) < 2:
        return 0
    symbol = nest.symbol
    sides = ((roles.a, roles.a_index), (roles.b, roles.b_index))
    again = [i for i in roles.outer if any(overlaps(symbol(i), *side, layout) for side in sides)]
    letter, *others = roles.inner[1:]
    strip = tile.vectors * (1 if roles.summed else layout.width)
    lengths = {symbol(i): roles.size[i] for i in (roles.row, roles.summed, *others, *again) if i}
    lengths |= {symbol(roles.lane): strip} if roles.lane else {}
    n = roles.size[letter]
    rounds = prod(roles.size[i] for i in others)
    rounds *= -(-roles.size[roles.summed] // layout.width) if roles.summed else 1
    for length in dict.fromkeys(-(-n // pieces) for pieces in range(1, n + 1)):
        lengths[symbol(letter)] = length
        if length * rounds < ROUNDS:
            break
        if sum(_extent(*side, lengths, layout) for side in sides) <= L1:
            return length if length < n else 0
    return 0


def _extent(v: Value, index: Index, lengths: dict[str, int], layout: Layout) -> int:
    """Bytes of v that loops of these lengths read."""
    v, index = view_of(v, index, layout.buffers)
    counts = [1 + sum(abs(c) * (lengths.get(s, 1) - 1) for s, c in a[1]) for a in index]
    return v.dtype.itemsize * prod(map(min, counts, v.shape))


def _is_heavy(nest: Nest, fusion: Fusion) -> bool:
    """Whether an epilogue is a loop, over the rows of a tile or over vectors of sums: by its
    instructions per vector."""
    walk = fusion.reach(nest)
    for v in nest.stores:
        if v not in nest.held:
            walk(*nest.placed(v))
    return len(nest.stores) - 1 + sum(map(instructions, walk.visited)) > _LIGHT


def _lifetimes(
    nests: Collection[Nest], fusion: Fusion, layout: Layout, found: Plan, steady: set[Buffer]
) -> dict[Buffer, tuple[int, int]]:
    """The first and the last moment in which these nests use each buffer of the arena."""
    spans: dict[Buffer, tuple[int, int]] = {}

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


def _moments(k: int, nest: Nest, count: int, sharing: Sharing | None) -> tuple[int, int]:
    """When nest k of so many runs, from the first moment to the last: at any time of its phase if
    threads divide it, else in its turn, for one thread runs all of those."""
    if sharing is None:
        return k, k
    begin = sharing.phases[nest] * count
    return (begin, begin + count - 1) if nest in sharing.split else (begin + k, begin + k)


def _place(spans: dict[Buffer, tuple[int, int]], start: int, layout: Layout) -> int:
    """First fit, largest first, disjoint while alive; gives the bytes that are needed."""
    placed: list[tuple[int, int, int, int]] = []  # in the order in which they lie
    top = 0
    for buffer, (low, high) in sorted(spans.items(), key=lambda item: -item[0].bytes):
        size, at = _room(buffer, layout), 0
        for begin, end, first, last in placed:
            if begin >= at + size:
                break
            if first <= high and low <= last:
                at = max(at, end)
        insort(placed, (at, at + size, low, high))
        buffer.offset, top = start + at, max(top, at + size)
    return top
