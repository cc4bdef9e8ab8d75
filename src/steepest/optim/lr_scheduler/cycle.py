"""Schedules that go up and down, and may move the momentum against the learning rate."""

import math
from collections.abc import Callable
from typing import Any

from steepest.core import said
from steepest.optim.lr_scheduler.scheduler import LRScheduler
from steepest.optim.optimizer import Optimizer

__all__ = ["CyclicLR", "OneCycleLR"]


def _per_group(name: str, what: str, optimizer: Optimizer, value: Any) -> list[float]:
    """One value for each group, from one for all or a list of them."""
    groups = len(optimizer.param_groups)
    given = list(value) if isinstance(value, list | tuple) else [value] * groups
    if len(given) != groups:
        raise ValueError(said(name, f"{what}, one per group", expected=groups, got=len(given)))
    return given


class _Cycle(LRScheduler):
    """What both share: a momentum (or β₁) per group that is written with the learning rate."""

    def _cycle_momentum(
        self, cycle: bool, base: Any, most: Any, last_epoch: int
    ) -> tuple[list[float], list[float]] | None:
        """Start at the largest momentum; base and largest, per group."""
        name, optimizer = type(self).__name__, self.optimizer
        self.cycle_momentum = cycle
        if not cycle:
            return None
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError(
                said(name, "optimizer must support momentum or beta1", write="cycle_momentum=False")
            )
        self.use_beta1 = "betas" in optimizer.defaults
        bases = _per_group(name, "base_momentum", optimizer, base)
        largest = _per_group(name, "max_momentum", optimizer, most)
        if last_epoch == -1:
            for group, low, high in zip(optimizer.param_groups, bases, largest, strict=True):
                group["max_momentum"], group["base_momentum"] = high, low
        return bases, largest

    def momentums(self) -> list[float]:
        """The momentum of every group after `last_epoch` steps."""
        raise NotImplementedError(type(self).__name__)

    def _write(self) -> None:
        super()._write()
        if self.cycle_momentum:
            for group, value in zip(self.optimizer.param_groups, self.momentums(), strict=True):
                if self.use_beta1:
                    group["betas"] = (value, *group["betas"][1:])
                else:
                    group["momentum"] = value


class OneCycleLR(_Cycle):
    """Up from max_lr / div_factor to max_lr, and down to almost nothing, once.

    The momentum goes the other way. Source: Smith and Topin, "Super-convergence", 2018.

    Args:
        optimizer: whose groups get the learning rates.
        max_lr: the largest learning rate, one for all groups or one per group.
        total_steps: the length of the cycle, or else
        epochs, steps_per_epoch: whose product it is.
        pct_start: the share of the way up.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: whether the momentum moves.
        base_momentum, max_momentum: its bounds.
        div_factor: max_lr over the first learning rate.
        final_div_factor: the first learning rate over the last.
        three_phase: down to the first learning rate symmetrically, then to the last.
        last_epoch: the number of steps taken before, when training is resumed.

    Raises:
        ValueError: no length, a share outside [0, 1], or an optimizer without momentum.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Any,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.85,
        max_momentum: Any = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ):
        name = type(self).__name__
        self._check_optimizer(optimizer)
        self.optimizer = optimizer
        self.total_steps = _length(name, total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            message = f"Expected float between 0 and 1 pct_start, but got {pct_start}"
            raise ValueError(said(name, message))
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                said(name, "anneal_strategy", expected="'cos' or 'linear'", got=anneal_strategy)
            )
        self._anneal_func_type = anneal_strategy
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        largest = _per_group(name, "max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, largest, strict=True):
                group["initial_lr"], group["max_lr"] = lr / div_factor, lr
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self._cycle_momentum(cycle_momentum, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def rates(self, t: float, base: list[float]) -> list[float]:
        return self._between(t, "lr")

    def momentums(self) -> list[float]:
        return self._between(self.last_epoch, "momentum")

    def _between(self, t: float, what: str) -> list[float]:
        """Where each group is between the two values that the phase leads from and to."""
        if t > self.total_steps:
            raise ValueError(
                said(
                    type(self).__name__,
                    f"Tried to step {t} times. The specified number of total steps is "
                    f"{self.total_steps}",
                )
            )
        start = 0.0
        for phase in self._schedule_phases:
            if t <= phase["end_step"] or phase is self._schedule_phases[-1]:
                break
            start = phase["end_step"]
        part = (t - start) / (phase["end_step"] - start)
        if self._anneal_func_type == "cos":
            part = (1 - math.cos(math.pi * part)) / 2
        ends = phase[f"start_{what}"], phase[f"end_{what}"]
        pairs = [(group[ends[0]], group[ends[1]]) for group in self.optimizer.param_groups]
        return [a + (b - a) * part for a, b in pairs]


def _length(name: str, total: Any, epochs: Any, steps_per_epoch: Any) -> int:
    known = {"total_steps": total}
    if total is None:
        if epochs is None or steps_per_epoch is None:
            raise ValueError(
                said(name, "You must define either total_steps OR (epochs AND steps_per_epoch)")
            )
        known = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    for what, value in known.items():
        if not isinstance(value, int) or value <= 0:
            raise ValueError(said(name, f"Expected positive integer {what}, but got {value}"))
    return math.prod(known.values())


def _phases(steps: int, share: float, three: bool) -> list[dict[str, Any]]:
    """When each phase ends, and which of a group's values it leads from and to."""
    ways: list[tuple[float, str, str]] = [(share * steps - 1, "initial max", "max base")]
    if three:
        ways.append((2 * share * steps - 2, "max initial", "base max"))
    ways.append(
        (steps - 1, "initial min" if three else "max min", "max max" if three else "base max")
    )
    return [
        {
            "end_step": end,
            "start_lr": f"{lr.split()[0]}_lr",
            "end_lr": f"{lr.split()[1]}_lr",
            "start_momentum": f"{momentum.split()[0]}_momentum",
            "end_momentum": f"{momentum.split()[1]}_momentum",
        }
        for end, lr, momentum in ways
    ]


class CyclicLR(_Cycle):
    """Between base_lr and max_lr and back, again and again, in straight lines.

    Source: Smith, "Cyclical learning rates for training neural networks", WACV 2017.

    Args:
        optimizer: whose groups get the learning rates.
        base_lr, max_lr: the bounds, one for all groups or one per group.
        step_size_up, step_size_down: steps of the way up, and of the way down (as many).
        mode: "triangular"; "triangular2", each cycle half as high; "exp_range", times gammaᵗ.
        gamma: of "exp_range".
        scale_fn: one's own factor of the height, in the place of `mode`.
        scale_mode: whether scale_fn is given the number of the "cycle" or of the "iterations".
        cycle_momentum: whether the momentum moves the other way.
        base_momentum, max_momentum: its bounds.
        last_epoch: the number of steps taken before, when training is resumed.

    Raises:
        ValueError: an unknown mode, or an optimizer without momentum.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: Any,
        max_lr: Any,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.8,
        max_momentum: Any = 0.9,
        last_epoch: int = -1,
    ):
        name = type(self).__name__
        self._check_optimizer(optimizer)
        self.optimizer = optimizer
        bases = _per_group(name, "base_lr", optimizer, base_lr)
        self.max_lrs = _per_group(name, "max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, bases, strict=True):
                group["initial_lr"] = lr
        self.total_size = float(step_size_up + (step_size_down or step_size_up))
        self.step_ratio = step_size_up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError(said(name, "mode is invalid and scale_fn is None", got=repr(mode)))
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        if scale_fn is None:
            scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.scale_mode = scale_mode
        bounds = self._cycle_momentum(cycle_momentum, base_momentum, max_momentum, last_epoch)
        if bounds is not None:
            self.base_momentums, self.max_momentums = bounds
        super().__init__(optimizer, last_epoch)
        self.base_lrs = bases

    def scale_fn(self, x: float) -> float:
        """The factor of the height in cycle (or after steps) x."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "exp_range":
            return self.gamma**x
        return 0.5 ** (x - 1) if self.mode == "triangular2" else 1.0

    def _height(self, t: float) -> float:
        """Where between both bounds, 0 to 1."""
        cycle = math.floor(1 + t / self.total_size)
        x = 1 + t / self.total_size - cycle
        up = x <= self.step_ratio
        part = x / self.step_ratio if up else (x - 1) / (self.step_ratio - 1)
        return part * self.scale_fn(cycle if self.scale_mode == "cycle" else t)

    def rates(self, t: float, base: list[float]) -> list[float]:
        height = self._height(t)
        return [low + (high - low) * height for low, high in zip(base, self.max_lrs, strict=True)]

    def momentums(self) -> list[float]:
        height, pairs = self._height(self.last_epoch), (self.base_momentums, self.max_momentums)
        return [high - (high - low) * height for low, high in zip(*pairs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        own = self._scale_fn_custom
        return {
            **super().state_dict(),
            "_scale_fn_custom": dict(getattr(own, "__dict__", {})) or None,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        own = self._scale_fn_custom
        super().load_state_dict(state_dict)
        self._scale_fn_custom = own
        if own is not None and state_dict["_scale_fn_custom"] is not None:
            own.__dict__.update(state_dict["_scale_fn_custom"])
