"""Stretches: a classifier under plain descent, so many updates at a time, each a native call."""

import time
from collections.abc import Callable

import numpy as np

from steepest import nn, optim
from steepest.compiler import Epochs
from steepest.data import Part
from steepest.tensors import Tensor, no_grad

__all__ = ["Stretches"]


class Stretches:
    """A classifier trained by plain descent, looked at between any two of its updates.

    Rows come in an order that is new whenever all have been seen.

    Args:
        model: its weights are where training starts.
        part: what it is trained on.
        size: rows of a mini-batch.
        random: of the orders.
    """

    def __init__(self, model: nn.Module, part: Part, size: int, random: np.random.Generator):
        self.model, self._part, self._size, self._random = model, part, size, random
        self._first = {name: x.numpy().copy() for name, x in model.state_dict().items()}
        rate = Tensor(np.zeros(()))
        update, look = _steps(model, rate)
        self._updates, self._looks = Epochs(update, [rate]), Epochs(look)
        self._order = np.zeros(0, int)
        self.go(1, 0.0)  # makes the program, outside of what is timed

    def restart(self) -> None:
        """Back to the first weights."""
        self.model.load_state_dict(self._first)

    def go(self, updates: int, rate: float) -> float:
        """So many updates; the seconds that one took."""
        rows, wanted = len(self._part), updates * self._size
        missing = max(0, wanted - len(self._order))
        passes = [self._random.permutation(rows) for _ in range(-(-missing // rows))]
        order, self._order = np.split(np.concatenate([self._order, *passes]), [wanted])
        began = time.perf_counter()
        rates = [np.full(updates, rate)]
        self._updates.run([self._part.x, self._part.y], order, self._size, rates)
        return (time.perf_counter() - began) / updates

    def loss(self) -> float:
        """The cross entropy over all rows, in nats."""
        rows = len(self._part)
        return float(self._looks.run([self._part.x, self._part.y], np.arange(rows), rows)[0])


def _steps(model: nn.Module, rate: Tensor) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    """An update on a mini-batch, whose rate may change with every step; and a look at a batch."""
    loss, optimizer = nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=rate)

    def update(x: Tensor, y: Tensor) -> Tensor:
        value: Tensor = loss(model(x), y)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    def look(x: Tensor, y: Tensor) -> Tensor:
        with no_grad():
            value: Tensor = loss(model(x), y)
            return value

    return update, look
