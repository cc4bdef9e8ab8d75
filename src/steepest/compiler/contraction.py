"""Which register tile: candidates from a cost model, in cycles of one core.

A tile holds rows × vectors sums in registers; each step of the inner loop broadcasts one number of
A per row and loads one vector of B per column. The model counts arithmetic, loads, and the traffic
of each operand at the level of the cache that holds it. It is within about 5 % of the best tile
that was found by timing, for most shapes.
"""

from typing import NamedTuple

__all__ = ["Tile", "best_tile", "dots_tile", "split_rows"]

L1, L2 = 30_000, 800_000  # bytes of each cache that one operand may use
_BLOCKS = (98, 112, 128, 196, 256)


class Tile(NamedTuple):
    """rows × vectors registers; the inner dimension in pieces of `block` (0: whole)."""

    rows: int
    vectors: int
    block: int = 0


def split_rows(m: int, most: int) -> list[tuple[int, int]]:
    """m rows as (count, size) of tiles of nearly equal size, at most `most`: two sizes at most."""
    tiles = -(-m // most)
    small, more = divmod(m, tiles)
    return [(count, size) for count, size in ((more, small + 1), (tiles - more, small)) if count]


def _traffic(size: int) -> float:
    """Cycles per cache line from where so many bytes stay, mostly overlapped with arithmetic."""
    return 0.0 if size < L1 else 0.4 if size < L2 else 1.0


def cycles(tile: Tile, m: int, n: int, k: int, width: int) -> float:
    """The whole product of (m, k) by (k, n)."""
    columns = -(-n // width)
    blocks = -(-k // tile.block) if tile.block else 1
    depth = -(-k // blocks)

    def strip(vectors: int) -> float:
        """All rows of one column of tiles."""
        total = m * depth / 16 * _traffic(4 * m * depth)  # A streams past
        panel = depth * vectors * _traffic(4 * depth * vectors * width)
        for count, rows in split_rows(m, tile.rows):
            arithmetic, loads = rows * vectors / 2, (rows + vectors) / 2
            latency = 4 if rows * vectors < 8 else 0
            step = max(arithmetic, loads, latency) + 0.35  # and the loop's own counter
            epilogue = rows * vectors * (2 + 2 * (blocks > 1)) + 12
            total += count * (depth * step + panel + epilogue)
        return total + depth * vectors * _traffic(4 * k * n)  # B the first time

    full, rest = divmod(columns, tile.vectors)
    return blocks * (strip(tile.vectors) * full + (strip(rest) if rest else 0))


def best_tile(m: int, n: int, k: int, width: int, registers: int, blocks: bool = True) -> Tile:
    """The cheapest tile for a product of (m, k) by (k, n)."""
    columns = -(-n // max(width, 1))
    found = []
    for vectors in range(1, min(4, columns) + 1):
        for rows in range(1, min(24, max(m, 1)) + 1):
            if rows * vectors + vectors + 1 > registers:
                continue
            for block in (0, *_BLOCKS) if blocks and k > 256 else (0,):
                if not block or (block < k and k % block == 0):
                    tile = Tile(rows, vectors, block)
                    found.append((cycles(tile, m, n, k, max(width, 1)), tile))
    return min(found)[1]


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
