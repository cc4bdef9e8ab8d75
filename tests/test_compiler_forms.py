"""Steps of one form are traced once, and each is trained as if it were the only one."""

import copy
import pickle
import sys
from collections import OrderedDict

import numpy as np
import pytest

import steepest
from steepest import nn, optim, tensor
from steepest.compiler import Epochs, compile
from steepest.compiler.capture import capture as capturing
from steepest.compiler.capture import patterns

X = np.random.default_rng(0).standard_normal((24, 4), np.float32)
Y = X[:, :1] * 2


@pytest.fixture
def traced(monkeypatch):
    """The steps that were traced, once for each time that this took; none was before."""
    found, run = [], capturing.run
    monkeypatch.setattr(patterns, "_patterns", OrderedDict())
    monkeypatch.setattr(
        capturing, "run", lambda step, *rest: found.append(step) or run(step, *rest)
    )
    return found


class Training:
    """A small training; what makes it another form than its fellows can be put in its place."""

    def __init__(self, seed, lr=0.01, factor=1.0, tied=False, frozen=False, dropout=False):
        steepest.manual_seed(seed)
        middle = nn.Dropout(0.5) if dropout else nn.Tanh()
        self.model = nn.Sequential(nn.Linear(4, 4), middle, nn.Linear(4, 4), nn.Linear(4, 1))
        if tied:
            self.model[2].weight = self.model[0].weight
        self.model[0].bias.requires_grad_(not frozen)
        self.factor, self.scale = factor, np.array([1.0, factor], np.float32)
        self.rate = tensor(0.0)
        self.optimizer = optim.Adam(self.model.parameters(), lr=lr)
        self.optimizer.prepare()
        self.optimizer.param_groups[0]["lr"] = self.rate
        self.epochs = Epochs(self.step, [self.rate])

    def step(self, x, y):
        loss = nn.functional.mse_loss(self.model(x) * self.factor * tensor(self.scale).sum(), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss

    def run(self, lr=0.01):
        return self.epochs.run([X, Y], np.arange(24), 8, [np.full(3, lr, np.float32)])

    def eager(self, lr=0.01):
        self.rate.value[...] = lr
        parts = [slice(8 * i, 8 * i + 8) for i in range(3)]
        return np.array([self.step(tensor(X[at]), tensor(Y[at])).item() for at in parts])


def test_trainings_that_differ_in_weights_and_learning_rates_are_traced_once(traced):
    sweep = [(Training(seed, lr=0.01 / (seed + 1)), 0.01 * (seed + 1)) for seed in range(5)]
    losses = [training.run(lr) for training, lr in sweep]
    assert len({id(step) for step in traced}) == 1
    for seed, found in enumerate(losses):
        alone = Training(seed)
        np.testing.assert_allclose(found, alone.eager(0.01 * (seed + 1)), rtol=1e-5)
        for mine, other in zip(
            sweep[seed][0].model.parameters(), alone.model.parameters(), strict=True
        ):
            np.testing.assert_allclose(mine.value, other.value, atol=1e-6)


def halved(module, args, result):
    return result * 0.5


def with_gradients(training):
    for parameter in training.model.parameters():
        parameter.grad = steepest.zeros_like(parameter)


OTHERS = {
    "number": lambda training: setattr(training, "factor", 2.0),
    "zero": lambda training: setattr(training, "factor", -0.0),
    "kind of number": lambda training: setattr(training, "factor", True),
    "attribute more": lambda training: setattr(training.model, "note", [1, 2.0]),
    "constant": lambda training: training.scale.fill(3),
    "alias": lambda training: setattr(training.model[2], "weight", training.model[0].weight),
    "memory": lambda training: setattr(
        training.model[2].bias, "value", training.model[0].bias.value
    ),
    "layer": lambda training: training.model.__setitem__(1, nn.Sigmoid()),
    "layer used twice": lambda training: training.model.__setitem__(2, training.model[0]),
    "layer of another size": lambda training: training.model.__setitem__(0, nn.Linear(4, 4, False)),
    "hook": lambda training: training.model[1].register_forward_hook(halved),
    "hook before": lambda training: training.model[0].register_forward_pre_hook(
        lambda module, args: (args[0] * 2,)
    ),
    "frozen parameter": lambda training: training.model[0].bias.requires_grad_(False),
    "mode": lambda training: training.model[1].eval(),
    "setting": lambda training: training.optimizer.param_groups[0].update(eps=0.1),
    "setting more": lambda training: training.optimizer.param_groups[0].update(note=1),
    "gradient": with_gradients,
}


def made_other(other, *trainings):
    for training in trainings:
        steepest.manual_seed(3)
        OTHERS[other](training)


@pytest.mark.parametrize("other", OTHERS)
def test_what_differs_in_anything_but_the_numbers_of_tensors_is_of_another_form(traced, other):
    factor = 0.0 if other == "zero" else 1.0
    Training(0, factor=factor).run()
    del traced[:]
    one, two = Training(1, factor=factor), Training(1, factor=factor)
    made_other(other, one, two)
    found = one.run()
    assert traced
    np.testing.assert_allclose(found, two.eager(), rtol=1e-5)


@pytest.mark.parametrize("other", OTHERS)
def test_what_changes_later_is_noticed_in_a_step_that_was_not_traced(traced, other):
    Training(0).run()
    one, two = Training(1), Training(1)
    one.run()
    two.run()
    assert not {one.step, two.step} & {*traced}
    (loop,) = one.epochs._steady.loops.values()
    assert loop.stale() is None
    made_other(other, one, two)
    assert bool(loop.stale()) == (other != "gradient")  # the step forgets what is in it
    np.testing.assert_allclose(one.run(), two.eager(), rtol=1e-5)


@pytest.mark.parametrize("other", [{"factor": 2.0}, {"dropout": True}], ids=str)
def test_another_number_or_layer_is_another_form(traced, other):
    Training(0).run()
    del traced[:]
    one, two = Training(1, **other), Training(1, **other)
    steepest.manual_seed(7)
    found = one.run()
    assert traced
    steepest.manual_seed(7)
    np.testing.assert_allclose(found, two.eager(), rtol=1e-5)


def test_dropout_draws_on_where_the_last_training_ended(traced):
    first, second = Training(0, dropout=True), Training(1, dropout=True)
    steepest.manual_seed(7)
    found = first.run(), second.run()
    assert len(set(traced)) <= 1
    first, second = Training(0, dropout=True), Training(1, dropout=True)
    steepest.manual_seed(7)
    np.testing.assert_allclose(found, (first.eager(), second.eager()), rtol=1e-5)


def test_a_number_that_the_step_looked_at_belongs_to_the_form(traced):
    def trained(weight):
        w, limit = tensor(weight), tensor(1.0)

        def step(x):
            w.sub_(0.1 * (w * x).mean())
            return (w * x * (2 if limit.item() > 0 else 3)).mean()

        return limit, Epochs(step)

    _, first = trained(1.0)
    limit, second = trained(2.0)
    limit.value[...] = -1
    order, ones = np.arange(8), np.ones((8, 1), np.float32)
    assert first.run([ones], order, 8)[0] == pytest.approx(1.8)
    assert second.run([ones], order, 8)[0] == pytest.approx(3 * 1.8)
    assert len(set(traced)) == 2


FACTOR = 1.0


class Settings:
    factor = 1.0


@pytest.mark.parametrize("held", [Settings, "module"], ids=str)
def test_what_a_global_or_a_class_holds_belongs_to_the_form(traced, monkeypatch, held):
    def trained(weight):
        w = tensor(weight)
        return Epochs(lambda x: (w * x * FACTOR * Settings.factor).mean())

    order, ones = np.arange(8), np.ones((8, 1), np.float32)
    assert trained(1.0).run([ones], order, 8)[0] == pytest.approx(1.0)
    del traced[:]
    assert trained(2.0).run([ones], order, 8)[0] == pytest.approx(2.0)
    assert not traced
    place = (Settings, "factor") if held is Settings else (sys.modules[__name__], "FACTOR")
    monkeypatch.setattr(*place, 3.0)
    assert trained(2.0).run([ones], order, 8)[0] == pytest.approx(6.0)


def test_a_rate_that_differs_from_step_to_step_is_of_another_form_than_one_that_stays(traced):
    trainings = [Training(1) for _ in range(3)]
    for training in trainings:
        training.rate.value[...] = 0.01
    Epochs(trainings[0].step).run([X, Y], np.arange(24), 8)
    del traced[:]
    found = trainings[1].run(0.02)
    assert traced
    np.testing.assert_allclose(found, trainings[2].eager(0.02), rtol=1e-5)


def test_a_longer_array_is_of_another_form_than_a_short_one(traced):
    Training(0).run()
    long = Training(1)
    long.scale = np.ones(5000, np.float32)
    del traced[:]
    long.run()
    assert traced


def test_nothing_is_kept_alive(traced):
    import gc
    import weakref

    training = Training(3)
    training.run()
    gone = weakref.ref(training.model)
    del training, traced[:]
    gc.collect()
    assert gone() is None


def test_a_compiled_step_is_of_a_form_with_its_arguments(traced):
    def made(weight):
        w = tensor([weight])

        @compile
        def step(x, factor):
            w.sub_(0.1 * x * factor)
            return w.sum()

        return step

    x = tensor([1.0])
    assert made(1.0)(x, 2.0).item() == pytest.approx(0.8)
    assert made(2.0)(x, 2.0).item() == pytest.approx(1.8)
    assert len(set(traced)) == 1
    assert made(2.0)(x, 3.0).item() == pytest.approx(1.7)
    assert len(set(traced)) == 2


def test_the_defaults_of_an_optimizer_are_not_for_steps():
    training = Training(0)
    optimizer = training.optimizer

    def step(x):
        return (x * optimizer.defaults["lr"]).sum()

    with pytest.raises(RuntimeError, match="param_groups"):
        Epochs(step).run([X], np.arange(8), 8)
    assert optimizer.defaults["lr"] == 0.01


def test_how_a_module_was_made_is_not_for_steps_and_goes_with_its_copies():
    model = nn.Linear(4, 1)
    with pytest.raises(RuntimeError, match="not for steps"):
        Epochs(lambda x: (model(x) * model.made_with[0][0]).sum()).run([X], np.arange(8), 8)
    for made in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert made.made_with == ((4, 1), {})
    first, second = nn.Tanh(), nn.Tanh()
    first.register_forward_hook(halved)
    one = tensor(1.0)
    assert first(one).item() == pytest.approx(second(one).item() / 2)
