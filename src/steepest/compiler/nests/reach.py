"""Reaching: can a value be computed at an index inside a nest, and from what?

The walk goes from an index down an expression to what exists: inputs, constants, stored values, and
reductions that the nest holds in registers at exactly that index. The emitter later takes the same
way and writes code. So fusing needs no case analysis of operations: **a nest may contain whatever
its index can reach.**
"""

from itertools import repeat, starmap

from steepest.compiler.graph import Value
from steepest.compiler.nests.affine import Index
from steepest.compiler.nests.index import is_small_window, is_view, origins, through
from steepest.compiler.nests.nest import Nest
from steepest.primitives import pad, take, uniform

__all__ = ["Reach", "is_elementwise", "is_leaf", "is_read"]


def is_elementwise(v: Value) -> bool:
    """Whether an element of v comes from the elements at the same index: one scalar rule."""
    return v.lowering in ("elementwise", "random")


class Reach:
    """One walk, or several that share their findings, inside one nest.

    home, holder  where stored values and held reductions live
    lenient       count reductions that another nest holds as there, because they can be stored,
                  unless that nest depends on this one
    reads         what was found: each leaf, and the indices at which it is read
    visited       the indices at which each elementwise row is evaluated
    met           every value on the way
    """

    def __init__(
        self,
        nest: Nest,
        home: dict[Value, Nest],
        holder: dict[Value, Nest],
        lenient: bool = False,
    ):
        self.nest, self.home, self.holder, self.lenient = nest, home, holder, lenient
        self.reads: dict[Value, set[Index]] = {}
        self.visited: dict[Value, set[Index]] = {}
        self.met: set[Value] = set()
        self._known: dict[tuple[Value, Index], bool] = {}

    def __call__(self, v: Value, index: Index) -> bool:
        key = (v, index)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._walk(v, index)
        return known

    def _walk(self, v: Value, index: Index) -> bool:
        nest = self.nest
        self.met.add(v)
        if v in nest.held:
            return nest.held[v] == index
        if v.kind == "constant":
            return True
        if is_leaf(v, nest, self.home):
            self.reads.setdefault(v, set()).add(index)
            return True
        if v in nest.sums or v is nest.anchor:
            return False  # complete only after the nest
        if is_view(v):
            return self(*through(v, index))
        return self._compute(v, index)

    def _compute(self, v: Value, index: Index) -> bool:
        if is_elementwise(v):
            self.visited.setdefault(v, set()).add(index)
            if v.row is not uniform:  # nearly all: nobody need say where their operands are
                return all(map(self, v.operands, repeat(index)))
        elif not (v.is_row(pad, take) or is_small_window(v)):
            holder = self.holder.get(v)
            return self.lenient and holder is not None and not holder.waits_for(self.nest)
        return all(starmap(self, origins(v, index, self.nest.bounded)))


def is_leaf(v: Value, nest: Nest | None, home: dict[Value, Nest]) -> bool:
    """Whether a nest finds v in memory, and computes nothing."""
    return v.kind != "row" or is_read(v, nest, home)


def is_read(v: Value, nest: Nest | None, home: dict[Value, Nest]) -> bool:
    """Whether a nest reads v from memory. It computes v again where it stores v itself, or where
    the nest that stores v comes later."""
    place = home.get(v)
    return place is not None and place is not nest and not (nest and place.waits_for(nest))
