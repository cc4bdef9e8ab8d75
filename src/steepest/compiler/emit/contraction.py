"""What all ways of writing a contraction have in common: who does what in it, and its loops."""

from collections.abc import Iterable

from steepest.compiler.emit.expressions import Environment
from steepest.compiler.emit.loops import Loops
from steepest.compiler.memory.buffers import lanes
from steepest.compiler.nests.affine import Affine, affine, plus, times
from steepest.compiler.nests.nest import Nest

__all__ = ["Contraction"]


class Contraction:
    """One contract nest.

    tile       its registers, or the library
    scratch    memory for its sums and copies
    row, lane  the loop variables of the tile's dimensions; "" where there is none
    width      lanes of its vectors; 0: scalars
    """

    def __init__(self, emitter: Loops, nest: Nest):
        assert nest.anchor is not None
        self.emitter, self.nest, self.anchor = emitter, nest, nest.anchor
        self.roles, self.tile = emitter.layout.roles[nest], emitter.plan.tiles[nest]
        self.scratch = emitter.plan.scratch[nest]
        self.row, self.lane = map(nest.symbol, (self.roles.row, self.roles.lane))
        along, size = self.roles.summed or self.roles.lane, self.roles.size
        self.width = emitter.width = lanes(size[along], emitter.layout.width) if along else 0

    def write(self) -> None:
        """The products, and what the nest stores."""
        raise NotImplementedError

    def loops(self, letters: Iterable[str]) -> list[tuple[str, int]]:
        """Over some letters: their loop variables, and how long each is."""
        return [(self.nest.symbol(i), self.roles.size[i]) for i in letters]

    def summed(self, depth: int) -> list[tuple[str, int]]:
        """The loops over the summed letters; `depth` is the length of a single one's piece."""
        loops = self.loops(self.roles.inner)
        return [(symbol, depth) for symbol, _ in loops] if len(loops) == 1 else loops

    def moved(self, where: Environment, local: Environment) -> Environment:
        """Positions within a piece become positions within the whole."""
        return {**where, **{s: plus(i, where.get(s, affine(0))) for s, i in local.items()}}

    def position(self, loops: list[tuple[str, int]], local: Environment) -> Affine:
        """The number of a summed element within its piece."""
        total = affine(0)
        for symbol, n in loops:
            total = plus(times(total, n), local[symbol])
        return total

    def at_most(self, i: Affine, most: int) -> Affine:
        """The smaller of the two."""
        emitter = self.emitter
        if not i[1]:
            return affine(min(i[0], most))
        at = emitter.index(i)
        return affine(emitter.call("llvm.smin", at, emitter.number(most, "i64")).name)
