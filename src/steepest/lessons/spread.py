"""Spread: a number measured with several seeds, and how sure one can be of its mean."""

import functools
from collections.abc import Sequence

import numpy as np

from steepest.plot import number

__all__ = ["Spread"]


class Spread:
    """A number measured with each of several seeds.

    In a text, `{x}` is the mean with its 95% interval, `{x:mean}` the mean alone, and `{x:%}` both
    as percentages; what is the same for every seed is written once.

    Attributes:
        values: (seeds,).
        mean, low, high: the mean and the ends of its 95% interval, by Student's t; with one seed
            the interval is everything, for nothing is known.
    """

    def __init__(self, values: Sequence[float]):
        self.values = np.asarray(values, np.float64)
        count = len(self.values)
        self.mean = float(self.values.mean())
        if count < 2:
            self.low, self.high = -np.inf, np.inf
            return
        half = _quantile(count - 1) * self.values.std(ddof=1) / np.sqrt(count)
        self.low, self.high = self.mean - float(half), self.mean + float(half)

    def __format__(self, spec: str) -> str:
        scale, sign = (100, "%") if "%" in spec else (1, "")
        mean, low, high = (number(scale * v) + sign for v in (self.mean, self.low, self.high))
        alone = "mean" in spec or np.ptp(self.values) == 0 or not np.isfinite(self.low)
        return mean if alone else f"{mean} ({low} … {high})"

    def __repr__(self) -> str:
        return f"Spread({self})"

    def __str__(self) -> str:
        return format(self, "")


@functools.cache
def _quantile(freedom: int) -> float:
    """What Student's t with so many degrees of freedom exceeds in 2.5% of cases.

    From the density, integrated over an angle: t = √f · tan(φ) turns it into cosᶠ⁻¹(φ).
    """
    angle = np.linspace(0, np.pi / 2, 200_001)
    density = np.cos(angle) ** (freedom - 1)
    inside = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return float(np.sqrt(freedom) * np.tan(np.interp(0.95, inside / inside[-1], angle)))
