"""The graph of the chain rule: every step of a small expression with its local derivatives.

Along each path from an input to the result the local derivatives are multiplied; over all paths of
an input they are summed; that is the derivative. The numbers are those of the library's own
derivative rules, one edge at a time.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.autograd.backward import backward_order, result, saved
from steepest.core import RequestError, said
from steepest.tensors import Node, Tensor

__all__ = ["Chain", "Edge", "Path", "Step", "chain"]

_SIGNS = {"mul": "×", "add": "+", "sub": "−", "div": "÷", "neg": "−"}
# Steps that change a number's shape or its dtype, and not the number.
_SILENT = frozenset({"broadcast", "reshape", "cast", "permute"})
_PATHS = 200


@dataclass(frozen=True)
class Step:
    """An input or an operation: how it is written, its value, and ∂result/∂(this)."""

    name: str
    value: float
    derivative: float


@dataclass(frozen=True)
class Edge:
    """From the step `start` to the step `end` (positions), ∂end/∂start."""

    start: int
    end: int
    derivative: float


@dataclass(frozen=True)
class Path:
    """From an input to the result: the positions of its edges, and their product."""

    edges: tuple[int, ...]
    product: float


@dataclass(frozen=True)
class Chain:
    """An expression as a graph; the inputs come first and the result last."""

    steps: list[Step]
    edges: list[Edge]
    inputs: int

    def paths(self, start: int) -> list[Path]:
        """All paths from the input at a position to the result.

        Raises:
            RequestError: there are more than a reader can follow.
        """
        found: list[Path] = []
        open_ways: list[tuple[int, tuple[int, ...]]] = [(start, ())]
        while open_ways:
            at, way = open_ways.pop()
            if at == len(self.steps) - 1:
                product = math.prod(self.edges[i].derivative for i in way)
                found.append(Path(way, product))
            onward = [(e.end, (*way, i)) for i, e in enumerate(self.edges) if e.start == at]
            open_ways += onward[::-1]
            if len(found) + len(open_ways) > _PATHS:
                raise RequestError(said("chain", f"there are more than {_PATHS} paths"))
        return found


def chain(function: Callable[..., Tensor], **inputs: float) -> Chain:
    """The graph of an expression of numbers.

        chain(lambda x, w, b: (w * x + b).sigmoid(), x=1.0, w=2.0, b=-1.0)

    Raises:
        RequestError: the result is not one number, or does not depend on the inputs.
    """
    leaves = {n: Tensor(np.array(float(v))).requires_grad_() for n, v in inputs.items()}
    made = function(**leaves)
    if not isinstance(made, Tensor) or made.node is None or made.shape.numel() != 1:
        raise RequestError(said("chain", "the expression must give one number of its inputs"))
    order = backward_order([made.node])[::-1]
    at: dict[int, int] = {id(leaf): i for i, leaf in enumerate(leaves.values())}
    names = list(leaves)
    values = [leaf.item() for leaf in leaves.values()]
    edges: list[Edge] = []
    for node in order:
        locals_ = _locals(node)
        if node.row.name in _SILENT:
            at[id(node)] = at[id(node.edges[0])]
            continue
        at[id(node)] = len(names)
        edges += [Edge(at[id(edge)], len(names), slope) for edge, slope in locals_]
        names.append(_written(node))
        values.append(float(np.asarray(node.value).reshape(())))
    slopes = [0.0] * (len(names) - 1) + [1.0]
    for edge in reversed(edges):  # a step's edges come after those of all it was made of
        slopes[edge.start] += edge.derivative * slopes[edge.end]
    steps = [Step(n, v, d) for n, v, d in zip(names, values, slopes, strict=True)]
    return Chain(steps, edges, len(leaves))


def _locals(node: Node) -> list[tuple[Any, float]]:
    """For each operand that the result depends on through inputs, the rule's derivative."""
    out, operands = result(node), saved(node)
    one = Tensor(np.ones(np.shape(node.value)))
    return [
        (edge, float(np.sum(rule(one, out, *operands, **node.params).detach().numpy())))
        for edge, rule in zip(node.edges, node.row.vjp, strict=True)
        if edge is not None and rule is not None
    ]


def _written(node: Node) -> str:
    """The operation, with a constant operand beside it."""
    sign = _SIGNS.get(node.row.name, node.row.name)
    fixed = [
        f"{float(np.asarray(value).reshape(-1)[0]):g}".replace("-", "−")
        for value, edge in zip(node.operands, node.edges, strict=True)
        if edge is None
    ]
    return " ".join([sign, *fixed])
