"""Layers for images: first weights, and the layers of 1998 against the same formulas in PyTorch.

That the layers which PyTorch has compute what they do there is seen in test_nn.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from steepest import models, nn, summary
from steepest.autograd import grad, gradcheck, gradgradcheck
from steepest.data import load_data
from steepest.random import manual_seed
from steepest.tensors import Tensor, tensor

MADE = [
    ("Conv1d", (4, 6, 2, 2, 1, 2, 2)),
    ("Conv2d", (1, 6, 5)),
    ("Conv2d", (4, 6, (3, 2), 1, 0, 2, 2, False)),
    ("ConvTranspose1d", (2, 3, 3)),
    ("ConvTranspose2d", (4, 6, (3, 2), 2, (1, 0), 1, 2)),
]


@pytest.mark.parametrize(("name", "args"), MADE, ids=str)
def test_first_weights_are_pytorchs(name, args):
    manual_seed(3)
    ours = getattr(nn, name)(*args)
    torch.manual_seed(3)
    theirs = getattr(torch.nn, name)(*args)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        # PyTorch multiplies and adds in one rounding, so the last bit may differ
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=0, atol=3e-8)


def test_settings_that_cannot_be_meant_are_refused():
    with pytest.raises(ValueError, match="groups"):
        nn.Conv2d(3, 4, 3, groups=2)
    with pytest.raises(ValueError, match="padding mode"):
        nn.Conv2d(3, 4, 3, padding_mode="reflect")
    with pytest.raises(ValueError, match="map 1 sees"):
        nn.TableConv2d(3, [[0, 1], [1, 3]], 5)
    with pytest.raises(ValueError, match="map 0 sees"):
        nn.TableConv2d(3, [[1, 1]], 5)
    with pytest.raises(ValueError, match="one code for each class"):
        nn.RBF([1.0, -1.0])


# ---- the layers of 1998 -------------------------------------------------------------------------


def seed(number, like):
    return np.random.default_rng(number).standard_normal(tuple(like.shape))


def both(module, x):
    """A module's output with its gradient and second derivative, by input and parameters."""
    leaves = [x, *module.parameters()]
    out = module(x)
    first = grad([out], leaves, [Tensor(seed(1, out))], create_graph=True)
    bent = [g for g in first if g.requires_grad]  # a bias enters straight
    second = grad(bent, leaves, [Tensor(seed(2, g)) for g in bent], materialize_grads=True)
    return [t.detach().numpy() for t in (out, *first, *second)]


def both_in_pytorch(formula, *leaves):
    leaves = [torch.from_numpy(x.copy()).requires_grad_() for x in leaves]
    out = formula(*leaves)
    first = torch.autograd.grad(out, leaves, torch.from_numpy(seed(1, out)), create_graph=True)
    bent = [g for g in first if g.requires_grad]
    seeds = [torch.from_numpy(seed(2, g)) for g in bent]
    second = torch.autograd.grad(bent, leaves, seeds, materialize_grads=True)
    return [t.detach().numpy() for t in (out, *first, *second)]


def check_same(module, x, formula):
    found = both(module, tensor(x, requires_grad=True))
    expected = both_in_pytorch(formula, x, *(p.detach().numpy() for p in module.parameters()))
    for mine, yours in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, yours, rtol=1e-9, atol=1e-11)


def numbers(*shape):
    return np.random.default_rng(0).standard_normal(shape)


@settings(max_examples=15)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))
def test_sub_sampling_is_a_scaled_sum(samples, channels, tall, wide):
    layer = nn.SubSampling(channels, (tall, wide)).double()
    area = tall * wide

    def formula(x, w, b):
        mean = torch.nn.functional.avg_pool2d(x, (tall, wide))
        return area * mean * w[:, None, None] + b[:, None, None]

    check_same(layer, numbers(samples, channels, 2 * tall + 1, 3 * wide), formula)


@settings(max_examples=15)
@given(
    st.lists(st.sets(st.integers(0, 3), min_size=1), min_size=1, max_size=5),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_a_table_convolution_sees_what_the_table_says(table, tall, wide):
    """One small convolution per map over the maps that it sees, put side by side."""
    table = [sorted(seen) for seen in table]
    layer = nn.TableConv2d(4, table, (tall, wide)).double()

    def formula(x, w, b):
        maps, start = [], 0
        for made, seen in enumerate(table):
            filters = w[start : start + len(seen)][None]
            maps.append(torch.conv2d(x[:, seen], filters, b[made : made + 1]))
            start += len(seen)
        return torch.cat(maps, 1)

    assert layer.weight.shape == (sum(map(len, table)), tall, wide)
    check_same(layer, numbers(2, 4, 5, 4), formula)


def test_a_connection_that_does_not_exist_stays_zero():
    layer = nn.TableConv2d(3, [[0, 2], [1]], 2)
    x = tensor(numbers(1, 3, 4, 4), dtype=np.float32, requires_grad=True)
    layer(x)[:, 1].sum().backward()
    assert (x.grad.numpy()[:, [0, 2]] == 0).all() and (x.grad.numpy()[:, 1] != 0).any()
    assert [(f != 0).any(axis=(1, 2)).tolist() for f in layer.filters().detach().numpy()] == [
        [True, False, True],
        [False, True, False],
    ]


def test_a_table_of_all_maps_is_a_convolution():
    layer, whole = nn.TableConv2d(3, [[0, 1, 2]] * 4, 3), nn.Conv2d(3, 4, 3)
    whole.weight.data = layer.weight.detach().reshape(4, 3, 3, 3)
    whole.bias.data = layer.bias.detach()
    x = tensor(numbers(2, 3, 6, 6), dtype=np.float32)
    assert layer(x).tolist() == whole(x).tolist()


def test_the_squashing_function():
    squash = nn.ScaledTanh()
    check_same(squash, numbers(3, 4), lambda x: 1.7159 * torch.tanh(2 * x / 3))
    # f(±1) = ±1, which is what 1.7159 was chosen for
    assert squash(tensor([1.0, -1.0])).tolist() == pytest.approx([1, -1], abs=2e-5)


def test_penalties_are_squared_distances_from_the_codes():
    codes = np.sign(numbers(5, 7)).astype(np.float32)
    layer = nn.RBF(codes).double()
    assert not list(layer.parameters()) and list(layer.state_dict()) == ["codes"]
    theirs = torch.from_numpy(codes).double()
    check_same(layer, numbers(3, 7), lambda x: ((x[:, None] - theirs) ** 2).sum(-1))
    assert layer(tensor(codes, dtype=np.float64)).numpy().diagonal().tolist() == [0] * 5
    with pytest.raises(RuntimeError, match=r"\(n, 7\)"):
        layer(tensor(numbers(3, 6)))


@pytest.mark.parametrize("j", [0.5, 20.0])
@pytest.mark.parametrize("size", [0.1, 3.0, 200.0])
def test_the_loss_of_penalties(j, size):
    penalties, true = size * np.abs(numbers(6, 10)), np.arange(6)

    def formula(y):
        rubbish = torch.full((6, 1), -j, dtype=y.dtype)
        competition = torch.logsumexp(torch.cat([-y, rubbish], 1), 1)
        return (y[range(6), true] + competition).mean()

    loss = nn.MAPLoss(j)
    value = loss(tensor(penalties), tensor(true)).item()
    assert value == pytest.approx(formula(torch.from_numpy(penalties)).item(), rel=1e-8)
    x = tensor(penalties, requires_grad=True)
    assert gradcheck(lambda x: loss(x, tensor(true)), x)
    if size < 100:  # beyond, the second derivatives are 0 to all digits that differences show
        assert gradgradcheck(lambda x: loss(x, tensor(true)), x)


def test_the_loss_pushes_wrong_classes_up_unless_they_are_far_away():
    y = tensor([[1.0, 2.0, 90.0]], requires_grad=True)
    loss = nn.MAPLoss(j=20)(y, tensor([0]))
    loss.backward()
    assert loss.item() > 0
    true, near, far = y.grad.numpy()[0]
    assert true > 0 > near and abs(far) < 1e-12


def test_work_counts_connections_and_products():
    assert nn.Linear(400, 120).work((400,), (120,)) == (48_120, 48_000)
    assert nn.Linear(4, 2, bias=False).work((4,), (2,)) == (8, 8)
    assert nn.Conv2d(1, 6, 5).work((1, 32, 32), (6, 28, 28)) == (122_304, 117_600)
    assert nn.ConvTranspose2d(2, 3, 4).work((2, 5, 5), (3, 8, 8)) == (25 * 96 + 192, 25 * 96)
    assert nn.SubSampling(6).work((6, 28, 28), (6, 14, 14)) == (5_880, 1_176)
    assert nn.Tanh().work((6, 28, 28), (6, 28, 28)) == (0, 0)


# ---- the table of a model -----------------------------------------------------------------------


def test_a_summary_has_the_published_numbers(capsys):
    model = models.lenet5()
    found = summary(model, (1, 32, 32))
    assert capsys.readouterr().out == f"{found}\n"
    assert (found.parameters, found.connections) == (60_000, 340_908)
    by_path = {row.path: row for row in found.rows}
    assert by_path["c3"].shape == (16, 10, 10) and by_path["c3"].connections == 151_600
    assert found.multiply_adds == 117_600 + 1_176 + 150_000 + 400 + 48_000 + 10_080 + 840
    lines = str(found).splitlines()
    assert lines[0].split() == [
        "layer",
        "is",
        "makes",
        "parameters",
        "connections",
        "multiply-adds",
    ]
    assert next(line for line in lines if line.startswith("c1 ")).split() == [
        *("c1", "Conv2d(1,", "6,", "5)", "6×28×28", "156", "122,304", "117,600")
    ]
    # the paper's total holds the output's 840, which C1 to F6 do not have
    assert lines[-2].split() == [*["in", "layers", "that", "learn"], "60,000", "340,068", "327,256"]
    assert lines[-1].split() == ["in", "all", "60,000", "340,908", "328,096"]
    assert (found.learning().connections, found.learning().multiply_adds) == (340_068, 327_256)


def test_a_summary_ends_at_the_layer_that_fails():
    found = summary(models.lenet5(), tensor(np.zeros((5, 1, 12, 12), np.float32)))
    assert [row.path for row in found.rows][-1] == "c3" and found.rows[-1].shape is None
    assert [row.shape for row in found.rows][:3] == [(6, 8, 8), (6, 8, 8), (6, 4, 4)]
    assert found.problem.startswith("stops at c3 TableConv2d(6,")
    assert "at least 5×5" in found.problem and "4×4" in found.problem
    assert str(found).endswith(found.problem)


def test_a_summary_without_data_shows_layers_and_parameters():
    found = summary(models.mlp(3, 2, hidden=(4,)))
    assert [row.parameters for row in found.rows] == [16, 0, 10]
    assert found.rows[0].shape is None and found.connections == 0 and not found.problem


def test_a_summary_changes_nothing_and_counts_what_is_used_twice_once():
    shared = nn.Linear(3, 3)
    model = nn.Sequential(shared, nn.Dropout(0.5), shared)
    model[1].eval()
    found = summary(model, 3)
    assert [row.parameters for row in found.rows] == [12, 0, 0]
    assert [row.connections for row in found.rows] == [12, 0, 12]
    assert model.training and not model[1].training
    assert not model[0]._before and not model[0]._after
    assert all(p.grad is None for p in model.parameters())


def test_a_summary_takes_data_as_they_are_loaded():
    data = load_data("digits")
    found = summary(models.create("linear", data), data)
    assert found.given == (1, 8, 8) and found.rows[-1].shape == (10,)
