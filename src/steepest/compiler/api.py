"""`compile(step)`: a training step as one native function, called like the step itself."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from steepest.compiler.capture.arguments import Call, placed
from steepest.compiler.capture.capture import capture
from steepest.compiler.capture.refusal import refusing
from steepest.compiler.loop import Loop
from steepest.compiler.steady import Steady
from steepest.tensors import Tensor, computing, recording

__all__ = ["Compiled", "compile"]


class Compiled:
    """A step that runs as one native call; made by `compile`."""

    def __init__(self, step: Callable[..., Any]):
        functools.update_wrapper(self, step)
        self.step = step
        self._steady = Steady()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run one step. Tensors and NumPy arrays among the arguments are data; the rest is frozen.

        Returns:
            What the step returns, without history.

        Raises:
            NotCompilable: naming the line, and what to write instead. Nothing has changed then.
        """
        if not computing():  # a part of another step, whose program it becomes a part of
            return self.step(*args, **kwargs)
        call = Call(args, kwargs)
        on = recording()

        def make() -> Loop:
            captured = capture(self.step, call.inlets(), call.arguments, on, frozen=call.frozen)
            with refusing():  # a mistake in the step itself, above, stays what it is
                return Loop(captured)

        loop = self._steady.get((call.key, on), make)
        outputs = [np.empty((1, *v.shape), v.dtype) for v in loop.results]
        if not loop.run(call.arrays, None, 1, outputs):
            return self.step(*args, **kwargs)  # says what is wrong
        return placed(loop.captured.result, [Tensor(out[0, ...]) for out in outputs])

    def explain(self) -> str:
        """All stages of every program made so far, as text that reads like mathematics."""
        return self._steady.explain()


def compile(step: Callable[..., Any]) -> Compiled:
    """Compile a training step (forward, loss, backward, update) into one native function.

        @compile
        def step(x, y):
            optimizer.zero_grad()
            loss = mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

    The step is traced once per shapes and dtypes of its arguments. Tensors that it changes in place
    are carried from call to call. Numbers of Python are frozen; when one that the step can reach
    has changed, the step is traced anew.

    A gradient that the step itself uses up, as this one does, is not kept: it never reaches memory.
    To see it, return it: `return loss, [p.grad for p in model.parameters()]`; `p.grad` says so when
    its numbers are asked for. One of a parameter that the step does not change is in `p.grad`.

    Args:
        step: a function whose tensor operations do not depend on the numbers in tensors.

    Returns:
        What is called like the step itself; its `explain()` is every stage of it, as text.
    """
    return Compiled(step)
