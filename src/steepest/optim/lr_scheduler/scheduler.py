"""What all schedules share: they count steps and write the learning rate into the groups.

A schedule is a pure function, `at(t, lr)`: the learning rate after t steps of a group that starts
with lr. PyTorch computes most schedules from the previous value instead; the numbers agree to
rounding, but here a schedule resumed at step 70 needs no history, can be drawn before training, and
can be handed to a compiled epoch as an array. In return, two schedules on one optimizer do not
multiply: the one that steps last decides.
"""

from typing import Any

from steepest.core import said
from steepest.optim.optimizer import Optimizer
from steepest.tensors import Tensor, computing, no_grad

__all__ = ["LRScheduler", "write_rates"]


class LRScheduler:
    """Base of all schedules; a schedule of one's own defines `at`, or `get_lr` as in PyTorch.

    Call `step()` once per epoch (or per mini-batch, if that is the schedule's unit), after the
    optimizer's step. The first value is in the groups as soon as the schedule is made.

    Attributes:
        last_epoch: the number of steps taken.
        base_lrs: the learning rate that each group started with.

    Args:
        optimizer: whose groups get the learning rates.
        last_epoch: the number of steps taken before, when training is resumed; -1 to begin.

    Raises:
        TypeError: not an optimizer.
        KeyError: resuming with groups that never had a schedule.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1):
        self._check_optimizer(optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", float(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    said(
                        type(self).__name__,
                        f"param 'initial_lr' is not specified in param_groups[{i}]",
                        write="optimizer.load_state_dict(saved) before making the schedule",
                    )
                )
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self.step()

    def _check_optimizer(self, optimizer: Any) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                said(
                    type(self).__name__,
                    f"{type(optimizer).__name__} is not an Optimizer",
                    write=f"{type(self).__name__}(optimizer, ...)",
                )
            )

    def at(self, t: float, lr: float) -> float:
        """The learning rate after t steps of a group that starts with lr."""
        raise NotImplementedError(f"{type(self).__name__} defines neither at() nor get_lr()")

    def get_lr(self) -> list[float]:
        """The learning rate of every group after `last_epoch` steps."""
        return self.rates(self.last_epoch, self.base_lrs)

    def rates(self, t: float, base: list[float]) -> list[float]:
        """The learning rates after t steps of groups that start with those of `base`."""
        return [self.at(t, lr) for lr in base]

    def step(self, epoch: int | None = None) -> None:
        """Go to the next step, or to step `epoch`, and write its learning rates into the groups."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._write()

    def _write(self) -> None:
        self._step_count += 1
        self._last_lr = write_rates(self.optimizer, self.get_lr())

    def get_last_lr(self) -> list[float]:
        """The learning rates written last, one per group."""
        return self._last_lr

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer, whose own state holds the current learning rates."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken, by this library or by PyTorch."""
        known = self.state_dict()
        self.__dict__.update({key: v for key, v in state_dict.items() if key in known})


def write_rates(optimizer: Optimizer, rates: list[float]) -> list[float]:
    """Give every group its learning rate; returns what they have then."""
    if not computing():
        raise RuntimeError(
            said(
                "schedule.step",
                "a schedule counts in Python, and a compiled step does not",
                write="schedule.step() after the call of the compiled step, which reads the "
                "learning rate anew each time",
            )
        )
    for group, lr in zip(optimizer.param_groups, rates, strict=True):
        if isinstance(group["lr"], Tensor):
            with no_grad():  # a compiled program reads this tensor at every step
                group["lr"].fill_(lr)  # type: ignore[attr-defined]
        else:
            group["lr"] = lr
    return [float(group["lr"]) for group in optimizer.param_groups]
