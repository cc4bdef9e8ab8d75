"""What can be chosen by name: losses, optimizers with their learning rates, schedules.

A name stands for a library class with sensible settings; whoever wants others makes the object and
hands it over. Everything wrong with a choice is said here, before training starts.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from steepest import nn, optim
from steepest.core import RequestError, closest, said
from steepest.training.measure import gives_penalties

__all__ = [
    "LOSSES",
    "OPTIMIZERS",
    "SCHEDULES",
    "loss_for",
    "optimizer_for",
    "schedule_for",
    "target_for",
    "usual_loss",
]

# name: (the loss, the task it is for)
LOSSES: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "mse": (nn.MSELoss, "regression"),
    "sum_squares": (nn.SumSquaresLoss, "regression"),
    "mae": (nn.L1Loss, "regression"),
    "l1": (nn.L1Loss, "regression"),
    "huber": (nn.HuberLoss, "regression"),
    "bce": (nn.BCEWithLogitsLoss, "classification"),
    "cross_entropy": (nn.CrossEntropyLoss, "classification"),
    "map": (nn.MAPLoss, "classification"),
}

_USUAL_LOSS = {"regression": "mse", "classification": "cross_entropy"}

# name: (the optimizer, its learning rate unless another is given, its other settings)
OPTIMIZERS: dict[str, tuple[Callable[..., optim.Optimizer], float, dict[str, Any]]] = {
    "sgd": (optim.SGD, 1e-2, {}),
    "momentum": (optim.SGD, 1e-2, {"momentum": 0.9}),
    "nesterov": (optim.SGD, 1e-2, {"momentum": 0.9, "nesterov": True}),
    "adagrad": (optim.Adagrad, 1e-2, {}),
    "rmsprop": (optim.RMSprop, 1e-3, {}),
    "adam": (optim.Adam, 1e-3, {}),
    "adamw": (optim.AdamW, 1e-3, {}),
}

# name: (optimizer, number of epochs) -> the schedule, which steps once per epoch
SCHEDULES: dict[str, Callable[[optim.Optimizer, int], Any]] = {
    "none": lambda optimizer, epochs: None,
    # a tenth of the rate after each third of the epochs
    "step": lambda o, epochs: optim.lr_scheduler.StepLR(o, max(1, math.ceil(epochs / 3))),
    # to a hundredth of the rate at the end
    "exponential": lambda o, epochs: optim.lr_scheduler.ExponentialLR(o, 0.01 ** (1 / epochs)),
    "cosine": lambda o, epochs: optim.lr_scheduler.CosineAnnealingLR(o, epochs),
    # three cycles, each twice as long as the one before: 1 + 2 + 4 sevenths
    "sgdr": lambda o, epochs: optim.lr_scheduler.CosineAnnealingWarmRestarts(
        o, max(1, round(epochs / 7)), 2
    ),
}


def known(where: str, name: object, names: Any) -> Any:
    """names[name], or a message with the nearest name."""
    if not isinstance(name, str) or name not in names:
        hint = closest(name, names) if isinstance(name, str) else ""
        raise RequestError(
            said("fit", f"unknown {where} {name!r}{hint}", expected=", ".join(names))
        )
    return names[name]


def usual_loss(model: nn.Module, task: str) -> str:
    """The name of the loss that goes with a task, and with penalties as outputs."""
    return "map" if gives_penalties(model) else _USUAL_LOSS[task]


def loss_for(loss: Any, task: str) -> Callable[..., Any]:
    """The loss that is meant: by name, or the given module, or function of output and target."""
    if not isinstance(loss, str) and callable(loss):
        return loss
    make, wanted = known("loss", loss, LOSSES)
    if wanted != task:
        fitting = ", ".join(name for name, (_, t) in LOSSES.items() if t == task)
        raise RequestError(
            said(
                "fit", f"the loss {loss!r} is for {wanted}, the target is for {task}", write=fitting
            )
        )
    return make()


def target_for(loss: Any, y: np.ndarray) -> np.ndarray:
    """The targets as the loss wants them: binary cross entropy compares columns of numbers."""
    if isinstance(loss, nn.BCELoss | nn.BCEWithLogitsLoss) and y.ndim == 1:
        return y.astype(np.float32)[:, None]
    return y


def optimizer_for(optimizer: Any, model: nn.Module, lr: float | None) -> optim.Optimizer:
    """The optimizer that is meant, by name with its learning rate, or the given one."""
    if isinstance(optimizer, optim.Optimizer):
        if lr is not None:
            raise RequestError(
                said(
                    "fit", "the optimizer has a learning rate already", write="fit(...) without lr"
                )
            )
        if isinstance(optimizer, optim.LBFGS):
            raise RequestError(
                said(
                    "fit",
                    "LBFGS asks for the loss several times in a step",
                    expected="an optimizer that steps once per mini-batch",
                    write='optimizer="adam", or optimizer.step(closure) in a loop of your own',
                )
            )
        mine = {id(p) for p in model.parameters()}
        if not any(id(p) in mine for group in optimizer.param_groups for p in group["params"]):
            raise RequestError(
                said(
                    "fit",
                    "the optimizer changes none of this model's parameters",
                    write="optim.Adam(model.parameters()) with the model that is trained",
                )
            )
        return optimizer
    make, usual, settings = known("optimizer", optimizer, OPTIMIZERS)
    rate = usual if lr is None else lr
    number = isinstance(rate, int | float | np.number) and not isinstance(rate, bool)
    if not number or not math.isfinite(rate) or rate < 0:
        raise RequestError(
            said(
                "fit",
                "the learning rate is a number of at least 0",
                got=repr(lr),
                write=f"lr={usual}",
            )
        )
    return make(model.parameters(), lr=float(rate), **settings)


def schedule_for(schedule: Any, optimizer: optim.Optimizer, epochs: int) -> Any:
    """The schedule that is meant, or None where the learning rate stays."""
    if not isinstance(schedule, optim.lr_scheduler.LRScheduler):
        return known("schedule", schedule, SCHEDULES)(optimizer, epochs)
    if schedule.optimizer is not optimizer:
        raise RequestError(
            said(
                "fit",
                "the schedule belongs to another optimizer",
                write="fit(..., optimizer=optimizer, schedule=schedule), both made by you",
            )
        )
    return schedule
