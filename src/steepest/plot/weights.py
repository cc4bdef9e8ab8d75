"""The weights of a linear model: what each feature adds to the answer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.core import RequestError, said
from steepest.plot.style import Theme, aligned, drawing, finished, new_figure, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["feature_weights"]

# More bars than fit a page at a readable size are left to the model file.
_BARS = 30


def feature_weights(
    names: Sequence[str], values: Any, *, label: str = "weight", theme: str = "light"
) -> "Figure":
    """Draw one bar per feature, the largest magnitude on top.

    names, values: a weight for each feature, (features,) or (features, 1)
    label: what the weight is, with units: "thousand dollars per standard deviation of the feature"

    Raises:
        RequestError: there are not as many names as values, or there are none.
    """
    values = np.asarray(values, dtype=np.float64).reshape(-1)
    if len(names) != len(values) or not len(values):
        raise RequestError(
            said(
                "feature_weights",
                "every feature needs one weight",
                got=f"{len(names)} names, {len(values)} weights",
            )
        )
    order = np.argsort(-np.abs(values), kind="stable")[:_BARS]
    left_out = len(values) - len(order)
    with drawing(theme) as colours:
        figure = new_figure(6.8, 0.27 * len(order) + (1.0 if left_out else 0.8))
        ax = figure.add_subplot()
        _draw_bars(ax, values[order], colours)
        ax.set_yticks(range(len(order)), [shortened(names[i], 28) for i in order])
        ax.set_ylim(len(order) - 0.4, -0.6)
        ax.set_xlabel(label)
        if left_out:
            ax.set_title(f"the {len(order)} largest; {left_out} smaller ones are left out")
        return finished(figure, _in_words([str(names[i]) for i in order], values[order], label))


def _draw_bars(ax: Any, values: np.ndarray, colours: Theme) -> None:
    """Bars to the right are solid, bars to the left hatched; each has its value at its end."""
    for row, (value, text) in enumerate(zip(values, aligned(values.tolist()), strict=True)):
        colour = colours.series[0 if value >= 0 else 1]
        looks = {"color": colour} if value >= 0 else {"facecolor": "none", "hatch": "//////"}
        ax.barh(row, value, height=0.66, edgecolor=colour, **looks)
        ax.annotate(
            ("+" if value > 0 else "") + text,
            (value, row),
            xytext=(4 if value >= 0 else -4, 0),
            textcoords="offset points",
            ha="left" if value >= 0 else "right",
            va="center",
            fontsize=8,
        )
    reach = np.abs(values).max() or 1.0
    # room beyond the longest bar for its number
    low = 1.22 * values.min() if values.min() < 0 else -0.02 * reach
    high = 1.22 * values.max() if values.max() > 0 else 0.02 * reach
    ax.set_xlim(min(low, -0.02 * reach), max(high, 0.02 * reach))
    ax.axvline(0, color=colours.ink, linewidth=1)
    ax.grid(False, axis="y")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0, labelcolor=colours.ink)


def _in_words(names: Sequence[str], values: np.ndarray, label: str) -> str:
    numbers = aligned(values.tolist())
    signs = ["+" if value > 0 else "" for value in values]
    told = ", ".join(f"{n} {s}{v}" for n, s, v in zip(names, signs, numbers, strict=True))
    return f"Weights by feature, {label}, largest first: {told}."
