"""Weights that are read both ways: along one axis going forward, along the other going back.

A weight lies in memory as its first product reads it, along the lanes of vectors. Where many others
read it the other way, as the steps of a sequence do on the way back, it is turned once per step for
all of them.
"""

from steepest.compiler.graph import Graph, Value, equation
from steepest.primitives import cast, contract, permute, split_spec

__all__ = ["turned_once"]

_READERS = 4  # products for which turning a weight pays

Read = tuple[Value, int, int]  # a contraction, which of its operands, the axis along its lanes


def turned_once(graph: Graph) -> Graph:
    """A graph in which products read copies of the states that they would read across."""
    states = {before for before, _ in graph.state}
    reads: dict[Value, list[Read]] = {}
    for v in graph.equations():
        for number, axis in _lanes(v):
            if v.operands[number] in states:
                reads.setdefault(v.operands[number], []).append((v, number, axis))
    copies: dict[tuple[Value, int], Value] = {}
    for x, (first, *others) in reads.items():
        for axis in {read[2] for read in others} - {first[2]}:
            across = [(v, number) for v, number, along in others if along == axis]
            if len(across) >= _READERS:
                copies |= dict.fromkeys(across, _turned(x, axis))
    if not copies:
        return graph

    def build(v: Value, operands: tuple[Value, ...]) -> Value:
        given = [copies.get((v, number), x) for number, x in enumerate(operands)]
        return v.with_operands(tuple(given))

    return graph.rebuilt(build)


def _lanes(v: Value) -> list[tuple[int, int]]:
    """Of a contraction, the operands that can be read along the lanes, and along which axis."""
    if not v.is_row(contract):
        return []
    *words, out = split_spec(v.params["spec"])
    kept = [
        [d for d, i in enumerate(word) if i in out and x.shape[d] > 1]
        for x, word in zip(v.operands, words, strict=True)
    ]
    return [
        (number, axes[-1]) for number, axes in enumerate(kept) if axes and len(words[number]) > 1
    ]


def _turned(x: Value, axis: int) -> Value:
    """A copy of x with neighbours along that axis side by side, seen as x."""
    order = (*(d for d in range(x.ndim) if d != axis), axis)
    copy = equation(cast, equation(permute, x, order=order), dtype=x.dtype)
    return equation(permute, copy, order=tuple(order.index(d) for d in range(x.ndim)))
