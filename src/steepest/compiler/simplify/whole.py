"""Passes that need to see the whole graph at once."""

from steepest import primitives as P
from steepest.compiler.graph import Graph, Value, equation, inlet
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
        v: rectified[v.operands[1]]
        for v in graph.equations()
        if v.is_row(P.less) and number(v.operands[0]) == 0 and v.operands[1] in rectified
    }
    if not masks:
        return graph
    built: dict[Value, Value] = {}

    def build(value: Value, operands: tuple[Value, ...]) -> Value:
        if value in masks:
            maximum = masks[value]
            if maximum not in built:
                x = operands[1]
                floor = operands[0]
                built[maximum] = equation(P.maximum, x, floor, origin=maximum.origin)
            operands = (operands[0], built[maximum])
        elif value in built:
            return built[value]
        built[value] = value.with_operands(operands)
        return built[value]

    return graph.rebuilt(build)


def flat_inputs(graph: Graph) -> Graph:
    """An input that is only ever reshaped in one way is bound in that shape.

    Images enter a dense network as rows; state keeps its shape, which is the user's.
    """
    users, results = graph.consumers(), {*graph.results()}
    shapes: dict[Value, tuple[int, ...]] = {}
    for x in graph.inputs:
        uses = {v.params["shape"] if v.is_row(P.reshape) else None for v in users.get(x, [])}
        wanted = uses.pop() if len(uses) == 1 and x not in results else None
        gathered = x.role == "gathered"
        if wanted and x.role != "state" and not (gathered and wanted[:1] != x.shape[:1]):
            shapes[x] = wanted
    if not shapes:
        return graph
    flat = {
        x: inlet(x.name, x.aval._replace(shape=shape), x.role, x.bounds)
        for x, shape in shapes.items()
    }

    def build(value: Value, operands: tuple[Value, ...]) -> Value:
        if value.kind == "input":
            return flat.get(value, value)
        if value.is_row(P.reshape) and value.operands[0] in flat:
            return operands[0]
        return value.with_operands(operands)

    return graph.rebuilt(build)
