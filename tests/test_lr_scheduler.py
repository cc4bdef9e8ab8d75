"""Schedules against PyTorch's: 100 steps, to 1e-12, and resumed anywhere."""

import json
import math
import warnings

import numpy as np
import pytest
import torch

from steepest import optim, tensor

# PyTorch multiplies its way from step to step; over 100 steps its rounding stays below this.
TOLERANCE = 1e-12

GRID = [
    ("StepLR", {"step_size": 30}),
    ("StepLR", {"step_size": 7, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [30, 80]}),
    ("MultiStepLR", {"milestones": [80, 5, 30, 30], "gamma": 0.7}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 40}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.1, "end_factor": 0.9, "total_iters": 33}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 60}),
    ("ExponentialLR", {"gamma": 0.95}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 70, "power": 2.5}),
    ("CosineAnnealingLR", {"T_max": 100}),
    ("CosineAnnealingLR", {"T_max": 13, "eta_min": 0.003}),
    ("CosineAnnealingLR", {"T_max": 1}),
    ("CosineAnnealingWarmRestarts", {"T_0": 10}),
    ("CosineAnnealingWarmRestarts", {"T_0": 1, "T_mult": 3, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 7, "T_mult": 2, "eta_min": 1e-4}),
    ("LambdaLR", {"lr_lambda": lambda t: 0.9**t / (1 + t)}),
    ("LambdaLR", {"lr_lambda": [lambda t: 0.5**t, lambda t: math.cos(t)]}),
]


def made(module, new, name, settings, rates=(0.1, 2.5), **more):
    """An optimizer with a group per rate, and its schedule."""
    groups = [{"params": [new([1.0], requires_grad=True)], "lr": lr} for lr in rates]
    optimizer = module.SGD(groups, lr=1.0)
    return optimizer, getattr(module.lr_scheduler, name)(optimizer, **settings, **more)


def ours(name, settings, **more):
    return made(optim, tensor, name, settings, **more)


def theirs(name, settings, **more):
    return made(torch.optim, torch.tensor, name, settings, **more)


def rates(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


def close(mine, expected):
    np.testing.assert_allclose(mine, expected, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize(("name", "settings"), GRID)
def test_a_hundred_steps(name, settings):
    (a, mine), (b, other) = ours(name, settings), theirs(name, settings)
    for t in range(101):
        close(rates(a), rates(b))
        assert mine.get_last_lr() == rates(a)
        assert mine.last_epoch == other.last_epoch == t
        b.step()
        mine.step()
        other.step()


@pytest.mark.parametrize(("name", "settings"), GRID)
def test_resumed_from_a_state_dict(name, settings):
    a, mine = ours(name, settings)
    for _ in range(37):
        mine.step()
    saved, groups = mine.state_dict(), a.state_dict()
    b, again = ours(name, settings, rates=(9.0, 9.0))
    b.load_state_dict(groups)
    again.load_state_dict(saved)
    for _ in range(20):
        mine.step()
        again.step()
        assert rates(a) == rates(b)
        assert again.last_epoch == mine.last_epoch


@pytest.mark.parametrize(("name", "settings"), GRID)
def test_resumed_from_pytorch(name, settings):
    b, other = theirs(name, settings)
    for _ in range(37):
        b.step()
        other.step()
    a, mine = ours(name, settings, rates=(9.0, 9.0))
    a.load_state_dict(b.state_dict())
    mine.load_state_dict(other.state_dict())
    for _ in range(20):
        b.step()
        other.step()
        mine.step()
        close(rates(a), rates(b))


@pytest.mark.parametrize(("name", "settings"), GRID)
def test_resumed_by_last_epoch(name, settings):
    a, mine = ours(name, settings)
    for _ in range(23):
        mine.step()
    b, _ = ours(name, settings)
    b.load_state_dict(a.state_dict())
    again = getattr(optim.lr_scheduler, name)(b, **settings, last_epoch=mine.last_epoch)
    mine.step()
    assert rates(a) == rates(b)
    assert again.last_epoch == 24


@pytest.mark.parametrize(("name", "settings"), [g for g in GRID if g[0] != "LambdaLR"])
def test_a_schedule_is_a_function_of_the_step(name, settings):
    """No history: the rate after t steps is at(t), and step(t) goes there from anywhere."""
    a, walked = ours(name, settings)
    b, jumping = ours(name, settings)
    seen = []
    for t in range(60):
        assert rates(a) == [walked.at(t, 0.1), walked.at(t, 2.5)]
        seen.append(rates(a))
        walked.step()
    for t in (50, 3, 17, 0):
        jumping.step(t)
        assert rates(b) == seen[t]


@pytest.mark.parametrize("settings", [g[1] for g in GRID if g[0].endswith("Restarts")])
def test_fractional_epochs(settings):
    """SGDR's own way: the rate changes after every mini-batch, the epoch is a fraction."""
    name = "CosineAnnealingWarmRestarts"
    (a, mine), (b, other) = ours(name, settings), theirs(name, settings)
    batches = 7
    for epoch in range(40):
        for i in range(batches):
            mine.step(epoch + i / batches)
            other.step(epoch + i / batches)
            close(rates(a), rates(b))
            assert (mine.last_epoch, mine.T_i) == (other.last_epoch, other.T_i)
    for _ in range(50):  # whole steps after a fraction keep the fraction
        mine.step()
        other.step()
        close(rates(a), rates(b))
        assert mine.T_cur == pytest.approx(other.T_cur, abs=1e-9)


@pytest.mark.parametrize(("first", "times"), [(1, 3), (1, 5), (2, 3), (5, 10), (4, 2)])
def test_restarts_fall_on_the_right_step(first, times):
    """The cycles' lengths add up exactly: at every restart the full rate is back."""
    _, mine = ours("CosineAnnealingWarmRestarts", {"T_0": first, "T_mult": times})
    restart, length = 0, first
    while restart < 1e6:
        mine.step(restart)
        assert mine.get_last_lr() == [0.1, 2.5]
        assert (mine.T_cur, mine.T_i) == (0, length)
        restart, length = restart + length, length * times


def test_state_is_plain_data():
    for name, settings in GRID:
        if name != "LambdaLR":
            _, mine = ours(name, settings)
            again = json.loads(json.dumps(mine.state_dict()))
            mine.load_state_dict(again)
            assert json.loads(json.dumps(mine.state_dict())) == again


def test_callable_objects_are_saved_with_their_attributes():
    class Decay:
        def __init__(self, rate):
            self.rate = rate

        def __call__(self, t):
            return self.rate**t

    a, mine = ours("LambdaLR", {"lr_lambda": [Decay(0.5), lambda t: 1.0]})
    b, again = ours("LambdaLR", {"lr_lambda": [Decay(0.9), lambda t: 1.0]})
    saved = mine.state_dict()
    assert saved["lr_lambdas"] == [{"rate": 0.5}, None]
    again.load_state_dict(saved)
    mine.step()
    again.step()
    assert rates(a) == rates(b) == [0.05, 2.5]


def test_the_rate_may_be_a_tensor():
    """A compiled step reads the rate from memory: the schedule writes into it."""
    x = tensor([1.0], requires_grad=True)
    lr = tensor(np.float64(0.1))
    schedule = optim.lr_scheduler.ExponentialLR(optim.SGD([x], lr=lr), gamma=0.5)
    schedule.step()
    schedule.step()
    assert schedule.optimizer.param_groups[0]["lr"] is lr
    assert lr.item() == schedule.get_last_lr()[0] == 0.025


REFUSED = [
    ("LambdaLR", {"lr_lambda": [lambda t: 1.0]}, ValueError, "Expected 2 lr_lambdas, but got 1"),
    ("ConstantLR", {"factor": 1.5}, ValueError, "factor"),
    ("LinearLR", {"start_factor": 0.0}, ValueError, "factor"),
    ("LinearLR", {"end_factor": -0.1}, ValueError, "factor"),
    ("CosineAnnealingWarmRestarts", {"T_0": 0}, ValueError, "positive integer T_0, but got 0"),
    ("CosineAnnealingWarmRestarts", {"T_0": 2.5}, ValueError, "positive integer T_0"),
    ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 0}, ValueError, "T_mult >= 1"),
    ("CosineAnnealingWarmRestarts", {"T_0": 2, "eta_min": "0"}, ValueError, "eta_min"),
    ("StepLR", {"step_size": 3, "last_epoch": 4}, KeyError, "initial_lr"),
]


@pytest.mark.parametrize(("name", "settings", "error", "message"), REFUSED)
def test_refused(name, settings, error, message):
    for make in (ours, theirs):
        with pytest.raises(error, match=message):
            make(name, settings)


def test_refused_epoch_and_optimizer():
    for make in (ours, theirs):
        _, schedule = make("CosineAnnealingWarmRestarts", {"T_0": 3})
        with pytest.raises(ValueError, match="Expected non-negative epoch, but got -1"):
            schedule.step(-1)
    for module in (optim, torch.optim):
        with pytest.raises(TypeError, match="is not an Optimizer"):
            module.lr_scheduler.StepLR("optimizer", 3)


def test_making_a_schedule_does_not_touch_the_optimizers_step():
    a, mine = ours("StepLR", {"step_size": 1})
    assert "step" not in vars(a)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mine.step()
