"""Small pictures side by side, as one: filters, feature maps, pieces of images.

The ramp runs from paper to ink, so that a picture can be printed without colours and reads alike
in both themes: what is strong is drawn in ink.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from steepest.core import lazy
from steepest.plot.style import Theme

colors = lazy("matplotlib.colors")

__all__ = ["draw", "mosaic", "ramp"]


def ramp(colours: Theme) -> Any:
    """The colour map of the house, paper to ink; what is not there stays empty."""
    made = colors.LinearSegmentedColormap.from_list("ink", [colours.paper, colours.ink])
    return made.with_extremes(bad=(0, 0, 0, 0))


def mosaic(pictures: Any, columns: int, gap: int = 1) -> np.ndarray:
    """Pictures (n, height, width) in rows of `columns`, with NaN between them."""
    pictures = np.asarray(pictures, np.float64)
    count, height, width = pictures.shape
    rows = -(-count // columns)
    out = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for i, picture in enumerate(pictures):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        out[top : top + height, left : left + width] = picture
    return out


def draw(
    ax: Any, picture: np.ndarray, colours: Theme, limits: Sequence[float] | None = None
) -> None:
    """A picture without axes; `limits` are what paper and ink stand for (the extremes)."""
    low, high = (np.nanmin(picture), np.nanmax(picture)) if limits is None else limits
    style = {"vmin": low, "vmax": high if high > low else low + 1, "interpolation": "nearest"}
    ax.imshow(picture, cmap=ramp(colours), **style)
    ax.grid(False)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
