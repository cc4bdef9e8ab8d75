"""Epochs: a training step that runs through whole epochs in native calls."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from steepest.compiler.capture.capture import capture
from steepest.compiler.capture.captured import Captured, Output
from steepest.compiler.capture.refusal import Mistaken, refusal, refusing
from steepest.compiler.loop import ASKED, Loop
from steepest.compiler.steady import Steady
from steepest.core import Aval, is_float
from steepest.tensors import Tensor

__all__ = ["Epochs"]


class Epochs:
    """A training step that runs through whole epochs natively.

    Args:
        step: from one mini-batch of each array, as tensors, to the loss, a tensor of one number.
        stepped: tensors that the step reads and that have another value at every step, such as the
            learning rate.
    """

    def __init__(self, step: Callable[..., Any], stepped: Sequence[Tensor] = ()):
        self.step, self.stepped = step, list(stepped)
        self._steady = Steady()
        self._control = np.zeros(3, np.int64)  # where the caller has none

    def run(
        self,
        arrays: Sequence[np.ndarray],
        order: np.ndarray,
        batch_size: int,
        stepped: Sequence[np.ndarray] = (),
        *,
        losses: np.ndarray | None = None,
        control: np.ndarray | None = None,
    ) -> np.ndarray:
        """Go through the rows of the arrays in the given order, one update per mini-batch.

        The last mini-batch is smaller where batch_size does not divide the rows. A loss that is not
        finite ends the epoch before it reaches the weights.

        Args:
            arrays: samples, one row each; the mini-batch of each is an argument of the step.
            order: row numbers; repeated, several epochs are one call.
            stepped: for each stepped tensor its value at every step.
            losses: where to write the losses, readable from another thread meanwhile.
            control: three int64; write to [0] from another thread to stop; [1] counts the steps.

        Returns:
            The loss of every step done.

        Raises:
            NotCompilable: the reason why the step has to run eagerly. Nothing has changed then.
        """
        order = np.ascontiguousarray(order, np.int64)
        if control is None:
            control = self._control
            control.fill(0)
        whole, rest = divmod(len(order), batch_size)
        parts = [x for x in ((0, whole, batch_size), (whole, 1, rest)) if x[1] and x[2]]
        kinds = tuple(map(_kind, arrays))
        loops = [self._loop(kinds, batch) for _, _, batch in parts]
        if losses is None:
            dtype = loops[0].results[0].dtype if loops else np.float32
            losses = np.empty(whole + bool(rest), dtype)
        control[1] = done = 0
        for loop, (start, steps, batch) in zip(loops, parts, strict=True):
            if control[0] or control[2]:
                break
            rates = [_some(values, start, steps) for values in stepped]
            at = _some(order, start * batch_size, steps * batch)
            # The smaller mini-batch is a run of its own, and its count is not the epoch's.
            mine = np.zeros_like(control) if start else control
            part = [_some(losses, start, steps)]
            done += loop.run(arrays, at, steps, part, mine, rates, sound=True)
            control[1], control[2] = done, ended = done, mine[2]
            if ended == ASKED:
                return self._asked(done, arrays, order, batch_size, stepped, losses, control)
        return losses[:done]

    def _asked(
        self,
        step: int,
        arrays: Sequence[np.ndarray],
        order: np.ndarray,
        batch_size: int,
        stepped: Sequence[np.ndarray],
        losses: np.ndarray,
        control: np.ndarray,
    ) -> np.ndarray:
        """One step eagerly, which says what is wrong; or nothing is, for a number that decides was
        rounded in another way: then what is left of the epoch."""
        for tensor, values in zip(self.stepped, stepped, strict=True):
            tensor.value[...] = values[step]
        rows, left = np.split(order[step * batch_size :], [batch_size])
        losses[step] = self.step(*[Tensor(array[rows]) for array in arrays]).item()
        control[2] = 0
        rates, rest = [values[step + 1 :] for values in stepped], losses[step + 1 :]
        self.run(arrays, left, batch_size, rates, losses=rest, control=control)
        control[1] += step + 1
        return losses[: control[1]]

    def _loop(self, kinds: tuple[tuple, ...], batch: int) -> Loop:
        """The program for mini-batches of that size."""
        return self._steady.get((batch, kinds), lambda: self._made(kinds, batch))

    def _made(self, kinds: Sequence[tuple], batch: int) -> Loop:
        inlets = [
            (f"argument{number}", Aval((batch, *shape), dtype), "gathered", bounds)
            for number, (shape, dtype, bounds) in enumerate(kinds)
        ]
        with refusing(Mistaken):
            captured = capture(self.step, inlets, stepped=self.stepped, frozen=())
        with refusing():
            _check_loss(captured)
            _check_gradients(captured)
            return Loop(captured, self.stepped)

    def explain(self) -> str:
        """All stages of every program made so far, as text that reads like mathematics."""
        return self._steady.explain()


def _check_loss(captured: Captured) -> None:
    loss = captured.graph.outputs[0] if isinstance(captured.result, Output) else None
    if loss is None or loss.shape or not is_float(loss.dtype):
        raise refusal(
            "the step must return its loss",
            expected="one floating-point number, shape ()",
            got=loss.aval if loss else captured.result,
        )


def _check_gradients(captured: Captured) -> None:
    """A program for an epoch's first step is one for all of them."""
    for x in captured.gradients:
        if x.none:
            name = captured.guard().name(x.tensor) or "a tensor"
            raise refusal(
                f"the step uses {name}.grad, which only its end makes: its first step does less",
                write="loss.backward() before optimizer.step(), or call the step once by itself",
            )


def _kind(array: np.ndarray) -> tuple[tuple[int, ...], np.dtype, tuple[int, int] | None]:
    """The shape of a sample, the dtype, and the smallest and the largest label."""
    shape, dtype = array.shape[1:], array.dtype
    if dtype.kind not in "iu" or not array.size:
        return shape, dtype, None
    return shape, dtype, (int(array.min()), int(array.max()))


def _some(array: np.ndarray, start: int, count: int) -> np.ndarray:
    """So many entries from there on; the array itself where these are all."""
    return array if len(array) == count else array[start : start + count]
