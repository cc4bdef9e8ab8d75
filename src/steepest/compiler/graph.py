"""Graph: what every stage before code generation works on.

A `Value` is one equation of the traced step (a row of the table, its operands and metadata)
together with its result, or a leaf: an input or a constant. A `Graph` is the values that a step
gives, and what becomes of the state from one step to the next. Dead code cannot exist: the
equations *are* what is reachable from the results.

Values are immutable and compared by identity; that equal equations are one value is the business
of `simplify`.
"""

import functools
import hashlib
from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

from steepest.core import Aval, Primitive

__all__ = ["Graph", "Value", "constant", "equation", "inlet", "splat", "ROLES"]

ROLES = {
    "gathered": "an array of samples; the step reads the rows that the batch's index names",
    "stepped": "an array with one entry per step; the step reads its own",
    "whole": "an array that every step reads as it is",
    "state": "an array that the step reads and replaces",
}


class Value:
    """One equation and its result, or a leaf.

    kind      "row" (an equation), "input" or "constant"
    row       the table's row of an equation
    operands  the values that an equation is applied to
    params    the metadata of an equation
    aval      shape and dtype of the result; of a gathered input those of one batch, of a stepped
              input those of one entry; also as the attributes `shape` and `dtype`
    data      the numbers of a constant; repeated numbers keep stride 0
    role      of an input, one of ROLES
    name      of an input: what `explain` calls it
    bounds    of an input of whole numbers: the smallest and the largest it can hold, where known
    origin    the user's line that the equation came from, "file.py:12", where known
    """

    __slots__ = (
        "aval",
        "bounds",
        "data",
        "dtype",
        "kind",
        "name",
        "operands",
        "origin",
        "params",
        "role",
        "row",
        "shape",
    )

    def __init__(
        self,
        kind: str,
        aval: Aval,
        row: Primitive | None = None,
        operands: tuple["Value", ...] = (),
        params: dict[str, Any] | None = None,
        origin: str = "",
        *,
        data: np.ndarray | None = None,
        role: str = "",
        name: str = "",
        bounds: tuple[int, int] | None = None,
    ):
        self.kind, self.aval, self.row, self.operands = kind, aval, row, operands
        self.shape, self.dtype = aval
        self.params, self.data, self.role, self.name = params or {}, data, role, name
        self.bounds, self.origin = bounds, origin

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def lowering(self) -> str:
        """The kind of loop nest that the equation's row becomes; "" of a leaf."""
        return self.row.lowering if self.row is not None else ""

    def is_row(self, *rows: Primitive) -> bool:
        """Whether this is an equation of one of these rows."""
        return self.row in rows

    def with_operands(self, operands: tuple["Value", ...]) -> "Value":
        """This equation, of the same metadata, applied to other operands of the same avals."""
        if operands == self.operands:
            return self
        return Value(self.kind, self.aval, self.row, operands, self.params, self.origin)

    def __repr__(self) -> str:
        what = self.name or (self.row.name if self.row else self.kind)
        return f"<{what} {self.aval}>"


def equation(row: Primitive, *operands: Value, origin: str = "", **params: Any) -> Value:
    """A new equation; its shape and dtype come from the table."""
    aval = row.shape(*(x.aval for x in operands), **params)
    return Value("row", aval, row, operands, params, origin)


def constant(array: Any, shape: tuple[int, ...] | None = None, dtype: Any = None) -> Value:
    """A constant; with `shape`, the number repeated. What repeats takes no memory."""
    data = np.asarray(array, dtype)
    if shape is not None or (data.size > 1 and _is_one_number(data)):
        data = np.broadcast_to(data[(0,) * data.ndim], data.shape if shape is None else shape)
    return Value("constant", Aval(data.shape, data.dtype), data=data)


def _is_one_number(data: np.ndarray) -> bool:
    first, last = (data[(k,) * data.ndim].tobytes() for k in (0, -1))
    return first == last and data.tobytes() == data.size * first


def inlet(name: str, aval: Aval, role: str, bounds: tuple[int, int] | None = None) -> Value:
    """An input with one of the ROLES."""
    assert role in ROLES
    return Value("input", aval, name=name, role=role, bounds=bounds)


def splat(value: Value) -> Any:
    """The one NumPy scalar that a constant repeats, or None."""
    data = value.data
    if data is None or not data.size:
        return None
    varied = [s for s, n in zip(data.strides, data.shape, strict=True) if s and n > 1]
    return None if varied else data[(0,) * data.ndim]


class Graph:
    """A step as equations.

    inputs   all leaves that arrays are bound to, in a fixed order
    outputs  what the step returns, written after every step; in training the first is the loss
    state    (input of role "state", its value after the step)
    """

    def __init__(
        self,
        inputs: Iterable[Value],
        outputs: Iterable[Value],
        state: Iterable[tuple[Value, Value]] = (),
    ):
        self.inputs, self.outputs, self.state = list(inputs), list(outputs), list(state)

    def results(self) -> list[Value]:
        """What the equations are there for: the outputs and the next state."""
        return self.outputs + [after for _, after in self.state]

    def values(self) -> list[Value]:
        """Every reachable value, leaves included, operands before results."""
        return self._order.copy()

    @functools.cached_property
    def _order(self) -> list[Value]:
        """Found once, as a graph does not change; None on the stack lies above a value whose
        operands have been visited."""
        order: list[Value] = []
        seen: set[Value] = set()
        stack: list[Any] = [*reversed(self.results())]
        while stack:
            value = stack.pop()
            if value is None:
                order.append(stack.pop())
            elif value not in seen:
                seen.add(value)
                if value.operands:
                    stack += (value, None, *value.operands[::-1])
                else:
                    order.append(value)
        return order

    def rebuilt(self, build: Callable[[Value, tuple[Value, ...]], Value]) -> "Graph":
        """The graph with every value replaced by build(value, its replaced operands)."""
        new: dict[Value, Value] = {}
        for value in [*self.inputs, *self.values()]:
            if value not in new:
                new[value] = build(value, tuple([new[x] for x in value.operands]))
        return Graph(
            [new[x] for x in self.inputs],
            [new[x] for x in self.outputs],
            [(new[before], new[after]) for before, after in self.state],
        )

    def replaced(self, becomes: dict[Value, Value]) -> "Graph":
        """The graph with some values, among them inputs, replaced by others, which are written in
        terms of its own."""
        new: dict[Value, Value] = {}
        stack = [(value, False) for value in self.results()]
        while stack:
            value, complete = stack.pop()
            source = becomes.get(value, value)
            if complete:
                new[value] = source.with_operands(tuple([new[x] for x in source.operands]))
            elif value not in new:
                stack.append((value, True))
                stack += [(x, False) for x in source.operands]
        return Graph(
            [becomes.get(x, x) for x in self.inputs],
            [new[x] for x in self.outputs],
            [(becomes.get(before, before), new[after]) for before, after in self.state],
        )

    def equations(self) -> list[Value]:
        """The reachable equations, operands before results."""
        return [value for value in self.values() if value.kind == "row"]

    def consumers(self) -> dict[Value, list[Value]]:
        """For each value the equations that use it, in order."""
        users: dict[Value, list[Value]] = {}
        for value in self.equations():
            for x in value.operands:
                users.setdefault(x, []).append(value)
        return users

    def names(self) -> dict[Value, str]:
        """What `text` calls each value: inputs by name, the rest by number."""
        names = {value: value.name for value in self.inputs}
        for value in self.values():
            if value not in names:
                names[value] = f"{'k' if value.kind == 'constant' else 'v'}{len(names)}"
        return names

    def text(self) -> str:
        """The graph as a page that reads like mathematics, with the user's line of an equation."""
        names = self.names()
        numbers = {v: splat(v) for v in names if v.kind == "constant"}
        names |= {v: f"{x.item():.9g}" for v, x in numbers.items() if x is not None}
        return self._page(names, [v for v, x in numbers.items() if x is not None])

    @functools.cached_property
    def key(self) -> str:
        """What the page says but for names, and for shapes and dtypes that follow from the inputs':
        equal for equal programs, whoever wrote them."""
        names = {value: str(number) for number, value in enumerate(self.inputs)}
        words = [_header(x, names) for x in self.inputs]
        for value in self._order:
            if value not in names:
                names[value] = str(len(names))
                row, params = value.row, value.params
                if row is None:
                    words += ("\n", _shown(value.aval), _numbers(value))
                    continue
                words += ("\n", row.name)
                for x in value.operands:
                    words.append(names[x])
                if params:  # of which most equations have one
                    for key, x in params.items() if len(params) == 1 else sorted(params.items()):
                        words += (key, _shown(x))
        return " ".join([*words, *self._results(names)])

    @functools.cached_property
    def digest(self) -> str:
        """Stands for the key where many ask for it: a graph may be that of many steps."""
        return hashlib.sha256(self.key.encode()).hexdigest()

    def _page(self, names: dict[Value, str], inline: Sequence[Value] = ()) -> str:
        lines = [_header(x, names) for x in self.inputs]
        without = {*self.inputs, *inline}
        lines += [_line(value, names) for value in self.values() if value not in without]
        return "\n".join([*lines, *self._results(names)])

    def _results(self, names: dict[Value, str]) -> list[str]:
        lines = [f"{names[before]} <- {names[after]}" for before, after in self.state]
        return [*lines, "return " + " ".join(names[x] for x in self.outputs)]


def _header(x: Value, names: dict[Value, str]) -> str:
    held = f" in {x.bounds[0]}..{x.bounds[1]}" if x.bounds else ""
    return f"{names[x]}: {x.aval}{held}  {x.role}"


def _line(value: Value, names: dict[Value, str]) -> str:
    return f"{names[value]}: {_shown(value.aval)} = {_meaning(value, names)}"


def _meaning(value: Value, names: dict[Value, str]) -> str:
    """Row, operands and metadata of an equation; the numbers of a constant."""
    if value.row is None:
        return _numbers(value)
    words = f"{value.row.name} {' '.join([names[x] for x in value.operands])}"
    if value.params:
        words += "".join([f" {key}={_written(x)}" for key, x in sorted(value.params.items())])
    return words


def _numbers(value: Value) -> str:
    """Those of a constant: the one that it repeats, or the first and a digest."""
    assert value.data is not None
    number = splat(value)
    return _digest(value.data) if number is None else repr(number.item())


@functools.lru_cache(maxsize=4096)
def _shown(x: Any) -> str:
    """Written once: NumPy takes ten microseconds for the name of a dtype, a page has hundreds."""
    return str(x)


def _written(x: Any) -> str:
    if type(x) is tuple:
        return f"({','.join(map(str, x))})"
    return _shown(x) if isinstance(x, np.dtype) else str(x)


def _digest(data: np.ndarray) -> str:
    """A constant array by its first numbers and a digest of all."""
    head = ", ".join(f"{x:.6g}" for x in data.reshape(-1)[:4].tolist())
    return f"[{head}, …] {hashlib.blake2b(data.tobytes(), digest_size=8).hexdigest()}"
