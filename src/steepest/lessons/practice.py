"""Training inside an experiment: all steps in one native call, with nobody watching."""

from collections.abc import Callable

import numpy as np

from steepest import nn, optim
from steepest.compiler import Epochs
from steepest.tensors import Tensor

__all__ = ["cosine", "practise"]


def cosine(first: float, steps: int) -> np.ndarray:
    """Learning rates (steps,) from the first down to nearly 0, as half a wave of a cosine."""
    return first * (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2


def practise(
    model: nn.Module,
    loss: Callable[[Tensor, Tensor], Tensor],
    rule: Callable[..., optim.Optimizer],
    rates: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    order: np.ndarray,
    batch_size: int,
) -> np.ndarray:
    """Go through the rows of x and y in the given order, one update per mini-batch.

    Nothing is measured on the way but the loss, so ten thousand steps of a small network take
    tenths of a second; where epochs are looked at, `training.fit` is the one to use.

    Args:
        rule: an optimizer's class, or a partial of it.
        rates: the learning rate of every step.
        order: row numbers, as many as all steps take.

    Returns:
        The loss of every step done; a loss that is not finite is the last.
    """
    rate = Tensor(np.zeros((), np.float32))
    optimizer = rule(model.parameters(), lr=rate)

    def step(x: Tensor, y: Tensor) -> Tensor:
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()  # type: ignore[attr-defined]
        optimizer.step()
        return value

    return Epochs(step, [rate]).run([x, y], order, batch_size, [rates])
