"""A step is captured as it is: every state found, every number the same, nothing touched."""

import numpy as np
import pytest

import steepest
from steepest import nn, optim, tensor
from steepest.compiler.capture.capture import capture
from steepest.compiler.capture.refusal import NotCompilable
from steepest.compiler.check import check
from steepest.compiler.replay import replay
from steepest.core import Aval

F4, I8 = np.dtype(np.float32), np.dtype(np.int64)


def captured_step(step, *avals, **kwargs):
    inlets = [(f"argument{i}", aval, "gathered") for i, aval in enumerate(avals)]
    captured = capture(step, inlets, **kwargs)
    check(captured.graph)
    return captured


def replayed(captured, data, order, batch, stepped=None):
    """The losses of replaying the captured step over the rows in order."""
    steps = len(order) // batch
    arrays = dict(captured.arrays) | dict(zip(captured.graph.inputs, data, strict=False))
    arrays |= {x: stepped for x in arrays if x.role == "stepped"}
    arrays |= {x.value: x.take() for x in captured.gradients if x.value is not None}
    outputs = [np.empty((steps, *x.shape), x.dtype) for x in captured.graph.outputs]
    done = replay(captured.graph, arrays, order, steps, outputs, np.zeros(3, np.int64))
    assert done == steps
    return outputs[0]


def network(optimizer_of, loss, outputs, activation=nn.Tanh, last=None):
    steepest.manual_seed(3)
    layers = [nn.Linear(4, 6), activation(), nn.Linear(6, outputs)]
    model = nn.Sequential(*layers, *([last()] if last else []))
    optimizer = optimizer_of(model.parameters())

    def step(x, y):
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value

    return model, optimizer, step


OPTIMIZERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-3),
    "nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "adam": lambda p: optim.Adam(p, lr=0.01),
    "amsgrad": lambda p: optim.Adam(p, lr=0.01, amsgrad=True, maximize=True),
    "adamw": lambda p: optim.AdamW(p, lr=0.01),
}
LOSSES = {
    "mse": (nn.MSELoss(), 2, None),
    "l1": (nn.L1Loss(), 2, None),
    "huber": (nn.HuberLoss(), 2, None),
    "bce": (nn.BCELoss(), 1, nn.Sigmoid),
    "logits": (nn.BCEWithLogitsLoss(), 1, None),
    "cross entropy": (nn.CrossEntropyLoss(), 3, None),
}


def data_for(loss, outputs, rows=20):
    r = np.random.default_rng(0)
    x = r.standard_normal((rows, 4)).astype(F4)
    if loss == "cross entropy":
        return x, r.integers(0, outputs, rows)
    if loss in ("bce", "logits"):
        return x, r.integers(0, 2, (rows, outputs)).astype(F4)
    return x, r.standard_normal((rows, outputs)).astype(F4)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_replaying_a_captured_step_gives_the_eager_bits(optimizer, loss):
    function, outputs, last = LOSSES[loss]
    x, y = data_for(loss, outputs)
    order = np.random.default_rng(1).permutation(20)
    model, _, step = network(OPTIMIZERS[optimizer], function, outputs, last=last)
    eager = [step(tensor(x[rows]), tensor(y[rows])).item() for rows in order.reshape(4, 5)]
    twin, _, step = network(OPTIMIZERS[optimizer], function, outputs, last=last)
    captured = captured_step(step, Aval((5, 4), F4), Aval((5, *y.shape[1:]), y.dtype))
    assert replayed(captured, (x, y), order, 5).tolist() == eager
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def test_state_is_what_the_step_changes_and_is_named():
    _, _, step = network(OPTIMIZERS["momentum"], nn.MSELoss(), 2)
    captured = captured_step(step, Aval((5, 4), F4), Aval((5, 2), F4))
    names = {x.name for x in captured.graph.inputs if x.role == "state"}
    assert "model.0.weight" in names
    assert "optimizer.state[model.0.weight].momentum_buffer" in names
    assert len(names) == 8


def test_capturing_touches_nothing():
    model, optimizer, step = network(OPTIMIZERS["adam"], nn.MSELoss(), 2)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    captured_step(step, Aval((5, 4), F4), Aval((5, 2), F4))
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name].numpy())
    for p in model.parameters():
        assert p.grad is None
        assert p.node is None
        assert optimizer.state[p]["step"].item() == 0  # made while tracing, and kept


def test_a_learning_rate_can_differ_at_every_step():
    rate = tensor(0.0, dtype=np.float64)
    _, optimizer, step = network(OPTIMIZERS["sgd"], nn.MSELoss(), 2)
    x, y = data_for("mse", 2)
    order, rates = np.arange(20), np.array([0.1, 0.05, 0.2, 0.0])
    eager = []
    for lr, rows in zip(rates, order.reshape(4, 5), strict=True):
        optimizer.param_groups[0]["lr"] = float(lr)
        eager.append(step(tensor(x[rows]), tensor(y[rows])).item())
    _, optimizer, step = network(OPTIMIZERS["sgd"], nn.MSELoss(), 2)
    optimizer.param_groups[0]["lr"] = rate
    captured = captured_step(step, Aval((5, 4), F4), Aval((5, 2), F4), stepped=[rate])
    assert replayed(captured, (x, y), order, 5, rates).tolist() == eager


def test_numbers_of_the_step_are_constants_and_each_is_there_once():
    def step(x):
        return (x * 0.0 + 0.0 * x - x * -0.0 + (x > 0).float() * 2).sum()

    graph = captured_step(step, Aval((5, 4), F4)).graph
    spread = [x.data for x in graph.values() if x.kind == "constant"]
    assert sorted(data.flat[0].tobytes() for data in spread) == sorted(
        F4.type(number).tobytes() for number in (0.0, -0.0, 2)
    )
    assert {data.shape for data in spread} == {(5, 4)}
    assert not any(data.flags.writeable or any(data.strides) for data in spread)


def test_dropouts_random_key_is_state():
    def build():
        steepest.manual_seed(5)
        layer, w = nn.Dropout(0.5), tensor(np.ones(4, F4), requires_grad=True)

        def step(x):
            loss = (layer(x) * w).sum()
            loss.backward()
            with steepest.no_grad():
                w.sub_(w.grad * 0.1)
            w.grad = None
            return loss

        return step

    x = np.random.default_rng(0).standard_normal((12, 4)).astype(F4)
    step = build()
    eager = [step(tensor(x[i : i + 4])).item() for i in (0, 4, 8)]
    captured = captured_step(build(), Aval((4, 4), F4))
    assert len(captured.graph.state) == 2
    assert replayed(captured, (x,), np.arange(12), 4).tolist() == eager


def test_gradients_that_a_step_adds_to_are_state():
    w = tensor(np.ones(3, F4), requires_grad=True)

    def step(x):
        loss = (w * x).sum()
        loss.backward()  # never zeroed
        return loss

    captured = captured_step(step, Aval((1, 3), F4))
    x = np.array([[1, 2, 3]], F4)
    replayed(captured, (x,), np.zeros(2, np.int64), 1)
    assert w.grad.tolist() == [2, 4, 6]


def test_gradients_zeroed_in_their_memory_are_state():
    model, optimizer, _ = network(OPTIMIZERS["sgd"], nn.MSELoss(), 2)

    def step(x, y):
        optimizer.zero_grad(set_to_none=False)
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    captured = captured_step(step, Aval((5, 4), F4), Aval((5, 2), F4))
    assert len(captured.graph.state) == 8


def test_writing_through_a_view_changes_its_base():
    table = tensor(np.zeros((3, 2), F4))

    def step(x):
        row = table[1]
        row += x.sum(0)
        table[0, 1] = 5.0
        return table.sum()

    captured = captured_step(step, Aval((1, 2), F4))
    losses = replayed(captured, (np.array([[1, 2]], F4),), np.zeros(2, np.int64), 1)
    assert table.tolist() == [[0, 5], [2, 4], [0, 0]]
    assert losses.tolist() == [8, 11]


def test_rebinding_data_and_sharing_memory_through_detach():
    w = tensor(np.ones(2, F4), requires_grad=True)
    same = w.detach()

    def step(x):
        w.data = w.data - 0.5 * x.sum(0)
        same.mul_(2)
        return w.sum()

    captured = captured_step(step, Aval((1, 2), F4))
    replayed(captured, (np.array([[1, 2]], F4),), np.zeros(1, np.int64), 1)
    assert w.tolist() == [1, 0]


def test_running_statistics_are_state():
    mean = tensor(np.zeros(3, F4))

    def step(x):
        with steepest.no_grad():
            mean.mul_(0.9).add_(x.mean(0) * 0.1)
        return ((x - mean) ** 2).mean()

    captured = captured_step(step, Aval((2, 3), F4))
    assert [x.name for x, _ in captured.graph.state] == ["mean"]


def test_a_captured_step_knows_when_it_no_longer_is_the_step():
    model, optimizer, step = network(OPTIMIZERS["adam"], nn.MSELoss(), 2)
    captured = captured_step(step, Aval((5, 4), F4), Aval((5, 2), F4))
    assert captured.stale() is None
    optimizer.param_groups[0]["lr"] = 0.5  # which a program reads
    assert captured.stale() is None
    optimizer.param_groups[0]["maximize"] = True
    assert captured.stale() == "optimizer.param_groups[0].maximize"
    optimizer.param_groups[0]["maximize"] = False
    assert captured.stale() is None
    model.eval()
    assert captured.stale().endswith("training")
    model.train()
    weight = model[0].weight
    weight.requires_grad_(False)
    assert captured.stale() == "model.0.weight"
    weight.requires_grad_(True)
    weight.data = tensor(np.zeros((6, 4), F4))
    assert captured.stale() == "model.0.weight"


class _Settings:
    def __init__(self):
        self.scale, self.shifts, self.table, self.more = 1, [0.5], {"low": 2.0}, {}


class _Others(_Settings):
    pass


@pytest.mark.parametrize(
    "change",
    [
        lambda settings: setattr(settings, "scale", True),  # equal, and of another kind
        lambda settings: setattr(settings, "shifts", [0.5]),  # whoever has the old one is not heard
        lambda settings: settings.table.update(high=settings.table.pop("low")),
        lambda settings: settings.more.update(low=1),  # of what was empty
        lambda settings: settings.shifts.append(0.5),
        lambda settings: setattr(settings, "__class__", _Others),
        lambda settings: setattr(settings, "__dict__", {**vars(settings), "scale": 2}),
        lambda settings: delattr(settings, "more"),
    ],
)
def test_a_captured_step_knows_when_a_container_holds_something_else(change):
    settings = _Settings()

    def step(x):
        shifts = sum(settings.shifts)
        return x.sum() * settings.scale * len(settings.table) + shifts + len(settings.more)

    captured = captured_step(step, Aval((2, 3), F4))
    assert captured.stale() is None  # from the second time on, identities tell
    assert captured.stale() is None
    change(settings)
    assert "settings" in captured.stale()


def test_a_refused_step_leaves_everything_as_it_was():
    seen, total = [], {"steps": 0}
    w = tensor(np.ones(3, F4), requires_grad=True)

    def step(x):
        loss = (w * x).sum()
        loss.backward()
        seen.append(loss)
        total["steps"] += 1
        with steepest.no_grad():
            w.sub_(w.grad)
        return loss

    with pytest.raises(NotCompilable):
        captured_step(step, Aval((1, 3), F4))
    assert seen == []
    assert total == {"steps": 0}
    assert w.grad is None
    assert w.tolist() == [1, 1, 1]
    assert step(tensor(np.ones((1, 3), F4))).item() == 3


def test_a_refusal_names_the_users_line():
    w = tensor(np.ones(3, F4))

    def step(x):
        if (w * x).sum() > 0:
            return w.sum()
        return x.sum()

    with pytest.raises(NotCompilable, match=r"test_compiler_trace\.py:\d+") as refused:
        captured_step(step, Aval((1, 3), F4))
    line = step.__code__.co_firstlineno + 1
    assert f"test_compiler_trace.py:{line}" in str(refused.value)
    assert "where(condition, x, y)" in str(refused.value)


def test_numbers_are_told_apart_by_sign_and_a_new_nan_is_the_old_one():
    def step(x):
        return (x + float("nan")).sum(), (x * 0.0).sum(), (x * -0.0).sum()

    captured = captured_step(step, Aval((2, 3), F4))
    numbers = {str(x.data.flat[0]) for x in captured.graph.values() if x.kind == "constant"}
    assert numbers == {"nan", "0.0", "-0.0"}


def test_an_array_made_anew_in_each_of_three_runs_is_one_constant():
    weight = tensor([1.0, 2.0], requires_grad=True)

    def step(x):
        loss = (x * weight * tensor(np.array([3.0, 4.0], np.float32))).sum()
        loss.backward()  # adds to the gradient, which shows in the second run
        return loss

    graph = captured_step(step, Aval((2,), F4)).graph
    made = [x.data.tolist() for x in graph.values() if x.kind == "constant" and x.shape == (2,)]
    assert [3.0, 4.0] in made
    assert len(graph.state) == 1
