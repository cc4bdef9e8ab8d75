"""The loop: a captured step as a native program on its arrays, run many times.

What the compiler was allowed to assume (ranges of labels, states that are equal) is checked before
every run.
"""

from bisect import bisect_right
from collections.abc import Sequence
from math import inf
from threading import Lock

import numpy as np

from steepest.compiler.capture.captured import Captured
from steepest.compiler.capture.refusal import refusal
from steepest.compiler.graph import Value
from steepest.compiler.programs import explained, program_for
from steepest.compiler.run.program import Bound
from steepest.compiler.spans import span
from steepest.tensors import Tensor

__all__ = ["ASKED", "Loop"]

ASKED = 2  # in control[2]: the step after those done is not the program's


class Loop:
    """A captured step as a native program on its arrays.

    stepped  tensors that have another value at every step
    program  what runs
    results  shape and dtype of what the step returns
    """

    def __init__(self, captured: Captured, stepped: Sequence[Tensor] = ()):
        self.captured = captured
        inputs = captured.graph.inputs
        self._alike = _alike(captured)
        self.program, twins = program_for(captured.graph, self._alike)
        outputs = self.program.outputs
        self.results = outputs[:-1] if captured.watches else outputs
        own = [x for number, x in enumerate(inputs) if number not in twins]
        self._twins = [
            (inputs[twin].name, captured.arrays[inputs[twin]], captured.arrays[inputs[first]])
            for twin, first in twins.items()
        ]
        places = {x: number for number, x in enumerate(own)}
        self._gradients = [(places[x.value], x) for x in captured.gradients if x.value is not None]
        self._bound = Bound(self.program)
        self._alone = Lock()  # the program's memory is for one thread at a time
        self._control = np.zeros(3, np.int64)
        self._given: list[np.ndarray | None] = [None] * len(own)
        arrays = [(number, captured.arrays.get(x)) for number, x in enumerate(own)]
        numbers = {id(array): number for number, array in arrays}
        # Where the values of each stepped tensor go; nowhere, if the step does not use it.
        self._stepped = [numbers.get(id(tensor.value)) for tensor in stepped]
        lasting = [
            (number, array)
            for number, array in arrays
            if array is not None and own[number].role != "stepped"
        ]
        for number, array in lasting:
            self._place(number, array)
        self._reshaped = [entry for entry in lasting if self._given[entry[0]] is None]

    def stale(self) -> str | None:
        """Why the program no longer is the step, in words; None while it is."""
        for name, twin, first in self._twins:
            if twin.item() != first.item():
                return name
        return self.captured.stale()

    def explain(self) -> str:
        """Every stage of the program, as text that reads like mathematics."""
        return explained(self.captured.graph, self._alike)

    def run(
        self,
        arrays: Sequence[np.ndarray],
        index: np.ndarray | None,
        steps: int,
        outputs: list[np.ndarray],
        control: np.ndarray | None = None,
        stepped: Sequence[np.ndarray] = (),
        *,
        sound: bool = False,
    ) -> int:
        """Run steps; tensors that live between steps are changed in place. One thread at a time.

        Args:
            arrays: those of the arguments.
            index: row numbers of the gathered arrays, (steps · batch).
            outputs: per output an array with one entry per step.
            control: as in `replay`; None where nobody looks at it.
            stepped: for each stepped tensor its value at every step.
            sound: keep the step whose loss is not finite, which is the last, from the state.

        Returns:
            The number of steps done. Where a step meets a condition of an error, they end before
            it, and control[2] is ASKED: eager code has to say what is wrong.
        """
        with self._alone:
            if control is None:
                control = self._control
                control.fill(0)
            self._take(arrays, stepped)
            done = self._run(index, steps, outputs, control, sound)
            if done:
                self.captured.leave()
            return done

    def _take(self, arrays: Sequence[np.ndarray], stepped: Sequence[np.ndarray]) -> None:
        """Place the arguments of one run."""
        for number, array in enumerate(arrays):
            if self._given[number] is not array:
                self._check_apart(array, "an argument", "x.clone() as the argument")
                self._place(number, array)
        for number, array in self._reshaped:
            self._place(number, array)
        for place, values in zip(self._stepped, stepped, strict=True):
            if place is not None:
                self._bound.place(place, values)
        for number, gradient in self._gradients:
            given = gradient.take()
            if given is not None:
                self._check_apart(given, "a gradient", "p.grad.clone() as p.grad")
                self._place(number, given)

    def _run(
        self,
        index: np.ndarray | None,
        steps: int,
        outputs: list[np.ndarray],
        control: np.ndarray,
        sound: bool,
    ) -> int:
        bound = self._bound
        bound.load()
        watched = np.zeros(steps, np.bool_) if self.captured.watches else None
        if watched is not None:
            outputs = [*outputs, watched]
        ran = done = bound.run(index, steps, outputs, control)
        kept = ran - 1 if sound and control[2] else ran
        if watched is not None and watched[:ran].any():
            done = kept = int(watched.argmax())
            control[2] = ASKED
        if kept < ran:
            bound.load()
            batch = 0 if index is None else len(index) // steps
            again = None if index is None else index[: batch * kept]
            bound.run(again, kept, outputs, np.zeros_like(control))
        bound.save()
        for _, twin, first in self._twins:
            twin[()] = first[()]
        return done

    def _check_apart(self, array: np.ndarray, what: str, instead: str) -> None:
        """What is given to a step must not be part of the state."""
        (start, stop), spans = span(array), self.captured.spans
        # They do not overlap: the last one that begins before the array's end is the one.
        last = bisect_right(spans, (stop - 1, inf)) - 1
        if last < 0 or spans[last][1] <= start or not array.size:
            return
        for x, own in self.captured.arrays.items():
            if x.role == "state" and np.may_share_memory(own, array):
                raise refusal(
                    f"{what} shares its memory with {x.name}, which the step changes", write=instead
                )

    def _place(self, number: int, array: np.ndarray) -> None:
        """Bind an array; its numbers are read at every run."""
        shaped = _shaped(array, self.program.inputs[number])
        self._bound.place(number, shaped)
        # A copy is taken anew every time.
        if shaped is array or np.may_share_memory(shaped, array):
            self._given[number] = array


def _shaped(array: np.ndarray, value: Value) -> np.ndarray:
    """An array in the shape in which the program reads it: images may be rows there."""
    if array.shape == value.shape:
        return array
    lead = 1 if value.role == "gathered" else 0
    shape = value.shape[lead:]
    if array.shape[lead:] == shape:
        return array
    return array.reshape(*array.shape[:lead], *shape)


def _alike(captured: Captured) -> list[list[int]]:
    """Positions of states of one number that are equal now: candidates for being twins."""
    groups: dict[tuple, list[int]] = {}
    for number, x in enumerate(captured.graph.inputs):
        array = captured.arrays.get(x)
        if x.role == "state" and x.shape == () and array is not None:
            groups.setdefault((x.dtype, array.tobytes()), []).append(number)
    return [group for group in groups.values() if len(group) > 1]
