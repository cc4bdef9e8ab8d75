"""A schedule that looks: the learning rate falls when a measure has stopped getting better."""

import math
from typing import Any

from steepest.core import said
from steepest.optim.lr_scheduler.scheduler import LRScheduler, write_rates
from steepest.optim.optimizer import Optimizer

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """lr · factor after more than `patience` steps without a better measure.

    Call `step(metrics)` with the measure, such as the loss on the validation set.

    Attributes:
        best: the best measure so far.
        num_bad_epochs: steps since then.

    Args:
        optimizer: whose groups get the learning rates.
        mode: whether "min" or "max" is better.
        factor: by what the learning rate falls.
        patience: how many steps may pass without a better measure.
        threshold: by how much a measure has to be better to count.
        threshold_mode: a share of the best ("rel") or a difference ("abs").
        cooldown: for how many steps after a fall nothing counts.
        min_lr: the smallest learning rate, one for all groups or one per group.
        eps: smaller falls are left out.

    Raises:
        ValueError: a factor of 1 or more, or unknown modes. TypeError: not an optimizer.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: Any = 0,
        eps: float = 1e-8,
    ):
        name = type(self).__name__
        if factor >= 1.0:
            raise ValueError(said(name, "Factor should be < 1.0.", got=factor))
        self._check_optimizer(optimizer)
        self.optimizer = optimizer
        groups = len(optimizer.param_groups)
        several = isinstance(min_lr, list | tuple)
        if several and len(min_lr) != groups:
            raise ValueError(said(name, "min_lr, one per group", expected=groups, got=len(min_lr)))
        self.default_min_lr = None if several else min_lr
        self.min_lrs = list(min_lr) if several else [min_lr] * groups
        if mode not in ("min", "max"):
            raise ValueError(said(name, f"mode {mode} is unknown!", expected="min or max"))
        if threshold_mode not in ("rel", "abs"):
            message = f"threshold mode {threshold_mode} is unknown!"
            raise ValueError(said(name, message, expected="rel or abs"))
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.factor, self.patience, self.cooldown, self.eps = factor, patience, cooldown, eps
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.best, self.cooldown_counter, self.num_bad_epochs = self.mode_worse, 0, 0
        self.last_epoch = 0
        self._last_lr = [float(group["lr"]) for group in optimizer.param_groups]

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Take note of a measure, and let the learning rate fall if it is time.

        Args:
            metrics: the measure, a number or a tensor of one element.
            epoch: the number of the step; the next one by default.
        """
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        current = float(metrics)
        if self._is_better(current):
            self.best, self.num_bad_epochs = current, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        if self.num_bad_epochs > self.patience:
            lower = [
                max(lr * self.factor, low) for lr, low in zip(rates, self.min_lrs, strict=True)
            ]
            rates = [
                new if lr - new > self.eps else lr for lr, new in zip(rates, lower, strict=True)
            ]
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = write_rates(self.optimizer, rates)

    def _is_better(self, current: float) -> bool:
        if self.threshold_mode == "rel":
            sign = -1 if self.mode == "min" else 1
            bound = self.best * (1 + sign * self.threshold)
        else:
            bound = self.best + (-self.threshold if self.mode == "min" else self.threshold)
        return current < bound if self.mode == "min" else current > bound
