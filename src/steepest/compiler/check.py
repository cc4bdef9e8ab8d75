"""Check: what must be true of a graph between any two passes."""

from steepest.compiler.graph import ROLES, Graph

__all__ = ["check"]


def check(graph: Graph) -> Graph:
    """Assert that the table's shape rules hold everywhere; returns the graph.

    * the result of every equation has the shape and dtype that the table gives it
    * every input that is used is listed once, with a role
    * state keeps its shape and dtype, and only state is replaced
    """
    listed = set(graph.inputs)
    assert len(listed) == len(graph.inputs), "an input is listed twice"
    for value in graph.values():
        if value.row is not None:
            found = value.row.shape(*(x.aval for x in value.operands), **value.params)
            assert found == value.aval, f"{value} should be {found}"
        elif value.kind == "input":
            assert value in listed and value.role in ROLES, f"{value} is not an input of the graph"
        else:
            assert value.data is not None and value.data.shape == value.shape, f"{value}"
    states = [before for before, _ in graph.state]
    assert states == [x for x in graph.inputs if x.role == "state"], "state and inputs differ"
    for before, after in graph.state:
        assert before.aval == after.aval, f"state {before} becomes {after}"
    return graph
