"""Pieces of figures of surfaces seen from above: lines of equal height, and paths across them.

What is high is darker, towards ink; every fourth line carries its height, so a figure can be read
without its shades.
"""

from typing import Any

import numpy as np

from steepest.core import lazy
from steepest.plot.style import DASHES, MARKERS, Theme, number

__all__ = ["contours", "ends", "path"]

colors = lazy("matplotlib.colors")
ticker = lazy("matplotlib.ticker")

_LINES = 14


def contours(ax: Any, across: Any, up: Any, heights: Any, colours: Theme) -> None:
    """Lines of equal height over a plane, in equal steps, or in equal ratios over a decade.

    across: (n,); up: (m,); heights: (m, n), with gaps where it is not finite
    """
    heights = np.ma.masked_invalid(np.asarray(heights, np.float64))
    levels = _levels(heights)
    if len(levels) > 1:
        # by the number of the level, so that bands are evenly shaded whatever the heights are
        count = len(levels)
        ends = heights.min(), *levels, max(heights.max(), levels[-1])
        number_of = np.ma.array(np.interp(heights.filled(0), ends, np.arange(-1, count + 1)))
        number_of[heights.mask] = np.ma.masked
        # ink, thinner below: a drawing in a page keeps the role of every colour
        shades = [colors.to_rgba(colours.ink, 0.38 * i / count) for i in range(count + 1)]
        ax.contourf(across, up, number_of, levels=np.arange(-1, count + 1), colors=shades)
        lines = ax.contour(across, up, heights, levels=levels, colors=[colours.muted])
        lines.set_linewidth(0.6)
        ax.clabel(lines, levels[2::4], fmt=number, fontsize=7, colors=[colours.ink])
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(ticker.MaxNLocator(5))
    ax.grid(False)


def path(
    ax: Any, points: Any, colours: Theme, series: int, label: str = "", *, marks: bool = True
) -> None:
    """A path across a plane, (n, 2): its points, its beginning filled, its end a ring."""
    points = np.asarray(points, np.float64)
    colour = colours.series[series]
    # a rim of paper keeps the line apart from contours and from other paths
    ax.plot(*points.T, color=colours.paper, linewidth=3.2, alpha=0.8, zorder=2.5)
    mark = {"marker": MARKERS[series], "markersize": 2.5} if marks else {}
    looks = {"color": colour, "linestyle": DASHES[series], "linewidth": 1.5, "zorder": 3}
    ax.plot(*points.T, **looks, **mark, label=label)
    first, last = ends(colours, series)
    ax.plot(*points[0], **first)
    ax.plot(*points[-1], **last)


def ends(colours: Theme, series: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The looks of a path's beginning and of its end."""
    colour = colours.series[series]
    mark = {"marker": MARKERS[series], "markersize": 7, "zorder": 4, "linestyle": "none"}
    filled = {"markerfacecolor": colour, "markeredgecolor": colours.paper}
    ring = {"markerfacecolor": colours.paper, "markeredgecolor": colour, "markeredgewidth": 1.6}
    return {**mark, **filled}, {**mark, **ring}


def _levels(heights: np.ma.MaskedArray) -> np.ndarray:
    """Heights of the lines; a few points far above all others do not take part."""
    known = heights.compressed()
    if not known.size or known.min() == known.max():
        return np.zeros(0)
    low, high = known.min(), np.percentile(known, 98)
    if low == 0:  # a minimum of zero has no ratio to anything
        low = min(np.percentile(known[known > 0], 2), high)
    if low > 0 and high > 10 * low:
        return np.geomspace(low * (high / low) ** (0.5 / _LINES), high, _LINES)
    return np.linspace(low, high, _LINES + 1)[1:]
