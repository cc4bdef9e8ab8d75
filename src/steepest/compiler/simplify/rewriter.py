"""The rewriter: rebuilds a graph from the leaves up, one small rule at a time, until none applies.

A rule looks at one value and returns an equal one that is simpler, or None. Equal means: the same
shape, the same dtype, the same numbers for finite inputs; where only rounding may differ, the rule
says "(rounding)". Equations that say the same become one value, so common subexpressions vanish
while rebuilding, and dead code vanishes because nothing reaches it.

One sweep is enough. A rule sees a value and what it is computed from, nothing else; a value is
settled after its operands, by trying all rules on it until none applies, and on what they return
likewise. Nothing that a settled value is computed from changes later, so it stays settled, in every
graph that it is part of. In which order the rules of a row are tried does not matter to a network,
and a new rule should not make it matter.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.compiler.graph import Graph, Value, splat
from steepest.core import Primitive

__all__ = ["ELEMENTWISE", "Rewriter", "Rule", "rule"]

Rule = Callable[[Value], Value | None]

ELEMENTWISE = tuple(row for row in P.TABLE.values() if row.lowering == "elementwise")
_COMMUTATIVE = (P.add, P.mul, P.equal)
_RULES: dict[Primitive, list[Rule]] = {}


def rule(*rows: Primitive) -> Callable[[Rule], Rule]:
    """Enter a function into the rules of these rows."""

    def enter(function: Rule) -> Rule:
        for row in rows:
            _RULES.setdefault(row, []).append(function)
        return function

    return enter


class Rewriter:
    """Applies all rules to a graph until none applies; to the next one only where it differs.

    Args:
        done: the values of a graph to which all have been applied.
    """

    def __init__(self, done: Iterable[Value] = ()) -> None:
        self.settled = set(done)
        # By what makes them the same: the values that there are already.
        self.known: dict[Any, Value] = {_identity(v): v for v in done if v.kind != "input"}

    def __call__(self, graph: Graph) -> Graph:
        return graph.rebuilt(self.build)

    def build(self, value: Value, operands: tuple[Value, ...]) -> Value:
        """The settled form of a value whose operands are settled."""
        if value.kind == "input":
            self.settled.add(value)
            return value
        return self.settle(value.with_operands(operands))

    def settle(self, value: Value) -> Value:
        while value not in self.settled and value.kind != "input":
            # What a rule returns may be a small tree: its leaves first.
            if not self.settled.issuperset(value.operands):
                value = value.with_operands(tuple([self.settle(x) for x in value.operands]))
            simpler = self.apply(value)
            if simpler is None:
                value = self.known.setdefault(_identity(value), value)
                self.settled.add(value)
            else:
                simpler.origin = simpler.origin or value.origin
                value = simpler
        return value

    def apply(self, value: Value) -> Value | None:
        for function in _RULES.get(value.row, ()) if value.row else ():
            simpler = function(value)
            if simpler is not None and simpler is not value:
                assert simpler.aval == value.aval, (function.__name__, value, simpler)
                return simpler
        return None


def _identity(value: Value) -> Any:
    """Equal for values that are the same by construction."""
    if value.data is not None:
        number = splat(value)
        data = value.data.tobytes() if number is None else number.tobytes()
        return (value.aval, number is None, data)
    operands = [id(x) for x in value.operands]
    if value.row in _COMMUTATIVE:
        operands.sort()
    if not value.params:
        return (value.row, *operands)
    return (value.row, *operands, *sorted([(k, _told(x)) for k, x in value.params.items()]))


def _told(x: Any) -> str:
    """Metadata as text; NumPy needs ten microseconds for the name of a dtype."""
    return x.str if isinstance(x, np.dtype) else str(x)
