"""Optimizers on a function that can be written down: their paths, and how fast they fall."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.plot.contours import contours, path
from steepest.plot.series import log_axis
from steepest.plot.style import DASHES, MARKERS, Theme, drawing, finished, new_figure, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["descent"]

_GRID = 121


def descent(
    formula: str, ends: Any, heights: Any, walks: Mapping[str, Any], *, theme: str = "light"
) -> "Figure":
    """Draw paths over a function, and the function along them.

    formula: as it is written
    ends: between which numbers each of its dimensions is looked at
    heights: from points (n, d) to (n,) values
    walks: by name, `path` (steps + 1, n, d) and `values` (steps + 1, n); the first walker is drawn

    A function of one number is drawn as a curve, one of two as contours; of more, only the fall.
    """
    with drawing(theme) as colours:
        flat = len(ends) > 2
        figure = new_figure(5.2 if flat else 9.2, 3.9)
        axes = figure.subplots(1, 1 if flat else 2, squeeze=False)[0]
        if len(ends) == 1:
            _draw_curve(axes[0], ends[0], heights, walks, colours)
        elif len(ends) == 2:
            _draw_map(axes[0], ends, heights, walks, colours)
        _draw_fall(axes[-1], walks, colours)
        axes[0].set_title(formula)
        handles, labels = axes[-1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, handlelength=2.6)
        told = [f"{name} {number(walk.values[-1, 0])}" for name, walk in walks.items()]
        steps = len(next(iter(walks.values())).values) - 1
        words = f"Paths of descent over {formula}; its value after {steps} steps: "
        return finished(figure, f"{words}{', '.join(told)}.")


def _draw_curve(ax: Any, ends: Any, heights: Any, walks: Any, colours: Theme) -> None:
    x = np.linspace(ends[0], ends[1], _GRID)
    ax.plot(x, heights(x[:, None]), color=colours.muted, linewidth=1)
    for i, walk in enumerate(walks.values()):
        looks = {"color": colours.series[i], "linestyle": DASHES[i], "marker": MARKERS[i]}
        ax.plot(walk.path[:, 0, 0], walk.values[:, 0], **looks, markersize=3.5, linewidth=1)
    ax.set(xlabel="x (1)", ylabel="value (1)")


def _draw_map(ax: Any, ends: Any, heights: Any, walks: Any, colours: Theme) -> None:
    across, up = (np.linspace(low, high, _GRID) for low, high in ends)
    plane = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    values = np.asarray(heights(plane)).reshape(_GRID, _GRID)
    contours(ax, across, up, values, colours)
    for i, walk in enumerate(walks.values()):
        path(ax, walk.path[:, 0], colours, i, marks=len(walk.path) < 40)
    ax.set(xlabel="x (1)", ylabel="y (1)", xlim=ends[0], ylim=ends[1])


def _draw_fall(ax: Any, walks: Any, colours: Theme) -> None:
    for i, (name, walk) in enumerate(walks.items()):
        fall = walk.values[:, 0]
        looks = {"color": colours.series[i], "linestyle": DASHES[i]}
        ax.plot(np.arange(len(fall)), fall, **looks, label=name)
    ax.set(xlabel="step", ylabel="value (1)", title="How it falls")
    lowest = min(walk.values[:, 0].min() for walk in walks.values())
    if lowest > 0:
        log_axis(ax)
        ax.set_ylabel("value (1), logarithmic")
