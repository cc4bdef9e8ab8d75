"""Rows: a function of rows, such as a model in use, on all rows of an array natively."""

from collections.abc import Callable

import numpy as np

from steepest.compiler.capture.capture import capture
from steepest.compiler.capture.captured import Captured, Output
from steepest.compiler.capture.refusal import refusal, refusing
from steepest.compiler.loop import Loop
from steepest.compiler.steady import Steady
from steepest.core import Aval
from steepest.tensors import Tensor, recording

__all__ = ["Rows"]

_CHUNK = 32  # rows at a time: enough to fill vectors, few enough that activations stay in cache


class Rows:
    """A function that gives each row a result which depends on that row alone.

    One program serves any number of rows.

    Args:
        function: from some rows, a tensor (n, …), to a tensor with as many rows.
    """

    def __init__(self, function: Callable[[Tensor], Tensor]):
        self.function = function
        self._steady = Steady()
        self._index = np.zeros(0, np.int64)

    def run(self, x: np.ndarray) -> np.ndarray:
        """The results of all rows of x, at least one, in their order.

        Raises:
            NotCompilable: the reason why the function has to run eagerly.
        """
        steps = -(-len(x) // _CHUNK)
        if len(self._index) != steps * _CHUNK or self._index[-1] != len(x) - 1:
            # The last chunk is filled up with the last row.
            self._index = np.minimum(np.arange(steps * _CHUNK), len(x) - 1)
        aval, on = Aval((_CHUNK, *x.shape[1:]), x.dtype), recording()
        loop = self._steady.get((aval, on), lambda: self._made(aval, on))
        (result,) = loop.results
        found = np.empty((steps, *result.shape), result.dtype)
        if loop.run([x], self._index, steps, [found]) < steps:
            return self.function(Tensor(x)).detach().numpy()  # says what is wrong
        return found.reshape(-1, *result.shape[1:])[: len(x)]

    def _made(self, aval: Aval, on: bool) -> Loop:
        with refusing():
            inlets = [("rows", aval, "gathered")]
            captured = capture(self.function, inlets, recording=on, frozen=())
            _check_result(captured)
            return Loop(captured)


def _check_result(captured: Captured) -> None:
    found = captured.graph.outputs[0] if isinstance(captured.result, Output) else None
    if found is None or found.shape[:1] != (_CHUNK,):
        raise refusal(
            "the function must give each row a result",
            expected=f"a tensor with {_CHUNK} rows",
            got=found.aval if found else captured.result,
        )
