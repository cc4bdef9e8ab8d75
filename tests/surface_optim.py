"""PyTorch's settings of optimizers, and settings of schedulers, run through both libraries.

An optimizer takes twenty steps on one small problem; parameters and the state it would save are
compared. A scheduler is compared by the rate of every step, before and after it is resumed.
"""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from oracle import quietly
from surface import agree, told

import steepest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_optimizers import optim_db

__all__ = ["check_optimizer", "check_scheduler"]

_STEPS = 20
# They choose how PyTorch computes, not what.
_HOW = {"foreach", "fused", "capturable", "differentiable"}


# What it remembers are differences of nearly equal gradients: in float32 mostly their rounding.
_IN_DOUBLE_ONLY = {"LBFGS"}


def _settings(name: str) -> list[dict]:
    info = next(o for o in optim_db if o.optim_cls.__name__ == name)
    drawn = quietly(info.optim_inputs_func, "cpu")
    plain = [i.kwargs for i in drawn if not _HOW & {k for k, v in i.kwargs.items() if v}]
    return [
        {k: v for k, v in kwargs.items() if k not in _HOW}
        for kwargs in plain
        if not any(isinstance(v, torch.Tensor) for v in kwargs.values())
    ]


def _trained(library: Any, name: str, settings: dict, dtype: Any) -> dict:
    """The parameters and the optimizer's state after some steps on ‖X W − Y‖² / 2."""
    w = (library.arange(12, dtype=dtype).reshape(4, 3) / 6 - 1).requires_grad_()
    v = (library.arange(12, dtype=dtype).reshape(3, 4) / 12).requires_grad_()
    x = library.arange(20, dtype=dtype).reshape(5, 4).cos()
    y = library.arange(20, dtype=dtype).reshape(5, 4).sin()
    optimizer = getattr(library.optim, name)([w, v], **settings)

    def closure() -> Any:
        optimizer.zero_grad()
        error = x @ w @ v - y
        loss = (error * error).sum() / 2
        loss.backward()
        return loss

    for _ in range(2 if name == "LBFGS" else _STEPS):  # which makes twenty steps of one
        optimizer.step(closure)
    saved = optimizer.state_dict()
    groups = [{k: g[k] for k in g if k not in _HOW} for g in saved["param_groups"]]
    state = {number: dict(sorted(kept.items())) for number, kept in saved["state"].items()}
    return {"parameters": [w, v], "state": state, "groups": groups}


def check_optimizer(name: str) -> list[str]:
    """What is wrong with an optimizer: one line for each setting that differs."""
    wrong = []
    for settings in _settings(name):
        for dtype in ("float64",) if name in _IN_DOUBLE_ONLY else ("float64", "float32"):
            where = f"{name} ({dtype} {settings})"
            expected = quietly(_trained, torch, name, settings, getattr(torch, dtype))
            try:
                found = _trained(steepest, name, settings, getattr(steepest, dtype))
                agree(found["parameters"], expected["parameters"], "parameters")
                agree(found["state"], expected["state"], "state")
                for mine, yours in zip(found["groups"], expected["groups"], strict=True):
                    agree({key: mine.get(key) for key in yours}, yours, "group")
            except Exception as mistake:
                wrong.append(told(where, mistake))
    return wrong


# The settings of each scheduler, of the library F and an optimizer.
_SCHEDULES: dict[str, list[Callable[[Any, Any], Any]]] = {
    "StepLR": [lambda F, o: F.StepLR(o, 3), lambda F, o: F.StepLR(o, 4, 0.5)],
    "MultiStepLR": [lambda F, o: F.MultiStepLR(o, [2, 5, 5, 9], 0.3)],
    "ConstantLR": [lambda F, o: F.ConstantLR(o), lambda F, o: F.ConstantLR(o, 0.5, 8)],
    "LinearLR": [lambda F, o: F.LinearLR(o), lambda F, o: F.LinearLR(o, 0.1, 0.9, 12)],
    "ExponentialLR": [lambda F, o: F.ExponentialLR(o, 0.8)],
    "PolynomialLR": [lambda F, o: F.PolynomialLR(o), lambda F, o: F.PolynomialLR(o, 12, 2.0)],
    "CosineAnnealingLR": [lambda F, o: F.CosineAnnealingLR(o, 7, 0.01)],
    "CosineAnnealingWarmRestarts": [
        lambda F, o: F.CosineAnnealingWarmRestarts(o, 4),
        lambda F, o: F.CosineAnnealingWarmRestarts(o, 3, 2, 0.01),
    ],
    "OneCycleLR": [
        lambda F, o: F.OneCycleLR(o, 0.5, 40),
        lambda F, o: F.OneCycleLR(o, 0.5, epochs=4, steps_per_epoch=10, anneal_strategy="linear"),
        lambda F, o: F.OneCycleLR(o, 0.5, 40, three_phase=True, cycle_momentum=False),
    ],
    "CyclicLR": [
        lambda F, o: F.CyclicLR(o, 0.01, 0.2, 4),
        lambda F, o: F.CyclicLR(o, 0.01, 0.2, 4, 6, mode="triangular2"),
        lambda F, o: F.CyclicLR(o, 0.01, 0.2, 4, mode="exp_range", gamma=0.9, cycle_momentum=False),
    ],
    "ReduceLROnPlateau": [
        lambda F, o: F.ReduceLROnPlateau(o, patience=2),
        lambda F, o: F.ReduceLROnPlateau(o, "max", 0.5, 1, 0.1, "abs", 2, 0.001),
    ],
    "LambdaLR": [lambda F, o: F.LambdaLR(o, lambda t: 1 / (1 + t))],
    "MultiplicativeLR": [lambda F, o: F.MultiplicativeLR(o, lambda t: 0.9 + 0.01 * t)],
    "SequentialLR": [
        lambda F, o: F.SequentialLR(
            o, [F.LinearLR(o, 0.1, 1.0, 4), F.CosineAnnealingLR(o, 10)], [4]
        )
    ],
    "ChainedScheduler": [
        lambda F, o: F.ChainedScheduler([F.ConstantLR(o, 0.1, 3), F.ExponentialLR(o, 0.9)], o)
    ],
}


def _rates(library: Any, make: Callable[[Any, Any], Any]) -> list[float]:
    """The rate after each of thirty steps; the scheduler is saved and resumed in the middle."""
    schedules = library.optim.lr_scheduler
    parameter = library.ones(2).requires_grad_()
    optimizer = library.optim.SGD([parameter], lr=0.1, momentum=0.9)
    scheduler = make(schedules, optimizer)
    metrics = (3.0, 2.0, 2.5, 2.4, 1.9)
    rates = []
    for step in range(30):
        rates.append(optimizer.param_groups[0]["lr"])
        rates.append(optimizer.param_groups[0]["momentum"])
        if step == 11:
            saved, rate = scheduler.state_dict(), optimizer.state_dict()
            scheduler = make(schedules, optimizer)
            optimizer.load_state_dict(rate)
            scheduler.load_state_dict(saved)
        optimizer.step()
        if type(scheduler).__name__ == "ReduceLROnPlateau":
            scheduler.step(metrics[step % 5])
        else:
            scheduler.step()
    return [float(rate) for rate in rates]


def check_scheduler(name: str) -> list[str]:
    """What is wrong with a scheduler: one line for each setting that differs."""
    wrong = []
    for i, make in enumerate(_SCHEDULES[name]):
        expected = quietly(_rates, torch, make)
        try:
            agree(_rates(steepest, make), expected, "rates")
        except Exception as mistake:
            wrong.append(told(f"{name} (setting {i + 1})", mistake))
    return wrong
