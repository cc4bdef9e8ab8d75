"""Tiles or the library: for large contractions, a timing on this machine decides.

The model's best tile and the library's product are timed once for each kind of contraction (sizes
to the nearest power of two, and how operands lie), with its epilogue and in the memory in which it
will run; who won is kept on disk, so that the next program asks nobody. Tiles do not change
results: every sum is added up in the order of the summed dimension. The library has its own order,
so it must win clearly.
"""

import time
from math import log2, prod

import numpy as np

from steepest.compiler import cache
from steepest.compiler.blas import is_installed
from steepest.compiler.contraction import LARGE, Product, Tile
from steepest.compiler.emit import emit_nest
from steepest.compiler.engine import give_back, machine_code
from steepest.compiler.executable import NativeFunction
from steepest.compiler.fuse import Fusion
from steepest.compiler.layout import Layout
from steepest.compiler.matrices import matrices
from steepest.compiler.naming import entry_name
from steepest.compiler.nest import Nest
from steepest.compiler.plan import plan, product_of
from steepest.compiler.signature import aligned

__all__ = ["LIBRARY", "tuned"]

LIBRARY = Tile(1, 1, library=True)
_CLEARLY = 0.93  # what part of the tiles' time the library must take
_ROUNDS = 2
_BEYOND = 1 << 16  # bytes behind an array that may be read
_known: dict[str, bool] = {}


def tuned(
    fusion: Fusion, layout: Layout, registers: int, width: int, features: str
) -> dict[Nest, Tile]:
    """The library, for contractions that it computes faster."""
    found: dict[Nest, Tile] = {}
    for nest, roles in layout.roles.items() if is_installed() else ():
        large = not roles.summed and prod(roles.size.values()) >= LARGE
        if not large or not matrices(nest, roles, layout):
            continue
        kind = _kind(product_of(nest, roles, fusion, layout))
        name = entry_name(f"library {kind}", width, features)
        if name not in _known:
            kept = cache.load(name)
            if kept is None:
                tiles, library = _times(nest, fusion, layout, registers, features)
                kept = {"wins": library < _CLEARLY * tiles, "seconds": [tiles, library]}, b""
                cache.save(name, *kept)
            _known[name] = kept[0]["wins"]
        if _known[name]:
            found[nest] = LIBRARY
    return found


def _kind(product: Product) -> str:
    """What the winner depends on."""
    sizes = [round(log2(n)) for n in (product.m, product.n, product.k)]
    near = product.a_step == product.item, product.b_step == product.item
    return f"{sizes} {near} {product.item} {product.width} {product.epilogue}"


def _times(
    nest: Nest, fusion: Fusion, layout: Layout, registers: int, features: str
) -> tuple[float, float]:
    """Seconds of this thread that tiles and the library take, at best."""
    functions, size, read = [], 0, []
    pointers = 3 + len(layout.sources) + len(fusion.graph.outputs)
    for chosen in ({}, {nest: LIBRARY}):
        planned = plan(fusion, layout, registers, False, chosen, [nest])
        text = emit_nest(fusion, layout, planned, nest, features).text
        functions.append(NativeFunction(machine_code([text], features), pointers))
        size = max(size, planned.bytes)
        read += _read(nest, fusion, layout)
    give_back()
    # Memory that nobody has written to takes no place, and would not have to be fetched.
    block = aligned(size)
    for place in read:
        block[place].view(np.float32)[...] = 1
    # Whoever reads a batch, or a number per step, reads the first one: row 0 of zeros.
    most = max([prod(v.shape) * v.dtype.itemsize for v in layout.sources], default=0)
    other = np.zeros(most + _BEYOND, np.uint8)
    places = [block.ctypes.data, *[other.ctypes.data] * (pointers - 1)]
    times = [float("inf")] * 2
    for _ in range(_ROUNDS + 1):  # the first round brings everything into the caches
        for k, function in enumerate(functions):
            begin = time.thread_time()
            function(*places, 1)
            times[k] = min(times[k], time.thread_time() - begin)
    return times[0], times[1]


def _read(nest: Nest, fusion: Fusion, layout: Layout) -> list[slice]:
    """Where in a program's memory a nest finds what it reads, in bytes."""
    buffers = [layout.buffers[v].whole for v in fusion.loads(nest) if v in layout.buffers]
    places = [(b.offset, b.offset + b.bytes) for b in buffers if b.place == "memory"]
    return [slice(start, -(-stop // 4) * 4) for start, stop in places]
