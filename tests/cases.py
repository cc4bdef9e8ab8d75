"""The lists of calls that `test_functional` compares with PyTorch, and how a line is added.

A line is a call of a library F (ours or PyTorch's) and its operands. Lines of `SMOOTH` are also
differentiated, twice; lines of `PLAIN` have no derivative; lines of `REFUSED` are mistakes. The
lines themselves stand in cases_math, cases_shape, cases_layers, cases_learning and cases_images.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "B", "I", "INF", "M", "NAN", "PLAIN", "REFUSED", "S", "SMOOTH", "T3", "TIES", "V", "X", "Y",
    "HALF", "Line", "bools", "floats", "ints", "plain", "positives", "rates", "refused", "smooth",
]  # fmt: skip

_random = np.random.default_rng(11)
INF, NAN = float("inf"), float("nan")


def floats(*shape: int) -> np.ndarray:
    return np.asarray(_random.standard_normal(shape) * 1.5)


def positives(*shape: int) -> np.ndarray:
    return _random.uniform(0.3, 2.0, shape)


def rates(*shape: int) -> np.ndarray:
    return _random.uniform(0.05, 0.95, shape)


def ints(*shape: int, low: int = -5, high: int = 6) -> np.ndarray:
    return _random.integers(low, high, shape)


def bools(*shape: int) -> np.ndarray:
    return _random.random(shape) < 0.5


X, Y, M = floats(3, 4), floats(3, 4), bools(3, 4)
T3, V, S = floats(2, 3, 4), floats(4), floats()
TIES = np.array([[1.0, 3, 3, -2], [2, 2, 2, 2], [0, -0.0, 0, 0]])
HALF = np.array([[1.0, NAN, INF, -INF], [0.0, -0.0, 2.0, NAN], [3.0, 3.0, -1.0, INF]])
I, B = ints(3, 4), bools(3, 4)


class Line(NamedTuple):
    name: str
    call: Callable[..., Any]
    operands: tuple
    order: int = 2  # of the highest derivative that is compared
    rtol: float = 0.0  # where PyTorch itself is less exact than the usual tolerance


SMOOTH: list[Line] = []
PLAIN: list[Line] = []
REFUSED: list[Line] = []


def smooth(
    name: str, call: Callable[..., Any], *operands: Any, order: int = 2, rtol: float = 0.0
) -> None:
    SMOOTH.append(Line(name, call, operands, order, rtol))


def plain(name: str, call: Callable[..., Any], *operands: Any) -> None:
    PLAIN.append(Line(name, call, operands))


def refused(name: str, call: Callable[..., Any], *operands: Any) -> None:
    REFUSED.append(Line(name, call, operands))
