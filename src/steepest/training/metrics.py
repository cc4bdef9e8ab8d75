"""Metrics, by scikit-learn's names: what a person reads, beside the loss that training minimises.

    mae, rmse, r2           of predictions in the target's own units
    accuracy, f1_macro      of predicted classes

Each is computed from sums over rows, and takes a weight per row: how often the row counts. That
makes the bootstrap one matrix product: a resample of the rows is a row of weights (see scores.py).

    prediction, truth: (n,) or (n, 1)      weights: (resamples, n)      result: (resamples,)
"""

from collections.abc import Callable

import numpy as np

__all__ = ["METRICS", "confusion", "measured"]

Weighted = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def mae(prediction: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean absolute error, mean|p − t|."""
    return weights @ np.abs(prediction - truth) / weights.sum(1)


def rmse(prediction: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Root of the mean squared error, √mean((p − t)²)."""
    return np.sqrt(weights @ (prediction - truth) ** 2 / weights.sum(1))


def r2(prediction: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The share of the target's variance that is explained, 1 − Σ(p − t)² / Σ(t − mean t)².

    Of a target that does not vary: 1 for perfect predictions and 0 for others.
    """
    left = weights @ (prediction - truth) ** 2
    # Around the overall mean, so that the difference of two large sums loses no digits.
    centred = truth - truth.mean()
    total = weights @ centred**2 - (weights @ centred) ** 2 / weights.sum(1)
    varies = total > 1e-12 * weights.sum(1) * max(float((truth**2).mean()), 1e-300)
    share = 1 - left / np.where(varies, total, 1)
    return np.where(varies, share, np.where(left == 0, 1.0, 0.0))


def accuracy(prediction: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The share of rows whose class is right."""
    return weights @ (prediction == truth) / weights.sum(1)


def f1_macro(prediction: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean over classes of 2·hits / (predicted + true), over the classes that occur.

    Every class counts alike, however rare.
    """
    classes = np.union1d(prediction, truth)
    predicted = prediction[:, None] == classes
    true = truth[:, None] == classes
    hits = weights @ (predicted & true)
    either = weights @ predicted.astype(float) + weights @ true.astype(float)
    occurs = either > 0
    return (2 * hits / np.where(occurs, either, 1)).sum(1) / occurs.sum(1)


METRICS: dict[str, dict[str, Weighted]] = {
    "regression": {"mae": mae, "rmse": rmse, "r2": r2},
    "classification": {"accuracy": accuracy, "f1_macro": f1_macro},
}


def measured(task: str, prediction: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """All metrics of a task, every row counted once."""
    p, t = flat(prediction), flat(truth)
    once = np.ones((1, len(t)))
    return {name: float(metric(p, t, once)[0]) for name, metric in METRICS[task].items()}


def flat(values: np.ndarray) -> np.ndarray:
    """(n,) or (n, 1) as (n,); floats in float64, since sums of squares need the digits."""
    values = np.asarray(values).reshape(-1)
    return values.astype(np.float64) if values.dtype.kind == "f" else values


def confusion(prediction: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """Counts of shape (true class, predicted class)."""
    pairs = flat(truth) * classes + flat(prediction)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
