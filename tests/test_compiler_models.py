"""Networks that nobody tuned for: one epoch natively gives what the eager loop gives."""

import numpy as np
import pytest

import steepest
from steepest import autograd, nn, optim, tensor
from steepest.compiler import Epochs

F = nn.functional
ROWS = 23


def features(*shape):
    return np.random.default_rng(0).standard_normal((ROWS, *shape)).astype(np.float32)


def target():
    return np.random.default_rng(1).standard_normal((ROWS, 1)).astype(np.float32)


def classes(count=4):
    return np.random.default_rng(2).integers(0, count, ROWS)


def trainer(parameters, loss_of, optimizer_of=lambda p: optim.SGD(p, lr=0.05)):
    parameters = list(parameters)
    optimizer = optimizer_of(parameters)

    def step(*batch):
        optimizer.zero_grad()
        loss = loss_of(*batch)
        loss.backward()
        optimizer.step()
        return loss

    return parameters, step


def parameters_of(*modules):
    return [p for module in modules for p in module.parameters()]


def squares(output, y):
    return ((output - y) ** 2).mean()


def regression(*layers):
    model = nn.Sequential(*layers)
    return trainer(model.parameters(), lambda x, y: squares(model(x), y))


def classification(*layers):
    model = nn.Sequential(*layers)
    return trainer(model.parameters(), lambda x, y: F.cross_entropy(model(x), y))


def small():
    return regression(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1))


def without_target():
    model = nn.Linear(6, 3)
    return trainer(model.parameters(), lambda x, y: (model(x) ** 2).mean())


def images():
    return classification(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 4))


def odd_sizes():
    first = (nn.Linear(6, 33), nn.GELU(), nn.Dropout(0.2))
    return classification(*first, nn.Linear(33, 17), nn.SiLU(), nn.Linear(17, 4))


def wide():
    first = (nn.Linear(6, 200), nn.ReLU())
    return regression(*first, nn.Linear(200, 150), nn.Softplus(), nn.Linear(150, 1))


def sequences():
    model = nn.Linear(6, 1)
    return trainer(model.parameters(), lambda x, y: squares(model(x).mean(1), y))


def recurrent():
    enter, again, leave = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 1)

    def loss_of(x, y):
        hidden = steepest.tanh(enter(x[:, 0]))
        for t in range(1, 5):
            hidden = steepest.tanh(enter(x[:, t]) + again(hidden))
        return squares(leave(hidden), y)

    return trainer(parameters_of(enter, again, leave), loss_of)


def attention():
    query, key, value, out = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 1)

    def loss_of(x, y):
        weights = F.softmax(query(x) @ key(x).transpose(1, 2) / 6**0.5, dim=-1)
        return squares(out((weights @ value(x)).mean(1)), y)

    return trainer(parameters_of(query, key, value, out), loss_of)


def embedding():
    table, leave = nn.Parameter(steepest.randn(4, 6)), nn.Linear(6, 1)
    loss_of = lambda words, y: squares(leave(table[words]), y)
    return trainer([table, *leave.parameters()], loss_of)


def tied_weights():
    w = nn.Parameter(steepest.randn(6, 6) * 0.3)
    return trainer([w], lambda x, y: squares(steepest.tanh(x @ w) @ w.t(), x))


def gradient_penalty():
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1))

    def loss_of(x, y):
        x = (x * 1).requires_grad_()
        output = model(x)
        (slope,) = autograd.grad(output.sum(), [x], create_graph=True)
        return squares(output, y) + 0.1 * (slope * slope).mean()

    return trainer(model.parameters(), loss_of)


def batch_norm():
    enter, leave = nn.Linear(6, 5), nn.Linear(5, 1)
    scale, shift = nn.Parameter(steepest.ones(5)), nn.Parameter(steepest.zeros(5))
    running = steepest.zeros(5)

    def loss_of(x, y):
        h = enter(x)
        mean = h.mean(0)
        variance = ((h - mean) ** 2).mean(0)
        with steepest.no_grad():
            running.mul_(0.9).add_(mean * 0.1)
        h = (h - mean) / steepest.sqrt(variance + 1e-5) * scale + shift
        return squares(leave(steepest.relu(h)), y)

    return trainer([*parameters_of(enter, leave), scale, shift, running], loss_of)


def layer_norm():
    enter, leave = nn.Linear(6, 40), nn.Linear(40, 1)

    def loss_of(x, y):
        h = enter(x)
        centred = h - h.mean(-1, keepdim=True)
        h = centred / steepest.sqrt((centred**2).mean(-1, keepdim=True) + 1e-5)
        return squares(leave(steepest.relu(h)), y)

    return trainer(parameters_of(enter, leave), loss_of)


def double_precision():
    w = nn.Parameter(tensor(np.ones((6, 1))))
    adam = lambda p: optim.Adam(p, lr=0.01)
    return trainer([w], lambda x, y: squares(x.double() @ w, y.double()), adam)


def extremes():
    w = nn.Parameter(steepest.ones(6, 1))
    return trainer([w], lambda x, y: (x @ w).abs().max() + (x * w.t()).amin(1).mean())


def clipped_gradients():
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1))
    parameters = list(model.parameters())
    optimizer = optim.Adam(parameters, lr=0.01)

    def step(x, y):
        optimizer.zero_grad()
        loss = squares(model(x), y)
        loss.backward()
        norm = steepest.sqrt(sum((p.grad**2).sum() for p in parameters))
        for p in parameters:
            p.grad.mul_(steepest.minimum(1 / (norm + 1e-6), steepest.ones(())))
        optimizer.step()
        return loss

    return parameters, step


def penalised_weights():
    model = nn.Sequential(nn.Linear(6, 5), nn.ELU(), nn.Linear(5, 1))
    penalty = lambda: sum((p**2).sum() + p.abs().sum() for p in model.parameters())
    return trainer(model.parameters(), lambda x, y: squares(model(x), y) + 1e-3 * penalty())


def damped_momentum():
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1))
    damped = lambda p: optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.3)
    return trainer(model.parameters(), lambda x, y: squares(model(x), y), damped)


def skip_connection():
    enter, leave = nn.Linear(6, 3), nn.Linear(9, 1)
    loss_of = lambda x, y: squares(leave(steepest.cat([enter(x), x], 1)), y)
    return trainer(parameters_of(enter, leave), loss_of)


MODELS = {
    "one sample": (small, features(6), target(), 1),
    "all samples": (small, features(6), target(), ROWS),
    "without target": (without_target, features(6), target(), 5),
    "images": (images, features(1, 3, 4), classes(), 5),
    "odd sizes": (odd_sizes, features(6), classes(), 7),
    "wide": (wide, features(6), target(), 5),
    "sequences": (sequences, features(7, 6), target(), 5),
    "recurrent": (recurrent, features(5, 6), target(), 5),
    "attention": (attention, features(5, 6), target(), 5),
    "embedding": (embedding, classes(), target(), 5),
    "tied weights": (tied_weights, features(6), target(), 5),
    "gradient penalty": (gradient_penalty, features(6), target(), 5),
    "batch norm": (batch_norm, features(6), target(), 5),
    "layer norm": (layer_norm, features(6), target(), 5),
    "double precision": (double_precision, features(6), target(), 5),
    "extremes": (extremes, features(6), target(), 5),
    "clipped gradients": (clipped_gradients, features(6), target(), 5),
    "penalised weights": (penalised_weights, features(6), target(), 5),
    "damped momentum": (damped_momentum, features(6), target(), 5),
    "skip connection": (skip_connection, features(6), target(), 5),
}


@pytest.mark.parametrize("name", MODELS)
def test_an_epoch_of(name):
    build, x, y, batch = MODELS[name]
    order = np.random.default_rng(3).permutation(ROWS)
    steepest.manual_seed(0)
    wanted, step = build()
    rows = [order[i : i + batch] for i in range(0, ROWS, batch)]
    losses = [step(tensor(x[i]), tensor(y[i])).item() for i in rows]
    steepest.manual_seed(0)
    found, step = build()
    # float32: a few steps, sums in another order
    np.testing.assert_allclose(Epochs(step).run([x, y], order, batch), losses, rtol=1e-4)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-3, atol=2e-5)
