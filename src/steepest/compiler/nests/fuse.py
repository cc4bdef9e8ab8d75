"""Graph -> Nests: which values are stored, and in which loop nest each is computed.

Rules, each an invariant of the result:
  1 operands of a contraction are views of stored values: no arithmetic in an inner loop;
  2 a value that is used outside its nest and reaches a register of the nest is stored there; any
    other elementwise value is computed again by its users, unless that is expensive (see `supply`);
  3 a reduction joins the latest row nest of its space that it can reach without a cycle and that
    evaluates its operand anyway, or a reduce nest of its axes that reads what it reads; else it
    opens one;
  4 an accumulator of a nest is not available inside that nest;
  5 who reads the old value of a state runs before the nest that overwrites it; where that cannot
    be, the new value is kept aside and copied at the end of the step (see `order`);
  6 dependencies are computed again at the end, from what will really be read (see `order`);
  7 what is worth a place in memory at once is stored at once (see `keep`).
"""

from collections.abc import Collection
from math import prod

from steepest import primitives as P
from steepest.compiler.graph import Graph, Value
from steepest.compiler.nests.affine import Index, address, affine, symbols, varies
from steepest.compiler.nests.costs import L1, LARGE
from steepest.compiler.nests.index import is_small_window, is_view, through
from steepest.compiler.nests.keep import Keeping
from steepest.compiler.nests.nest import Nest, last_wide, reduced_axes, squeeze
from steepest.compiler.nests.supply import Supply

__all__ = ["Fusion"]

_WIDE = 32  # products of an element from the user's array while the next ones are fetched
_COLUMN_SUMS = 256  # the widest row whose column sums stay in registers


class Fusion(Supply):
    """The nests of a graph whose results are its own; `run` finds them, `order` arranges them.

    aside   states whose new value is kept aside until the end of the step
    """

    def __init__(self, graph: Graph, bounded: Collection[Value] = ()):
        super().__init__(graph)
        self.bounded = bounded
        self.aside: set[Value] = set()
        self._keeping = Keeping(self)
        self._in_place: dict[Value, list[Nest]] = {}  # who reads a batch where the user has it

    # ---- anchors ---------------------------------------------------------------------------------

    def contraction(self, v: Value) -> None:
        nest = self.open("contract", squeeze(v.shape), v)
        index = nest.index_of(v)
        assert index is not None
        for x, at in nest.contracted_operands():  # rule 1
            if self._is_strided(x, at):
                base, place = x, at
                while is_view(base) and base not in self.home:
                    base, place = through(base, place)
                if base in self.bounded:
                    nest.bounded.add(base)
                    base = base.operands[0]
                stored = self.store(base)
                gathered = stored.kind == "input" and stored.role == "gathered"
                if gathered and stored not in self.home and len(squeeze(stored.shape)) > 1:
                    self._gather(stored, place, nest)
            else:
                stored = self.materialize(x)
            if stored in self.home:
                self.link(nest, self.home[stored])
        nest.held[v] = index
        self.holder[v] = nest

    def _gather(self, v: Value, index: Index, nest: Nest) -> None:
        """The rows of the batch, copied to where they lie side by side. But a contraction whose own
        rows they are reads them where the user has them, before they are copied: it works while
        the processor waits for the next ones, and leaves them in the cache."""
        if self._are_rows(v, index, nest):
            self._in_place.setdefault(v, []).append(nest)
            return
        self.materialize(v)
        for reader in self._in_place.get(v, ()):
            if reader is not nest:
                self.link(self.home[v], reader)

    def _are_rows(self, v: Value, index: Index, nest: Nest) -> bool:
        """Whether what a contraction reads of v at this index are the rows of its own result, and
        it is worth while: there are more than come at once, an element has products enough for
        the next one to come meanwhile, and no library would be asked, which wants a matrix."""
        row = next((symbol for symbol in nest.symbols if affine(symbol) == index[0]), "")
        if len(squeeze(v.shape)) > 2 or not row:
            return False
        alike = [at for _, at in nest.contracted_operands() if varies(at, row)]
        rows, products = v.shape[0], prod(nest.space)
        fits = _WIDE * rows <= products < LARGE * rows // v.size
        return fits and v.size * v.dtype.itemsize > L1 and len(alike) == 1

    def _is_strided(self, x: Value, index: tuple) -> bool:
        """Whether a view of x's base at this index is an address without division."""
        while is_view(x) and x not in self.home:
            x, index = through(x, index)
            if x.kind == "constant":
                return False
        # Axes before the last lie side by side: two of them are as good as one.
        last = last_wide(x.shape)
        steps = tuple(prod(x.shape[d + 1 :]) * (1 + (d < last)) for d in range(x.ndim))
        places = [address(index, steps)] if x.kind == "row" else index
        return {s for a in places for s, _ in a[1]} == {s for a in places for s in symbols(a)}

    def scatter(self, v: Value) -> None:
        """fold and scatter_add: the operand's space is run through, and the result is in memory."""
        nest = self.open("scatter", squeeze(v.operands[0].shape), v)
        for x, index in nest.scattered_operands():
            self.require(x, index, nest)
        self.home[v] = nest

    def join(self, v: Value) -> None:
        """All parts are in memory; where they belong, if they can be stored there (`parts`)."""
        nest = self.open("join", squeeze(v.shape), v)
        for x, index in nest.joined_operands():
            self.store(x)
            self.require(x, index, nest)
        self.home[v] = nest

    def reduction(self, v: Value) -> None:
        x, axes = v.operands[0], reduced_axes(v)
        gone = [d for d in axes if x.shape[d] != 1]
        kept = [d for d, n in enumerate(x.shape) if n != 1 and d not in axes]
        trailing = bool(gone) and (not kept or min(gone) > max(kept))
        leading = bool(gone) and bool(kept) and max(gone) < min(kept)
        joinable = v.is_row(P.sum_, P.max_)
        if joinable and any(self._joined(v, n, trailing, leading) for n in reversed(self.nests)):
            return
        if joinable and trailing:
            nest = self.open("row", squeeze(x.shape), depth=len(kept))
            self.require(*nest.placed(x), nest)
        else:
            beside = self._reduce_beside(v) if joinable else None
            nest = beside or self.open("reduce", squeeze(v.shape), v)
            self.require(*nest.reduced_operand(v), nest)
        self._hold(v, nest)

    def _reduce_beside(self, v: Value) -> Nest | None:
        """A reduce nest over the same axes that reads what v reads, and that need not run before
        it."""
        for nest in reversed(self.nests):
            first = nest.anchor
            if nest.kind != "reduce" or first is None or first.row is not v.row:
                continue
            alike = first.operands[0].shape == v.operands[0].shape
            if not alike or reduced_axes(first) != reduced_axes(v):
                continue
            walk = self.reach(nest, lenient=True)
            late = any(source.waits_for(nest) for source in self.sources(v))
            if late or not walk(*nest.reduced_operand(v)):
                continue
            if any(leaf.size > v.size for leaf in walk.reads.keys() & self.reads(nest).keys()):
                return nest
        return None

    def _joined(self, v: Value, nest: Nest, trailing: bool, leading: bool) -> bool:
        """Rule 3: make v part of this row nest if it may be."""
        x = v.operands[0]
        index = nest.index_of(x) if nest.kind == "row" else None
        if index is None or not self.reach(nest, lenient=True)(x, index):
            return False
        rows, inner = nest.space[: nest.depth], nest.space[nest.depth :]
        shape = squeeze(v.shape)
        if not nest.is_row_level(x) and trailing and shape == rows:
            self.require(x, index, nest)
            self._hold(v, nest)
            return True
        columns = leading and shape == inner and len(inner) == 1 and inner[0] <= _COLUMN_SUMS
        columns = columns and not nest.is_row_level(x)
        if not v.is_row(P.sum_) or not (shape == () or columns) or not nest.depth:
            return False
        if nest not in self.sources(x) and x not in self._evaluated(nest):
            return False
        self.require(x, index, nest)
        nest.sums.append(v)
        self.home[v] = nest
        return True

    def _hold(self, v: Value, nest: Nest) -> None:
        index = nest.index_of(v)
        assert index is not None
        nest.held[v] = index
        self.holder[v] = nest

    def _evaluated(self, nest: Nest) -> set[Value]:
        """Everything that the nest's reductions walk over anyway."""
        found: set[Value] = set()
        stack = [v.operands[0] for v in [*nest.held, *nest.sums]]
        while stack:
            v = stack.pop()
            if v not in found:
                found.add(v)
                if not self.exists(v):
                    stack.extend(v.operands)
        return found

    # ---- the whole -------------------------------------------------------------------------------

    def run(self) -> "Fusion":
        for v in self.graph.equations():
            if v.is_row(P.contract):
                self.contraction(v)
            elif is_view(v):
                continue
            elif v.is_row(P.fold, P.scatter_add):
                self.scatter(v)
            elif v.lowering == "join":
                self.join(v)
            elif v.lowering == "reduction" and not is_small_window(v):
                self.reduction(v)
            else:
                for x in self._keeping.worthwhile(v):
                    self.store(x)
        for v in self.graph.results():
            self.store(v)
        return self
