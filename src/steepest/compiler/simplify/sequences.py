"""What the steps of a sequence share, which only a look at the whole graph shows.

Parts that are joined for one use are often joined, or summed, for another: the outputs of all steps
are the states before all steps but the first, and a bias has the sum of what its weight is given.
"""

from collections.abc import Sequence
from functools import reduce

from steepest import primitives as P
from steepest.compiler.graph import Graph, Value, equation
from steepest.compiler.simplify.joins import join
from steepest.core import is_float

__all__ = ["shared_joins"]

Place = tuple[Value, int]  # a join, and which of its parts
Places = dict[tuple[Value, int], Place]  # by part and axis


def shared_joins(graph: Graph) -> Graph:
    """A join of neighbours in a longer one is a slice of that; sums over neighbours, added up, are
    one sum (rounding)."""
    joins = sorted([v for v in graph.equations() if v.is_row(join)], key=lambda v: len(v.operands))
    if not joins:
        return graph
    places: Places = {}
    for v in joins:
        places |= {(x, v.params["axis"]): (v, k) for k, x in enumerate(v.operands)}
    becomes: dict[Value, Value] = {}
    for v in joins:
        run = _run([places[x, v.params["axis"]] for x in v.operands], v)
        if run is not None and len(v.operands) < len(joins[-1].operands):
            becomes[v] = run
    return graph.replaced(becomes | _sums(graph, places))


def _run(found: Sequence[Place], user: Value) -> Value | None:
    """Neighbouring parts of one join as a slice of it; None where they are none, or where the join
    comes from its user."""
    longer, first = found[0]
    if any(place != (longer, first + k) for k, place in enumerate(found)) or longer is user:
        return None
    if _comes_from(longer, user):
        return None
    axis, parts = longer.params["axis"], longer.operands
    start, size = (
        sum(x.shape[axis] for x in some)
        for some in (parts[:first], parts[first : first + len(found)])
    )
    starts = tuple(start if i == axis else 0 for i in range(longer.ndim))
    sizes = tuple(size if i == axis else n for i, n in enumerate(longer.shape))
    return equation(P.slice_, longer, starts=starts, sizes=sizes, steps=(1,) * longer.ndim)


def _comes_from(v: Value, origin: Value) -> bool:
    stack, seen = [v], {v}
    while stack:
        new = set(stack.pop().operands) - seen
        seen |= new
        stack.extend(new)
    return origin in seen


def _sums(graph: Graph, places: Places) -> dict[Value, Value]:
    """Chains of additions of which several terms are sums over neighbouring parts of a join."""
    users = graph.consumers()
    found: dict[Value, Value] = {}
    for v in graph.equations():
        inside = [x.is_row(P.add) for x in users.get(v, ())] == [True]
        if not v.is_row(P.add) or inside or not is_float(v.dtype):
            continue
        groups: dict[tuple, list[tuple[int, Value]]] = {}
        rest, stack = [], [v]
        while stack:
            x = stack.pop()
            if x.is_row(P.add) and (x is v or len(users[x]) == 1):
                stack.extend(x.operands)
            elif x.is_row(P.sum_) and (place := _place(x, places)):
                groups.setdefault((place[0], x.params["axes"]), []).append((place[1], x))
            else:
                rest.append(x)
        for (longer, axes), terms in groups.items():
            terms.sort(key=lambda term: term[0])
            run = _run([(longer, k) for k, _ in terms], v) if len(terms) > 1 else None
            whole = [x for _, x in terms] if run is None else [equation(P.sum_, run, axes=axes)]
            rest += whole
        if any(len(terms) > 1 for terms in groups.values()):
            found[v] = reduce(lambda x, y: equation(P.add, x, y), rest)
    return found


def _place(v: Value, places: Places) -> Place | None:
    """Where what is summed is joined along one of the axes that vanish."""
    found = [places.get((v.operands[0], axis)) for axis in v.params["axes"]]
    return next((place for place in found if place), None)
