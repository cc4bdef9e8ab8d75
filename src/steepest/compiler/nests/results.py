"""Results of their own: each is an equation that computes it, for the one place it goes to."""

from steepest.compiler.graph import Graph, Value, equation
from steepest.compiler.nests.index import is_view
from steepest.primitives import cast

__all__ = ["with_own_results"]


def with_own_results(graph: Graph) -> Graph:
    """A graph in which each state's new value is an equation of its own that computes it.

    A view, an input, a constant, or a value that two states share gets a copy; so does an output
    that is only a view of an input, which the step may have overwritten when outputs are read.
    """
    taken: set[Value] = set()
    state = []
    for before, after in graph.state:
        if after is not before and (after.kind != "row" or is_view(after) or after in taken):
            after = copied(after)
        taken.add(after)
        state.append((before, after))
    outputs = [copied(v) if base_of(v).kind != "row" else v for v in graph.outputs]
    return Graph(graph.inputs, outputs, state)


def base_of(v: Value) -> Value:
    while is_view(v):
        v = v.operands[0]
    return v


def copied(v: Value) -> Value:
    return equation(cast, v, dtype=v.dtype)
