"""Tiles or the library: for large contractions, a timing on this machine decides.

The model's best tile and the library's product are timed once for each kind of contraction (sizes
to the nearest power of two, and how operands lie), with its epilogue and on arrays that lie as they
will when it runs; who won is kept on disk, so that the next program asks nobody. Tiles do not
change results: every sum is added up in the order of the summed dimension. The library has its own
order, so it must win clearly.
"""

import time
from math import log2, prod

import numpy as np

from steepest.compiler.emit import emit_nest
from steepest.compiler.machine import cache
from steepest.compiler.machine.blas import is_installed
from steepest.compiler.machine.engine import cores, machine_code
from steepest.compiler.machine.executable import NativeFunction
from steepest.compiler.machine.naming import entry_name
from steepest.compiler.machine.resident import give_back
from steepest.compiler.memory.contraction import Product, Tile
from steepest.compiler.memory.layout import Layout
from steepest.compiler.memory.matrices import matrices
from steepest.compiler.memory.plan import plan
from steepest.compiler.memory.tiling import product_of
from steepest.compiler.nests.costs import LARGE
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.nest import Nest
from steepest.compiler.run.signature import aligned
from steepest.core import lazy

futures = lazy("concurrent.futures")

__all__ = ["LIBRARY", "tuned"]

LIBRARY = Tile(1, 1, library=True)
_CLEARLY = 0.93  # what part of the tiles' time the library must take
_ROUNDS = 2
_CLOSE = 1.3  # by which factor the times differ from what decides where one round is enough
_BEYOND = 1 << 16  # bytes behind an array that may be read
_known: dict[str, bool] = {}


def tuned(
    fusion: Fusion, layout: Layout, registers: int, width: int, features: str
) -> dict[Nest, Tile]:
    """The library, for contractions that it computes faster."""
    large = [nest for nest in layout.roles if is_installed() and _is_large(nest, layout)]
    kinds = {nest: _kind(product_of(nest, layout.roles[nest], fusion, layout)) for nest in large}
    names = {nest: entry_name(f"library {kind}", width, features) for nest, kind in kinds.items()}
    unknown: dict[str, Nest] = {}
    for nest, name in names.items():
        kept = None if name in _known else cache.load(name)
        if kept is not None:
            _known[name] = kept[0]["wins"]
        elif name not in _known:
            unknown.setdefault(name, nest)
    trials = _trials([*unknown.values()], fusion, layout, registers, features)
    for name, trial in zip(unknown, trials, strict=True):
        tiles, library = _times(trial)
        wins = library < _CLEARLY * tiles
        cache.save(name, {"wins": wins, "seconds": [tiles, library]}, b"")
        _known[name] = wins
    return {nest: LIBRARY for nest, name in names.items() if _known[name]}


def _is_large(nest: Nest, layout: Layout) -> bool:
    """Whether it is worth a timing, and the library can compute it."""
    roles = layout.roles[nest]
    large = not roles.summed and prod(roles.size.values()) >= LARGE
    return large and bool(matrices(nest, roles, layout))


def _kind(product: Product) -> str:
    """What the winner depends on."""
    sizes = [round(log2(n)) for n in (product.m, product.n, product.k)]
    near = product.a_step == product.item, product.b_step == product.item
    return f"{sizes} {near} {product.item} {product.width} {product.epilogue}"


class _Trial:
    """A nest in the model's best tile, and as the library's product.

    texts      of the two, as programs of their own
    functions  the same, once they are compiled
    size       bytes of the memory that they need
    used       where in it their arrays are
    pointers   that they are called with
    most       bytes that they read of an input that is not in this memory
    """

    def __init__(self, nest: Nest, fusion: Fusion, layout: Layout, registers: int, features: str):
        self.texts, self.functions = list[str](), list[NativeFunction]()
        self.size, self.used = 0, list[slice]()
        self.pointers = 3 + len(layout.sources) + len(fusion.graph.outputs)
        self.most = max([prod(v.shape) * v.dtype.itemsize for v in layout.sources], default=0)
        for chosen in ({}, {nest: LIBRARY}):
            planned = plan(fusion, layout, registers, False, chosen, [nest])
            self.texts.append(emit_nest(fusion, layout, planned, nest, features).text)
            self.size = max(self.size, planned.bytes)
            self.used += _used(nest, fusion, layout)


def _trials(
    nests: list[Nest], fusion: Fusion, layout: Layout, registers: int, features: str
) -> list[_Trial]:
    """One trial each, compiled on all cores while the next are still being written."""
    if not nests:
        return []
    trials, codes = list[_Trial](), []
    with futures.ThreadPoolExecutor(cores()) as pool:
        for nest in nests:
            trials.append(_Trial(nest, fusion, layout, registers, features))
            codes += [pool.submit(machine_code, [text], features) for text in trials[-1].texts]
    for k, code in enumerate(codes):
        trial = trials[k // 2]
        trial.functions.append(NativeFunction(code.result(), trial.pointers))
    give_back()
    return trials


def _times(trial: _Trial) -> tuple[float, float]:
    """Seconds of this thread that tiles and the library take, at best."""
    # Memory takes no place before somebody writes to it: whoever ran first would have to fetch it.
    block = aligned(trial.size)
    for place in trial.used:
        block[place].view(np.float32)[...] = 1
    # Whoever reads a batch, or a number per step, reads the first one: row 0 of zeros.
    other = np.zeros(trial.most + _BEYOND, np.uint8)
    places = [block.ctypes.data, *[other.ctypes.data] * (trial.pointers - 1)]
    times = [float("inf")] * 2
    for _ in range(_ROUNDS):
        for k, function in enumerate(trial.functions):
            begin = time.thread_time()
            function(*places, 1)
            times[k] = min(times[k], time.thread_time() - begin)
        ahead = times[1] / (times[0] * _CLEARLY)
        if max(ahead, 1 / ahead) > _CLOSE:
            break
    return times[0], times[1]


def _used(nest: Nest, fusion: Fusion, layout: Layout) -> list[slice]:
    """Where in a program's memory a nest's arrays are, in bytes."""
    values = [v for v in fusion.loads(nest) if v in layout.buffers]
    buffers = [layout.buffers[v].whole for v in dict.fromkeys([*values, *nest.written()])]
    places = [(b.offset, b.offset + b.bytes) for b in buffers if b.place == "memory"]
    return [slice(start, -(-stop // 4) * 4) for start, stop in places]
