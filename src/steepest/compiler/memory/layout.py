"""Nests -> memory: the layout of every stored value, and who plays which role in a contraction.

Rules: values keep their order, last dimension contiguous. A state takes the order that its first
contraction wants (the letter of the result contiguous, so that the weight is read along the lanes),
and every state that is updated together with it follows. Contiguous dimensions are padded to whole
vectors; leading dimensions that are multiples of 4 KB get one vector more. Pad lanes hold arbitrary
numbers: sums over lanes mask them, everything else ignores them.
"""

from dataclasses import dataclass, field, replace
from itertools import product
from math import prod

from steepest import primitives as P
from steepest.compiler.graph import Value, splat
from steepest.compiler.memory.buffers import Buffer, padded, plain
from steepest.compiler.memory.parts import place_parts
from steepest.compiler.nests.affine import Index, address, coefficient, symbols, varies
from steepest.compiler.nests.costs import L2
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.index import is_view, through
from steepest.compiler.nests.nest import Nest, contraction_index, last_wide

__all__ = [
    "ROUNDS",
    "Layout",
    "Roles",
    "lay_out",
    "overlaps",
    "stride_of",
    "view_of",
]

_FOLDED = 16.0  # cost of adding up the lanes of one sum
_ROWS = 8  # rows that make a good tile
ROUNDS = 16  # products of a sum that are worth reading and writing it


@dataclass
class Roles:
    """Who does what in a contraction: A is broadcast row by row, B is read along the lanes.

    row, lane  letters of the tile's two dimensions ("" where there is none)
    outer      the other letters of the result
    inner      the letters summed over; last the one along which A is contiguous
    summed     a letter that is summed along the lanes; `lane` is then the columns
    strided    B is not contiguous along the lanes, so that a copy of it is read
    waiting    sums wait in memory while the first summed letter, the outermost loop, runs
    """

    a: Value
    a_index: Index
    b: Value
    b_index: Index
    row: str
    lane: str
    outer: list[str]
    inner: list[str]
    size: dict[str, int]
    summed: str = ""
    strided: bool = False
    waiting: bool = False
    cost: float = 0.0


@dataclass
class Layout:
    """Buffers of inputs, constants and stored values, and the roles in each contract nest.

    A gathered input whose rows are copied has two: the user's array in `sources`, the copy in
    `buffers`.
    """

    width: int
    buffers: dict[Value, Buffer] = field(default_factory=dict)
    sources: dict[Value, Buffer] = field(default_factory=dict)
    roles: dict[Nest, Roles] = field(default_factory=dict)

    def stored(self, v: Value) -> Value:
        """What is in memory of a result, which may be a view of it."""
        while v not in self.buffers and v.operands:
            v = v.operands[0]
        return v


def view_of(v: Value, index: Index, buffers: dict[Value, Buffer]) -> tuple[Value, Index]:
    """The stored value that a view reads, and where."""
    while v not in buffers and (is_view(v) or v.is_row(P.pad)):
        v, index = through(v, index)
    return v, index


def lay_out(fusion: Fusion, width: int, images: dict[Value, int] | None = None) -> Layout:
    """Decide every layout and role once."""
    layout = Layout(width)
    graph, buffers = fusion.graph, layout.buffers
    contiguous = _contiguous(fusion)
    images = images or {}
    for v in graph.inputs:
        if v.role in ("gathered", "stepped"):
            buffers[v] = layout.sources[v] = plain(v.shape, v.dtype, v.role)
        else:
            buffers[v] = padded(v.shape, v.dtype, contiguous.get(v, last_wide(v.shape)), width)
    for before, after in graph.state:
        if after is not before:
            same = buffers[before]
            aside = Buffer(same.shape, same.dtype, same.strides, same.size)
            buffers[after] = aside if before in fusion.aside else same
    for v in graph.values():
        array = v.kind == "constant" and splat(v) is None
        copied = v in layout.sources and v in fusion.home
        if array or copied or (v in fusion.home and v not in buffers):
            buffers[v] = padded(v.shape, v.dtype, images.get(v, last_wide(v.shape)), width)
    place_parts(fusion, buffers, set(images), width)
    for nest in fusion.nests:
        if nest.kind == "contract":
            layout.roles[nest] = _roles(nest, layout)
    return layout


# ---- states -------------------------------------------------------------------------------------


def _contiguous(fusion: Fusion) -> dict[Value, int]:
    """The contiguous dimension of states: what the first contraction wants, passed on to slots."""
    states = {before for before, _ in fusion.graph.state}
    found: dict[Value, int] = {}
    for nest in fusion.nests:
        if nest.kind != "contract" or nest.anchor is None:
            continue
        a, b, out = P.split_spec(nest.anchor.params["spec"])
        for x, word in zip(nest.anchor.operands, (a, b), strict=True):
            kept = [d for d, i in enumerate(word) if i in out and x.shape[d] > 1]
            if x in states and x not in found and x.ndim > 1 and kept:
                found[x] = kept[-1]
    groups = _updated_together(fusion)
    changed = True
    while changed:
        changed = False
        for group in groups:
            known = [found[x] for x in group if x in found]
            for x in group if known else []:
                changed = changed or x not in found
                found.setdefault(x, known[0])
    return found


def _updated_together(fusion: Fusion) -> list[list[Value]]:
    """For each state, the states of its shape that its new value is computed from at its index."""
    old = {after: before for before, after in fusion.graph.state}
    groups = []
    for before, after in fusion.graph.state:
        if after is before:
            continue
        nest = fusion.home[after]
        walk = fusion.reach(nest)
        if nest.kind not in ("scatter", "join") and after not in nest.sums:  # no index in these
            walk(*nest.placed(after))
        leaves = [old.get(x, x) for x in walk.reads]
        groups.append(
            [before, *(x for x in leaves if x in old.values() and x.shape == before.shape)]
        )
    return groups


# ---- contractions -------------------------------------------------------------------------------


def _roles(nest: Nest, layout: Layout) -> Roles:
    """The cheapest assignment: both orders of the operands, every letter as lane."""
    assert nest.anchor is not None
    (x, at_x), (y, at_y) = contraction_index(nest)
    a, b, out = P.split_spec(nest.anchor.params["spec"])
    size = dict(zip(a + b, x.shape + y.shape, strict=True))
    wide = [i for i in out if size[i] > 1]
    summed = [i for i in dict.fromkeys(a + b) if i not in out and size[i] > 1]
    found = []
    for first, word, second, other in (((x, at_x), a, (y, at_y), b), ((y, at_y), b, (x, at_x), a)):
        steps = {i: stride_of(*first, nest.symbol(i), layout) for i in (*wide, *summed)}
        row = _row([i for i in wide if i in word and i not in other], size, steps)
        inner = [i for i in summed if steps[i] != 1] + [i for i in summed if steps[i] == 1]
        for lane in [i for i in wide if i in other and i != row] or [""]:
            outer = [i for i in wide if i not in (row, lane)]
            roles = Roles(*first, *second, row, lane, outer, inner, size)
            _weigh(roles, nest, layout)
            found.append(roles)
    words = (a, b) if found[0].a is x else (b, a)
    found += _summed_lanes(nest, words, found[0], layout)
    best = min(found, key=lambda roles: roles.cost)
    return replace(best, waiting=bool(best.summed) or _streams(best, nest, layout))


def _row(found: list[str], size: dict[str, int], steps: dict[str, int]) -> str:
    """A letter that is long enough for a tile; of several, the one along which A's elements are
    near: rows then share lines of the cache, and windows overlap."""

    def merit(i: str) -> tuple[int, bool, int]:
        return min(size[i], _ROWS), steps[i] >= 0, -steps[i]

    return max(found, key=merit, default="")


def _streams(roles: Roles, nest: Nest, layout: Layout) -> bool:
    """Whether operands that no cache holds would be read once for every tile, while their parts at
    one value of the first summed letter, and all the sums, stay in the cache."""
    assert nest.anchor is not None
    if len(roles.inner) < 2 or not (roles.outer and roles.lane) or roles.strided or nest.bounded:
        return False
    if varies(roles.a_index, nest.symbol(roles.lane)):
        return False
    sides = ((roles.a, roles.a_index), (roles.b, roles.b_index))
    first = nest.symbol(roles.inner[0])
    if any(overlaps(first, x, index, layout) for x, index in sides):
        return False  # most of a window's part is part of the next one's
    size = sum(view_of(x, index, layout.buffers)[0].size for x, index in sides)
    number, *others = (roles.size[i] for i in roles.inner)
    part = nest.anchor.size + size // number
    whole, part = (n * nest.anchor.dtype.itemsize for n in (size, part))
    return whole > L2 > part and prod(others) >= ROUNDS


def _summed_lanes(nest: Nest, words: tuple[str, str], base: Roles, layout: Layout) -> list[Roles]:
    """Roles whose lanes are summed, where both operands are contiguous along them.

    The best rows and columns are those along which windows overlap: what is read for one is still
    near when it is read for the next.
    """
    kept = [i for i in (*base.outer, base.row, base.lane) if i]
    sides = ((base.a, base.a_index), (base.b, base.b_index))
    found = []
    for letter in base.inner:
        if any(stride_of(x, index, nest.symbol(letter), layout) != 1 for x, index in sides):
            continue
        rows, columns = (
            [i for i in kept if i in word and i not in other] or [""]
            for word, other in (words, words[::-1])
        )
        for row, lane in product(rows, columns):
            roles = replace(base, row=row, lane=lane, summed=letter, strided=False)
            roles.outer = [i for i in kept if i not in (row, lane)]
            roles.inner = [i for i in base.inner if i != letter]
            points = prod(base.size[i] for i in kept)
            tile = min(base.size.get(row, 1), 5) + min(base.size.get(lane, 1), 5)
            near = sum(
                overlaps(nest.symbol(i), *side, layout)
                for i, side in zip((row, lane), sides, strict=True)
            )
            roles.cost = points * (_FOLDED - tile - 2 * near)
            found.append(roles)
    return found


def overlaps(symbol: str, v: Value, index: Index, layout: Layout) -> bool:
    """Whether neighbours along the symbol are also neighbours along another: a window slides."""
    _, at = view_of(v, index, layout.buffers)
    return any(symbol in symbols(a) and len(symbols(a)) > 1 for a in at)


def _weigh(roles: Roles, nest: Nest, layout: Layout) -> None:
    """Elements that must be moved one by one: a B that is not contiguous along the lanes is copied
    first, results likewise; plus the rows that a narrow lane dimension wastes."""
    if not roles.lane:
        roles.cost = float(prod(roles.size.values()))
        return
    lane = nest.symbol(roles.lane)
    if stride_of(roles.b, roles.b_index, lane, layout) not in (0, 1):
        roles.strided = True
        kept = [i for i in roles.outer + roles.inner if nest.letters[i] in roles.b_index]
        roles.cost += prod(roles.size[i] for i in [*kept, roles.lane])
    points = prod(roles.size[i] for i in [*roles.outer, roles.row, roles.lane] if i)
    if stride_of(roles.a, roles.a_index, lane, layout) not in (0, 1):
        roles.cost += 16.0 * points * prod(roles.size[i] for i in roles.inner)
    for v in nest.stores:
        index = nest.index_of(v)
        assert index is not None
        stride = coefficient(address(index, layout.buffers[v].strides), lane)
        roles.cost += 8 * points * (stride != 1)
    if roles.size[roles.lane] < layout.width:
        roles.cost += points / roles.size[roles.lane]


def stride_of(v: Value, index: Index, lane: str, layout: Layout) -> int:
    """How far apart in memory the lanes are; −1 where the address is not affine."""
    leaf, at = view_of(v, index, layout.buffers)
    if leaf not in layout.buffers:
        return 0 if leaf.kind == "constant" else -1
    if layout.buffers[leaf].place == "gathered" and lane in symbols(at[0]):
        return -1
    place = address(at, layout.buffers[leaf].strides)
    stride = coefficient(place, lane)
    hidden = lane in symbols(place) and not stride
    return -1 if hidden else stride
