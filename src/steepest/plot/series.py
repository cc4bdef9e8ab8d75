"""Pieces of figures that compare: bands over seeds, bars with intervals, logarithmic axes.

A piece draws into axes that are there; whoever makes the figure calls it between `drawing` and
`finished`. Several runs are never drawn as one lone line.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from steepest.core import lazy
from steepest.plot.style import DASHES, MARKERS, Theme, number

__all__ = ["band", "bars", "log_axis", "ranges"]

ticker = lazy("matplotlib.ticker")

_HATCHES = ("", "//////", "......", "xxxxxx", "------", "++++++")


def band(
    ax: Any, x: Any, runs: Any, colours: Theme, series: int, label: str, *, marks: bool = False
) -> None:
    """The mean of several runs as a line, and the range from the lowest to the highest behind it.

    x: (n,); runs: (seeds, n); series: which colour, dashes and mark
    marks: a mark at every point, for few points
    """
    runs = np.asarray(runs, np.float64)
    looks = {"color": colours.series[series], "linestyle": DASHES[series], "label": label}
    if marks:
        looks |= {"marker": MARKERS[series]}
    ax.fill_between(
        x, runs.min(0), runs.max(0), color=colours.series[series], alpha=0.2, linewidth=0
    )
    ax.plot(x, runs.mean(0), **looks)


def bars(ax: Any, names: Sequence[str], runs: Any, colours: Theme) -> None:
    """A bar for the mean of each column of runs (seeds, n), and every seed as a point on it."""
    runs = np.asarray(runs, np.float64)
    for i, (name, values) in enumerate(zip(names, runs.T, strict=True)):
        colour = colours.series[i % len(colours.series)]
        looks = {"facecolor": "none", "edgecolor": colour, "hatch": _HATCHES[i % len(_HATCHES)]}
        ax.bar(i, values.mean(), width=0.6, label=name, **looks)
        # side by side in the order of the seeds, so that equal values stay apart
        places = i + np.linspace(-0.16, 0.16, len(values)) if len(values) > 1 else [i]
        style = {"markerfacecolor": colours.ink, "markeredgecolor": colours.paper}
        ax.plot(places, values, linestyle="none", marker="o", **style, markeredgewidth=0.5)
    ax.set_xticks(range(len(names)), names)
    ax.tick_params(axis="x", length=0, labelcolor=colours.ink)
    ax.grid(False, axis="x")


def ranges(ax: Any, x: Any, runs: Any, colours: Theme, series: int, label: str) -> None:
    """The mean of several runs as marks, each on a line from the lowest to the highest: for things
    side by side, between which there is nothing.

    x: (n,); runs: (seeds, n); series: which colour and mark
    """
    runs = np.asarray(runs, np.float64)
    colour = colours.series[series]
    ax.vlines(x, runs.min(0), runs.max(0), color=colour, linewidth=3, alpha=0.4)
    looks = {"markerfacecolor": colour, "markeredgecolor": colours.paper, "markersize": 7}
    ax.plot(x, runs.mean(0), linestyle="none", marker=MARKERS[series], **looks, label=label)


def log_axis(ax: Any, axis: str = "y") -> None:
    """A logarithmic axis (for all panels that share it) with ticks written as numbers."""
    getattr(ax, f"set_{axis}scale")("log")
    low, high = getattr(ax, f"get_{axis}lim")()
    # over few decades the powers of ten alone would leave one or two ticks
    steps = (1.0, 2.0, 5.0) if np.log10(high / low) < 2.5 else (1.0,)
    scale = getattr(ax, f"{axis}axis")
    scale.set_major_locator(ticker.LogLocator(10, subs=steps))
    scale.set_major_formatter(ticker.FuncFormatter(lambda value, _: number(value)))
    scale.set_minor_locator(ticker.NullLocator())
