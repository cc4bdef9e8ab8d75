"""Scores: scikit-learn's numbers, intervals that cover, baselines, and the closed form."""

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.linear_model import LinearRegression

from steepest import models, nn
from steepest.core import RequestError
from steepest.data import load_data
from steepest.tensors import Tensor
from steepest.training import baseline_of, closed_form, evaluate, fit, to_the_minimum
from steepest.training.measure import outputs
from steepest.training.metrics import METRICS, confusion, measured


@pytest.fixture(scope="module")
def housing():
    return load_data("housing")


# ---- metrics ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_metrics_are_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    truth, guess = rng.normal(50, 9, 200), rng.normal(50, 9, 200)
    found = measured("regression", guess, truth)
    wanted = {
        "mae": sk.mean_absolute_error(truth, guess),
        "rmse": sk.root_mean_squared_error(truth, guess),
        "r2": sk.r2_score(truth, guess),
    }
    assert found == pytest.approx(wanted, rel=1e-12)
    # class 3 is never true, class 4 never occurs at all
    truth, guess = rng.integers(0, 3, 200), rng.integers(0, 4, 200)
    found = measured("classification", guess, truth)
    wanted = {
        "accuracy": sk.accuracy_score(truth, guess),
        "f1_macro": sk.f1_score(truth, guess, average="macro", zero_division=0),
    }
    assert found == pytest.approx(wanted, rel=1e-12)
    table = sk.confusion_matrix(truth, guess, labels=range(5))
    assert np.array_equal(confusion(guess, truth, 5), table)


@pytest.mark.parametrize("task", METRICS)
def test_a_weight_is_how_often_a_row_counts(task):
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 30) if task == "classification" else rng.normal(size=30)
    guess = rng.permutation(truth)
    rows = rng.integers(0, 30, 30)
    weights = np.bincount(rows, minlength=30)[None].astype(float)
    for name, metric in METRICS[task].items():
        repeated = measured(task, guess[rows], truth[rows])[name]
        assert metric(guess, truth, weights)[0] == pytest.approx(repeated, rel=1e-10)


def test_r2_of_a_target_that_does_not_vary():
    constant = np.full(5, 7.3)
    assert measured("regression", constant, constant)["r2"] == 1.0
    assert measured("regression", constant + 1, constant)["r2"] == 0.0


# ---- scores with intervals -------------------------------------------------------------------


def test_scores_are_in_the_targets_units_beside_the_baselines(housing):
    model, test = closed_form(housing), housing.test
    scores = evaluate(model, housing.preparation, test, baseline_of(housing))
    to_units = housing.preparation.in_units
    truth, guess = to_units(test.y)[:, 0], to_units(outputs(model, test.x))[:, 0]
    assert scores["rmse"].value == pytest.approx(sk.root_mean_squared_error(truth, guess))
    mean = np.full_like(truth, to_units(housing.train.y).mean())
    assert scores["rmse"].baseline == pytest.approx(sk.root_mean_squared_error(truth, mean))
    assert scores["r2"].baseline == pytest.approx(sk.r2_score(truth, mean))
    for value, low, high, _ in scores.metrics.values():
        assert low < value < high
    assert scores.rows == 76
    assert "thousand dollars" in str(scores)
    assert scores.to_json()["mae"]["value"] == scores["mae"].value


def test_classes_are_scored_with_their_confusion_beside_the_majority():
    data = load_data("moons")
    model = models.create("mlp", data, hidden=(8,))
    fit(model, data, epochs=10, lr=0.02, progress="none")
    scores = evaluate(model, data.preparation, data.test, baseline_of(data))
    guess = outputs(model, data.test.x).argmax(1)
    assert scores["f1_macro"].value == pytest.approx(
        sk.f1_score(data.test.y, guess, average="macro")
    )
    assert np.array_equal(scores.confusion, sk.confusion_matrix(data.test.y, guess))
    majority = np.full_like(data.test.y, np.bincount(data.train.y).argmax())
    assert scores["accuracy"].baseline == (data.test.y == majority).mean()


def test_new_data_are_prepared_before_they_are_scored(housing):
    raw = load_data("housing", scale="none")
    columns = dict(zip(raw.feature_names, raw.test.x.T, strict=True))
    frame = {**columns, "MEDV": raw.test.y[:, 0], "CITY": np.zeros(76)}
    model, notes = closed_form(housing), []
    found = evaluate(model, housing.preparation, frame, notes=notes)
    wanted = evaluate(model, housing.preparation, housing.test)
    assert found["rmse"].value == pytest.approx(wanted["rmse"].value, rel=1e-5)
    assert len(notes) == 1
    nothing = {name: values[:0] for name, values in frame.items()}
    with pytest.raises(RequestError):
        evaluate(model, housing.preparation, nothing)


def test_intervals_are_reproducible_and_their_own_stream(housing):
    model = closed_form(housing)
    first = evaluate(model, housing.preparation, housing.test)
    np.random.default_rng(5).normal(size=10)
    assert evaluate(model, housing.preparation, housing.test).metrics == first.metrics
    other = evaluate(model, housing.preparation, housing.test, seed=1)
    assert other["rmse"].value == first["rmse"].value
    assert other["rmse"].low != first["rmse"].low


def test_intervals_do_not_depend_on_how_many_resamples_are_held_at_once(housing, monkeypatch):
    model = closed_form(housing)
    wanted = evaluate(model, housing.preparation, housing.test)
    monkeypatch.setattr("steepest.training.scores._BLOCK", 76 * 333)
    found = evaluate(model, housing.preparation, housing.test)
    for name, score in wanted.metrics.items():
        assert found[name][:3] == pytest.approx(score[:3], rel=1e-12)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """A classifier that is right with probability 0.8, 300 times on 100 rows.

    The true coverage of a percentile interval is near 0.93 here; of 300 trials, fewer than 0.88
    or more than 0.99 would be 3 standard deviations away.
    """
    from steepest.core import Streams
    from steepest.training.scores import _intervals

    rng, covered = np.random.default_rng(0), 0
    only = {"accuracy": METRICS["classification"]["accuracy"]}
    for trial in range(300):
        truth = np.zeros(100, np.int64)
        guess = (rng.random(100) > 0.8).astype(np.int64)
        low, high = _intervals(only, guess, truth, Streams(trial)("bootstrap"))["accuracy"]
        covered += low <= 0.8 <= high
    assert 0.88 < covered / 300 < 0.99


# ---- the closed form -------------------------------------------------------------------------


def test_the_closed_form_is_scikit_learns_linear_regression(housing):
    model = closed_form(housing)
    theirs = LinearRegression().fit(housing.train.x.astype(float), housing.train.y.astype(float))
    found = model(Tensor(housing.test.x)).detach().numpy()
    # float32 weights: 1e-5 of a target with variance 1
    assert np.allclose(found, theirs.predict(housing.test.x.astype(float)), atol=1e-5)


def test_the_closed_form_takes_dependent_features_and_images():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 1, 2, 3)).astype(np.float32)
    x[:, 0, 1] = x[:, 0, 0]  # the second row of pixels repeats the first
    y = x.sum((1, 2, 3)) + 5
    data = load_data((x, y), task="regression")
    model = closed_form(data)
    assert evaluate(model, data.preparation, data.test)["rmse"].value < 1e-4
    assert max(abs(w).max() for w in (x.numpy() for x in model.state_dict().values())) < 1
    with pytest.raises(RequestError, match="regression"):
        closed_form(load_data("moons"))


@pytest.mark.parametrize("seed", range(2))
def test_descent_finds_the_closed_form(seed):
    """Three mini-batches per epoch and a rate that falls: SGD meets the least squares solution."""
    data = load_data("housing", seed=seed)
    model = models.create("linear", data, seed=seed)
    fit(model, data, **to_the_minimum(len(data.train)), seed=seed, progress="none")
    for part in (data.train, data.test):
        found, wanted = (
            evaluate(m, data.preparation, part)["rmse"].value for m in (model, closed_form(data))
        )
        assert found == pytest.approx(wanted, rel=1e-3)


def test_the_network_beats_the_line_and_the_line_beats_the_mean(housing):
    """Seed 0 with few epochs and a higher rate than usual; more seeds are measured, not tested."""
    model = models.create("mlp", housing, hidden=(32,))
    fit(model, housing, lr=1e-2, epochs=60, progress="none")
    network, line = (
        evaluate(m, housing.preparation, housing.test, baseline_of(housing))["rmse"]
        for m in (model, closed_form(housing))
    )
    assert network.value < 0.9 * line.value
    assert line.value < 0.7 * line.baseline


def test_a_models_last_layer_decides_what_its_outputs_are():
    from steepest.training.measure import probabilities

    scores = np.array([[0.2, 1.1, -0.3]], np.float32)
    p = probabilities(nn.Linear(2, 3), scores)
    assert np.allclose(p, np.exp(scores) / np.exp(scores).sum())
    assert np.array_equal(probabilities(nn.Sequential(nn.Linear(2, 3), nn.Softmax(1)), p), p)
    logs = probabilities(nn.Sequential(nn.Linear(2, 3), nn.LogSoftmax(1)), np.log(p))
    assert np.allclose(logs, p)
    half = probabilities(nn.Sequential(nn.Linear(2, 1), nn.Sigmoid()), np.array([[0.3]]))
    assert half.tolist() == [[0.7, 0.3]]
