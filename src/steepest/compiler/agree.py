"""Do two runs of a step agree? What differs would be frozen into the program."""

from typing import Any

import numpy as np

from steepest.compiler.graph import Value
from steepest.compiler.refusal import NotCompilable, refusal
from steepest.compiler.trace import Recording
from steepest.compiler.tracer import Leaf, Variable
from steepest.tensors import Tensor

__all__ = ["difference_of"]


def difference_of(first: Recording, second: Recording, begins: str) -> NotCompilable | None:
    """The refusal that names where two runs part; None when they are the same program. `begins` is
    the line where the step does."""
    pairs = _Pairs(first, second)
    for x, y in zip(first.equations, second.equations, strict=False):
        if x.row is not y.row or x.params != y.params:
            return _something_else(y)
        for a, b in zip(x.operands, y.operands, strict=True):
            if not pairs.match(a, b):
                return _another_number(y, b) if pairs.is_constant(b) else _something_else(y)
        pairs.known[x] = y
    if len(first.equations) != len(second.equations):
        longer = max(first.equations, second.equations, key=len)
        return _something_else(longer[min(len(first.equations), len(second.equations))])
    for key in first.leaves.keys() & second.leaves.keys():
        if not pairs.match(first.leaves[key].now, second.leaves[key].now):
            return refusal(
                "a tensor is left in another state in each run of the step",
                line=second.leaves[key].line,
                write="a step that does the same with its tensors every time",
            )
    if not pairs.match_results(first.result, second.result):
        return refusal(
            "the step returns something else each time it runs",
            line=begins,
            write="return tensors, in lists, tuples or dicts of one form",
        )
    return None


class _Pairs:
    """Which variable of the second run is which of the first."""

    def __init__(self, first: Recording, second: Recording):
        self.first, self.second = first, second
        self.known: dict[Value, Value] = dict(zip(first.arguments, second.arguments, strict=True))
        self.leaves: dict[Value, Leaf] = {leaf.value: leaf for leaf in first.leaves.values()}
        self.others: dict[Value, Leaf] = {leaf.value: leaf for leaf in second.leaves.values()}

    def is_constant(self, x: Value) -> bool:
        return x in self.others and self.others[x].key not in self.first.leaves

    def match(self, x: Value, y: Value) -> bool:
        if x in self.known or x not in self.leaves or y not in self.others:
            return self.known.get(x) is y
        a, b = self.leaves[x], self.others[y]
        if a.key != b.key:
            lives_on = a.key in self.second.leaves or b.key in self.first.leaves
            if lives_on or not _equal(a.array, b.array):
                return False
        self.known[x] = y
        return True

    def match_results(self, x: Any, y: Any) -> bool:
        if type(x) is not type(y):
            return False
        if isinstance(x, Tensor):
            return self.match(self.first.variable(x), self.second.variable(y))
        if isinstance(x, list | tuple):
            return len(x) == len(y) and all(map(self.match_results, x, y))
        if isinstance(x, dict):
            return x.keys() == y.keys() and all(self.match_results(x[k], y[k]) for k in x)
        return bool(x is y or x == y)


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    same_kind = a.dtype == b.dtype and a.shape == b.shape
    return same_kind and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _something_else(y: Variable) -> NotCompilable:
    return refusal(
        "the step does something else each time it runs",
        line=y.origin,
        write="a step that reads nothing from Python that it changes itself",
    )


def _another_number(y: Variable, constant: Value) -> NotCompilable:
    return refusal(
        "a Python number or array is another one each time the step runs",
        line=y.origin,
        got=f"{constant.aval} as an operand of {y.row.name if y.row else '?'}",
        write="an argument of the step, or a tensor changed in place",
    )
