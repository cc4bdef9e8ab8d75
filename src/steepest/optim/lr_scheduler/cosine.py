"""Schedules along a cosine: slow at both ends, fast between; and SGDR, which starts it again."""

import math

from steepest.core import said
from steepest.optim.lr_scheduler.scheduler import LRScheduler
from steepest.optim.optimizer import Optimizer

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]


def _cosine(lr: float, eta_min: float, part: float) -> float:
    """From lr at part = 0 to eta_min at part = 1 along half a cosine."""
    return eta_min + (lr - eta_min) * (1 + math.cos(math.pi * part)) / 2


class CosineAnnealingLR(LRScheduler):
    """From lr to eta_min in T_max steps along half a cosine, and back up in the next T_max.

        eta_min + ½ (lr − eta_min) (1 + cos(π t / T_max))

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR
    2017, without its restarts.

    Args:
        optimizer: whose groups get the learning rates.
        T_max: the steps of the way down.
        eta_min: the smallest learning rate.
        last_epoch: the number of steps taken before, when training is resumed.
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ):
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def at(self, t: float, lr: float) -> float:
        return _cosine(lr, self.eta_min, t / self.T_max)


class CosineAnnealingWarmRestarts(LRScheduler):
    """SGDR: from lr to eta_min in T_0 steps along half a cosine, then a restart at lr.

    Each cycle is T_mult times as long as the one before it. The high rate after a restart carries
    the parameters out of a narrow minimum; the low rate before it lets them settle.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR
    2017.

    Attributes:
        T_cur: steps since the last restart.
        T_i: the length of the current cycle.

    Args:
        optimizer: whose groups get the learning rates.
        T_0: the length of the first cycle, in steps.
        T_mult: by what each next cycle is longer.
        eta_min: the smallest learning rate.
        last_epoch: the number of steps taken before, when training is resumed.

    Raises:
        ValueError: T_0 or T_mult is not a whole number of at least 1.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ):
        name = type(self).__name__
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(said(name, f"Expected positive integer T_0, but got {T_0}"))
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(said(name, f"Expected integer T_mult >= 1, but got {T_mult}"))
        if not isinstance(eta_min, int | float):
            raise ValueError(said(name, "eta_min is a number", got=type(eta_min).__name__))
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        self.T_cur: float = last_epoch
        self.T_i = T_0
        super().__init__(optimizer, last_epoch)

    def at(self, t: float, lr: float) -> float:
        since, length = self._cycle(t)
        return _cosine(lr, self.eta_min, since / length)

    def _cycle(self, t: float) -> tuple[float, int]:
        """Steps since the last restart before t, and the length of the cycle that t is in."""
        if self.T_mult == 1:
            return t % self.T_0, self.T_0
        # Adding up lengths is exact; a logarithm would put some restarts one step too late.
        start, length = 0, self.T_0
        while t >= start + length:
            start, length = start + length, length * self.T_mult
        return t - start, length

    def get_lr(self) -> list[float]:
        return [_cosine(lr, self.eta_min, self.T_cur / self.T_i) for lr in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go to the next step, or to `epoch`, which may be a fraction.

        Within an epoch of n mini-batches: `scheduler.step(epoch + i / n)` after mini-batch i.
        """
        if epoch is None:
            # Restarts fall on whole steps, so the fraction of T_cur is that of the position.
            epoch = self.last_epoch + self.T_cur % 1 + 1
        if epoch < 0:
            raise ValueError(
                said(type(self).__name__, f"Expected non-negative epoch, but got {epoch}")
            )
        self.T_cur, self.T_i = self._cycle(epoch)
        self.last_epoch = math.floor(epoch)
        self._write()
