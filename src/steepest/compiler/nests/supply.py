"""Supply: what a nest needs can be computed in it, from what is stored or held by then.

Whoever needs a value at an index asks for it, and what is missing on the way is stored: in the nest
that has part of it in registers, beside others that read the same, or in a nest of its own.
"""

from steepest.compiler.graph import Value
from steepest.compiler.nests.affine import Index
from steepest.compiler.nests.costs import is_expensive
from steepest.compiler.nests.found import Found
from steepest.compiler.nests.index import is_small_window, is_view, origins, through
from steepest.compiler.nests.nest import Nest, squeeze
from steepest.compiler.nests.reach import Reach, is_elementwise, is_read
from steepest.primitives import pad

__all__ = ["Supply"]


class Supply(Found):
    """Nests that are being found, with what they need."""

    def open(
        self, kind: str, space: tuple[int, ...], anchor: Value | None = None, depth: int = 0
    ) -> Nest:
        """A new nest."""
        nest = Nest(len(self.nests), kind, space, anchor, depth)
        self.nests.append(nest)
        return nest

    def link(self, nest: Nest, earlier: Nest) -> None:
        """`earlier` runs first, and so does all that it waits for."""
        assert not earlier.waits_for(nest), "two nests wait for each other"
        if nest.waits_for(earlier):
            return
        bits = earlier.after | 1 << earlier.number
        for other in self.nests:
            if other.waits_for(nest):
                other.after |= bits

    def put(self, v: Value, nest: Nest) -> Value:
        """Have this nest store v."""
        nest.stores.append(v)
        self.home[v] = nest
        return v

    def require(self, v: Value, index: Index, nest: Nest) -> None:
        """Make v computable at this index of the nest, storing what must be stored."""
        walk = self.reach(nest)
        if walk(v, index):
            for leaf in walk.reads:
                if is_read(leaf, nest, self.home):
                    self.link(nest, self.home[leaf])
        elif is_view(v):
            self.require(*through(v, index), nest)
        elif not is_elementwise(v):
            self._require_parts(v, index, nest)
        elif nest in self.sources(v) or self._nest_holding_parts(v) is None:
            for x, at in origins(v, index):  # part of it is ours, or nobody else's: keep it here
                self.require(x, at, nest)
        else:
            below = self._shared_below(v, index, nest)
            self.store(below)
            self.require(v, index, nest)

    def _require_parts(self, v: Value, index: Index, nest: Nest) -> None:
        """A pad or take whose operands are not there yet, or a reduction held by another nest."""
        if v in self.holder:
            self.link(nest, self.holder[self.store(v)])
        elif is_small_window(v) or (v.is_row(pad) and nest in self.sources(v)):
            for x, at in origins(v, index):  # which cannot all come first
                self.require(x, at, nest)
        else:
            for x in v.operands:
                self.materialize(x)
                self.link(nest, self.home[x]) if x in self.home else None

    def _shared_below(self, v: Value, index: Index, nest: Nest) -> Value:
        """What to store so that v can be computed: the first value with several users on the cheap
        way down from v to the registers (h rather than h·w), else v."""
        at, walk = v, self.reach(nest)
        while is_elementwise(at) and not is_expensive(at):
            missing = {x for x in at.operands if not walk(x, index)}
            if len(missing) != 1:
                return v
            at = missing.pop()
            if is_view(at) or at in self.holder:
                return v
            if len(self.users.get(at, ())) > 1:
                return at
        return v

    def store(self, v: Value) -> Value:
        """Put v, or what v is a view of, into memory; gives what is there now."""
        if self.exists(v):
            return v
        if is_view(v):
            return self.store(v.operands[0])
        if v in self.holder:
            return self.put(v, self.holder[v])
        nest = self._nest_holding_parts(v) or self._map_beside(v)
        nest = nest or self.open("map", squeeze(v.shape))
        self.require(*nest.placed(v), nest)
        return self.put(v, nest)

    def _nest_holding_parts(self, v: Value) -> Nest | None:
        """The latest nest that has part of v in registers and can compute v."""
        for nest in sorted(self.registers(v), key=lambda n: -n.number):
            index = nest.index_of(v)
            if index is not None and self.reach(nest, lenient=True)(v, index):
                return nest
        return None

    def materialize(self, v: Value) -> Value:
        """Put exactly v into memory, a view copied."""
        if v.kind == "constant" or v in self.home or (v.kind == "input" and v.role != "gathered"):
            return v
        if not is_view(v) and v.kind != "input":
            return self.store(v)
        nest = self.open("map", squeeze(v.shape))
        self.require(*nest.placed(v), nest)
        return self.put(v, nest)

    def _map_beside(self, v: Value) -> Nest | None:
        """A map nest of v's space that reads what v reads, and that v's sources come before."""
        sources, space = self.sources(v), squeeze(v.shape)
        bits = sum(1 << n.number for n in sources)
        walks: dict[Nest | None, Reach | None] = {}
        for nest in reversed(self.nests):
            if nest.kind != "map" or nest.space != space:
                continue
            if bits & ~(nest.after | 1 << nest.number):
                continue
            # All nests that v does not wait for would compute it from the same.
            which = nest if nest in sources else None
            if which not in walks:
                walk = self.reach(nest, lenient=True)
                walks[which] = walk if walk(*nest.placed(v)) else None
            found = walks[which]
            if found and (not space or self._shares_reads(found, nest)):
                return nest
        return None

    def _shares_reads(self, walk: Reach, nest: Nest) -> bool:
        common = walk.reads.keys() & self.reads(nest).keys()
        return any(leaf.size > 1 for leaf in common)
