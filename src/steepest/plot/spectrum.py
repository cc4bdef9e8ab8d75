"""The eigenvalues of a Hessian: how many there are of which size."""

from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.plot.series import log_axis
from steepest.plot.style import DASHES, drawing, finished, new_figure, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["spectrum"]

_GRID = 600
_LOWEST = 1e-6  # of the highest density: what is below is the bells' own tails


def spectrum(density: Any, *, size: int, theme: str = "light") -> "Figure":
    """Draw a spectral density on a logarithmic scale.

    density: `nodes`, `weights` and `on(grid, width)`
    size: how many eigenvalues there are
    """
    low, high = float(density.nodes.min()), float(density.nodes.max())
    width = 0.012 * ((high - low) or 1.0)
    grid = np.linspace(low - 6 * width, high + 6 * width, _GRID)
    heights = density.on(grid, width)
    below = float(density.weights[density.nodes < -width].sum())
    with drawing(theme) as colours:
        figure = new_figure(6.4, 3.6)
        ax = figure.add_subplot()
        floor = _LOWEST * heights.max()
        ax.fill_between(grid, floor, heights, color=colours.series[0], alpha=0.2, linewidth=0)
        ax.plot(grid, heights, color=colours.series[0])
        ax.axvline(0, color=colours.ink, linewidth=0.8, linestyle=DASHES[2])
        ax.set_ylim(floor, None)
        log_axis(ax)
        ax.set(xlabel="eigenvalue of the Hessian (loss per squared weight)")
        ax.set_ylabel("share of them per unit, logarithmic")
        ax.set_title(f"{size:,} eigenvalues from {number(low)} to {number(high)}")
        return finished(
            figure,
            f"The density of the {size:,} eigenvalues of a Hessian, from {number(low)} to "
            f"{number(high)}; {below:.1%} of them are clearly below 0.",
        )
