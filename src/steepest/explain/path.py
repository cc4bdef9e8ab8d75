"""The path of training through the space of all weights."""

from typing import Any

import numpy as np

from steepest.training import Callback

__all__ = ["WeightPath"]


class WeightPath(Callback):
    """A callback that keeps the weights before training and after every epoch.

    Of a long run every second epoch is kept, then every fourth, …, so that there are never more
    than `points`.

    Attributes:
        epochs: which epochs are kept; 0 is before training.
    """

    def __init__(self, points: int = 200):
        self.points = points
        self._every = 1
        self._kept: list[tuple[int, np.ndarray]] = []
        self._last: tuple[int, np.ndarray] = (0, np.zeros(0))

    @property
    def epochs(self) -> list[int]:
        return [epoch for epoch, _ in self._ending()]

    @property
    def path(self) -> np.ndarray:
        """(n, P): the trained parameters one after another; the last row is the last epoch's."""
        return np.array([weights for _, weights in self._ending()])

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._keep(0)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._keep(epoch)

    def _keep(self, epoch: int) -> None:
        trained = (p for p in self.fit.model.parameters() if p.requires_grad)
        self._last = (epoch, np.concatenate([p.value.ravel() for p in trained]))
        if epoch % self._every == 0:
            self._kept.append(self._last)
        if len(self._kept) > self.points:
            self._every *= 2
            self._kept = self._kept[::2]

    def _ending(self) -> list[tuple[int, np.ndarray]]:
        """What is kept, and the last epoch in any case."""
        ended = self._kept and self._kept[-1][0] == self._last[0]
        return self._kept if ended else [*self._kept, self._last]
