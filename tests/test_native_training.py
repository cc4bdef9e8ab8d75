"""fit with compiled epochs: the same training as eagerly, the same bits twice, a reason when not.

Compiled and eager sums run in another order, so float32 losses agree to a few rounding units per
step; over these short trainings 1e-5 relative is a hundred of them.
"""

import os
import signal
import threading
import time

import numpy as np
import pytest

from steepest import nn, optim
from steepest.compiler import NotCompilable
from steepest.data import load_data
from steepest.models import create
from steepest.random import manual_seed
from steepest.training import OPTIMIZERS, SCHEDULES, fit, loop
from steepest.training.native import NativeEpochs


@pytest.fixture(scope="module")
def housing():
    return load_data("housing", seed=0)


@pytest.fixture(scope="module")
def moons():
    return load_data("moons", seed=0)


def history(data, model=None, **settings):
    model = create("mlp", data, (8,), "tanh", seed=0) if model is None else model
    run = fit(model, data, epochs=4, progress="none", **settings)
    kept = [name for name in run.history[0] if name != "seconds"]
    return run, np.array([[row[name] for name in kept] for row in run.history])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_native_epochs_are_the_eager_ones(housing, optimizer):
    native, ours = history(housing, optimizer=optimizer, compile=True)
    eager, theirs = history(housing, optimizer=optimizer, compile=False)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        np.concatenate(native.step_losses), np.concatenate(eager.step_losses), rtol=1e-5
    )


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_are_data_of_the_program(moons, schedule):
    ours = history(moons, optimizer="momentum", schedule=schedule, compile=True)[1]
    theirs = history(moons, optimizer="momentum", schedule=schedule, compile=False)[1]
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_schedule_that_waits_for_a_plateau_is_told_the_validation_loss(moons):
    model = create("mlp", moons, (8,), "tanh", seed=0)
    optimizer = optim.SGD(model.parameters(), lr=1e-6)  # so small that no epoch is much better
    schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    run, _ = history(moons, model, optimizer=optimizer, schedule=schedule, compile=True)
    assert schedule.best == run.history[0]["val_loss"]
    assert [row["lr"] for row in run.history] == pytest.approx([1e-6, 1e-6, 1e-7, 1e-8])


def test_dropout_drops_the_same_elements(moons):
    def model():
        manual_seed(0)
        return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2))

    ours = history(moons, model(), compile=True)[1]
    theirs = history(moons, model(), compile=False)[1]
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_the_same_seed_gives_the_same_bits(housing):
    first, second = (history(housing, compile=True)[0] for _ in range(2))
    for name, weight in first.weights().items():
        assert weight.tobytes() == second.weights()[name].tobytes()


class Branching(nn.Module):
    """A model whose path depends on the data."""

    def __init__(self):
        super().__init__()
        manual_seed(0)
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        y = self.layer(x)
        if y.sum() > 0:
            return y
        return y * 2


def test_what_cannot_be_compiled_is_refused_with_its_line(moons):
    with pytest.raises(NotCompilable, match=r"test_native_training\.py:\d+"):
        history(moons, Branching(), compile=True)


def test_auto_trains_it_eagerly_and_says_so_once(moons):
    found, ours = history(moons, Branching())
    assert sum("trained eagerly" in note for note in found.notes) == 1
    np.testing.assert_array_equal(ours, history(moons, Branching(), compile=False)[1])


def test_an_optimizer_instance_goes_on_where_it_was(housing):
    """State that exists before training is carried into the program and out of it again."""
    found = []
    for compile in (True, False):
        model = create("mlp", housing, (8,), "tanh", seed=0)
        optimizer = optim.Adam(model.parameters(), lr=0.01)
        for _ in range(2):
            run = fit(
                model, housing, optimizer=optimizer, epochs=2, progress="none",
                restore_best=False, compile=compile,
            )  # fmt: skip
        found.append(run.history[-1]["loss"])
        steps = next(iter(optimizer.state.values()))["step"]
        assert steps.item() == 4 * run.steps_per_epoch
    np.testing.assert_allclose(*found, rtol=1e-5)


def test_a_model_that_only_trains_natively_is_looked_at_eagerly(moons):
    class Careful(Branching):
        def forward(self, x):
            return self.layer(x) if self.training else super().forward(x)

    found, ours = history(moons, Careful(), compile=True)
    assert sum("looked at the parts eagerly" in note for note in found.notes) == 1
    theirs = history(moons, Careful(), compile=False)[1]
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["Rprop", "ASGD"])
def test_a_state_that_starts_from_the_learning_rate(moons, name):
    results = []
    for compiled in (True, False):
        model = create("mlp", moons, (8,), "tanh", seed=0)
        optimizer = getattr(optim, name)(model.parameters(), lr=0.02)
        results.append(history(moons, model, optimizer=optimizer, compile=compiled)[1])
    np.testing.assert_allclose(*results, rtol=1e-5, atol=1e-6)


def test_running_averages_learn_in_training_only(moons):
    """Native and eager epochs move them alike, and looking at the parts leaves them as they are."""
    kept = []
    for compiled in (True, False):
        manual_seed(0)
        layers = nn.Linear(2, 8, bias=False), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 2)
        model = nn.Sequential(*layers)
        run, seen = history(moons, model, optimizer="sgd", batch_size=16, compile=compiled)
        steps = sum(map(len, run.step_losses))
        kept.append((seen, model[1].running_mean.numpy(), model[1].running_var.numpy()))
        assert run.history[-1]["val_accuracy"] > 0.7
        assert 0 < model[1].num_batches_tracked.item() <= steps
    for native, eager in zip(*kept, strict=True):
        np.testing.assert_allclose(native, eager, rtol=1e-4, atol=1e-5)


def test_ctrl_c_ends_an_epoch_within_a_step(monkeypatch):
    made = []

    class Watched(NativeEpochs):
        def __init__(self, run):
            super().__init__(run)
            made.append(self)

    def press():
        while not made or made[0]._control[1] < 10:
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(loop, "NativeEpochs", Watched)
    x = np.random.default_rng(0).normal(size=(300_000, 4)).astype(np.float32)
    data = load_data((x, x[:, 0]), task="regression")
    model = nn.Sequential(nn.Linear(4, 256), nn.Tanh(), nn.Linear(256, 256), nn.Linear(256, 1))
    thread = threading.Thread(target=press, daemon=True)
    thread.start()
    run = fit(model, data, epochs=2, batch_size=1, progress="none", compile=True)
    thread.join()
    assert run.stopped == "interrupted from the keyboard" and not run.history
    assert 10 <= made[0]._control[1] < len(data.train)
    assert signal.set_wakeup_fd(-1) == -1


def test_a_mistake_of_the_model_shows_as_what_it_is():
    x = np.random.default_rng(0).normal(size=(13, 2)).astype(np.float32)
    data = load_data((x, x[:, 0]), task="regression", split=(1, 0, 0))
    said = []
    for compile in (False, True):  # the last batch of an epoch is of one row
        model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
        with pytest.raises(ValueError, match="more than 1 value per channel") as wrong:
            fit(model, data, epochs=1, batch_size=4, progress="none", compile=compile)
        said.append(str(wrong.value))
    assert said[0] == said[1]
