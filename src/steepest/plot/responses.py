"""What each unit of a layer responds to most: the pieces of images that excite it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.core import RequestError, said
from steepest.plot.mosaic import draw, mosaic
from steepest.plot.style import drawing, finished, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["responses"]

# More units than a reader compares; the others are left to their layer's name and number.
_UNITS = 24
_ACROSS = 6


def responses(pieces: Any, *, layer: str = "the layer", theme: str = "light") -> "Figure":
    """Draw the pieces of images that excite each unit most, three in a row.

    pieces: (units, count, height, width), the most exciting first; NaN beyond an image's edge
    layer: what the layer is called

    Raises:
        RequestError: there is nothing to draw.
    """
    pieces = np.asarray(pieces, np.float64)
    if pieces.ndim != 4 or not pieces.size:
        got = f"shape {pieces.shape}"
        raise RequestError(said("responses", "there are no pieces of images to draw", got=got))
    units, count = pieces.shape[:2]
    shown = min(units, _UNITS)
    across = min(shown, _ACROSS)
    down = -(-shown // across)
    limits = (np.nanmin(pieces), np.nanmax(pieces))
    with drawing(theme) as colours:
        figure = new_figure(1.35 * across + 0.3, 1.55 * down + 0.5)
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for unit, ax in enumerate(axes):
            if unit >= shown:
                ax.set_visible(False)
                continue
            draw(ax, mosaic(pieces[unit], min(3, count), gap=2), colours, limits)
            ax.set_facecolor(colours.rule)  # between the pieces, and beyond the edge of an image
            ax.set_title(str(unit), pad=3, fontsize=8.5, color=colours.muted, fontweight="normal")
        of = f", {shown} of {units} units" if shown < units else f", {units} units"
        figure.suptitle(
            f"{layer}{of}: what excites each of them most", fontsize=10, x=0.02, ha="left"
        )
        words = f"The {count} pieces of images that excite each unit of {layer} most{of}."
        return finished(figure, words)
