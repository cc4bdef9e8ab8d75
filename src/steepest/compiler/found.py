"""What is known of a graph's nests while they are being found: where each value is, and what it
waits for.
"""

from dataclasses import dataclass
from itertools import islice

from steepest.compiler.graph import Graph, Value
from steepest.compiler.nest import Nest
from steepest.compiler.reach import Reach

__all__ = ["Found"]


@dataclass
class _Reads:
    """What a nest reads, as it was found.

    seen    every value that was met on the way
    size    how much the nest evaluated then
    stored  how many values were stored then
    """

    reads: dict[Value, set]
    seen: set[Value]
    size: tuple[int, ...]
    stored: int

    def holds(self, nest: Nest, home: dict[Value, Nest]) -> bool:
        """Whether it is still so: the nest has not grown, nothing that it computes has been stored
        since, and nothing that it reads must come later now."""
        if self.size != _size(nest) or not self.seen.isdisjoint(islice(home, self.stored, None)):
            return False
        return not any(home[v].waits_for(nest) for v in self.reads if v in home)


def _size(nest: Nest) -> tuple[int, ...]:
    return len(nest.stores), len(nest.held), len(nest.sums)


class Found:
    """Nests, and what each of them has.

    users   value -> the equations that take it
    home    stored value -> its nest
    holder  reduction or contraction -> the nest that has it in registers
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        self.users = graph.consumers()
        self.nests: list[Nest] = []
        self.home: dict[Value, Nest] = {}
        self.holder: dict[Value, Nest] = {}
        self._known: dict[Nest, _Reads] = {}

    def reach(self, nest: Nest, lenient: bool = False) -> Reach:
        return Reach(nest, self.home, self.holder, lenient)

    def reads(self, nest: Nest) -> dict[Value, set]:
        """Every input and stored value that the nest loads, and at which indices."""
        known = self._known.get(nest)
        if known is None or not known.holds(nest, self.home):
            walk = self.reach(nest)
            for v, index in nest.roots():
                assert walk(v, index), f"{v} is not reachable in {nest.text()}"
            known = self._known[nest] = _Reads(walk.reads, walk.seen(), _size(nest), len(self.home))
        return known.reads

    def exists(self, v: Value) -> bool:
        return v.kind != "row" or v in self.home

    def _below(self, v: Value, stop_at_stored: bool) -> set[Nest]:
        """Nests whose registers (or, if asked, stored values) v is computed from."""
        found: set[Nest] = set()
        stack, seen = [v], set()
        while stack:
            v = stack.pop()
            if v in seen:
                continue
            seen.add(v)
            if v in self.home:
                if not stop_at_stored:
                    found.add(self.home[v])
            elif v in self.holder:
                found.add(self.holder[v])
            else:
                stack.extend(v.operands)
        return found

    def registers(self, v: Value) -> set[Nest]:
        """Nests that hold in registers something that v is computed from."""
        return self._below(v, stop_at_stored=True)

    def sources(self, v: Value) -> set[Nest]:
        """Nests that v waits for."""
        return self._below(v, stop_at_stored=False)
