"""Descent on functions that can be written down: where an optimizer walks, step by step.

descend(FUNCTIONS["valley"].value, [[-4.0, 1.0]], partial(optim.SGD, lr=0.03), 60).path
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest import autograd as autograd  # gives Tensor its backward()
from steepest import functional as F
from steepest import optim
from steepest.compiler import NotCompilable, compile
from steepest.tensors import Tensor

__all__ = ["FUNCTIONS", "Analytic", "Descent", "descend"]


@dataclass(frozen=True)
class Analytic:
    """A function that can be written down.

    Attributes:
        formula: as one writes it.
        value: from points (n, d) to (n,) values.
        dimensions: d.
        minimum: its lowest point, (d,).
        ends: between which numbers it is looked at, one pair per dimension.
        start: a point from which the way down is worth a look, (d,).
    """

    formula: str
    value: Callable[[Tensor], Tensor]
    dimensions: int
    minimum: tuple[float, ...]
    ends: tuple[tuple[float, float], ...]
    start: tuple[float, ...]


@dataclass(frozen=True)
class Descent:
    """Where several walkers were at every step, and how high: path (steps + 1, n, d), values
    (steps + 1, n)."""

    path: np.ndarray
    values: np.ndarray


def _square(x: Tensor) -> Tensor:
    return 2 * x[:, 0] ** 2


def _bowl(x: Tensor) -> Tensor:
    return F.sum(x**2, 1)


def _valley(x: Tensor) -> Tensor:
    return x[:, 0] ** 2 + 25 * x[:, 1] ** 2


def _rosenbrock(x: Tensor) -> Tensor:
    return (1 - x[:, 0]) ** 2 + 100 * (x[:, 1] - x[:, 0] ** 2) ** 2


def _two_wells(x: Tensor) -> Tensor:
    return (x[:, 0] ** 2 - 1) ** 2 + 0.3 * x[:, 0] + 2 * x[:, 1] ** 2


FUNCTIONS: Mapping[str, Analytic] = {
    "square": Analytic("2x²", _square, 1, (0.0,), ((-2, 2),), (1.8,)),
    "bowl": Analytic("x² + y² + z²", _bowl, 3, (0.0, 0.0, 0.0), ((-2, 2),) * 3, (1.5, -1.0, 0.5)),
    "valley": Analytic("x² + 25y²", _valley, 2, (0.0, 0.0), ((-5, 5), (-1.5, 1.5)), (-4.0, 1.0)),
    # Rosenbrock, "An automatic method for finding the greatest or least value of a function",
    # The Computer Journal 3, 1960
    "rosenbrock": Analytic(
        "(1 − x)² + 100(y − x²)²", _rosenbrock, 2, (1.0, 1.0), ((-2, 2), (-1, 3)), (-1.2, 1.0)
    ),
    # a local minimum near x = 0.96, a saddle near x = 0.08; the roots of 4x³ − 4x + 0.3
    "two-wells": Analytic(
        "(x² − 1)² + 0.3x + 2y²", _two_wells, 2, (-1.0355, 0.0), ((-2, 2), (-1.2, 1.2)), (1.7, 0.8)
    ),
}


def descend(
    function: Callable[[Tensor], Tensor],
    start: Any,
    optimizer: Callable[[list[Tensor]], optim.Optimizer],
    steps: int,
) -> Descent:
    """Follow an optimizer from several points at once.

    Args:
        function: from points (n, d) to (n,) values; each walks on its own, for the sum is
            differentiated.
        start: (n, d).
        optimizer: makes one for the points, such as `partial(optim.SGD, lr=0.1)`.
        steps: how many.
    """
    x = Tensor(np.array(start, np.float64)).requires_grad_()
    walking = optimizer([x])

    def step() -> Tensor:
        values = function(x)
        walking.zero_grad()
        F.sum(values).backward()
        walking.step()
        return values.detach()

    take: Callable[[], Tensor] = compile(step)
    path, values = [x.value.copy()], []
    for _ in range(steps):
        try:
            values.append(take().value)
        except NotCompilable:
            take = step
            values.append(take().value)
        path.append(x.value.copy())
    values.append(function(x).detach().value)
    return Descent(np.array(path), np.array(values))
