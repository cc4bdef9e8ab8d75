"""Loss surfaces: planes through weights, the loss on them, and what a path's picture leaves out."""

import numpy as np
import pytest

from steepest import explain, models, nn
from steepest.core import RequestError
from steepest.data import load_data
from steepest.random import manual_seed
from steepest.training import fit


@pytest.fixture(scope="module")
def walked():
    """A small network on house prices, its objective and the path of its training."""
    data = load_data("housing", seed=0)
    manual_seed(0)
    model = models.mlp(13, 1, (8,)).double()
    data.train.__dict__.update(x=data.train.x.astype(float), y=data.train.y.astype(float))
    data.val.__dict__.update(x=data.val.x.astype(float), y=data.val.y.astype(float))
    path = explain.WeightPath(points=10)
    fit(model, data, epochs=25, lr=0.01, callbacks=[path], progress="none", restore_best=False)
    return explain.Objective(model, nn.MSELoss(), data.train.x, data.train.y), path


def test_the_path_begins_before_training_and_ends_where_training_ended(walked):
    objective, path = walked
    assert path.epochs == [0, 4, 8, 12, 16, 20, 24, 25]
    assert path.path.shape == (8, objective.size)
    assert (path.path[-1] == objective.weights).all()


def test_the_plane_of_two_weights_has_their_values_as_axes(walked):
    objective, _ = walked
    plane = explain.weights_plane(objective, "0.weight[3,5]", "2.bias[0]")
    here = objective.weights
    places, off = plane.places(here)
    assert places[0] == pytest.approx(here[[objective.index("0.weight[3,5]"), -1]])
    assert off[0] == pytest.approx(0, abs=1e-12)
    with pytest.raises(RequestError, match="two different"):
        explain.weights_plane(objective, "2.bias[0]", "2.bias[0]")


def test_random_directions_have_filters_of_the_models_own_length(walked):
    objective, _ = walked
    plane = explain.random_plane(objective, seed=3)
    own, first = objective.weights, plane.axes[0]
    for row in range(8):
        part = slice(13 * row, 13 * row + 13)
        assert np.linalg.norm(first[part]) == pytest.approx(np.linalg.norm(own[part]))
    assert (first[8 * 13 : 8 * 13 + 8] == 0).all()  # biases stay
    assert (plane.axes == explain.random_plane(objective, seed=3).axes).all()
    assert (plane.axes != explain.random_plane(objective, seed=4).axes).any()


def test_the_plane_of_a_path_is_the_closest_one(walked):
    _, path = walked
    plane = explain.path_plane(path.path)
    assert plane.axes @ plane.axes.T == pytest.approx(np.eye(2), abs=1e-9)
    off = plane.places(path.path)[1]
    away = path.path - path.path[-1]
    singular = np.linalg.svd(away, compute_uv=False)
    assert (off**2).sum() == pytest.approx((singular[2:] ** 2).sum(), rel=1e-6)
    assert off[-1] == pytest.approx(0, abs=1e-9)
    with pytest.raises(RequestError, match="three points"):
        explain.path_plane(path.path[:2])


def test_a_straight_path_has_a_plane_too():
    plane = explain.path_plane(np.outer(np.arange(5.0), np.arange(1.0, 8.0)))
    assert plane.axes @ plane.axes.T == pytest.approx(np.eye(2), abs=1e-9)


def test_hessian_planes_are_along_the_curvature_they_name(walked):
    objective, _ = walked
    plane = explain.hessian_plane(objective)
    sharp = plane.axes[0]
    curvature = sharp @ objective.product(sharp)
    assert f"{curvature:.3g}" in plane.labels[0]
    ends = explain.hessian_plane(objective, smallest=True)
    low = ends.axes[1] @ objective.product(ends.axes[1])
    assert low < curvature and f"{low:.3g}".replace("-", "−") in ends.labels[1]


def test_the_surface_is_the_loss_at_its_points(walked):
    objective, _ = walked
    plane = explain.random_plane(objective)
    here = objective.weights
    found = explain.surface(objective, plane, points=5)
    assert found.losses.shape == (5, 5) and (objective.weights == here).all()
    assert found.losses[2, 2] == pytest.approx(objective.value(), rel=1e-12)
    objective.move(here + found.across[1] * plane.axes[0] + found.up[4] * plane.axes[1])
    assert objective.value() == pytest.approx(found.losses[4, 1], rel=1e-12)
    objective.move(here)


def test_a_followed_path_has_its_true_losses_and_its_distance(walked):
    objective, path = walked
    plane = explain.path_plane(path.path)
    found = explain.followed(objective, plane, path.path)
    for i, weights in enumerate(path.path):
        objective.move(weights)
        assert found.true[i] == objective.value()
        below = plane.origin + found.places[i] @ plane.axes
        assert np.linalg.norm(weights - below) == pytest.approx(found.off[i], abs=1e-9)
        objective.move(below)
        assert objective.value() == pytest.approx(found.drawn[i], rel=1e-9)
    objective.move(path.path[-1])
    assert abs(found.true[-1] - found.drawn[-1]) < 1e-9 < found.off[1:-1].min()
