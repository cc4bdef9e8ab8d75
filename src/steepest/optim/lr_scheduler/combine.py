"""Schedules made of schedules: one after the other, or all at once."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from steepest.core import said
from steepest.optim.lr_scheduler.plateau import ReduceLROnPlateau
from steepest.optim.lr_scheduler.scheduler import LRScheduler, write_rates
from steepest.optim.optimizer import Optimizer

__all__ = ["ChainedScheduler", "SequentialLR"]


def _check(name: str, schedulers: Sequence[LRScheduler], optimizer: Optimizer) -> None:
    for i, schedule in enumerate(schedulers):
        if isinstance(schedule, ReduceLROnPlateau):
            raise ValueError(said(name, "does not support ReduceLROnPlateau", got=f"number {i}"))
        if schedule.optimizer is not optimizer:
            raise ValueError(said(name, f"the schedule number {i} is of another optimizer"))


class _Combined(LRScheduler):
    """Holds several schedules of one optimizer."""

    _schedulers: list[LRScheduler]

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        return {**state, "_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        held = self._schedulers
        super().load_state_dict(state_dict)
        self._schedulers = held
        for schedule, state in zip(held, state_dict["_schedulers"], strict=True):
            schedule.load_state_dict(state)


class SequentialLR(_Combined):
    """One schedule after the other, each from its own beginning; the next at every milestone.

    Args:
        optimizer: whose groups get the learning rates.
        schedulers: schedules of that optimizer.
        milestones: the steps at which the second, third, … begins.
        last_epoch: the number of steps taken before, when training is resumed.

    Raises:
        ValueError: no schedule, milestones of another number, or another optimizer.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ):
        name = type(self).__name__
        if not schedulers:
            raise ValueError(said(name, "expects at least one scheduler"))
        _check(name, schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            expected = len(schedulers) - 1
            raise ValueError(said(name, "milestones", expected=expected, got=len(milestones)))
        self._schedulers, self._milestones = list(schedulers), list(milestones)
        self.optimizer, self.last_epoch = optimizer, last_epoch
        self.step()

    def step(self, epoch: int | None = None) -> None:
        """Go to the next step, or to step `epoch`, of whichever schedule it belongs to."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        at = bisect_right(self._milestones, self.last_epoch)
        began = self._milestones[at - 1] if at else 0
        self._schedulers[at].step(self.last_epoch - began)
        self._last_lr = self._schedulers[at].get_last_lr()


class ChainedScheduler(_Combined):
    """Several schedules at once: each is given the learning rate of the one before it.

    PyTorch computes each from the last step's value, where a cosine that has reached its minimum
    starts again from the first learning rate; here it goes on with what the others give.

    Args:
        schedulers: schedules of one optimizer.
        optimizer: theirs.

    Raises:
        ValueError: no schedule, or several optimizers.
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None):
        name = type(self).__name__
        if not schedulers:
            raise ValueError(said(name, "expects at least one scheduler"))
        self.optimizer = optimizer or schedulers[0].optimizer
        _check(name, schedulers, self.optimizer)
        self._schedulers = list(schedulers)
        self._write()

    def step(self, epoch: int | None = None) -> None:
        """Take a step of every schedule, or go to step `epoch` of all."""
        for schedule in self._schedulers:
            schedule.step(epoch)
        self._write()

    def _write(self) -> None:
        rates = self._schedulers[0].base_lrs
        for schedule in self._schedulers:
            rates = schedule.rates(schedule.last_epoch, rates)
        self._last_lr = write_rates(self.optimizer, rates)
