"""Toy sets: small clouds of points with a known answer, drawn afresh from the seed.

Each function takes a generator and returns features of shape (n, 2) or (n, 3) and a class, 0 or 1,
for each row. They are for watching: every one of them can be drawn.
"""

from collections.abc import Callable

import numpy as np

__all__ = ["TOYS", "blobs", "circles", "crumple", "crumpled", "moons", "spirals", "xor"]

Points = tuple[np.ndarray, np.ndarray]


def xor(random: np.random.Generator) -> Points:
    """The truth table of exclusive or. No line separates its classes (Minsky and Papert, 1969)."""
    del random  # nothing about four rows is random
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return x, np.array([0, 1, 1, 0])


def blobs(random: np.random.Generator, rows: int = 400) -> Points:
    """Two round clouds that a line separates: no point lies further than 1.8 from its centre."""
    y = _classes(rows)
    radius = np.minimum(0.7 * np.sqrt(-2 * np.log1p(-random.random(rows))), 1.8)
    angle = random.uniform(0, 2 * np.pi, rows)
    centers = np.array([[-1.5, -1.5], [1.5, 1.5]])
    return centers[y] + _polar(radius, angle), y


def moons(random: np.random.Generator, rows: int = 400, noise: float = 0.1) -> Points:
    """Two half circles, each reaching into the other's hollow."""
    y = _classes(rows)
    angle = random.uniform(0, np.pi, rows)
    upper = _polar(np.ones(rows), angle)
    x = np.where(y[:, None] == 0, upper, np.array([1.0, 0.5]) - upper)
    return x + noise * random.standard_normal(x.shape), y


def circles(random: np.random.Generator, rows: int = 400, noise: float = 0.08) -> Points:
    """A ring inside another, of half its radius."""
    y = _classes(rows)
    x = _polar(np.where(y == 0, 1.0, 0.5), random.uniform(0, 2 * np.pi, rows))
    return x + noise * random.standard_normal(x.shape), y


def spirals(random: np.random.Generator, rows: int = 400, noise: float = 0.02) -> Points:
    """Two arms of 1.75 turns, one the other turned by half a turn."""
    y = _classes(rows)
    along = np.sqrt(random.uniform(0.01, 1, rows))  # the square root spaces points evenly
    x = _polar(along, 3.5 * np.pi * along + np.pi * y)
    return x + noise * random.standard_normal(x.shape), y


def crumpled(random: np.random.Generator, rows: int = 1000, folds: int = 6) -> Points:
    """Two sheets of paper, laid on each other and crumpled together.

    Point (u, v) of sheet 0 and of sheet 1 start 0.3 apart. Each fold pushes space along one axis by
    a wave over the other two. Such a push can be undone, and so can all of them: however crumpled,
    the sheets never touch, and a way to flatten them exists. Layers of a network have to find one.

    The picture of learning as uncrumpling paper is Chollet's ("Deep Learning with Python", 2017).
    """
    y = _classes(rows)
    flat = np.column_stack([random.uniform(-1, 1, (rows, 2)), 0.3 * y - 0.15])
    return crumple(flat, random, folds), y


def crumple(flat: np.ndarray, random: np.random.Generator, folds: int = 6) -> np.ndarray:
    """Points of space (n, 3), moved by the folds that the generator draws."""
    x = flat.copy()
    for fold in range(folds):
        axis = (2 + fold) % 3
        others = [i for i in range(3) if i != axis]
        direction = random.standard_normal(2)
        direction *= random.uniform(2, 3) / np.linalg.norm(direction)
        phase = random.uniform(0, 2 * np.pi)
        x[:, axis] += 0.6 * np.sin(x[:, others] @ direction + phase)
    return x


def _classes(rows: int) -> np.ndarray:
    """0 and 1 in turn: as many of the one as of the other."""
    return np.arange(rows) % 2


def _polar(radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


TOYS: dict[str, Callable[[np.random.Generator], Points]] = {
    "xor": xor,
    "blobs": blobs,
    "moons": moons,
    "circles": circles,
    "spirals": spirals,
    "crumpled": crumpled,
}
