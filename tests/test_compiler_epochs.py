"""Whole epochs in native calls give what the eager loop gives, for everything that trains."""

import threading
from itertools import cycle, islice, pairwise

import numpy as np
import pytest

import steepest
from steepest import nn, optim, tensor
from steepest.compiler import Epochs, NotCompilable, Rows, compile
from steepest.compiler.emit.flushing import flushing
from steepest.compiler.nests import fuse

OPTIMIZERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-3),
    "nesterov": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "adam": lambda p: optim.Adam(p, lr=0.01, weight_decay=1e-3),
    "amsgrad": lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
    "adamw": lambda p: optim.AdamW(p, lr=0.01),
}
LOSSES = {
    "mse": (nn.MSELoss(), 2),
    "l1": (nn.L1Loss(), 1),
    "huber": (nn.HuberLoss(), 2),
    "logits": (nn.BCEWithLogitsLoss(), 1),
    "cross entropy": (nn.CrossEntropyLoss(), 5),
    "smoothed": (nn.CrossEntropyLoss(label_smoothing=0.1), 3),
    "weighted": (nn.CrossEntropyLoss(weight=tensor([1.0, 2.0, 0.5])), 3),
}
ACTIVATIONS = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "softmax": lambda: nn.Softmax(dim=-1),
    "log softmax": lambda: nn.LogSoftmax(dim=-1),
    "dropout": lambda: nn.Dropout(0.3),
}
ROWS = 23


def training(optimizer, loss, activation, sizes=(4, 7, 6)):
    function, outputs = LOSSES[loss]
    steepest.manual_seed(3)
    layers = []
    for inner, outer in pairwise(sizes):
        layers += [nn.Linear(inner, outer), ACTIVATIONS[activation]()]
    model = nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))
    moving = OPTIMIZERS[optimizer](model.parameters())

    def step(x, y):
        moving.zero_grad()
        value = function(model(x), y)
        value.backward()
        moving.step()
        return value

    return model, moving, step


def data_for(loss, features=4):
    r = np.random.default_rng(0)
    outputs = LOSSES[loss][1]
    x = r.standard_normal((ROWS, features)).astype(np.float32)
    if loss in ("cross entropy", "smoothed", "weighted"):
        return x, r.integers(0, outputs, ROWS)
    if loss == "logits":
        return x, r.integers(0, 2, (ROWS, outputs)).astype(np.float32)
    return x, r.standard_normal((ROWS, outputs)).astype(np.float32)


def eager_epoch(step, arrays, order, batch):
    rows = [order[i : i + batch] for i in range(0, len(order), batch)]
    return np.array([step(*(tensor(a[i]) for a in arrays)).item() for i in rows])


def assert_trains_alike(optimizer, loss, activation):
    """Two epochs with a smaller last mini-batch, eagerly and natively."""
    arrays, r = data_for(loss), np.random.default_rng(1)
    orders = [r.permutation(ROWS) for _ in range(2)]
    model, _, step = training(optimizer, loss, activation)
    want = np.concatenate([eager_epoch(step, arrays, order, 5) for order in orders])
    twin, _, step = training(optimizer, loss, activation)
    epochs = Epochs(step)
    got = np.concatenate([epochs.run(arrays, order, 5) for order in orders])
    # Ten float32 steps: sums in another order, and Adam's m/√v makes much of tiny gradients.
    np.testing.assert_allclose(got, want, rtol=2e-4, atol=1e-5)
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(b.detach().numpy(), a.detach().numpy(), rtol=2e-3, atol=2e-4)


PAIRS = list(islice(zip(cycle(OPTIMIZERS), cycle(LOSSES), strict=False), 20))


@pytest.mark.parametrize(("optimizer", "loss"), PAIRS)
def test_every_optimizer_and_every_loss(optimizer, loss):
    assert_trains_alike(optimizer, loss, "tanh")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation):
    assert_trains_alike("adam", "cross entropy", activation)


def test_learning_rates_of_every_step_and_their_return():
    arrays, order = data_for("mse"), np.arange(ROWS)
    rates = np.linspace(0.1, 0.01, 5)
    _, optimizer, step = training("sgd", "mse", "tanh")
    want = []
    for lr, start in zip(rates, range(0, ROWS, 5), strict=True):
        optimizer.param_groups[0]["lr"] = float(lr)
        want += eager_epoch(step, arrays, order[start : start + 5], 5).tolist()
    _, optimizer, step = training("sgd", "mse", "tanh")
    rate = tensor(0.0, dtype=np.float64)
    optimizer.param_groups[0]["lr"] = rate
    got = Epochs(step, [rate]).run(arrays, order, 5, [rates])
    np.testing.assert_allclose(got, want, rtol=1e-5)


@pytest.mark.parametrize("sizes", [(784, 40), (900, 77, 9)])
def test_rows_read_where_they_are_give_the_bits_of_their_copies(sizes, monkeypatch):
    arrays, found = data_for("cross entropy", sizes[0]), []
    for most in (fuse.LARGE, 0):
        monkeypatch.setattr(fuse, "LARGE", most)
        model, _, step = training("momentum", "cross entropy", "relu", sizes)
        epochs = Epochs(step)
        losses = epochs.run(arrays, np.random.default_rng(1).permutation(ROWS), 11)
        found.append([losses, *(p.detach().numpy() for p in model.parameters())])
        lines = [line.strip() for line in epochs.explain().splitlines()]
        copy = lines.index("argument0[i0, i1] ← argument0[batch[i0], i1]")
        first = next(k for k, line in enumerate(lines) if "= Σ ki  argument0[" in line)
        assert (first < copy) == ("argument0[batch[i0], ki]" in lines[first]) == (most > 0)
    for direct, copied in zip(*found, strict=True):
        np.testing.assert_array_equal(direct, copied)


@pytest.mark.parametrize("sizes", [(13, 40), (784, 10)])
def test_few_rows_and_narrow_layers_read_the_copy(sizes):
    epochs = Epochs(training("momentum", "cross entropy", "relu", sizes)[2])
    epochs.run(data_for("cross entropy", sizes[0]), np.arange(22), 11)
    assert "= Σ ki  argument0[i0, ki]" in epochs.explain()


def test_a_step_that_cannot_be_compiled_gives_a_reason_and_leaves_the_model_alone():
    model, _, _ = training("sgd", "mse", "tanh")

    def step(x, y):
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        if loss.item() > 1:
            return loss
        return loss * 2

    before = [p.detach().clone().tolist() for p in model.parameters()]
    with pytest.raises(NotCompilable) as reason:
        Epochs(step).run(data_for("mse"), np.arange(ROWS), 5)
    assert "item asks for a number" in str(reason.value)
    assert "test_compiler_epochs.py" in str(reason.value)
    assert [p.detach().tolist() for p in model.parameters()] == before
    assert all(p.grad is None for p in model.parameters())


def test_a_loss_that_is_no_number_is_refused():
    _, _, step = training("sgd", "mse", "tanh")
    with pytest.raises(NotCompilable, match="must return its loss"):
        Epochs(lambda x, y: step(x, y).reshape(1)).run(data_for("mse"), np.arange(ROWS), 5)


def test_labels_outside_the_known_range_are_noticed_between_epochs():
    x, y = data_for("cross entropy")
    few = np.minimum(y, 2)
    _, _, eager = training("sgd", "cross entropy", "relu")
    _, _, step = training("sgd", "cross entropy", "relu")
    epochs, order = Epochs(step), np.arange(20)
    ignored = np.where(y == 4, -100, y)
    for labels in (few, y, ignored):
        want = eager_epoch(eager, (x, labels), order, 5)
        np.testing.assert_allclose(epochs.run((x, labels), order, 5), want, rtol=1e-4)


def test_several_epochs_can_be_one_call():
    arrays, order = data_for("mse"), np.arange(20)
    _, _, step = training("adam", "mse", "tanh")
    one_by_one = Epochs(step)
    want = np.concatenate([one_by_one.run(arrays, order, 5) for _ in range(3)])
    _, _, step = training("adam", "mse", "tanh")
    got = Epochs(step).run(arrays, np.tile(order, 3), 5)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("threads", [1, 2])
def test_losses_are_read_and_the_run_is_stopped_while_it_goes_on(threads, monkeypatch):
    """The stop takes effect within a step: the one that runs when it is asked for is the last."""
    r, batch = np.random.default_rng(0), 128
    x, y = (r.standard_normal((batch, n)).astype(np.float32) for n in (300, 1))
    steepest.manual_seed(0)
    model = nn.Sequential(nn.Linear(300, 512), nn.Tanh(), nn.Linear(512, 512), nn.Linear(512, 1))
    optimizer = optim.Adam(model.parameters())

    def step(a, b):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(a), b)
        loss.backward()
        optimizer.step()
        return loss

    monkeypatch.setattr("steepest.core.threads._chosen", None)  # as before afterwards
    steepest.set_num_threads(threads)
    epochs, steps = Epochs(step), 500
    want = epochs.run((x, y), np.arange(batch), batch)  # compiles
    for k in (0, 1, 7, 20):
        losses, control, seen = np.full(steps, np.nan, np.float32), np.zeros(3, np.int64), []

        def watch(k=k, losses=losses, control=control, seen=seen):
            while np.isnan(losses[k]):
                pass  # the native call holds no lock: this thread runs beside it
            seen.append(losses[: k + 1].copy())
            control[0] = 1
            seen.append(int(control[1]))

        watcher = threading.Thread(target=watch)
        watcher.start()
        order = np.tile(np.arange(batch), steps)
        done = epochs.run((x, y), order, batch, losses=losses, control=control)
        watcher.join()
        assert k < len(done) < steps
        assert seen[1] <= len(done) == control[1] <= seen[1] + 1
        np.testing.assert_array_equal(seen[0], done[: k + 1])
        assert np.isnan(losses[len(done) :]).all()
        assert done[-1] < want[-1]  # each run goes on where the last one ended
        want = done


def test_compiled_and_eager_steps_can_be_mixed():
    x, y = (tensor(a) for a in data_for("mse"))
    _, _, eager = training("adam", "mse", "tanh")
    _, _, step = training("adam", "mse", "tanh")
    compiled = compile(step)
    for turn in range(6):
        want, got = eager(x, y).item(), (compiled if turn % 2 else step)(x, y).item()
        assert got == pytest.approx(want, rel=1e-5)


def test_two_trainings_of_one_network_share_their_program():
    arrays = data_for("mse")
    loops = []
    for _ in range(2):
        _, _, step = training("adam", "mse", "tanh")
        epochs = Epochs(step)
        epochs.run(arrays, np.arange(20), 5)
        (loop,) = epochs._steady.loops.values()
        loops.append(loop)
    assert loops[0].program is loops[1].program


def test_explain_reads_like_mathematics():
    _, _, step = training("adam", "mse", "tanh", sizes=(4, 7, 5))
    epochs = Epochs(step)
    epochs.run(data_for("mse"), np.arange(20), 5)
    text = epochs.explain()
    assert "model.0.weight: float32[7,4]  state" in text
    assert "= tanh v" in text


def test_a_mistake_in_the_step_is_a_reason_too():
    _, _, step = training("sgd", "mse", "tanh")
    x, y = data_for("mse")
    with pytest.raises(NotCompilable, match="compiling failed with RuntimeError"):
        Epochs(step).run([x[:, :3], y], np.arange(ROWS), 5)


def test_a_loss_that_is_not_finite_ends_the_run_before_it_reaches_the_weights():
    x, y = data_for("mse")
    model, _, step = training("adam", "mse", "tanh")
    y[12] = np.inf
    control = np.zeros(3, np.int64)
    losses = Epochs(step).run((x, y), np.arange(20), 5, control=control)
    assert len(losses) == 3 and control.tolist() == [0, 3, 1]
    assert np.isfinite(losses[:2]).all() and not np.isfinite(losses[2])
    twin, _, eager = training("adam", "mse", "tanh")
    eager_epoch(eager, (x, y), np.arange(10), 5)
    for a, b in zip(twin.parameters(), model.parameters(), strict=True):
        np.testing.assert_allclose(b.detach().numpy(), a.detach().numpy(), rtol=2e-3, atol=2e-4)


# ---- numbers too small to count ------------------------------------------------------------------

SMALL = np.full((70, 3), 1e-40, np.float32)


def test_subnormal_numbers_are_zeros_where_rows_are_gone_through_and_nowhere_else():
    tiny = np.finfo(np.float32).tiny
    assert (Rows(lambda x: x * 0.5).run(SMALL) == 0).all()
    assert (Rows(lambda x: x * 0.5).run(np.full_like(SMALL, 2 * tiny)) == tiny).all()
    assert (compile(lambda x: x * 0.5)(tensor(SMALL)).numpy() == SMALL / 2).all()
    assert (SMALL / 2 > 0).all()  # this thread computes as before


def test_an_average_that_fades_does_not_end_as_a_subnormal_number():
    """0.9 of the smallest number, rounded, is that number again: it would stay there for ever."""
    average = tensor(np.ones(3, np.float32))

    def step(x):
        average.mul_(0.9)
        return (x * average).sum()

    Epochs(step).run([SMALL], np.zeros(1000, np.int64), 1)
    assert average.tolist() == [0.0] * 3
    eager = np.ones(1, np.float32)
    for _ in range(1000):
        eager *= np.float32(0.9)
    assert 0 < eager[0] < 1e-40


@pytest.mark.parametrize(("features", "word"), [("+sse2", "mxcsr"), ("+neon", "fpcr"), ("", "")])
def test_how_subnormal_numbers_become_zeros_depends_on_the_processor(features, word):
    text = flushing(features, "ptr noalias %memory", "i64 %steps")
    assert word in text and text.count("call i64 @steps(") == bool(word)
