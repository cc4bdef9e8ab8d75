"""Which register tile: candidates from a cost model, in cycles of one core.

A tile holds rows × vectors sums in registers; each step of the inner loop broadcasts one number of
A per row and loads one vector of B per column. The model counts arithmetic, loads, and the traffic
of each operand at the level of the cache that holds it. It is within about 5 % of the best tile
that was found by timing, for most shapes.
"""

import itertools
from functools import cache, lru_cache
from math import gcd
from typing import NamedTuple

from steepest.compiler.nests.costs import L1, L2

__all__ = [
    "Product",
    "Tile",
    "candidates",
    "dots_tile",
    "is_far",
    "repeats_rows",
    "padded_rows",
    "split_rows",
]

PAGE, PAGES = 4096, 64  # pages of memory whose places the processor remembers
_NEAR = 200_000  # bytes that an epilogue may touch before they are called for early
_CROWDED = 450_000  # bytes of L2 that such an epilogue takes
_SHAPES = 6  # of tiles that are tried with copies, pieces and blocks
_KEPT = 3.5  # cycles for a vector of sums that goes through memory to an epilogue
_SHORTEST = 96  # summed elements of a piece


class Product(NamedTuple):
    """A contraction as a product of (m, k) by (k, n), n in vectors of `width` (0: no lanes).

    item          bytes of a number
    a_step, b_step  bytes from one summed element to the next
    cut      whether the summed dimension may be cut into pieces
    left     whether a copy of A is possible: its rows are adjacent
    strided  whether B has to be copied: its lanes are not adjacent
    epilogue  arrays of the result's size that are read or written with it
    rounds   how often the same B is multiplied by another A
    once     whether a short epilogue overwrites what it reads, and so must not do a row twice
    """

    m: int
    n: int
    k: int
    width: int
    item: int
    a_step: int
    b_step: int
    cut: bool
    left: bool
    strided: bool
    epilogue: int = 1
    rounds: int = 1
    once: bool = False


class Tile(NamedTuple):
    """rows × vectors registers; whether copies of A and of B are read; or no tile but a call of the
    library. The summed dimension in pieces of `block`, rows in blocks of `height` (0: whole)."""

    rows: int
    vectors: int
    block: int = 0
    left: bool = False
    right: bool = False
    height: int = 0
    library: bool = False


def split_rows(m: int, most: int) -> list[tuple[int, int]]:
    """m rows as (count, size) of tiles of nearly equal size, at most `most`: two sizes at most."""
    tiles = -(-m // most)
    small, more = divmod(m, tiles)
    return [(count, size) for count, size in ((more, small + 1), (tiles - more, small)) if count]


def padded_rows(m: int, rows: int) -> int:
    """m rows in tiles of so many, the last one whole."""
    return -(-m // rows) * rows


def repeats_rows(m: int, tile: Tile) -> bool:
    """Whether some of m rows are in two tiles."""
    return any(rows % min(tile.rows, rows) for rows in _blocks(m, tile) if rows)


def _blocks(m: int, tile: Tile) -> tuple[int, int]:
    """How many rows each block has, and the last one if it is smaller."""
    height = tile.height or m
    return height, m % height


def _line(size: int) -> float:
    """Cycles for a line of something of so many bytes, mostly overlapped with arithmetic."""
    return 0.0 if size < L1 else 0.4 if size < L2 else 4.0


def is_far(product: Product) -> bool:
    """Whether what the epilogue touches comes from memory, through the caches."""
    return product.item * product.m * product.n * product.epilogue > _NEAR


def _pages(step: int, depth: int) -> float:
    """Cycles for a summed element whose page of memory has been forgotten meanwhile."""
    return 3.5 * min(1.0, step / PAGE) if step * depth > PAGES * PAGE else 0.0


class _Costs:
    """Cycles of one product in different tiles. Most tiles differ from others in one respect only,
    so what the others say is computed once."""

    def __init__(self, product: Product):
        m, n, k = product[:3]
        self.product, self.width = product, max(product.width, 1)
        self.columns, self.far = -(-n // self.width), is_far(product)
        self.first = _line(product.item * k * n)  # where B is when it is read for the first time
        # sums that wait in memory; an epilogue whose memory is not called for while others work
        self.waiting = 2 + 2 * _line(product.item * m * n) + 4 * self.far
        self.strip, self.tile = cache(self._strip), cache(self._tile)
        self.rows_of_a, self.panel_of_b = cache(self._rows_of_a), cache(self._panel_of_b)

    def cycles(self, tile: Tile) -> float:
        """The whole product."""
        m, _, k = self.product[:3]
        rows, vectors, block, left, right, height, _ = tile
        pieces = -(-k // block) if block else 1
        depth = -(-k // pieces)
        full, rest = divmod(self.columns, vectors)
        height = height or m
        each = self._copy_of_a(rows, depth) if left else 0.0
        total, copies = 0.0, 0
        for count, size in ((m // height, height), (1, m % height)):
            if size:
                copies += 1 + bool(rest)
                strips = full * self.strip(rows, vectors, left, right, depth, size)
                strips += self.strip(rows, rest, left, right, depth, size) if rest else 0.0
                total += count * pieces * (size * each + strips)
        return total * (1 + 0.03 * copies)  # every tile of another size is more code

    def _copy_of_a(self, rows: int, depth: int) -> float:
        """A row's part of the copy, which is made of all rows of a tile at once."""
        copied = 1.5 * -(-rows // self.width) + _pages(self.product.a_step, depth)
        return depth * copied / rows

    def _strip(
        self, rows: int, vectors: int, left: bool, right: bool, depth: int, height: int
    ) -> float:
        """One strip of a piece: its copy of B, and all tiles of a block of rows."""
        rows = min(rows, height)
        step, epilogue = self.tile(rows, vectors, depth, self.product.once and height % rows > 0)
        panel = self.panel_of_b(right, depth, vectors, rows)
        each = depth * step + panel + self.rows_of_a(left, depth, height, rows) + epilogue
        tiles = self.product.rounds * -(-height // rows)
        return self._copy_of_b(right, depth, vectors) + tiles * each

    def _tile(self, rows: int, vectors: int, depth: int, twice: bool) -> tuple[float, float]:
        """A step of the inner loop, and what comes after it."""
        arithmetic, loads = rows * vectors / 2, (rows + vectors) / 2
        latency = 4 if rows * vectors < 8 else 0
        # beside the arithmetic loads are not free, those of A less so, nor is the loop's counter
        step = max(arithmetic, loads, latency) + 0.22 * rows + 0.12 * vectors + 0.35
        waiting = (depth < self.product.k) * self.waiting + _KEPT * twice
        return step, rows * (vectors * (2 + waiting) + 2) + 12

    def _rows_of_a(self, left: bool, depth: int, height: int, rows: int) -> float:
        """Reading A for one tile."""
        item, step = self.product.item, self.product.a_step
        level = _line(item * height * depth + (_CROWDED if self.far else 0))
        if left or step <= item:
            return rows * depth * item / 64 * level
        return depth * (level + _pages(step, depth))

    def _panel_of_b(self, right: bool, depth: int, vectors: int, rows: int) -> float:
        """Reading B for one tile, whose rows of A take places in L1 too. Lines that are a power of
        two apart share few of them. Lines in order are called for by the processor itself."""
        item, step = self.product.item, self.product.b_step
        lines = max(item * self.width * vectors // 64, 1)
        beside = item * depth * rows
        if right:
            return depth * lines * _line(64 * depth * lines + beside) / 2
        places = 64 // gcd(64, max(step // 64, 1)) * lines
        level = _line(64 * depth * lines * max(1, 64 // places) + beside) / 2
        return depth * (lines * level + _pages(step, depth))

    def _copy_of_b(self, right: bool, depth: int, vectors: int) -> float:
        """Copying, or reading for the first time, one strip of B."""
        each = vectors * self.first + _pages(self.product.b_step, depth)
        return depth * (each + right * vectors * (5.0 if self.product.strided else 1.5))


@lru_cache(256)
def candidates(product: Product, registers: int) -> tuple[Tile, ...]:
    """Every tile worth a thought, the cheapest first."""
    m, n, k = product[:3]
    costs = _Costs(product)
    columns = -(-n // max(product.width, 1))
    shapes = [
        Tile(rows, vectors, right=product.strided)
        for vectors in range(1, min(4, columns) + 1)
        for rows in range(1, min(24, max(m, 1)) + 1)
        if rows * vectors + vectors + 1 <= registers
    ]
    shapes.sort(key=lambda tile: (costs.cycles(tile), tile))
    blocks = [0]
    if product.cut:
        pieces = [p for p in range(2, 9) if k >= p * _SHORTEST]
        blocks += [-(-k // p) for p in [p for p in pieces if k % p == 0] or pieces]
    rights = (True,) if product.strided else (False, True) if product.width else (False,)
    lefts = (False, True) if product.left and product.a_step > product.item else (False,)
    found = [
        Tile(shape.rows, shape.vectors, block, left, right, height)
        for shape in shapes[:_SHAPES]
        for block, left, right in itertools.product(blocks, lefts, rights)
        for height in _heights(product, shape.rows)
        if not block or height % shape.rows == 0  # waiting sums of blocks lie side by side
    ]
    return tuple(sorted(found, key=lambda tile: (costs.cycles(tile), tile)))


def _heights(product: Product, rows: int) -> list[int]:
    """Blocks of rows whose part of A stays in the cache, where all of A does not."""
    size = product.item * product.m * min(product.k, 1024)
    room = L2 - _CROWDED if is_far(product) else L2
    if not product.cut or size < room:
        return [0]
    pieces = range(2, min(9, 2 - (-size // room)))
    exact = {product.m // p for p in pieces if product.m % p == 0}
    return [0, *sorted(exact | {-(-product.m // (p * rows)) * rows for p in pieces})]


@lru_cache(256)
def dots_tile(m: int, n: int, registers: int) -> Tile:
    """The cheapest tile of sums whose two factors are both loaded as vectors."""

    def cost(tile: Tile) -> float:
        pairs = [
            (rows, columns)
            for (more, rows) in split_rows(m, tile.rows)
            for (also, columns) in split_rows(n, tile.vectors)
            for _ in range(more * also)
        ]
        return sum(max(r * c, r + c) / 2 + 0.35 for r, c in pairs)

    tiles = [
        Tile(rows, columns)
        for rows in range(1, min(m, 12) + 1)
        for columns in range(1, min(n, 12) + 1)
        if rows * columns + rows + columns <= registers
    ]
    return min(tiles, key=cost)
