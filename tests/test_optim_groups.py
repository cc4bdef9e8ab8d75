"""Groups: the learning rate is a number to people and data to a compiled step."""

import copy

import pytest

from steepest import nn, ones, optim, randn
from steepest.compiler import NotCompilable, api, compile
from steepest.compiler.capture.capture import capture
from steepest.random import manual_seed


def test_a_compiled_step_reads_the_rate_that_a_schedule_sets_and_is_captured_once(monkeypatch):
    losses, captures = {}, []

    def counted(*given, **named):
        captures.append(given)
        return capture(*given, **named)

    monkeypatch.setattr(api, "capture", counted)
    for compiled in (False, True):
        manual_seed(0)
        model = nn.Linear(3, 1)
        optimizer = optim.AdamW(model.parameters(), lr=0.1)
        schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
        x, y = randn(8, 3), randn(8, 1)

        def step(x, y, optimizer=optimizer, model=model):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        run = compile(step) if compiled else step
        losses[compiled] = []
        for _ in range(20):
            losses[compiled].append(run(x, y).item())
            schedule.step()
    assert losses[True] == pytest.approx(losses[False], rel=1e-5)
    assert len(captures) == 1
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * 0.8**20)


def test_a_group_is_a_dict_of_numbers_and_a_copy_has_a_rate_of_its_own():
    optimizer = optim.SGD([ones(2).requires_grad_()], lr=0.1)
    group = optimizer.param_groups[0]
    twin = copy.deepcopy(group)
    twin["lr"] = 0.5
    assert group["lr"] == 0.1 and group.traced["lr"].item() == 0.1
    assert twin.traced["lr"].item() == twin["lr"] == 0.5
    assert type(optimizer.state_dict()["param_groups"][0]["lr"]) is float


def test_a_step_that_sets_the_rate_is_refused_and_the_rate_is_as_before():
    optimizer = optim.SGD([ones(2).requires_grad_()], lr=0.1)

    def step(x):
        optimizer.param_groups[0]["lr"] = 0.3
        return x * 2

    with pytest.raises(NotCompilable, match="param_groups"):
        compile(step)(ones(2))
    assert optimizer.param_groups[0]["lr"] == 0.1
