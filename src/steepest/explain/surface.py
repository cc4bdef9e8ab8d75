"""Loss surfaces: planes through a model's weights, and the loss on them.

    weights_plane   two weights, all others as they are
    random_plane    two random directions, each filter as long as the model's own
    path_plane      the plane that a path of training is closest to
    hessian_plane   along the largest eigenvalues of the Hessian, or the largest and the smallest

A picture of a path on a plane shows where the path would be if it lay in the plane. How far it is
from there, and what the loss truly was, is measured by `followed`.

Sources: Li et al., "Visualizing the loss landscape of neural nets", NeurIPS 2018 (filters as long
as the model's own; the plane of a path); Goodfellow, Vinyals and Saxe, "Qualitatively
characterizing neural network optimization problems", ICLR 2015.
"""

from dataclasses import dataclass, replace

import numpy as np

from steepest.core import RequestError, Streams, said
from steepest.explain.curvature import eigenvalues
from steepest.explain.objective import Objective

__all__ = [
    "Followed",
    "Plane",
    "Surface",
    "followed",
    "hessian_plane",
    "path_plane",
    "random_plane",
    "surface",
    "weights_plane",
]

Ends = tuple[float, float]


@dataclass(frozen=True)
class Plane:
    """Points origin + a · axes[0] + b · axes[1] in the space of all weights.

    Attributes:
        origin: (P,).
        axes: (2, P), at right angles unless they are random.
        labels: what a and b are, with their units.
        note: how the plane was chosen, in words.
        ends: how far it is worth looking, the ends of a and those of b.
    """

    origin: np.ndarray
    axes: np.ndarray
    labels: tuple[str, str]
    note: str
    ends: tuple[Ends, Ends] = ((-1.0, 1.0), (-1.0, 1.0))

    def places(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where points (n, P) fall on the plane, (n, 2), and how far from it they are, (n,)."""
        away = np.atleast_2d(weights) - self.origin
        found = np.linalg.lstsq(self.axes.T, away.T)[0].T
        return found, np.linalg.norm(away - found @ self.axes, axis=1)

    def around(self, path: np.ndarray) -> "Plane":
        """The plane, worth looking at as far as a path (n, P) goes on it, and a little further."""
        places = self.places(path)[0]
        margin = 0.2 * np.ptp(places, axis=0).max() or 1.0  # one direction may be a short one
        low, high = places.min(0) - margin, places.max(0) + margin
        across, up = ((float(a), float(b)) for a, b in zip(low, high, strict=True))
        return replace(self, ends=(across, up))


@dataclass(frozen=True)
class Surface:
    """The loss on a grid of a plane: `losses[i, j]` at a = across[j], b = up[i]."""

    plane: Plane
    across: np.ndarray
    up: np.ndarray
    losses: np.ndarray


@dataclass(frozen=True)
class Followed:
    """A path of n points seen from a plane.

    Attributes:
        places: (n, 2) where each falls on the plane.
        off: (n,) how far from the plane it is, in weights.
        true: (n,) the loss at its weights.
        drawn: (n,) the loss on the plane below it, which is what a picture alone would show.
    """

    places: np.ndarray
    off: np.ndarray
    true: np.ndarray
    drawn: np.ndarray


def weights_plane(objective: Objective, first: str, second: str) -> Plane:
    """Two weights such as "0.weight[0,5]" and "0.bias[0]"; a and b are their values."""
    at = [objective.index(first), objective.index(second)]
    if at[0] == at[1]:
        raise RequestError(said("weights_plane", "two different weights make a plane", got=first))
    origin, axes = objective.weights, np.zeros((2, objective.size))
    here = origin[None].copy()
    origin[at] = 0
    axes[[0, 1], at] = 1
    labels = (f"weight {first} (1)", f"weight {second} (1)")
    return Plane(origin, axes, labels, "two weights, all others as they are").around(here)


def random_plane(objective: Objective, seed: int = 0) -> Plane:
    """Two random directions in which each filter (each row of a matrix) is as long as the model's.

    Biases and what is normalised stay. So a step of 1 changes every filter by its own length, and
    surfaces of different networks can be compared.
    """
    here, axes = objective.weights, np.zeros((2, objective.size))
    drawn = Streams(seed)("surface").standard_normal((2, objective.size))
    start = 0
    for shape in objective.shapes:
        stop = start + int(np.prod(shape))
        if len(shape) > 1:
            own = here[start:stop].reshape(shape[0], -1)
            for axis, direction in zip(axes, drawn, strict=True):
                new = direction[start:stop].reshape(shape[0], -1)
                length = np.linalg.norm(own, axis=1) / np.linalg.norm(new, axis=1)
                axis[start:stop] = (length[:, None] * new).ravel()
        start = stop
    label = "random direction {} (filters' own lengths)"
    labels = (label.format(1), label.format(2))
    return Plane(here, axes, labels, "two random directions, filters as long as the model's own")


def path_plane(path: np.ndarray) -> Plane:
    """The plane through the path's end that is closest to its points (n, P), in squares.

    Raises:
        RequestError: the path has fewer than three points, or does not move.
    """
    away = path[:-1] - path[-1]
    if len(path) < 3 or not away.any():
        got = f"{len(path)} points"
        raise RequestError(said("path_plane", "a plane needs a path of three points", got=got))
    # of few points in a large space: the eigenvectors of their products with each other
    shares, inner = np.linalg.eigh(away @ away.T)
    axes = inner.T[[-1, -2]] @ away
    if shares[-2] <= 1e-12 * shares[-1]:  # the path is a straight line
        axes[1] = Streams(0)("surface").standard_normal(path.shape[1])
        axes[1] -= (axes[1] @ axes[0]) / (axes[0] @ axes[0]) * axes[0]
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    held = shares[[-1, -2]] / shares.sum()
    names = (f"main direction, {held[0]:.0%} of the way", f"second direction, {held[1]:.0%}")
    labels = (f"{names[0]} (weights)", f"{names[1]} (weights)")
    note = f"the plane closest to the path, which holds {held.sum():.1%} of its squared distances"
    return Plane(path[-1], axes, labels, note).around(path)


def hessian_plane(objective: Objective, smallest: bool = False, seed: int = 0) -> Plane:
    """Along the two largest eigenvalues, or the largest and the smallest (most negative) one.

    It is worth looking as far as a bowl of this curvature rises by the loss itself.
    """
    found = eigenvalues(objective, 1 if smallest else 2, int(smallest), tolerance=1e-3, seed=seed)
    values = [f"{v:.3g}".replace("-", "−") for v in found.values]
    labels = (f"along curvature {values[0]} (weights)", f"along curvature {values[1]} (weights)")
    which = "the largest and the smallest eigenvalue" if smallest else "the two largest eigenvalues"
    reach = np.sqrt(2 * objective.value() / np.maximum(np.abs(found.values), 1e-12))
    far = min(float(reach.max()), 10 * float(reach.min()))  # what is flat may have no end
    across, up = ((-min(float(r), far), min(float(r), far)) for r in reach)
    note = f"along {which} of the Hessian"
    return Plane(objective.weights, found.vectors, labels, note, (across, up))


def surface(objective: Objective, plane: Plane, points: int = 51) -> Surface:
    """The loss on points × points of a plane, as far as it is worth looking."""
    across, up = (np.linspace(*ends, points) for ends in plane.ends)
    places = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    here = objective.weights
    objective.move(plane.origin)
    try:
        losses = objective.losses(plane.axes, places)
    finally:
        objective.move(here)
    return Surface(plane, across, up, losses.reshape(points, points))


def followed(objective: Objective, plane: Plane, path: np.ndarray) -> Followed:
    """A path of weights (n, P) as it falls on a plane, with its true losses."""
    places, off = plane.places(path)
    here, true = objective.weights, []
    try:
        for weights in path:
            objective.move(weights)
            true.append(objective.value())
        objective.move(plane.origin)
        drawn = objective.losses(plane.axes, places)
    finally:
        objective.move(here)
    return Followed(places, off, np.array(true), drawn)
