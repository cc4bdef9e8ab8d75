"""Capture: from a step written in Python to a Graph and the arrays that it works on.

The step is traced until two runs agree. An array that both runs meet belongs to a tensor that lives
between steps: an input of the program, and part of its state if the step changes it. An array that
each run makes anew is a constant, and must be the same in both. So a random number, a counter, a
clock or a list that grows cannot be frozen into a program unnoticed.
"""

from collections.abc import Callable, Hashable, Sequence
from functools import partial, reduce
from itertools import pairwise
from typing import Any

import numpy as np

from steepest.compiler.capture.agree import Agreement
from steepest.compiler.capture.arguments import by_position, is_row, rebuilt
from steepest.compiler.capture.captured import Captured, Output
from steepest.compiler.capture.gradients import Around, gradients
from steepest.compiler.capture.guard import Guard, is_parameter
from steepest.compiler.capture.patterns import keeper, known
from steepest.compiler.capture.recording import Before, Recording
from steepest.compiler.capture.refusal import NotCompilable, line_of, refusal
from steepest.compiler.capture.snapshot import LONGEST, watched
from steepest.compiler.capture.trace import Inlet, run
from steepest.compiler.graph import Graph, Value, constant, equation
from steepest.compiler.spans import memory, span
from steepest.core import Aval
from steepest.primitives import max_, maximum
from steepest.tensors import Tensor

__all__ = ["capture"]

_RUNS = 4  # the first may create what later ones find: an optimizer's averages, a gradient


def capture(
    step: Callable[..., Any],
    inlets: Sequence[Inlet],
    call: Callable[[list[Tensor]], tuple[Sequence, dict]] = by_position,
    recording: bool = True,
    stepped: Sequence[Tensor] = (),
    frozen: Hashable = None,
) -> Captured:
    """Trace `step` into a Graph, unless another step of its form has been traced.

    Args:
        step, inlets, call, recording: as in `trace.run`.
        stepped: tensors that the step reads and that have another value in every step.
        frozen: what `call` adds to the inlets, equal where it adds the same; None if it cannot be
            told.

    Raises:
        NotCompilable: with the line and what to write instead. Nothing has changed then.
    """
    key = None if frozen is None else (frozen, *inlets, recording)
    found = None if key is None else known(key, step, stepped)
    if found:
        return found
    first = Guard.of(step)
    keep = None if key is None else keeper(key, first, stepped)
    around = Around(first)
    try:
        last, recorded = _settled(step, inlets, call, recording, around)
        while around.begins_again(recorded):
            first.restore()
            last, recorded = _settled(step, inlets, call, recording, around)
        grown = first.changed()
        changed = grown and first.changed(growing=True)
        if changed:
            raise refusal(
                f"the step changes a Python object, {changed}, which a program cannot do",
                line=line_of(step),
                write="a tensor changed in place (count += 1), or this outside of the step",
            )
        guard = Guard.of(step) if grown else first
        made = _captured(last, recorded, guard, around, {memory(x.value) for x in stepped})
    except BaseException:
        first.restore()
        raise
    finally:
        around.restore()
    if keep and not grown:
        keep(made)
    return made


def _settled(
    step: Callable[..., Any],
    inlets: Sequence[Inlet],
    call: Callable,
    recording: bool,
    around: Around,
) -> tuple[Recording, Recording]:
    """Trace until two runs agree; returns those two."""
    before, agreement, difference = None, None, NotCompilable()
    for _ in range(_RUNS):
        recorded = run(step, inlets, call, recording, agreement, [*around.tensors.values()])
        around.after(recorded)
        if before and agreement:
            found = agreement.difference(recorded, line_of(step))
            if found is None:
                return before, recorded
            difference = found
        before, agreement = recorded, Agreement(recorded)
    raise difference


def _check_kept(
    recorded: Recording, kept: set[tuple], stepped: set[tuple]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Refuse what would be frozen or lost; returns the numbers that Python looked at."""
    looked_at = []
    for key, leaf in recorded.leaves.items():
        if key in kept and leaf.read:
            if leaf.after is not leaf.before or key in stepped:
                raise refusal(
                    "a number is read and then changed by the step",
                    line=leaf.line,
                    write="tensor operations instead of item(), or item() outside of the step",
                )
            looked_at.append((leaf.array, leaf.array.copy()))
    for before in recorded.met:
        if before.carries and memory(before.value) in kept:
            raise refusal(
                "a tensor that lives between steps is given the history of one step",
                line=recorded.leaves[memory(before.value)].line,
                got=f"{Aval(before.value.shape, before.value.dtype)}",
                write="state.copy_(new.detach())",
            )
    leaves = [recorded.leaves[key] for key in kept]
    bounds = sorted((*span(x.array), x.after is not x.before, x.line) for x in leaves)
    for (_, stop, changed, _), (start, _, also, line) in pairwise(bounds):
        if start < stop and (changed or also):
            raise refusal(
                "two tensors that share memory are used, and one is changed",
                line=line,
                write="one of the two, or a clone() of the other made outside of the step",
            )
    return looked_at


def _small_arrays(guard: Guard, living: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """NumPy arrays that the step can reach, and may have made tensors of, whose numbers are then
    frozen; not those that are the memory of its tensors."""
    return [
        (array, array.copy())
        for array in guard.arrays
        if array.size <= LONGEST and array.dtype.kind in "biuf"
        if not any(np.may_share_memory(array, x) for x in living)
    ]


def _arrays(
    recorded: Recording,
    guard: Guard,
    kept: set[tuple],
    stepped: set[tuple],
    state: list[tuple[Value, Value]],
) -> dict[Value, np.ndarray]:
    """Inputs that live between steps, and their arrays; `state` is given what becomes of them."""
    arrays: dict[Value, np.ndarray] = {}
    names = _Names(recorded.met, guard, {x.name for x in recorded.arguments})
    for key, leaf in recorded.leaves.items():
        if key in kept:
            value, after = leaf.before, leaf.after
            role = "stepped" if key in stepped else "whole" if after is value else "state"
            value.name, value.role, value.data = names.of(key, role), role, None
            arrays[value] = leaf.array
            if after is not value:
                state.append((value, after))
    return arrays


def _captured(
    last: Recording, recorded: Recording, guard: Guard, around: Around, stepped: set[tuple]
) -> Captured:
    kept = last.leaves.keys() & recorded.leaves.keys()
    state: list[tuple[Value, Value]] = []
    fresh: list[tuple[Value, Value]] = []
    moving = gradients(around, recorded, kept, guard, fresh)
    looked_at = _check_kept(recorded, kept, stepped)
    looked_at += _small_arrays(guard, [recorded.leaves[key].array for key in kept])
    arrays = _arrays(recorded, guard, kept, stepped, state)
    outputs: list[Value] = []
    result = _outputs(recorded.result, recorded, outputs)
    asked = _any(recorded.watched)
    inputs = [*recorded.arguments, *arrays, *(value for value, _ in fresh)]
    graph = Graph(inputs, [*outputs, *asked], [*state, *fresh])
    for x in moving:
        if x.value is not None:
            arrays.pop(x.value, None)
            x.value.name = f"{guard.name(x.tensor) or 'tensor'}.grad"
    for value in graph.values():
        if value.kind == "input" and value.data is not None:  # an array of one of the runs
            value.kind, value.data = "constant", constant(value.data.copy()).data
    met = _lasting(last, recorded, guard, kept, around)
    moved = {id(x.tensor) for x in moving}
    graded = [before for before in met if id(before.tensor) not in moved]
    changed = [arrays[value] for value, _ in state if value in arrays]
    return Captured(
        graph,
        arrays,
        sorted(span(array) for array in changed if array.size),
        result,
        bool(asked),
        lambda: guard,
        [before.tensor for before in met],
        [before.tensor for before in graded],
        [*watched(met, graded)],
        moving,
        looked_at,
    )


def _lasting(
    last: Recording, recorded: Recording, guard: Guard, kept: set[tuple], around: Around
) -> list[Before]:
    """The tensors on which the program depends: those that the step computes with or through whose
    memory it does, and those that may have a gradient, as they are before it."""
    # Tensors that only one run met were made in it: nobody else can change them.
    lasting = {id(before.tensor) for before in last.met}
    met = [before for before in recorded.met if id(before.tensor) in lasting]
    known = {id(before.tensor) for before in met}
    for x in guard.tensors:
        if id(x) not in known and (is_parameter(x) or memory(x.value) in kept):
            met.append(Before(x, x.value, x.grad, x.node, x.requires_grad))
    around.restore()
    for before in met:
        before.grad = before.tensor.grad
    return met


def _outputs(result: Any, recorded: Recording, outputs: list[Value]) -> Any:
    """The result with its Tensors replaced by where they are in `outputs`."""
    if isinstance(result, Tensor):
        outputs.append(recorded.value(result))
        return Output(len(outputs) - 1)
    if is_row(result):
        return rebuilt(result, (_outputs(x, recorded, outputs) for x in result))
    if type(result) is dict:
        return {key: _outputs(x, recorded, outputs) for key, x in result.items()}
    return result


def _any(conditions: list[Value]) -> list[Value]:
    """Whether any of the conditions is met anywhere; nothing where there are none."""
    each = [equation(max_, x, axes=tuple(range(x.ndim))) for x in conditions if x.size]
    return [reduce(partial(equation, maximum), each)] if each else []


class _Names:
    """Names for inputs: where the guard found the tensor, or its role and a number."""

    def __init__(self, met: list[Before], guard: Guard, taken: set[str]):
        named = ((memory(b.value), guard.name(b.tensor)) for b in met)
        self._paths = {key: name for key, name in named if name}
        self._taken = taken

    def of(self, key: tuple, role: str) -> str:
        name = self._paths.get(key) or role
        if name in self._taken:
            name = f"{name}{len(self._taken)}"
        self._taken.add(name)
        return name
