"""Scaling: ways to bring a feature to a comfortable range, learned on the training part.

    minmax      (x − min) / (max − min)      0 … 1
    mean        (x − mean) / (max − min)     around 0, at most 1 wide
    standard    (x − mean) / std             mean 0, variance 1 (std divides by n, not n − 1)
    lecun       −0.1 where x is min, 1.175 where it is max: the mean of written digits is about 0
                then, their variance about 1 (LeCun et al., 1998, section II-B)
    none        x

All of them are (x − center) / spread, so two numbers are what a saved model has to carry.
"""

from collections.abc import Callable

import numpy as np

from steepest.core import RequestError, closest, said

__all__ = ["SCALES", "center_and_spread", "check_scale"]

SCALES: dict[str, Callable[[np.ndarray], tuple[float, float]]] = {
    "minmax": lambda x: (x.min(), x.max() - x.min()),
    "mean": lambda x: (x.mean(), x.max() - x.min()),
    "standard": lambda x: (x.mean(), x.std()),
    "lecun": lambda x: (x.min() + 0.1 * (x.max() - x.min()) / 1.275, (x.max() - x.min()) / 1.275),
    "none": lambda x: (0.0, 1.0),
}


def check_scale(scale: str) -> None:
    """Raise RequestError unless `scale` is one of these."""
    if scale not in SCALES:
        raise RequestError(
            said(
                "scale",
                f"there is no scaling called {scale!r}{closest(str(scale), SCALES)}",
                expected=", ".join(SCALES),
            )
        )


def center_and_spread(values: np.ndarray, scale: str) -> tuple[float, float]:
    """The two numbers of `scale` for values of any shape, computed in float64."""
    center, spread = SCALES[scale](np.asarray(values, np.float64))
    return float(center), float(spread)
