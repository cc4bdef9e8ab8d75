"""Schedules that multiply the first learning rate by a factor: steps, lines, powers, one's own."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from steepest.core import said
from steepest.optim.lr_scheduler.scheduler import LRScheduler
from steepest.optim.optimizer import Optimizer

__all__ = [
    "ConstantLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "PolynomialLR",
    "StepLR",
]

Factor = Callable[[Any], float]


class _Functions(LRScheduler):
    """A function of one's own of the step, one for all groups or a list of them.

    Functions are not saved: `state_dict` holds None in their place, or, where an object is called,
    its attributes.
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ):
        groups = len(optimizer.param_groups)
        self.lr_lambdas = [lr_lambda] * groups if callable(lr_lambda) else list(lr_lambda)
        if len(self.lr_lambdas) != groups:
            raise ValueError(
                said(
                    type(self).__name__,
                    f"Expected {groups} lr_lambdas, but got {len(self.lr_lambdas)}",
                    write="one function per parameter group, or one for all",
                )
            )
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        attributes = [dict(getattr(f, "__dict__", {})) or None for f in self.lr_lambdas]
        return {**super().state_dict(), "lr_lambdas": attributes}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        functions = self.lr_lambdas
        super().load_state_dict(state_dict)
        self.lr_lambdas = functions
        for function, attributes in zip(functions, state_dict["lr_lambdas"], strict=True):
            if attributes is not None:
                function.__dict__.update(attributes)


class LambdaLR(_Functions):
    """lr · lr_lambda(t), lr the first learning rate; in a chain it knows of no other schedule.

    Args:
        optimizer: whose groups get the learning rates.
        lr_lambda: a function of the step t, one for all groups or a list of one per group.
        last_epoch: the number of steps taken before, when training is resumed.

    Raises:
        ValueError: functions of another number than groups.
    """

    def rates(self, t: float, base: list[float]) -> list[float]:
        pairs = zip(self.base_lrs, self.lr_lambdas, strict=True)
        return [lr * factor(t) for lr, factor in pairs]


class MultiplicativeLR(_Functions):
    """lr · lr_lambda(1) · … · lr_lambda(t): each step multiplies by a factor of its own.

    Args:
        optimizer: whose groups get the learning rates.
        lr_lambda: a function of the step, one for all groups or a list of one per group.
        last_epoch: the number of steps taken before, when training is resumed.

    Raises:
        ValueError: functions of another number than groups.
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ):
        self._products = [[1.0] * len(optimizer.param_groups)]  # of every step so far
        super().__init__(optimizer, lr_lambda, last_epoch)

    def rates(self, t: float, base: list[float]) -> list[float]:
        for k in range(len(self._products), int(t) + 1):
            pairs = zip(self._products[-1], self.lr_lambdas, strict=True)
            self._products.append([product * factor(k) for product, factor in pairs])
        return [lr * product for lr, product in zip(base, self._products[int(t)], strict=True)]

    def state_dict(self) -> dict[str, Any]:
        return {key: value for key, value in super().state_dict().items() if key != "_products"}


class StepLR(LRScheduler):
    """lr · gammaᵏ after k times `step_size` steps.

    Args:
        optimizer: whose groups get the learning rates.
        step_size: so many steps have one learning rate.
        gamma: by what it is multiplied then.
        last_epoch: the number of steps taken before, when training is resumed.
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ):
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def at(self, t: float, lr: float) -> float:
        return lr * self.gamma ** (t // self.step_size)


class MultiStepLR(LRScheduler):
    """lr · gammaᵏ once k of the milestones are reached.

    Args:
        optimizer: whose groups get the learning rates.
        milestones: numbers of steps, in any order; one that occurs twice counts twice.
        gamma: by what the learning rate is multiplied at each.
        last_epoch: the number of steps taken before, when training is resumed.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ):
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def at(self, t: float, lr: float) -> float:
        return lr * self.gamma ** sum(t >= milestone for milestone in self.milestones)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        # PyTorch saves how often each milestone occurs.
        self.milestones = sorted(Counter(state_dict["milestones"]).elements())


class ConstantLR(LRScheduler):
    """lr · factor for the first `total_iters` steps, then lr.

    Args:
        optimizer: whose groups get the learning rates.
        factor: between 0 and 1.
        total_iters: for so many steps.
        last_epoch: the number of steps taken before, when training is resumed.

    Raises:
        ValueError: a factor outside its bounds.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ):
        _check_factor("ConstantLR", "factor", factor, 0 <= factor <= 1)
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def at(self, t: float, lr: float) -> float:
        return lr * self.factor if t < self.total_iters else lr


class LinearLR(LRScheduler):
    """lr · (a + (b − a) · min(t / total_iters, 1)): a factor in a straight line from a to b.

    Args:
        optimizer: whose groups get the learning rates.
        start_factor: a, above 0 and at most 1.
        end_factor: b, between 0 and 1.
        total_iters: the steps from a to b; from then on the factor is b.
        last_epoch: the number of steps taken before, when training is resumed.

    Raises:
        ValueError: a factor outside its bounds.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ):
        _check_factor("LinearLR", "start_factor", start_factor, 0 < start_factor <= 1)
        _check_factor("LinearLR", "end_factor", end_factor, 0 <= end_factor <= 1)
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def at(self, t: float, lr: float) -> float:
        part = min(t / self.total_iters, 1)
        return lr * (self.start_factor + part * (self.end_factor - self.start_factor))


class ExponentialLR(LRScheduler):
    """lr · gammaᵗ.

    Args:
        optimizer: whose groups get the learning rates.
        gamma: by what each step multiplies the learning rate.
        last_epoch: the number of steps taken before, when training is resumed.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def at(self, t: float, lr: float) -> float:
        return lr * self.gamma**t


class PolynomialLR(LRScheduler):
    """lr · (1 − t / total_iters)ᵖ with p = power; 0 from step total_iters on.

    Args:
        optimizer: whose groups get the learning rates.
        total_iters: the steps down to 0.
        power: p; 1 is a straight line, a larger one falls fast at first.
        last_epoch: the number of steps taken before, when training is resumed.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ):
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def at(self, t: float, lr: float) -> float:
        return lr * (1 - min(t / self.total_iters, 1)) ** self.power


def _check_factor(schedule: str, name: str, value: float, allowed: bool) -> None:
    if not allowed:
        zero = "above 0" if name == "start_factor" else "at least 0"
        raise ValueError(said(schedule, name, expected=f"{zero} and at most 1", got=value))
