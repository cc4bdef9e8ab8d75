"""Roles: who does what in a contraction, and along which letters its loops run.

A is broadcast row by row, B is read along the lanes of vectors. Which operand is which, and which
letter of the result has the lanes, is what costs least: what is read and stored along the lanes
should lie side by side in memory. Where only elements of the sums do, the lanes are summed.
"""

from dataclasses import dataclass, replace
from itertools import product
from math import prod

from steepest.compiler.graph import Value
from steepest.compiler.memory.buffers import Buffers
from steepest.compiler.nests.affine import Index, address, coefficient, symbols, varies
from steepest.compiler.nests.costs import L2
from steepest.compiler.nests.index import is_view, through
from steepest.compiler.nests.nest import Nest
from steepest.primitives import pad, split_spec

__all__ = ["ROUNDS", "Roles", "overlaps", "roles_of", "stride_of", "view_of"]

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

    @property
    def sides(self) -> tuple[tuple[Value, Index], tuple[Value, Index]]:
        """Both operands, and where they are read."""
        return (self.a, self.a_index), (self.b, self.b_index)


def roles_of(nest: Nest, buffers: Buffers, width: int) -> Roles:
    """The cheapest assignment: both orders of the operands, every letter as lane."""
    assert nest.anchor is not None
    (x, at_x), (y, at_y) = nest.contracted_operands()
    a, b, out = split_spec(nest.anchor.params["spec"])
    size = dict(zip(a + b, x.shape + y.shape, strict=True))
    wide = [i for i in out if size[i] > 1]
    summed = [i for i in dict.fromkeys(a + b) if i not in out and size[i] > 1]
    found = []
    for first, word, second, other in (((x, at_x), a, (y, at_y), b), ((y, at_y), b, (x, at_x), a)):
        steps = {i: stride_of(*first, nest.symbol(i), buffers) for i in (*wide, *summed)}
        row = _row([i for i in wide if i in word and i not in other], size, steps)
        inner = [i for i in summed if steps[i] != 1] + [i for i in summed if steps[i] == 1]
        for lane in [i for i in wide if i in other and i != row] or [""]:
            outer = [i for i in wide if i not in (row, lane)]
            roles = Roles(*first, *second, row, lane, outer, inner, size)
            _weigh(roles, nest, buffers, width)
            found.append(roles)
    words = (a, b) if found[0].a is x else (b, a)
    found += _summed_lanes(nest, words, found[0], buffers)
    best = min(found, key=lambda roles: roles.cost)
    return replace(best, waiting=bool(best.summed) or _streams(best, nest, buffers))


def _row(found: list[str], size: dict[str, int], steps: dict[str, int]) -> str:
    """A letter that is long enough for a tile; of several, the one along which A's elements are
    near: rows then share lines of the cache, and windows overlap."""

    def merit(i: str) -> tuple[int, bool, int]:
        return min(size[i], _ROWS), steps[i] >= 0, -steps[i]

    return max(found, key=merit, default="")


def _streams(roles: Roles, nest: Nest, buffers: Buffers) -> bool:
    """Whether operands that no cache holds would be read once for every tile, while their parts at
    one value of the first summed letter, and all the sums, stay in the cache."""
    assert nest.anchor is not None
    if len(roles.inner) < 2 or not (roles.outer and roles.lane) or roles.strided or nest.bounded:
        return False
    if varies(roles.a_index, nest.symbol(roles.lane)):
        return False
    first = nest.symbol(roles.inner[0])
    if any(overlaps(first, *side, buffers) for side in roles.sides):
        return False  # most of a window's part is part of the next one's
    size = sum(view_of(*side, buffers)[0].size for side in roles.sides)
    number, *others = (roles.size[i] for i in roles.inner)
    part = nest.anchor.size + size // number
    whole, part = (n * nest.anchor.dtype.itemsize for n in (size, part))
    return whole > L2 > part and prod(others) >= ROUNDS


def _summed_lanes(nest: Nest, words: tuple[str, str], base: Roles, buffers: Buffers) -> list[Roles]:
    """Roles whose lanes are summed, where both operands are contiguous along them.

    The best rows and columns are those along which windows overlap: what is read for one is still
    near when it is read for the next.
    """
    kept = [i for i in (*base.outer, base.row, base.lane) if i]
    found = []
    for letter in base.inner:
        if any(stride_of(*side, nest.symbol(letter), buffers) != 1 for side in base.sides):
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
                overlaps(nest.symbol(i), *side, buffers)
                for i, side in zip((row, lane), base.sides, strict=True)
            )
            roles.cost = points * (_FOLDED - tile - 2 * near)
            found.append(roles)
    return found


def overlaps(symbol: str, v: Value, index: Index, buffers: Buffers) -> bool:
    """Whether neighbours along the symbol are also neighbours along another: a window slides."""
    _, at = view_of(v, index, buffers)
    return any(symbol in symbols(a) and len(symbols(a)) > 1 for a in at)


def _weigh(roles: Roles, nest: Nest, buffers: Buffers, width: int) -> None:
    """Elements that must be moved one by one: a B that is not contiguous along the lanes is copied
    first, results likewise; plus the rows that a narrow lane dimension wastes."""
    if not roles.lane:
        roles.cost = float(prod(roles.size.values()))
        return
    lane = nest.symbol(roles.lane)
    if stride_of(roles.b, roles.b_index, lane, buffers) not in (0, 1):
        roles.strided = True
        kept = [i for i in roles.outer + roles.inner if nest.letters[i] in roles.b_index]
        roles.cost += prod(roles.size[i] for i in [*kept, roles.lane])
    points = prod(roles.size[i] for i in [*roles.outer, roles.row, roles.lane] if i)
    if stride_of(roles.a, roles.a_index, lane, buffers) not in (0, 1):
        roles.cost += 16.0 * points * prod(roles.size[i] for i in roles.inner)
    for v in nest.stores:
        index = nest.index_of(v)
        assert index is not None
        stride = coefficient(address(index, buffers[v].strides), lane)
        roles.cost += 8 * points * (stride != 1)
    if roles.size[roles.lane] < width:
        roles.cost += points / roles.size[roles.lane]


def stride_of(v: Value, index: Index, lane: str, buffers: Buffers) -> int:
    """How far apart in memory the lanes are; −1 where the address is not affine."""
    leaf, at = view_of(v, index, buffers)
    if leaf not in buffers:
        return 0 if leaf.kind == "constant" else -1
    if buffers[leaf].place == "gathered" and lane in symbols(at[0]):
        return -1
    place = address(at, buffers[leaf].strides)
    stride = coefficient(place, lane)
    hidden = lane in symbols(place) and not stride
    return -1 if hidden else stride


def view_of(v: Value, index: Index, buffers: Buffers) -> tuple[Value, Index]:
    """The stored value that a view reads, and where."""
    while v not in buffers and (is_view(v) or v.is_row(pad)):
        v, index = through(v, index)
    return v, index
