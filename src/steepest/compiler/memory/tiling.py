"""The register tile of a contraction, and the memory that it needs while it runs."""

from dataclasses import dataclass
from math import prod

from steepest.compiler.graph import Value
from steepest.compiler.memory.buffers import Buffer, lanes, padded
from steepest.compiler.memory.contraction import (
    Product,
    Tile,
    candidates,
    dots_tile,
    is_far,
    padded_rows,
    repeats_rows,
)
from steepest.compiler.memory.layout import Layout
from steepest.compiler.memory.roles import ROUNDS, Roles, overlaps, stride_of, view_of
from steepest.compiler.nests.affine import Affine, Index, address, coefficient, symbols, varies
from steepest.compiler.nests.costs import L1, instructions
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.nest import Nest

__all__ = ["Scratch", "Tiling", "product_of", "spill_of", "tiling"]

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
class Tiling:
    """tile     rows × vectors of registers, or the library
    scratch  what it needs beside values; None where sums wait in memory: that depends on threads
    ahead    what its epilogue touches, to be called for early; None where a cache holds it
    """

    tile: Tile
    scratch: Scratch | None = None
    ahead: list[tuple[Buffer, Index]] | None = None


def tiling(
    nest: Nest,
    fusion: Fusion,
    layout: Layout,
    registers: int,
    unroll: bool,
    chosen: Tile | None = None,
) -> Tiling:
    """Of a contract nest: in the chosen tile, or else the best; where loops are written out
    (`unroll`), all rows are one tile."""
    roles = layout.roles[nest]
    if roles.waiting:
        return Tiling(_waiting_tile(nest, roles, fusion, layout, registers))
    product = product_of(nest, roles, fusion, layout)
    tile = chosen or candidates(product, registers)[0]
    if unroll:
        tile = Tile(product.m, 1, right=roles.strided)
    found = Tiling(tile, _scratch(nest, roles, product, tile, layout))
    if unroll:
        return found
    assert found.scratch is not None
    if _is_heavy(nest, fusion) or (product.once and repeats_rows(product.m, tile)):
        found.scratch.spill = _spill(nest.anchor, layout)
    if is_far(product) and not found.scratch.partial:
        found.ahead = _touched(nest, roles, fusion, layout)
    return found


def spill_of(nest: Nest, fusion: Fusion, layout: Layout) -> Buffer | None:
    """Memory for some vectors of a reduce nest's sums on the way to an epilogue that is a loop, if
    it is one."""
    if nest.kind != "reduce" or len(nest.held) > 1 or not _is_heavy(nest, fusion):
        return None
    return _spill(next(iter(nest.held)), layout)


def _scratch(nest: Nest, roles: Roles, product: Product, tile: Tile, layout: Layout) -> Scratch:
    """What a tile needs for its sums and copies."""
    found, depth = Scratch(), tile.block or product.k
    whole = -(-product.n // max(product.width, 1)) * max(product.width, 1)
    if depth < product.k or tile.library:
        found.partial = _memory(padded_rows(product.m, tile.rows) * whole, nest.anchor, layout)
    if depth < product.k:
        found.start = _spill(nest.anchor, layout)
    if tile.left:
        rows = padded_rows(tile.height or product.m, tile.rows)
        found.left = _memory(rows * depth, roles.a, layout)
    if tile.right:
        found.right = _memory(depth * tile.vectors * product.width, roles.b, layout)
    return found


def _spill(like: Value | None, layout: Layout) -> Buffer:
    """Memory for a tile."""
    return _memory(_SPILL_ROWS * layout.width, like, layout)


def _memory(size: int, like: Value | None, layout: Layout) -> Buffer:
    """Memory for so many numbers."""
    assert like is not None
    return padded((size,), like.dtype, 0, layout.width)


def _is_in_place(nest: Nest, fusion: Fusion, layout: Layout) -> bool:
    """Whether the nest overwrites something that it reads, and so must not do it twice."""
    stored = {layout.buffers[v] for v in nest.stores}
    return any(layout.buffers.get(v) in stored for v in fusion.loads(nest))


def product_of(nest: Nest, roles: Roles, fusion: Fusion, layout: Layout) -> Product:
    """A contraction as a product of matrices, with what matters for the choice of a tile."""
    size = roles.size
    m, n = size.get(roles.row, 1), size.get(roles.lane, 1)

    def step(v: Value, index: Index, letter: str) -> int:
        return abs(stride_of(v, index, nest.symbol(letter), layout.buffers)) * v.dtype.itemsize

    inner = roles.inner[0] if len(roles.inner) == 1 else ""
    within = [i for i in roles.outer if not varies(roles.b_index, nest.symbol(i))]
    dense = bool(inner) and not within and bool(roles.row)
    lane_in_a = bool(roles.lane) and varies(roles.a_index, nest.symbol(roles.lane))
    row_step = stride_of(roles.a, roles.a_index, nest.symbol(roles.row), layout.buffers)
    return Product(
        m,
        n,
        prod(size[i] for i in roles.inner),
        lanes(n, layout.width) if roles.lane else 0,
        roles.a.dtype.itemsize,
        step(roles.a, roles.a_index, inner) if inner else 0,
        step(roles.b, roles.b_index, roles.inner[-1]) if roles.inner else 0,
        cut=dense and not nest.bounded,
        left=dense and row_step == 1 and not lane_in_a,
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


def _waiting_tile(nest: Nest, roles: Roles, fusion: Fusion, layout: Layout, registers: int) -> Tile:
    """The tile of a contraction whose sums wait in memory."""
    m, n = (roles.size.get(i, 1) for i in (roles.row, roles.lane))
    if roles.summed:
        tile = dots_tile(m, n, registers)
    else:
        depth = prod(roles.size[i] for i in roles.inner[1:])
        product = product_of(nest, roles, fusion, layout)
        product = product._replace(k=depth, cut=False, left=False, strided=False)
        tile = candidates(product, registers)[0]
    return tile._replace(block=_piece(nest, roles, tile, layout))


def _piece(nest: Nest, roles: Roles, tile: Tile, layout: Layout) -> int:
    """How much of the second summed letter all tiles of a strip of columns go through, one after
    the other, with what they read in the first cache; 0 for all of it."""
    if len(roles.inner) < 2:
        return 0
    symbol = nest.symbol

    def read_again(letter: str) -> bool:
        return any(overlaps(symbol(letter), *side, layout.buffers) for side in roles.sides)

    again = [i for i in roles.outer if read_again(i)]
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
        if sum(_extent(*side, lengths, layout) for side in roles.sides) <= L1:
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
