"""What is known of a graph's nests while they are being found: where each value is, and what it
waits for.
"""

from dataclasses import dataclass
from itertools import islice

from steepest.compiler.graph import Graph, Value
from steepest.compiler.nests.costs import instructions
from steepest.compiler.nests.nest import Nest
from steepest.compiler.nests.reach import Reach, is_read

__all__ = ["Found"]


@dataclass
class _Walk:
    """All that a nest evaluates and reads, as it was found.

    size    how much the nest held, summed and stored then
    stored  how many values were stored then
    """

    reach: Reach
    size: tuple[int, int, int]
    stored: int

    def holds(self, nest: Nest, home: dict[Value, Nest]) -> bool:
        """Whether it is still so, for as much as the nest evaluated then: it has the same in
        registers, nothing that it computes is another's since, and nothing that it reads must come
        later now."""
        if self.size[:2] != _size(nest)[:2]:
            return False
        stored = self.reach.met.intersection(islice(home, self.stored, None))
        if any(home[v] is not nest for v in stored):
            return False
        reads = [v for v in self.reach.reads if v.kind == "row" and v in home]
        return not any(home[v].waits_for(nest) for v in reads)


def _size(nest: Nest) -> tuple[int, int, int]:
    return len(nest.held), len(nest.sums), len(nest.stores)


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
        self._known: dict[Nest, _Walk] = {}

    def reach(self, nest: Nest, lenient: bool = False) -> Reach:
        return Reach(nest, self.home, self.holder, lenient)

    def walked(self, nest: Nest) -> Reach:
        """The walk from everything that the nest evaluates."""
        known = self._known.get(nest)
        if known is None or not known.holds(nest, self.home):
            known = self._known[nest] = _Walk(self.reach(nest), (-1, -1, -1), 0)
        if known.size != _size(nest):
            for v, index in nest.roots():
                assert known.reach(v, index), f"{v} is not reachable in {nest.text()}"
            known.size = _size(nest)
        known.stored = len(self.home)
        return known.reach

    def reads(self, nest: Nest) -> dict[Value, set]:
        """Every input and stored value that the nest loads, and at which indices."""
        return self.walked(nest).reads

    def work(self, nest: Nest) -> int:
        """Instructions per vector, roughly, of what the nest computes element by element."""
        visited = self.walked(nest).visited.items()
        return sum(instructions(v) * len(indices) for v, indices in visited if v.row)

    def loads(self, nest: Nest) -> list[Value]:
        """What it reads from the program's memory, if it is there at all."""
        return [v for v in self.reads(nest) if self.is_loaded(v, nest)]

    def is_loaded(self, v: Value, nest: Nest | None) -> bool:
        """Whether a nest that reads v finds it where it is kept, not in the user's array: rows of
        the batch that are copied by the nest itself, or after it, are not there yet."""
        return v not in self.home or is_read(v, nest, self.home)

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
