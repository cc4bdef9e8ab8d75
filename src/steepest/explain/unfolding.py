"""Layer by layer, how a network unfolds its data until a plane separates it.

The picture is of crumpled paper: sheets of two colours, crumpled together, that each layer flattens
a little. At every layer is measured how well a plane separates the classes there, in how many
directions the data lie, and how often a straight line through the data has been folded on the way.

Source of the picture: Chollet, "Deep learning with Python", 2017. Of the rank: Roy and Vetterli,
"The effective rank", EUSIPCO 2007.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest import nn
from steepest.core import Streams
from steepest.explain.layers import outputs_by_layer

__all__ = ["Stage", "unfolding"]

_LINES, _POINTS = 40, 50
_RIDGE = 1e-3  # of the mean variance: directions in which nothing varies get no weight


@dataclass(frozen=True)
class Stage:
    """The data after one layer.

    Attributes:
        layer: its path; "input" before the first.
        places: (n, 2) the data in their two main directions, turned so that each point is as near
            as can be to where it was one stage before.
        separable: the share of samples on the right side of the best planes: a linear probe,
            fitted on half of the samples, drawn at random, and measured on the others.
        rank: the effective number of directions, exp of the entropy of the shares of variance.
        folds: by how many half turns the image of a straight line between two samples bends, on
            average.
    """

    layer: str
    places: np.ndarray
    separable: float
    rank: float
    folds: float


def unfolding(model: nn.Module, x: Any, y: Any, *, seed: int = 0) -> list[Stage]:
    """The data after each layer of a classifier.

    Args:
        x: samples, (n, …), as the model takes them.
        y: class numbers, (n,).
    """
    x, y = np.asarray(x), np.asarray(y).reshape(-1).astype(int)
    streams = Streams(seed)
    ends = streams("lines").integers(len(x), size=(2, _LINES))
    mixed = streams("halves").permutation(len(x))
    along = np.linspace(0, 1, _POINTS).reshape(-1, 1, *[1] * (x.ndim - 1))
    lines = ((1 - along) * x[ends[0]] + along * x[ends[1]]).astype(x.dtype)
    made = {"input": x, **outputs_by_layer(model, x)}
    flat = lines.reshape(-1, *x.shape[1:])
    images = {"input": flat, **outputs_by_layer(model, flat)}
    stages: list[Stage] = []
    for layer, output in made.items():
        points = output.reshape(len(x), -1).astype(np.float64)
        image = images[layer].reshape(_POINTS, _LINES, -1).astype(np.float64)
        before = stages[-1].places if stages else None
        places, rank = _seen(points, before)
        stages.append(
            Stage(layer, places, _separable(points[mixed], y[mixed]), rank, _folds(image))
        )
    return stages


def _seen(points: np.ndarray, before: np.ndarray | None) -> tuple[np.ndarray, float]:
    """The two main directions, and the effective rank."""
    centred = points - points.mean(0)
    turned, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    shares = lengths**2 / max(float((lengths**2).sum()), 1e-30)
    rank = float(np.exp(-sum(p * np.log(p) for p in shares if p > 0)))
    if before is None and points.shape[1] == 2:
        places = centred
    else:
        places = np.zeros((len(points), 2))
        places[:, : min(2, len(lengths))] = turned[:, :2] * lengths[:2]
    places = places / (np.sqrt(np.mean(places**2)) or 1.0)
    if before is not None:
        # the rotation or reflection that brings the points nearest to where they were
        u, _, v = np.linalg.svd(places.T @ before)
        places = places @ u @ v
    return places, rank


def _separable(points: np.ndarray, y: np.ndarray) -> float:
    """What planes, fitted by least squares to the first half of the samples, say of the others."""
    spread = points.std(0)
    scaled = (points - points.mean(0)) / np.where(spread > 0, spread, 1)
    inputs = np.column_stack([scaled, np.ones(len(points))])
    wanted = np.eye(y.max() + 1)[y]
    half = len(y) // 2
    seen, kept = inputs[:half], inputs[half:]
    inner = seen.T @ seen
    inner += _RIDGE * np.trace(inner) / len(inner) * np.eye(len(inner))
    planes = np.linalg.solve(inner, seen.T @ wanted[:half])
    return float(np.mean((kept @ planes).argmax(1) == y[half:]))


def _folds(image: np.ndarray) -> float:
    """Half turns of polygons (points, lines, dimensions), on average."""
    steps = np.diff(image, axis=0)
    lengths = np.linalg.norm(steps, axis=2)
    both = lengths[1:] * lengths[:-1]
    cosine = (steps[1:] * steps[:-1]).sum(2) / np.where(both > 0, both, 1)
    angles = np.where(both > 0, np.arccos(np.clip(cosine, -1, 1)), 0)
    # arccos of nearly 1 is rounding, not a bend
    angles = np.where(angles < 2e-3, 0, angles)
    return float(angles.sum(0).mean() / np.pi)
