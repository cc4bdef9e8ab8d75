"""Tiles by timing: for large contractions, the model's best against its rivals on this machine.

Rivals are the best tile of another shape, where the model sees no clear difference, and the
library's product, where one is installed. Each is timed once, with its epilogue and in the memory
in which it will run; what wins is kept on disk, so that the next program of that shape asks nobody.
Tiles do not change results: every sum is added up in the order of the summed dimension. The
library adds up in its own order.
"""

import time
from functools import lru_cache
from math import prod

import numpy as np

from steepest.compiler import cache
from steepest.compiler.blas import is_installed
from steepest.compiler.contraction import Product, Tile, candidates, cycles
from steepest.compiler.emit import emit_nest
from steepest.compiler.engine import NativeFunction, machine_code
from steepest.compiler.fuse import Fusion
from steepest.compiler.layout import Layout
from steepest.compiler.matrices import matrices
from steepest.compiler.nest import Nest
from steepest.compiler.plan import plan, product_of
from steepest.compiler.program import aligned

__all__ = ["tuned"]

_LARGE = 1 << 24  # products of numbers in a contraction that is worth a timing
_CLOSE = 1.03  # how much dearer than the model's best a rival may be, by the model
_CLEARLY = 0.95  # what part of the best tile's time a rival must take to win
_ROUNDS = 3
_BEYOND = 1 << 16  # bytes behind an array that may be read
_known: dict[str, Tile] = {}


def tuned(
    fusion: Fusion, layout: Layout, registers: int, width: int, features: str
) -> dict[Nest, Tile]:
    """The tile of every large contraction."""
    found: dict[Nest, Tile] = {}
    for nest, roles in layout.roles.items():
        if roles.summed or prod(roles.size.values()) < _LARGE:
            continue
        product = product_of(nest, roles, layout)
        rivals = _rivals(product, registers)
        if is_installed() and matrices(nest, roles, layout):
            rivals.append(Tile(1, 1, library=True))
        question = f"tile {product} {len(nest.stores)} {rivals}"
        name = cache.entry_name(question, width, features)
        if name not in _known:
            kept = cache.load(name)
            if kept is None:
                times = _times(rivals, nest, fusion, layout, registers, features)
                best = min(range(len(rivals)), key=lambda k: times[k] * (_CLEARLY if k == 0 else 1))
                kept = {"tile": list(rivals[best]), "seconds": times}, b""
                cache.save(name, *kept)
            _known[name] = Tile(*kept[0]["tile"])
        found[nest] = _known[name]
    return found


def _rivals(product: Product, registers: int) -> list[Tile]:
    """The model's best, and the best with another number of vectors if it is as good."""
    best, *others = candidates(product, registers)
    limit = cycles(best, product) * _CLOSE
    other = next((tile for tile in others if tile.vectors != best.vectors), best)
    return [best, other] if other != best and cycles(other, product) <= limit else [best]


def _times(
    rivals: list[Tile],
    nest: Nest,
    fusion: Fusion,
    layout: Layout,
    registers: int,
    features: str,
) -> list[float]:
    """The shortest time of each, in turns, in seconds of this thread."""
    if len(rivals) == 1:
        return [0.0]
    functions, size = [], 0
    pointers = 3 + len(layout.sources) + len(fusion.graph.outputs)
    for tile in rivals:
        planned = plan(fusion, layout, registers, False, {nest: tile})
        text = emit_nest(fusion, layout, planned, nest).text
        functions.append(NativeFunction(machine_code(text, features), "run", pointers))
        size = max(size, planned.bytes)
    # Whoever reads a batch, or a number per step, reads the first one: row 0 of zeros.
    most = max([prod(v.shape) * v.dtype.itemsize for v in layout.sources], default=0)
    block, other = _numbers(size), np.zeros(most + _BEYOND, np.uint8)
    places = [block.ctypes.data, *[other.ctypes.data] * (pointers - 1)]
    times = [float("inf")] * len(rivals)
    for _ in range(_ROUNDS + 1):  # the first round brings everything into the caches
        for k, function in enumerate(functions):
            begin = time.thread_time()
            function(*places, 1)
            times[k] = min(times[k], time.thread_time() - begin)
    return times


@lru_cache(1)
def _numbers(size: int) -> np.ndarray:
    """A program's memory, full of ones."""
    block = aligned(size)
    block[: size // 4 * 4].view(np.float32)[...] = 1
    return block
