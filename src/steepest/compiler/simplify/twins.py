"""Twins: states that start equal and change alike are one state.

Every parameter of an optimizer counts its steps; the counts are always the same, and so is what is
computed from them.
"""

from steepest.compiler.graph import Graph, Value
from steepest.compiler.simplify.rewriter import Rewriter

__all__ = ["merge_twins"]


def merge_twins(graph: Graph, alike: list[list[Value]]) -> tuple[Graph, dict[Value, Value]]:
    """Carry twins once.

    Args:
        graph: simplified, so that equal equations are one value.
        alike: groups of state inputs that hold equal numbers now.

    Returns:
        The graph with fewer states, and for each state that left it the one to copy it from.
    """
    groups = [group for group in alike if len(group) > 1]
    rewrite = Rewriter(graph.values() if groups else ())
    while groups:
        # Suppose all in a group are equal. If then all are equal after the step, they always are.
        merged = {x: group[0] for group in groups for x in group}
        supposed = rewrite(graph.replaced(merged))
        after = {
            before: new for (before, _), (_, new) in zip(graph.state, supposed.state, strict=True)
        }
        split = [part for group in groups for part in _parts(group, after)]
        if len(split) == len(groups):
            twins = {x: first for x, first in merged.items() if x is not first}
            inputs = [x for x in graph.inputs if x not in twins]
            state = [(x, after[x]) for x, _ in graph.state if x not in twins]
            return Graph(inputs, supposed.outputs, state), twins
        groups = [group for group in split if len(group) > 1]
    return graph, {}


def _parts(group: list[Value], after: dict[Value, Value]) -> list[list[Value]]:
    """The group split by what its members become."""
    parts: dict[Value, list[Value]] = {}
    for x in group:
        parts.setdefault(after[x], []).append(x)
    return list(parts.values())
