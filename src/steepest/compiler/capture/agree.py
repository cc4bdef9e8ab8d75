"""Do two runs of a step agree? What differs would be frozen into the program.

The second run is compared while it goes, equation by equation: one that the first run has, too, is
not written down again: what stands for it in one run stands for it in the other.
"""

from typing import Any

import numpy as np

from steepest.compiler.capture.guard import is_plain
from steepest.compiler.capture.recording import Recording
from steepest.compiler.capture.refusal import NotCompilable, refusal, user_line
from steepest.compiler.graph import Value
from steepest.compiler.spans import memory
from steepest.core import Primitive
from steepest.tensors import Tensor

__all__ = ["Agreement"]


class Agreement:
    """How far a run does what an earlier one did."""

    def __init__(self, earlier: Recording):
        self._earlier = earlier
        self._arguments, self._equations = iter(earlier.arguments), iter(earlier.equations)
        self._stand_in: dict[Value, Value] = {}  # arrays of this run, and those of the other
        self._parted: NotCompilable | None = None

    def argument(self) -> Value:
        """The other run's next argument: both have as many, in the same order."""
        return next(self._arguments)

    def leaf(self, key: tuple) -> Value | None:
        """What the other run's leaf of that memory holds before the step."""
        leaf = self._earlier.leaves.get(key)
        return None if leaf is None else leaf.before

    def spread(self, key: tuple) -> Value | None:
        """The other run's constant of that number."""
        variable = self._earlier.spreads.get(key)
        return None if variable is None else variable.stands

    def equation(self, row: Primitive, operands: tuple[Value, ...], params: dict) -> Value | None:
        """The other run's equation that this is, too; None from where they part."""
        if self._parted:
            return None
        same = next(self._equations, None)
        if same is None or same.row is not row or same.params != params:
            self._parted = _something_else(user_line())
            return None
        if same.operands != operands:
            for x, y in zip(same.operands, operands, strict=True):
                if not self._match(x, y):
                    line, number = user_line(), y.kind == "constant" or self._is_made(y)
                    other = _another_number(line, row, y) if number else _something_else(line)
                    self._parted = other
                    return None
        return same

    def difference(self, run: Recording, begins: str) -> NotCompilable | None:
        """The refusal that names where the two part; None when they are the same program.

        Args:
            run: this run, now that it is done.
            begins: the line where the step begins.
        """
        if self._parted:
            return self._parted
        more = next(self._equations, None)
        if more is not None:
            return _something_else(more.origin)
        for other, gone in self._stand_in.items():
            if gone.data is not None and memory(gone.data) in run.leaves:
                return _something_else(other.origin)
        for key in self._earlier.leaves.keys() & run.leaves.keys():
            if not self._match(self._earlier.leaves[key].after, run.leaves[key].after):
                return refusal(
                    "a tensor is left in another state in each run of the step",
                    line=run.leaves[key].line,
                    write="a step that does the same with its tensors every time",
                )
        if not self._match_results(self._earlier.result, run.result, run):
            return refusal(
                "the step returns something else each time it runs",
                line=begins,
                write="return tensors, in lists, tuples or dicts of one form",
            )
        return None

    def _match(self, x: Value, y: Value) -> bool:
        return y is x or self._stands_in(y, x)

    def _stands_in(self, y: Value, x: Value) -> bool:
        """Whether an array that only this run has holds the numbers of one that only the other
        has."""
        if not self._is_made(y) or x.kind != "input" or x.data is None:
            return False
        if y not in self._stand_in and _equal(x.data, y.data):
            self._stand_in[y] = x
        return self._stand_in.get(y) is x

    def _is_made(self, y: Value) -> bool:
        """Whether a value is an array that only this run has met."""
        return y.kind == "input" and y.data is not None and self.leaf(memory(y.data)) is None

    def _match_results(self, x: Any, y: Any, run: Recording) -> bool:
        if type(x) is not type(y):
            return False
        if isinstance(x, Tensor):
            return self._match(self._earlier.value(x), run.value(y))
        if isinstance(x, list | tuple):
            pairs = zip(x, y, strict=False)
            return len(x) == len(y) and all(self._match_results(a, b, run) for a, b in pairs)
        if isinstance(x, dict):
            same = x.keys() == y.keys()
            return same and all(self._match_results(x[k], y[k], run) for k in x)
        return x is y or (is_plain(x) and bool(x == y))


def _equal(a: np.ndarray, b: Any) -> bool:
    same_kind = a.dtype == b.dtype and a.shape == b.shape
    return same_kind and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _something_else(line: str) -> NotCompilable:
    return refusal(
        "the step does something else each time it runs",
        line=line,
        write="a step that reads nothing from Python that it changes itself",
    )


def _another_number(line: str, row: Primitive, constant: Value) -> NotCompilable:
    return refusal(
        "a Python number or array is another one each time the step runs",
        line=line,
        got=f"{constant.aval} as an operand of {row.name}",
        write="an argument of the step, or a tensor changed in place",
    )
