"""Curvature: the Hessian seen through products with it equals the one that is known."""

import numpy as np
import pytest

from steepest import explain, models, nn
from steepest.core import RequestError
from steepest.nn import functional as F
from steepest.random import manual_seed

RANDOM = np.random.default_rng(0)
N, FEATURES = 300, 4  # two pieces of samples: one of 256, and the rest
X = RANDOM.standard_normal((N, FEATURES)) * [1, 2, 3, 0.5]
WITH_ONE = np.column_stack([X, np.ones(N)])
CLASSES = (X[:, :1] + RANDOM.standard_normal((N, 1)) > 0).astype(np.float64)


class Matrix:
    """A symmetric matrix with known eigenvalues."""

    def __init__(self, values, seed=0):
        self.size, self.products = len(values), 0
        turned = np.linalg.qr(np.random.default_rng(seed).standard_normal((self.size,) * 2))[0]
        self.whole = turned @ np.diag(values) @ turned.T

    def product(self, direction):
        self.products += 1
        return self.whole @ direction


def line(loss, y):
    manual_seed(1)
    return explain.Objective(models.linear(FEATURES).double(), loss, X, y)


def net(loss=None, dtype=np.float64):
    """A small network of 3 · 5 + 5 + 5 · 3 + 3 weights on 40 samples in three classes."""
    manual_seed(2)
    x, y = np.random.default_rng(2).standard_normal((40, 3)).astype(dtype), np.arange(40) % 3
    model = models.mlp(3, 3, (5,)).to(dtype)
    return explain.Objective(model, loss or nn.CrossEntropyLoss(), x, y)


def dense(objective):
    """The Hessian by products with all unit vectors."""
    return np.array([objective.product(e) for e in np.eye(objective.size)])


# ---- closed forms -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "scale"), [(nn.MSELoss(), 2 / N), (nn.SumSquaresLoss(), 2), (F.mse_loss, 2 / N)]
)
def test_linear_regression_has_the_curvature_of_its_features(loss, scale):
    objective = line(loss, X.sum(1, keepdims=True))
    expected = scale * WITH_ONE.T @ WITH_ONE
    assert dense(objective) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    found = explain.eigenvalues(objective, 2, 1)
    values = np.linalg.eigvalsh(expected)
    assert found.values == pytest.approx(values[[-1, -2, 0]], rel=1e-6)
    assert explain.trace(objective, probes=99).value == pytest.approx(np.trace(expected), rel=1e-6)


def test_logistic_regression_has_the_curvature_of_its_probabilities():
    objective = line(nn.BCEWithLogitsLoss(), CLASSES)
    p = 1 / (1 + np.exp(-WITH_ONE @ objective.weights))
    expected = WITH_ONE.T @ ((p * (1 - p))[:, None] * WITH_ONE) / N
    assert dense(objective) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    top = explain.eigenvalues(objective)
    values, vectors = np.linalg.eigh(expected)
    assert top.values[0] == pytest.approx(values[-1], rel=1e-6)
    assert abs(top.vectors[0] @ vectors[:, -1]) == pytest.approx(1, abs=1e-6)
    value, slope = objective.gradient()
    scores = WITH_ONE @ objective.weights
    assert value == pytest.approx(np.mean(np.logaddexp(0, scores) - CLASSES[:, 0] * scores))
    assert slope == pytest.approx(WITH_ONE.T @ (p - CLASSES[:, 0]) / N, rel=1e-6)


def test_a_network_has_the_curvature_that_finite_differences_find():
    objective = net()
    here, step = objective.weights, 1e-5
    expected = []
    for e in np.eye(objective.size):
        slopes = []
        for side in (step, -step):
            objective.move(here + side * e)
            slopes.append(objective.gradient()[1])
        expected.append((slopes[0] - slopes[1]) / (2 * step))
    objective.move(here)
    found = dense(objective)
    assert found == pytest.approx(np.array(expected), rel=1e-6, abs=1e-8)
    assert found == pytest.approx(found.T, abs=1e-12)


def test_float32_has_its_digits():
    exact = net()
    rough = net(dtype=np.float32)
    rough.move(exact.weights)
    expected = explain.eigenvalues(exact).values
    assert explain.eigenvalues(rough).values == pytest.approx(expected, rel=1e-4)


# ---- Lanczos, Hutchinson, density ---------------------------------------------------------------


def test_both_ends_of_a_spectrum_are_found_with_few_products():
    values = np.r_[-7.0, RANDOM.uniform(-1, 1, 396), 5.0, 6.0, 10.0]
    matrix = Matrix(values)
    found = explain.eigenvalues(matrix, 3, 1)
    assert found.values == pytest.approx([10, 6, 5, -7], rel=1e-6)
    assert matrix.products < 60
    for value, vector, error in zip(found.values, found.vectors, found.errors, strict=True):
        rest = np.linalg.norm(matrix.whole @ vector - value * vector)
        assert rest == pytest.approx(error, abs=1e-9) and rest < 1e-5


@pytest.mark.parametrize("values", [[3.0], [2.0, 2.0, 2.0], [0.0, 0.0], [-1.0, 0.0, 0.0, 4.0]])
def test_matrices_with_few_eigenvalues_are_no_special_case(values):
    found = explain.eigenvalues(Matrix(values), 1, 1)
    assert found.values[0] == pytest.approx(max(values), abs=1e-9)
    assert found.values[-1] == pytest.approx(min(values), abs=1e-9)


def test_the_trace_lies_within_its_error():
    values = RANDOM.uniform(0, 5, 200)
    found = [explain.trace(Matrix(values), 20, seed=s) for s in range(20)]
    off = np.array([(f.value - values.sum()) / f.error for f in found])
    assert 0.5 < np.sqrt(np.mean(off**2)) < 1.6 and abs(off.mean()) < 0.6
    assert explain.trace(Matrix(values), 200).value == pytest.approx(values.sum(), rel=1e-9)


def test_the_density_has_the_moments_of_the_spectrum():
    values = np.r_[RANDOM.uniform(0, 1, 58), 5.0, 9.0]
    found = explain.spectral_density(Matrix(values), probes=60, steps=4)
    assert found.weights.sum() == pytest.approx(1)
    for power in range(1, 8):
        moment = found.weights @ found.nodes**power
        assert moment == pytest.approx(np.mean(values**power), rel=1e-8)
    grid = np.linspace(-5, 15, 2001)
    assert np.trapezoid(found.on(grid, 0.2), grid) == pytest.approx(1, rel=1e-3)


# ---- sharpness that does not depend on how layers are scaled ------------------------------------


def test_adapted_sharpness_ignores_a_rescaling_that_changes_nothing():
    manual_seed(3)
    model = models.mlp(3, 1, (6,), "relu").double()
    x, y = RANDOM.standard_normal((50, 3)), RANDOM.standard_normal((50, 1))
    plain, invariant = [], []
    for _ in range(2):
        objective = explain.Objective(model, nn.MSELoss(), x, y)
        plain.append(explain.eigenvalues(objective).values[0])
        adapted = explain.Adapted(objective, objective.weights)
        invariant.append(explain.eigenvalues(adapted).values[0])
        for p, factor in zip(model.parameters(), (8, 8, 1 / 8, 1), strict=True):
            p.value[...] *= factor
    assert plain[1] > 3 * plain[0]
    assert invariant[1] == pytest.approx(invariant[0], rel=1e-6)


# ---- the objective ------------------------------------------------------------------------------


def test_looking_changes_nothing_and_moving_moves_the_copy():
    manual_seed(4)
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1)).double()
    before = [p.value.copy() for p in model.parameters()]
    objective = explain.Objective(model, nn.MSELoss(), X[:, :3], X[:, 3:])
    value = objective.value()
    objective.losses(np.ones((2, objective.size)), np.array([[1.0, 2.0]]))
    assert objective.value() == value  # no dropout, and back where it was
    objective.move(objective.weights + 1)
    assert objective.value() != value
    assert model.training and all(p.grad is None for p in model.parameters())
    assert all((p.value == b).all() for p, b in zip(model.parameters(), before, strict=True))


def test_losses_on_a_plane_are_those_at_the_weights():
    objective = net()
    axes = RANDOM.standard_normal((2, objective.size))
    places = RANDOM.standard_normal((5, 2))
    found = objective.losses(axes, places)
    here = objective.weights
    for (a, b), loss in zip(places, found, strict=True):
        objective.move(here + a * axes[0] + b * axes[1])
        assert objective.value() == pytest.approx(loss, rel=1e-12)


def test_a_loss_that_is_not_finite_is_one_point_and_not_the_end():
    manual_seed(5)
    x = X.astype(np.float32)
    objective = explain.Objective(models.linear(FEATURES), nn.MSELoss(), x, x[:, :1])
    axes = np.zeros((2, objective.size))
    axes[0, 0] = 1
    found = objective.losses(axes, np.array([[0.0, 0], [1e30, 0], [1.0, 0]]))
    assert np.isfinite(found).tolist() == [True, False, True]


def test_class_weights_are_no_average_over_samples():
    from steepest.tensors import tensor

    manual_seed(2)
    x, y = RANDOM.standard_normal((700, 3)), np.arange(700) % 3
    model = models.mlp(3, 3, (5,)).double()
    loss = nn.CrossEntropyLoss(weight=tensor([1.0, 5.0, 0.1], dtype=np.float64))
    objective = explain.Objective(model, loss, x, y)
    assert objective.value() == pytest.approx(loss(model(tensor(x)), tensor(y)).item())


def test_what_cannot_be_compiled_is_run_eagerly():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(FEATURES, 1)

        def forward(self, x):
            made = self.inner(x)
            return made if made.sum().item() > 0 else made * 1.0

    manual_seed(1)
    plain = line(nn.MSELoss(), X[:, :1])
    manual_seed(1)
    odd = explain.Objective(Odd().double(), nn.MSELoss(), X, X[:, :1])
    axes = np.ones((2, odd.size))
    places = np.array([[0.5, 0.25], [0.0, -1.0]])
    assert odd.losses(axes, places) == pytest.approx(plain.losses(axes, places))
    v = np.arange(odd.size, dtype=float)
    assert odd.product(v) == pytest.approx(plain.product(v))


def test_a_weight_is_found_by_its_name():
    objective = net()
    assert objective.index("0.weight[1,2]") == 5 and objective.index("2.bias[2]") == 37
    for name, words in (("0.weigth[0,0]", "did you mean"), ("0.weight[9,0]", "(5, 3)")):
        with pytest.raises(RequestError, match=words.replace("(", r"\(").replace(")", r"\)")):
            objective.index(name)
