"""Optimizers on a function that can be written down: their paths, and how fast they fall."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.plot.contours import contours, path
from steepest.plot.motion import FRAMES, Motion, headline, motion
from steepest.plot.series import log_axis
from steepest.plot.style import DASHES, MARKERS, Theme, drawing, finished, new_figure, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["descent", "moving_descent"]

_GRID = 121
_DEEP = 1e-10  # of the height at the start: who falls deeper, falls out of the picture
_MANY = 40  # steps: beyond, a mark at each would hide the line


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
        figure, draw = _prepared(formula, ends, heights, walks, colours)
        draw(_steps(walks))
        return finished(figure, _in_words(formula, walks))


def moving_descent(
    formula: str, ends: Any, heights: Any, walks: Mapping[str, Any], *, theme: str = "light"
) -> Motion:
    """The picture of `descent` as it comes about, all walkers taking each step together."""
    steps = _steps(walks)
    seen = np.unique(np.linspace(0, steps, FRAMES).round().astype(int))
    captions = [f"step {step} of {steps}" for step in seen]
    with drawing(theme) as colours:
        figure, draw = _prepared(formula, ends, heights, walks, colours)
        words = _in_words(formula, walks)
        title = f"Descent on {formula}"
        return motion(figure, lambda i: draw(int(seen[i])), captions, title, words, theme)


def _steps(walks: Mapping[str, Any]) -> int:
    return len(next(iter(walks.values())).values) - 1


def _prepared(
    formula: str, ends: Any, heights: Any, walks: Mapping[str, Any], colours: Theme
) -> tuple["Figure", Callable[[int], None]]:
    """The function without its walkers, and what draws them as they are after so many steps."""
    flat = len(ends) > 2
    figure = new_figure(5.2 if flat else 9.2, 3.9)
    axes = figure.subplots(1, 1 if flat else 2, squeeze=False)[0]
    if len(ends) == 1:
        _draw_curve(axes[0], ends[0], heights, colours)
    elif len(ends) == 2:
        _draw_map(axes[0], ends, heights, colours)
    _prepare_fall(axes[-1], walks, colours)
    if not flat:
        axes[0].set_title(formula)
    figure.legend(loc="outside lower center", ncols=2 if flat else 4, handlelength=2.6)
    over = formula if flat else "How it falls"

    def draw(step: int) -> None:
        headline(axes[-1], f"{over}: step {step}")
        for i, walk in enumerate(walks.values()):
            points, values = walk.path[: step + 1, 0], walk.values[: step + 1, 0]
            if len(ends) == 1:
                path(axes[0], np.column_stack([points, values]), colours, i)
            elif len(ends) == 2:
                path(axes[0], points, colours, i, marks=len(walk.values) <= _MANY)
            _draw_fall(axes[-1], values, i, colours)

    return figure, draw


def _draw_curve(ax: Any, ends: Any, heights: Any, colours: Theme) -> None:
    x = np.linspace(ends[0], ends[1], _GRID)
    ax.plot(x, heights(x[:, None]), color=colours.muted, linewidth=1)
    ax.set(xlabel="x (1)", ylabel="value (1)", xlim=ends)


def _draw_map(ax: Any, ends: Any, heights: Any, colours: Theme) -> None:
    across, up = (np.linspace(low, high, _GRID) for low, high in ends)
    plane = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    values = np.asarray(heights(plane)).reshape(_GRID, _GRID)
    contours(ax, across, up, values, colours)
    ax.set(xlabel="x (1)", ylabel="y (1)", xlim=ends[0], ylim=ends[1])


def _prepare_fall(ax: Any, walks: Mapping[str, Any], colours: Theme) -> None:
    """Room for every fall, and the legend's entries."""
    for i, name in enumerate(walks):
        looks = {"color": colours.series[i], "linestyle": DASHES[i], "marker": MARKERS[i]}
        ax.plot([], [], **looks, label=name)
    values = np.concatenate([walk.values[:, 0] for walk in walks.values()])
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    steps = _steps(walks)
    ax.set(xlabel="step", ylabel="value (1)", xlim=(-0.02 * steps, 1.03 * steps))
    if low > 0:
        low = max(low, _DEEP * high)
        ax.set_ylim(low / 1.4, 1.4 * high)
        log_axis(ax)
        ax.set_ylabel("value (1), logarithmic")
    else:
        margin = 0.05 * (high - low) or 1.0
        ax.set_ylim(low - margin, high + margin)


def _draw_fall(ax: Any, values: np.ndarray, series: int, colours: Theme) -> None:
    looks = {"color": colours.series[series], "linestyle": DASHES[series]}
    ax.plot(np.arange(len(values)), values, **looks)
    rim = {"markeredgecolor": colours.series[series], "markerfacecolor": colours.paper}
    place = {"marker": MARKERS[series], "markersize": 6, "zorder": 4}
    ax.plot(len(values) - 1, values[-1], linestyle="none", **place, **rim, markeredgewidth=1.6)


def _in_words(formula: str, walks: Mapping[str, Any]) -> str:
    told = [f"{name} {number(walk.values[-1, 0])}" for name, walk in walks.items()]
    words = f"Paths of descent over {formula}; its value after {_steps(walks)} steps: "
    return f"{words}{', '.join(told)}."
