"""Passes that need to see the whole graph at once."""

from steepest import primitives as P
from steepest.compiler.graph import Graph, Value, inlet
from steepest.compiler.simplify.constants import number

__all__ = ["flat_inputs", "masks_from_outputs"]


def masks_from_outputs(graph: Graph) -> Graph:
    """0 < x becomes 0 < max(x, 0) where that maximum exists.

    The mask of a rectifier's derivative then needs only what is stored anyway. (For NaN both are
    false.)
    """
    rectified = {
        v.operands[0]: v
        for v in graph.equations()
        if v.is_row(P.maximum) and number(v.operands[1]) == 0
    }
    masks = {
        v: v.with_operands((v.operands[0], rectified[v.operands[1]]))
        for v in graph.equations()
        if v.is_row(P.less) and number(v.operands[0]) == 0 and v.operands[1] in rectified
    }
    return graph.replaced(masks) if masks else graph


def flat_inputs(graph: Graph) -> Graph:
    """An input that is only ever reshaped in one way is bound in that shape.

    Images enter a dense network as rows; state keeps its shape, which is the user's.
    """
    users, results = graph.consumers(), {*graph.results()}
    flat: dict[Value, Value] = {}
    for x in graph.inputs:
        uses = {v.params["shape"] if v.is_row(P.reshape) else None for v in users.get(x, [])}
        shape = uses.pop() if len(uses) == 1 and x not in results else None
        gathered = x.role == "gathered"
        if shape and x.role != "state" and not (gathered and shape[:1] != x.shape[:1]):
            flat[x] = inlet(x.name, x.aval._replace(shape=shape), x.role, x.bounds)
            flat |= dict.fromkeys(users[x], flat[x])
    return graph.replaced(flat) if flat else graph
