"""Curvature: what the Hessian H of a loss is like, from products with it alone.

    eigenvalues        its largest and smallest, and their directions (Lanczos)
    trace              the sum of all of them (Hutchinson)
    spectral_density   how all of them are distributed (stochastic Lanczos quadrature)
    Adapted            the Hessian in units of each weight's own size, for a sharpness that does
                       not depend on how a network's layers are scaled against each other

Each takes whatever has a `size` P and a `product(v)`, such as an `Objective`. What is drawn at
random comes from streams of its own, so that looking changes no training.

Sources: Lanczos, "An iteration method for the solution of the eigenvalue problem", Journal of
Research of the National Bureau of Standards 45, 1950; Hutchinson, "A stochastic estimator of the
trace of the influence matrix", Communications in Statistics 18, 1989; Ubaru, Chen and Saad, "Fast
estimation of tr(f(A)) via stochastic Lanczos quadrature", SIAM J. Matrix Anal. Appl. 38, 2017; Kwon
et al., "ASAM: adaptive sharpness-aware minimization", ICML 2021.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from steepest.core import Streams

__all__ = ["Adapted", "Density", "Eigen", "Estimate", "eigenvalues", "spectral_density", "trace"]

_STEPS = 300  # products for the eigenvalues, at most
_TINY = 1e-10  # a rest of the Lanczos vector that is rounding


class Symmetric(Protocol):
    """A symmetric matrix of which only products are known."""

    @property
    def size(self) -> int: ...

    def product(self, direction: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Eigen:
    """Some eigenvalues, from the largest down.

    Attributes:
        values: (k,).
        vectors: (k, P), each of length 1.
        errors: (k,) ‖Hv − λv‖: no eigenvalue is further away than this.
    """

    values: np.ndarray
    vectors: np.ndarray
    errors: np.ndarray


@dataclass(frozen=True)
class Estimate:
    """A number estimated from random probes, and its standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class Density:
    """The distribution of all eigenvalues: `weights`, which add up to 1, at `nodes`."""

    nodes: np.ndarray
    weights: np.ndarray

    def on(self, grid: np.ndarray, width: float) -> np.ndarray:
        """The density on a grid, each node a bell curve of standard deviation `width`."""
        distance = (np.asarray(grid)[:, None] - self.nodes) / width
        bells = np.exp(-0.5 * distance**2) / (width * np.sqrt(2 * np.pi))
        return bells @ self.weights


def eigenvalues(
    matrix: Symmetric,
    largest: int = 1,
    smallest: int = 0,
    *,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> Eigen:
    """The largest and the smallest eigenvalues with their directions.

    Stops when all of them are known to `tolerance` of the largest magnitude, or after 300 products;
    `errors` says how well they are known. One that occurs several times may be found once.
    """
    largest = min(largest, matrix.size)
    smallest = min(smallest, matrix.size - largest)
    random = Streams(seed)("lanczos")
    steps = _Lanczos(matrix, random.standard_normal(matrix.size), random)
    while True:
        values, inner = np.linalg.eigh(steps.tridiagonal())
        rest = np.abs(steps.beyond * inner[-1])
        wanted = np.r_[len(values) - np.arange(1, largest + 1), np.arange(smallest)[::-1]]
        enough = len(values) >= largest + smallest
        known = enough and (rest[wanted] <= tolerance * np.abs(values).max()).all()
        if len(values) == min(matrix.size, _STEPS) or (known and not steps.broken):
            vectors = inner.T[wanted] @ np.array(steps.basis)
            return Eigen(values[wanted], vectors, rest[wanted])
        steps.more()


def trace(matrix: Symmetric, probes: int = 30, *, seed: int = 0) -> Estimate:
    """The sum of all eigenvalues: P times the mean of vᵀHv over random directions v of length 1.

    The directions are drawn at right angles to each other, so that with as many as weights the sum
    is exact.
    """
    found = np.array([v @ matrix.product(v) for v in _probes(matrix.size, probes, seed, "trace")])
    left = 1 - len(found) / matrix.size  # of the space, in which nothing is known
    spread = found.std(ddof=1) if len(found) > 1 else np.nan
    error = 0.0 if not left else matrix.size * spread * np.sqrt(left / len(found))
    return Estimate(float(matrix.size * found.mean()), float(error))


def spectral_density(
    matrix: Symmetric, probes: int = 5, steps: int = 60, *, seed: int = 0
) -> Density:
    """How the eigenvalues are distributed, as seen from random directions.

    Each probe of `steps` products gives the first 2·steps moments of what it sees exactly.
    """
    nodes, weights = [], []
    drawn = _probes(matrix.size, probes, seed, "density")
    random = Streams(seed)("restart")
    for probe in drawn:
        lanczos = _Lanczos(matrix, probe, random)
        while len(lanczos.basis) < min(steps, matrix.size) and not lanczos.broken:
            lanczos.more()
        values, inner = np.linalg.eigh(lanczos.tridiagonal())
        nodes.append(values)
        weights.append(inner[0] ** 2 / len(drawn))
    return Density(np.concatenate(nodes), np.concatenate(weights))


class Adapted:
    """H in units of each weight's own size: |w| H |w|, element by element.

    Its largest eigenvalue is the adaptive sharpness (times 2/ρ², for small ρ): multiplying one
    layer of a ReLU network by a number and dividing the next by it changes H, but not this.

    Args:
        matrix: H.
        weights: w, (P,).
    """

    def __init__(self, matrix: Symmetric, weights: np.ndarray):
        self.size, self._matrix, self._scale = matrix.size, matrix, np.abs(weights)

    def product(self, direction: np.ndarray) -> np.ndarray:
        return self._scale * self._matrix.product(self._scale * direction)


def _probes(size: int, count: int, seed: int, name: str) -> np.ndarray:
    """Random directions at right angles to each other, (count, size)."""
    drawn = Streams(seed)(name).standard_normal((size, min(count, size)))
    return np.linalg.qr(drawn)[0].T


class _Lanczos:
    """An orthonormal basis in which the matrix has three diagonals, grown by one product a step.

    basis   the vectors so far
    beyond  how much of the last product lies outside of the basis
    broken  whether that is nothing: the basis holds a whole family of eigenvectors, and the next
            vector is drawn at random
    """

    def __init__(self, matrix: Symmetric, start: np.ndarray, random: np.random.Generator):
        self._matrix, self._random = matrix, random
        self.basis: list[np.ndarray] = []
        self._middle: list[float] = []
        self._beside: list[float] = []
        self._add(start / np.linalg.norm(start))

    def more(self) -> None:
        """One vector more."""
        if self.broken:
            rest = self._outside(self._random.standard_normal(self._matrix.size))
            self._beside.append(0.0)
        else:
            rest = self._rest
            self._beside.append(self.beyond)
        self._add(rest / np.linalg.norm(rest))

    def tridiagonal(self) -> np.ndarray:
        return np.diag(self._middle) + np.diag(self._beside, 1) + np.diag(self._beside, -1)

    def _add(self, vector: np.ndarray) -> None:
        self.basis.append(vector)
        product = self._matrix.product(vector)
        self._middle.append(float(vector @ product))
        self._rest = self._outside(product)
        self.beyond = float(np.linalg.norm(self._rest))
        size = max(float(np.linalg.norm(product)), *map(abs, self._middle))
        self.broken = self.beyond <= _TINY * size or len(self.basis) == self._matrix.size

    def _outside(self, vector: np.ndarray) -> np.ndarray:
        """The part at right angles to the basis; taken twice, it is so to the last digits."""
        vector = vector.copy()
        for known in self.basis * 2:
            vector -= (known @ vector) * known
        return vector
