"""What every beginner writes, run with `import steepest as torch` and with PyTorch itself."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch as real_torch

import steepest

BOTH = pytest.mark.parametrize("torch", [steepest, real_torch], ids=["steepest", "pytorch"])


def alike(run, *arguments) -> None:
    """The two libraries, step by step: equal to a millionth."""
    np.testing.assert_allclose(run(steepest, *arguments), run(real_torch, *arguments), rtol=1e-6)


def minimise_a_parabola(torch, steps=60):
    x = torch.tensor(3.0, requires_grad=True)
    path = []
    for _ in range(steps):
        y = 2 * x**2
        y.backward()
        with torch.no_grad():
            x -= 0.1 * x.grad
        x.grad.zero_()
        path.append(y.item())
    return [*path, x.item()]


def test_minimising_2x2():
    path = minimise_a_parabola(steepest)
    assert all(a > b for a, b in pairwise(path[:-1]))
    # Each step multiplies x by 1 − 0.1·4 = 0.6.
    np.testing.assert_allclose(path[-1], 3 * 0.6**60, rtol=1e-5)
    alike(minimise_a_parabola)


def minimise_three(torch):
    x = torch.tensor(1.0, requires_grad=True)
    y = torch.tensor(-2.0, requires_grad=True)
    z = torch.tensor(0.5, requires_grad=True)
    path = []
    for _ in range(30):
        loss = x**2 + y**2 + z**2
        loss.backward()
        with torch.no_grad():
            for p in (x, y, z):
                p -= 0.1 * p.grad
                p.grad.zero_()
        path.append(loss.item())
    return [*path, x.item(), y.item(), z.item()]


def test_minimising_x2_y2_z2():
    path = minimise_three(steepest)
    np.testing.assert_allclose(path[-3:], np.array([1, -2, 0.5]) * 0.8**30, rtol=1e-5)
    alike(minimise_three)


@BOTH
def test_the_gradient_of_the_first_example(torch):
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = (x**2).sum()
    y.backward()
    assert x.grad.tolist() == [2, 4, 6]


@BOTH
def test_forgetting_to_zero_doubles_the_gradient(torch):
    x = torch.tensor(3.0, requires_grad=True)
    for expected in (12.0, 24.0):
        (2 * x**2).backward()
        assert x.grad.item() == expected


def one_weight_at_a_time(torch):
    w = torch.tensor([0.5, -0.2, 0.1, 0.9, -0.7, 0.3])
    eta = 0.2
    path = []
    for _ in range(10):
        loss = ((w - 1) ** 2).sum()
        for i in range(6):
            g = 2 * (w[i] - 1)
            w[i] = w[i] - eta * g
        w[5] = w[5] - eta * 0.1
        path.append(loss.item())
    return [*path, *w.tolist()]


def test_changing_one_coefficient_by_its_index():
    alike(one_weight_at_a_time)


@BOTH
def test_an_indexed_update_carries_gradients(torch):
    eta = torch.tensor(0.1, requires_grad=True)
    w = torch.zeros(6)
    w[5] = w[5] - eta * 3
    (w**2).sum().backward()
    np.testing.assert_allclose(eta.grad.item(), 2 * 0.1 * 9, rtol=1e-6)


def two_layers_by_hand(torch, steps=1500):
    """Four rows, three inputs, four hidden units, one output; derivatives written by hand."""
    x = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    random = np.random.default_rng(0)
    w1 = torch.tensor((2 * random.random((3, 4)) - 1).astype(np.float32))
    w2 = torch.tensor((2 * random.random((4, 1)) - 1).astype(np.float32))
    losses = []
    for _ in range(steps):
        hidden = torch.sigmoid(x @ w1)
        out = torch.sigmoid(hidden @ w2)
        error = y - out
        losses.append((error**2).sum().item())
        d_out = 2 * error * out * (1 - out)
        d_hidden = (d_out @ w2.T) * hidden * (1 - hidden)
        w2 += hidden.T @ d_out
        w1 += x.T @ d_hidden
    return losses


def two_layers_by_backward(torch, steps=1500):
    """The same network; PyTorch's words do the derivatives."""
    x = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    random = np.random.default_rng(0)
    w1 = torch.tensor((2 * random.random((3, 4)) - 1).astype(np.float32), requires_grad=True)
    w2 = torch.tensor((2 * random.random((4, 1)) - 1).astype(np.float32), requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = ((y - torch.sigmoid(torch.sigmoid(x @ w1) @ w2)) ** 2).sum()
        loss.backward()
        with torch.no_grad():
            w1 -= w1.grad
            w2 -= w2.grad
        w1.grad.zero_()
        w2.grad.zero_()
        losses.append(loss.item())
    return losses


def test_a_two_layer_network_learns_and_its_loss_never_rises():
    losses = two_layers_by_hand(steepest)
    assert all(a >= b for a, b in pairwise(losses))
    assert losses[-1] < 0.02 < 1 < losses[0]


def test_by_hand_and_by_backward_are_one_network():
    """In float32 the two add in another order: 1500 steps drift apart by a thousandth at most."""
    by_hand, automatic = two_layers_by_hand(steepest), two_layers_by_backward(steepest)
    np.testing.assert_allclose(by_hand, automatic, rtol=1e-3)


@pytest.mark.parametrize("network", [two_layers_by_hand, two_layers_by_backward])
def test_the_network_is_pytorchs_step_by_step(network):
    np.testing.assert_allclose(network(steepest, 100), network(real_torch, 100), rtol=1e-5)


def points(count=60):
    random = np.random.default_rng(2)
    labels = np.repeat([0, 1], count // 2)
    x = random.standard_normal((count, 2)) + np.where(labels[:, None], 1.6, -1.6)
    return x.astype(np.float32), labels.astype(np.float32)


def linear_classifier(torch):
    x, labels = (torch.tensor(a) for a in points())
    w = torch.zeros(2, requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    losses = []
    for _ in range(80):
        p = torch.sigmoid(x @ w + b)
        loss = -(labels * torch.log(p) + (1 - labels) * torch.log(1 - p)).mean()
        loss.backward()
        with torch.no_grad():
            w -= 0.5 * w.grad
            b -= 0.5 * b.grad
        w.grad = b.grad = None
        losses.append(loss.item())
    right = ((x @ w + b > 0) == (labels > 0.5)).float().mean().item()
    return [*losses, right]


def test_a_linear_classifier_finds_its_line():
    *losses, right = linear_classifier(steepest)
    assert losses[0] == pytest.approx(np.log(2), rel=1e-6)
    assert losses[-1] < 0.1 and right > 0.95
    alike(linear_classifier)


def linear_regression(torch):
    torch.manual_seed(0)
    x = torch.rand(50, 1)
    y = 3 * x + 2 + 0.1 * torch.randn(50, 1)
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    criterion = torch.nn.MSELoss()
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return [*losses, model.weight.item(), model.bias.item()]


def test_the_training_loop_of_every_tutorial_from_the_same_seed():
    found = linear_regression(steepest)
    assert found[-3] < 0.02 and abs(found[-2] - 3) < 0.3 and abs(found[-1] - 2) < 0.3
    np.testing.assert_allclose(found, linear_regression(real_torch), rtol=1e-5)


@BOTH
def test_the_slope_by_small_differences(torch):
    def f(x):
        return (x**3).sum()

    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    f(x).backward()
    h = 1e-6
    for i in range(2):
        step = torch.zeros(2, dtype=torch.float64)
        step[i] = h
        with torch.no_grad():
            slope = (f(x + step) - f(x - step)) / (2 * h)
        assert abs(slope.item() - x.grad[i].item()) < 1e-6


@BOTH
def test_newtons_method_with_second_derivatives(torch):
    x = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    for _ in range(8):
        y = x**4 - 2 * x**2 + x
        (first,) = torch.autograd.grad(y, x, create_graph=True)
        (second,) = torch.autograd.grad(first, x)
        with torch.no_grad():
            x -= first / second
    assert abs(4 * x.item() ** 3 - 4 * x.item() + 1) < 1e-12


def test_the_first_name_used_brings_all_that_tensors_can_do():
    """Names load when used; a script that starts with `torch.nn` must not miss a method."""
    script = (
        "import steepest as torch\n"
        "layer = torch.nn.Linear(2, 1)\n"
        "layer.weight.sum().backward()\n"
        "assert layer.weight.grad.tolist() == [[1.0, 1.0]]\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def a_whole_script(torch):
    """What tutorials look like: devices, loaders, clipping, evaluation, a checkpoint in memory."""
    nn, D = torch.nn, torch.utils.data
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    x = torch.rand(64, 5)
    y = (x.sum(dim=1) > 2.5).long()
    train, held = D.random_split(D.TensorDataset(x, y), [48, 16])
    model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Dropout(0.0), nn.Linear(8, 2)).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
    criterion = nn.CrossEntropyLoss()
    losses, best = [], None
    for _ in range(4):
        model.train()
        for inputs, labels in D.DataLoader(train, batch_size=8, shuffle=True, num_workers=0):
            inputs, labels = inputs.to(device), labels.to(device)
            optimizer.zero_grad()
            loss = criterion(model(inputs), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        model.eval()
        right = 0
        with torch.inference_mode():
            for inputs, labels in D.DataLoader(held, batch_size=16):
                right += (model(inputs.to(device)).argmax(dim=1) == labels).sum().item()
        if best is None or right >= best[0]:
            best = right, {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(best[1])
    assert torch.is_tensor(inputs) and inputs.device == torch.device("cpu")
    assert inputs.dtype == torch.get_default_dtype() and inputs.size() == torch.Size([16, 5])
    return [*losses, best[0], model(x).exp().sum().item()]


def test_a_whole_script():
    alike(a_whole_script)
