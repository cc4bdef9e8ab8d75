"""Replay: a Graph evaluated with NumPy, one row after the other.

The oracle of every check: what the compiler emits must give what replaying gives. It follows the
same contract as a compiled program's `run`, so either can stand where the other does.
"""

from typing import Any

import numpy as np

from steepest.compiler.graph import Graph, Value
from steepest.core import Eager

__all__ = ["replay", "replay_step"]


def replay_step(graph: Graph, arrays: dict[Value, Any]) -> tuple[list[Any], list[Any]]:
    """One step: (outputs, next state), from the arrays of the inputs as the step sees them."""
    eager, known = Eager(), dict(arrays)
    for value in graph.values():
        if value.data is not None:
            known[value] = value.data
        elif value.row is not None:
            operands = tuple(known[x] for x in value.operands)
            known[value] = eager.bind(value.row, operands, value.params)
    outputs = [known[x] for x in graph.outputs]
    return outputs, [known[after] for _, after in graph.state]


def replay(
    graph: Graph,
    arrays: dict[Value, np.ndarray],
    index: np.ndarray | None,
    steps: int,
    outputs: list[np.ndarray],
    control: np.ndarray,
) -> int:
    """Many steps; the state is updated in place in the arrays bound to it.

    Args:
        arrays: one per input: all samples of a gathered one, one entry per step of a stepped one.
        index: (steps * batch) row numbers for the gathered inputs, step after step.
        steps: how many steps to run.
        outputs: per output of the graph an array with one entry per step.
        control: int64; control[0] = 1, set from another thread, stops before the next step.
            control[1] counts the steps done, control[2] becomes 1 when the loss is not finite.

    Returns:
        The number of steps done. A step whose loss is not finite is the last one, and is counted.
    """
    for step in range(steps):
        if control[0]:
            return step
        seen = {x: _seen(x, arrays[x], index, step, steps) for x in graph.inputs}
        results, state = replay_step(graph, seen)
        state = [np.array(new) for new in state]  # results may be views of the old state
        for out, result in zip(outputs, results, strict=True):
            out[step] = result
        for (before, _), new in zip(graph.state, state, strict=True):
            arrays[before][...] = new
        control[1] = step + 1
        if not all(np.isfinite(out[step]).all() for out in outputs[:1]):
            control[2] = 1
            return step + 1
    return steps


def _seen(x: Value, array: np.ndarray, index: np.ndarray | None, step: int, steps: int) -> Any:
    """An input as one step sees it."""
    if x.role == "stepped":
        return np.asarray(array[step])
    if x.role == "gathered":
        assert index is not None
        batch = len(index) // steps
        return array[index[step * batch : (step + 1) * batch]]
    return array
