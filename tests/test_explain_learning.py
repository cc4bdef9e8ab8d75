"""How a network learns: gradient flow, sleeping units, unfolding, the chain rule, descent."""

from functools import partial

import numpy as np
import pytest
from command import Command

from steepest import explain, models, nn, optim
from steepest.core import RequestError
from steepest.data import load_data
from steepest.random import manual_seed
from steepest.training import fit

RANDOM = np.random.default_rng(0)


def net(*widths, activation="tanh"):
    manual_seed(0)
    return models.mlp(widths[0], widths[-1], widths[1:-1], activation)


# ---- gradient flow ------------------------------------------------------------------------------


def samples(count=64, features=3):
    x = RANDOM.standard_normal((count, features)).astype(np.float32)
    return x, x.sum(1, keepdims=True)


def test_the_gradient_at_the_output_is_the_losss_own():
    model, (x, y) = net(3, 8, 1), samples()
    found = explain.flow(model, nn.MSELoss(), x, y)
    assert [layer.layer for layer in found.layers] == ["0", "1", "2"]
    made = model(x_tensor(x)).detach().numpy()
    assert found.layers[-1].gradient == pytest.approx(np.sqrt(np.mean((2 * (made - y)) ** 2)), 1e-4)
    assert found.layers[-1].signal == pytest.approx(np.sqrt(np.mean(made**2)), rel=1e-4)
    assert not found.alarms and not model._modules["0"]._after


def x_tensor(x):
    from steepest.tensors import Tensor

    return Tensor(x)


def test_dead_and_saturated_units_raise_the_alarm():
    x, y = samples()
    model = net(3, 10, 1, activation="relu")
    model[0].bias.value[...] = [-100] * 4 + [0] * 6  # four of ten never open
    found = explain.flow(model, nn.MSELoss(), x, y)
    assert found.layers[1].dead == pytest.approx(0.4) and found.layers[1].saturated == 0
    assert found.alarms == ["1: 40% of the units are dead"]
    model = net(3, 10, 1)
    model[0].bias.value[...] = [6] * 5 + [0] * 5
    found = explain.flow(model, nn.MSELoss(), x, y)
    assert found.layers[1].saturated == pytest.approx(0.5) and found.layers[1].dead == 0
    assert found.alarms == ["1: 50% of the units are saturated"]


def test_a_deep_sigmoid_network_loses_its_gradient_and_large_weights_let_it_explode():
    x, y = samples()
    deep = net(3, *[8] * 8, 1, activation="sigmoid")
    assert any("vanishes" in alarm for alarm in explain.flow(deep, nn.MSELoss(), x, y).alarms)
    wild = net(3, *[8] * 8, 1, activation="relu")
    for layer in wild:
        if isinstance(layer, nn.Linear):
            layer.weight.value[...] *= 8
    assert any("explodes" in alarm for alarm in explain.flow(wild, nn.MSELoss(), x, y).alarms)


# ---- unfolding ----------------------------------------------------------------------------------


def test_a_trained_network_unfolds_what_no_plane_separates():
    data = load_data("circles", seed=0)
    model = net(2, 16, 16, 2)
    before = explain.unfolding(model, data.train.x, data.train.y)
    fit(model, data, epochs=60, lr=0.02, progress="none")
    after = explain.unfolding(model, data.train.x, data.train.y)
    assert [stage.layer for stage in after] == ["input", "0", "2", "4"]
    assert before[0].separable == after[0].separable < 0.65
    assert after[-1].separable > 0.97 > before[-1].separable
    assert after[0].folds == 0 < after[1].folds < after[2].folds
    assert after[0].rank == pytest.approx(2, abs=0.05)


def test_a_turn_of_space_folds_nothing_and_moves_no_point():
    x = RANDOM.standard_normal((50, 2)).astype(np.float32)
    turn = nn.Linear(2, 2, bias=False)
    turn.weight.value[...] = [[0.6, -0.8], [0.8, 0.6]]
    first, second = explain.unfolding(nn.Sequential(turn), x, np.arange(50) % 2)
    assert second.folds == 0 and second.rank == pytest.approx(first.rank, rel=1e-4)
    assert second.places == pytest.approx(first.places, abs=1e-4)


def test_a_probe_learns_every_class_of_classes_in_turn():
    y = np.arange(100) % 2
    apart = np.column_stack([4.0 * y - 2, y]).astype(np.float32)
    stages = explain.unfolding(nn.Sequential(nn.Linear(2, 2)), apart, y)
    assert stages[0].separable == 1


def test_a_kink_folds_a_line_by_half_a_turn_at_most():
    x = np.array([[-1.0, 0.0], [1.0, 0.0]] * 10, np.float32)
    fold = nn.Linear(2, 2, bias=False)
    fold.weight.value[...] = [[1, 0], [-1, 0]]
    stages = explain.unfolding(nn.Sequential(fold, nn.ReLU()), x, np.arange(20) % 2)
    # the line from (−1, 0) to (1, 0) becomes (0, 1) → (0, 0) → (1, 0): a quarter of a full turn,
    # for those pairs that have two different ends
    assert stages[-1].layer == "0" and 0.05 < stages[-1].folds <= 0.5


# ---- the chain rule -----------------------------------------------------------------------------


def test_every_path_and_its_product():
    found = explain.chain(lambda x, w, b: (w * x + b) * x, x=3.0, w=2.0, b=-1.0)
    assert [(s.name, s.value) for s in found.steps] == [
        ("x", 3), ("w", 2), ("b", -1), ("×", 6), ("+", 5), ("×", 15),
    ]  # fmt: skip
    assert [s.derivative for s in found.steps] == [11, 9, 3, 3, 3, 1]
    products = sorted(path.product for path in found.paths(0))
    assert products == [5, 6]  # 1 · 5, and 2 · 1 · 3
    for i in range(3):
        assert sum(path.product for path in found.paths(i)) == found.steps[i].derivative


def test_a_number_used_twice_has_two_edges():
    found = explain.chain(lambda x: (x * x).exp(), x=0.5)
    assert [(e.start, e.end) for e in found.edges] == [(0, 1), (0, 1), (1, 2)]
    assert found.steps[0].derivative == pytest.approx(2 * 0.5 * np.exp(0.25))


def test_a_network_of_one_unit_has_the_derivatives_of_backward():
    from steepest.tensors import tensor

    def loss(x, w, b, y):
        return ((w * x + b).sigmoid() - y) ** 2

    numbers = {"x": 1.5, "w": -0.5, "b": 0.25, "y": 1.0}
    leaves = {n: tensor(v, dtype=np.float64, requires_grad=True) for n, v in numbers.items()}
    loss(**leaves).backward()
    found = explain.chain(loss, **numbers)
    for step, leaf in zip(found.steps, leaves.values(), strict=False):
        assert step.derivative == pytest.approx(leaf.grad.item(), rel=1e-12)


def test_what_is_no_expression_of_numbers_is_refused():
    with pytest.raises(RequestError, match="one number"):
        explain.chain(lambda x: 3.0, x=1.0)


# ---- descent ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", explain.FUNCTIONS)
def test_the_minimum_is_where_it_is_said_to_be(name):
    function = explain.FUNCTIONS[name]
    assert len(function.minimum) == len(function.ends) == function.dimensions
    start = np.array([function.minimum]) + 1e-3
    walk = explain.descend(function.value, start, partial(optim.SGD, lr=1e-3), 400)
    assert walk.path.shape == (401, 1, function.dimensions)
    assert walk.values[-1, 0] < walk.values[0, 0]
    assert walk.path[-1, 0] == pytest.approx(function.minimum, abs=2e-3)


def test_walkers_do_not_disturb_each_other():
    valley = explain.FUNCTIONS["valley"].value
    start = np.array([[4.0, 1.0], [-3.0, 0.5]])
    rule = partial(optim.Adam, lr=0.1)
    both = explain.descend(valley, start, rule, 20)
    for i in range(2):
        alone = explain.descend(valley, start[i : i + 1], rule, 20)
        assert alone.path[:, 0] == pytest.approx(both.path[:, i], rel=1e-12)
    first = start - 0.1 * np.sign(start)  # Adam's first step is its learning rate
    assert both.path[1] == pytest.approx(first, rel=1e-6)


# ---- on the command line ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    yield folder
    patch.undo()


def test_the_pictures_of_a_run(runs, monkeypatch, capsys):
    run = Command(monkeypatch, capsys)
    monkeypatch.chdir(runs)
    done = run("train", "moons", "--epochs", 15, "--hidden", "8,8", "--out", "m", "--quiet")
    assert done.status == 0, done.err
    for kind, words in (
        ("flow", "Signal and gradient"),
        ("unfolding", "a plane separates"),
        ("boundary", "Decision regions"),
        ("spectrum", "eigenvalues"),
    ):
        ended = run("plot", "m", kind)
        assert ended.status == 0 and words in ended.out, ended.err
        assert (runs / "m" / f"{kind}.png").stat().st_size > 5000
    ended = run("landscape", "m", "--points", 11)
    assert ended.status == 0 and "furthest off the plane" in ended.out, ended.err
    assert "elsewhere" not in ended.err  # walked again, it ends at the same bits
    ended = run("landscape", "m", "--weights", "0.weight[0,1],4.bias[0]", "--points", 5, "--json")
    assert ended.status == 0 and '"points": 25' in ended.out, ended.err
    for arguments, words in (
        (("--plane", "rnadom"), "did you mean"),
        (("--weights", "0.weight[0,1]"), "two weights"),
        (("--weights", "0.weight[0,1],7.bias[0]"), "no parameter"),
    ):
        ended = run("landscape", "m", *arguments)
        assert ended.status == 2 and words in ended.err


def test_an_expression_by_command(runs, monkeypatch, capsys):
    run = Command(monkeypatch, capsys)
    monkeypatch.chdir(runs)
    ended = run("chain", "x*y + x^2", "x=3", "y=4", "--out", "c.svg")
    assert ended.status == 0 and "= 10" in ended.out and "∂/∂y = 3 · 1 = 3" in ended.out, ended.err
    for request, words in (
        (("x*z", "x=3"), "z has no value"),
        (("tan(x)", "x=3"), "'tanh'?"),
        (("x.real", "x=3"), "only"),
        (("x +", "x=3"), "no expression"),
        (("x", "x"), "x=3"),
    ):
        ended = run("chain", *request)
        assert ended.status == 2 and words in ended.err, (request, ended.err)
