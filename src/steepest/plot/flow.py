"""Signal and gradient by layer, and the units that no longer learn."""

from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.plot.series import log_axis
from steepest.plot.style import DASHES, MARKERS, Theme, drawing, finished, new_figure, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["flow"]


def flow(layers: Any, alarms: Any = (), *, theme: str = "light") -> "Figure":
    """Draw how strong signal and gradient are at each layer, and how many units sleep.

    layers: with `layer`, `signal`, `gradient`, `dead`, `saturated`
    alarms: sentences, shown above the figure
    """
    names = [shortened(layer.layer, 18) for layer in layers]
    with drawing(theme) as colours:
        figure = new_figure(9.0, 1.6 + 0.3 * len(names) + 0.2 * len(alarms))
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1.4, 1])
        _draw_strengths(left, layers, colours)
        _draw_asleep(right, layers, colours)
        left.set_yticks(range(len(names)), names)
        left.set_ylim(len(names) - 0.5, -0.5)
        left.tick_params(axis="y", length=0, labelcolor=colours.ink)
        left.set_ylabel("layer, input above")
        text = "\n".join(f"! {alarm}" for alarm in alarms) or "no alarm"
        figure.suptitle(text, fontsize=9, x=0.02, ha="left")
        first, last = layers[0], layers[-1]
        return finished(
            figure,
            f"Signal and gradient at {len(names)} layers: the gradient at the first is "
            f"{first.gradient:.3g}, at the last {last.gradient:.3g}; {'; '.join(alarms) or text}.",
        )


def _draw_strengths(ax: Any, layers: Any, colours: Theme) -> None:
    rows = np.arange(len(layers))
    for i, what in enumerate(("signal", "gradient")):
        values = np.array([getattr(layer, what) for layer in layers])
        shown = np.where(values > 0, values, np.nan)
        looks = {"color": colours.series[i], "linestyle": DASHES[i], "marker": MARKERS[i]}
        ax.plot(shown, rows, **looks, label=what)
    log_axis(ax, "x")
    ax.set_xlabel("root mean square (1), logarithmic")
    ax.set_title("Strength", pad=20)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0, borderaxespad=0.2)


def _draw_asleep(ax: Any, layers: Any, colours: Theme) -> None:
    rows = np.arange(len(layers))
    left = np.zeros(len(layers))
    for i, (what, hatch) in enumerate((("dead", "xxxxxx"), ("saturated", "//////"))):
        share = np.array([100 * getattr(layer, what) for layer in layers])
        looks = {"facecolor": "none", "edgecolor": colours.series[2 + i], "hatch": hatch}
        ax.barh(rows, share, left=left, height=0.6, label=what, **looks)
        left += share
    ax.set_xlim(0, 100)
    ax.set_xlabel("units (%)")
    ax.set_title("Asleep", pad=20)
    ax.grid(False, axis="y")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0, borderaxespad=0.2)
