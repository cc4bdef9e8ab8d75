"""What is known of a graph's nests while they are being found: where each value is, and what it
waits for.
"""

from steepest.compiler.graph import Graph, Value
from steepest.compiler.nest import Nest
from steepest.compiler.reach import Reach

__all__ = ["Found"]


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

    def reach(self, nest: Nest, lenient: bool = False) -> Reach:
        return Reach(nest, self.home, self.holder, lenient)

    def reads(self, nest: Nest) -> dict[Value, set]:
        """Every input and stored value that the nest loads, and at which indices."""
        walk = self.reach(nest)
        for v, index in nest.roots():
            assert walk(v, index), f"{v} is not reachable in {nest.text()}"
        return walk.reads

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
