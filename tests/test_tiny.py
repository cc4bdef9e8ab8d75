"""Everything once, in seconds: the first suite to run after a change.

Steps of a deep-learning job on floors 0 to 2, smallest first: a number, a gradient, a layer, a
network, a loss, an update, a second derivative.
"""

import numpy as np
import pytest

import steepest as torch


def test_a_number():
    x = torch.tensor(3.0)
    assert (2 * x**2).item() == 18
    assert repr(x) == "tensor(3.)"


def test_a_gradient():
    x = torch.tensor(3.0, requires_grad=True)
    (2 * x**2).backward()
    assert x.grad.item() == 12


def test_shapes():
    x = torch.arange(6).reshape(2, 3)
    assert x.T.shape == (3, 2) and x[1].tolist() == [3, 4, 5] and x[:, 1].tolist() == [1, 4]
    assert torch.cat([x, x], 1).shape == (2, 6) and x.sum(0).tolist() == [3, 5, 7]


def test_dtypes():
    x = torch.tensor([1, 2])
    assert (x + 1).dtype == torch.int64 and (x + 0.5).dtype == torch.float32
    assert (x > 1).dtype == torch.bool and x.double().dtype == torch.float64


def test_a_product():
    w = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    (w @ torch.tensor([1.0, -1.0])).sum().backward()
    assert w.grad.tolist() == [[1, -1], [1, -1]]


def test_an_update():
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    (w**2).sum().backward()
    with torch.no_grad():
        w -= 0.5 * w.grad
    assert w.tolist() == [0, 0] and w.requires_grad


def test_activations():
    x = torch.tensor([-1.0, 0.0, 2.0])
    assert torch.relu(x).tolist() == [0, 0, 2]
    assert torch.sigmoid(torch.tensor(0.0)).item() == 0.5
    assert torch.softmax(x, 0).sum().item() == pytest.approx(1, abs=1e-6)


def test_losses():
    scores = torch.zeros(4, 10, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor([1, 2, 3, 4]))
    loss.backward()
    assert loss.item() == pytest.approx(np.log(10), rel=1e-6)
    assert scores.grad[0, 1].item() == pytest.approx((0.1 - 1) / 4, rel=1e-6)
    assert torch.nn.functional.mse_loss(torch.ones(3), torch.zeros(3)).item() == 1


def test_a_network_learns_xor():
    torch.manual_seed(0)
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    w1, b1 = torch.randn(2, 8, requires_grad=True), torch.zeros(8, requires_grad=True)
    w2, b2 = torch.randn(8, 1, requires_grad=True), torch.zeros(1, requires_grad=True)
    losses = []
    for _ in range(200):
        loss = (((x @ w1 + b1).tanh() @ w2 + b2 - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            for p in (w1, b1, w2, b2):
                p -= 0.2 * p.grad
                p.grad.zero_()
        losses.append(loss.item())
    assert losses[-1] < 0.01 < losses[0]


def test_a_second_derivative():
    x = torch.tensor(2.0, requires_grad=True)
    (first,) = torch.autograd.grad(x**3, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    assert (first.item(), second.item()) == (12, 12)
    hessian = torch.autograd.functional.hessian(lambda x: (x**2).sum(), torch.ones(2))
    assert hessian.tolist() == [[2, 0], [0, 2]]


def test_the_slow_road():
    x = torch.tensor([0.5, 1.5], dtype=torch.float64, requires_grad=True)
    assert torch.gradcheck(lambda x: (x.sin() * x.exp()).sum(), x)


def test_random_numbers_from_a_seed():
    torch.manual_seed(1)
    first = torch.rand(3).tolist() + torch.randn(3).tolist()
    torch.manual_seed(1)
    assert torch.rand(3).tolist() + torch.randn(3).tolist() == first


def test_dropout():
    torch.manual_seed(0)
    out = torch.nn.functional.dropout(torch.ones(1000), 0.5)
    assert set(out.tolist()) == {0.0, 2.0}


def test_in_place_changes_are_watched():
    x = torch.tensor([1.0], requires_grad=True)
    y = x * x
    with torch.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()


def test_numpy_shares_memory():
    array = np.zeros(2, np.float32)
    x = torch.from_numpy(array)
    x[0] = 5
    assert array.tolist() == [5, 0] and x.numpy() is array
