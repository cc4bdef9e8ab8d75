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
    ("MultiplicativeLR", {"lr_lambda": lambda t: 1 - 1 / (t + 5)}),
    ("OneCycleLR", {"max_lr": 0.4, "total_steps": 120}),
    (
        "OneCycleLR",
        {
            "max_lr": [0.4, 0.1],
            "epochs": 10,
            "steps_per_epoch": 11,
            "pct_start": 0.4,
            "anneal_strategy": "linear",
            "cycle_momentum": False,
            "three_phase": True,
        },
    ),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 10}),
    (
        "CyclicLR",
        {
            "base_lr": [0.01, 0.02],
            "max_lr": 0.3,
            "step_size_up": 8,
            "step_size_down": 15,
            "mode": "triangular2",
            "cycle_momentum": False,
        },
    ),
    (
        "CyclicLR",
        {"base_lr": 0.1, "max_lr": 0.3, "step_size_up": 9, "mode": "exp_range", "gamma": 0.9},
    ),
    (
        "CyclicLR",
        {"base_lr": 0.1, "max_lr": 0.3, "step_size_up": 9, "scale_fn": lambda k: 1 / (k + 1)},
    ),
]
# Schedules whose learning rates are not a function of the step and of the first one alone.
OWN_RATES = ("LambdaLR", "MultiplicativeLR", "OneCycleLR", "CyclicLR")


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
        close([g["momentum"] for g in a.param_groups], [g["momentum"] for g in b.param_groups])
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


@pytest.mark.parametrize(("name", "settings"), [g for g in GRID if g[0] not in OWN_RATES])
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
        if name not in ("LambdaLR", "MultiplicativeLR") and "scale_fn" not in settings:
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
    ("OneCycleLR", {"max_lr": 0.1}, ValueError, "You must define either total_steps"),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 0}, ValueError, "positive integer total_steps"),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 5, "pct_start": 2}, ValueError, "pct_start"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.2, "mode": "square"}, ValueError, "mode is invalid"),
    ("CyclicLR", {"base_lr": [0.1], "max_lr": 0.2}, ValueError, "base_lr"),
    ("ReduceLROnPlateau", {"factor": 1.0}, ValueError, "Factor should be < 1.0"),
    ("ReduceLROnPlateau", {"mode": "least"}, ValueError, "mode least is unknown"),
    ("ReduceLROnPlateau", {"min_lr": [0.1]}, ValueError, "expected  ?2"),
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


# ---- schedules made of schedules -----------------------------------------------------------------

SINGLE = [
    ("ConstantLR", {"factor": 0.5, "total_iters": 4}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("CosineAnnealingLR", {"T_max": 40}),
    ("LinearLR", {"total_iters": 6}),
    ("LambdaLR", {"lr_lambda": lambda t: 1 / (1 + t)}),
]


def combined(module, new, parts, combine):
    groups = [{"params": [new([1.0], requires_grad=True)], "lr": lr} for lr in (0.1, 2.5)]
    optimizer = module.SGD(groups, lr=1.0)
    schedules = [getattr(module.lr_scheduler, name)(optimizer, **how) for name, how in parts]
    return optimizer, combine(module.lr_scheduler, optimizer, schedules)


def chained(library, optimizer, schedules):
    return library.ChainedScheduler(schedules, optimizer)


def in_turn(library, optimizer, schedules):
    return library.SequentialLR(optimizer, schedules, [5, 11][: len(schedules) - 1])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("combine", [chained, in_turn])
@pytest.mark.parametrize("parts", [SINGLE[:2], SINGLE[1:4], SINGLE[3:], SINGLE[:1]], ids=len)
def test_combined(parts, combine):
    a, mine = combined(optim, tensor, parts, combine)
    b, other = combined(torch.optim, torch.tensor, parts, combine)
    for _ in range(30):
        close(rates(a), rates(b))
        close(mine.get_last_lr(), other.get_last_lr())
        b.step()
        mine.step()
        other.step()
    c, again = combined(optim, tensor, parts, combine)
    c.load_state_dict(a.state_dict())
    again.load_state_dict(json.loads(json.dumps(mine.state_dict())))
    for _ in range(5):
        mine.step()
        again.step()
        assert rates(a) == rates(c)


def test_combined_is_refused():
    for module, new in ((optim, tensor), (torch.optim, torch.tensor)):
        library = module.lr_scheduler
        one, two = (module.SGD([new([1.0])], lr=0.1) for _ in range(2))
        first, second = library.StepLR(one, 2), library.StepLR(two, 2)
        plateau = library.ReduceLROnPlateau(one)
        for make in (
            lambda s=library, o=one, f=first: s.SequentialLR(o, [f], [1]),
            lambda s=library, o=one: s.SequentialLR(o, [], []),
            lambda s=library, o=one, f=first, g=second: s.SequentialLR(o, [f, g], [1]),
            lambda s=library, o=one, p=plateau: s.SequentialLR(o, [p], []),
            lambda s=library: s.ChainedScheduler([]),
            lambda s=library, f=first, g=second: s.ChainedScheduler([f, g]),
        ):
            with pytest.raises(ValueError):
                make()


# ---- a schedule that looks -----------------------------------------------------------------------

PLATEAUS = [
    {},
    {"patience": 2, "factor": 0.5, "cooldown": 2},
    {"mode": "max", "patience": 1, "threshold": 0.05},
    {"patience": 3, "threshold": 0.1, "threshold_mode": "abs", "min_lr": [0.01, 0.3]},
    {"mode": "max", "patience": 0, "threshold_mode": "abs", "eps": 0.02, "factor": 0.9},
]


@pytest.mark.parametrize("settings", PLATEAUS)
def test_plateaus(settings):
    (a, mine), (b, other) = (
        ours("ReduceLROnPlateau", settings),
        theirs("ReduceLROnPlateau", settings),
    )
    random = np.random.default_rng(3)
    measures = np.abs(np.cumsum(random.standard_normal(60)))
    for i, measure in enumerate(measures):
        if i == 30:
            mine.load_state_dict(json.loads(json.dumps(mine.state_dict())))
        mine.step(tensor(measure))
        other.step(measure)
        close(rates(a), rates(b))
        close(mine.get_last_lr(), rates(b))
        for name in ("best", "num_bad_epochs", "cooldown_counter", "last_epoch"):
            assert getattr(mine, name) == getattr(other, name)
    assert rates(a) != [0.1, 2.5]


def test_cycled_momentum_is_the_first_beta():
    for module, new in ((optim, tensor), (torch.optim, torch.tensor)):
        adam = module.Adam([new([1.0])], lr=0.1)
        module.lr_scheduler.OneCycleLR(adam, 0.5, 10)
        assert adam.param_groups[0]["betas"] == (0.95, 0.999)
