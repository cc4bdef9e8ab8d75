"""A loss surface seen from above, and what the picture leaves out.

On the left is the plane with its lines of equal loss, the path of training as it falls on the plane
and the model. Where a path is drawn, the right says how far to trust it: the loss at the path's
true weights beside the loss of the plane below them, and the distance between the two.
"""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.core import RequestError, lazy, said
from steepest.plot.contours import contours, ends, path
from steepest.plot.series import log_axis
from steepest.plot.style import DASHES, MARKERS, Theme, drawing, finished, new_figure, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ticker = lazy("matplotlib.ticker")

__all__ = ["landscape"]


def landscape(
    surface: Any,
    followed: Any = None,
    *,
    epochs: Sequence[int] | None = None,
    loss: str = "loss",
    theme: str = "light",
) -> "Figure":
    """Draw a loss surface, with a path across it where there is one.

    surface: `across` (n,), `up` (m,), `losses` (m, n), and the `plane` they lie on, with its labels
        and its note
    followed: of the path, `places` (k, 2), `off` (k,), and the losses `true` and `drawn` (k,)
    epochs: (k,) when the path was where
    loss: what the loss is, with its units where it has any

    Raises:
        RequestError: the loss is not finite anywhere.
    """
    if not np.isfinite(surface.losses).any():
        raise RequestError(said("landscape", "the loss is not finite anywhere on this plane"))
    with drawing(theme) as colours:
        figure = new_figure(5.6 if followed is None else 9.4, 4.4)
        if followed is None:
            ax = figure.add_subplot()
        else:
            grid = figure.add_gridspec(2, 2, width_ratios=[1.25, 1], height_ratios=[1.5, 1])
            ax = figure.add_subplot(grid[:, 0])
            above = figure.add_subplot(grid[0, 1])
            below = figure.add_subplot(grid[1, 1], sharex=above)
            _draw_trust(above, below, followed, epochs, loss, colours)
        _draw_plane(ax, surface, followed, loss, colours)
        return finished(figure, _in_words(surface, followed, loss))


def _draw_plane(ax: Any, surface: Any, followed: Any, loss: str, colours: Theme) -> None:
    contours(ax, surface.across, surface.up, surface.losses, colours)
    ax.set(xlabel=surface.plane.labels[0], ylabel=surface.plane.labels[1])
    ax.set(xlim=surface.across[[0, -1]], ylim=surface.up[[0, -1]])
    ax.set_title(f"{loss} on a plane")
    if followed is not None:
        path(ax, followed.places, colours, 1, "path", marks=len(followed.places) < 40)
        for look, label in zip(ends(colours, 1), ("its beginning", "its end"), strict=True):
            ax.plot([], [], **look, label=label)
        _legend(ax)
        return
    at = surface.plane.places(surface.plane.origin)[0][0]
    if surface.across[0] <= at[0] <= surface.across[-1]:
        style = {"markerfacecolor": colours.series[1], "markeredgecolor": colours.paper}
        ax.plot(*at, linestyle="none", marker=MARKERS[3], markersize=8, **style, label="the model")
        _legend(ax)


def _legend(ax: Any) -> None:
    """Below the plane, where no line can run through it."""
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3, handlelength=2.6)


def _draw_trust(
    above: Any, below: Any, followed: Any, epochs: Sequence[int] | None, loss: str, colours: Theme
) -> None:
    """The loss on the path and on the plane below it, and how far apart the two points are."""
    when = np.arange(len(followed.true)) if epochs is None else np.asarray(epochs)
    lines = ((followed.true, "on the path"), (followed.drawn, "on the plane below it"))
    for i, (values, label) in enumerate(lines):
        looks = {"color": colours.series[1 - i], "linestyle": DASHES[i]}
        above.plot(when, values, **looks, label=label)
    label = loss
    values = np.concatenate([followed.true, followed.drawn])
    if np.isfinite(values).all() and values.min() > 0 and values.max() > 10 * values.min():
        log_axis(above)
        label = f"{loss}, logarithmic"
    above.set_ylabel(textwrap.fill(label, 26))
    where = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2, "borderpad": 0}
    above.legend(**where, ncols=2, columnspacing=1.4)
    above.tick_params(labelbottom=False)
    below.plot(when, followed.off, color=colours.series[2], linestyle=DASHES[3])
    below.set_ylim(bottom=0)
    below.set_ylabel("distance off\nthe plane (weights)")
    below.set_xlabel("epoch" if epochs is not None else "step")
    below.xaxis.set_major_locator(ticker.MaxNLocator(6, steps=[1, 2, 5, 10], integer=True))


def _in_words(surface: Any, followed: Any, loss: str) -> str:
    finite = surface.losses[np.isfinite(surface.losses)]
    text = (
        f"The {loss} on a plane through the weights, {surface.plane.note}: "
        f"from {number(finite.min())} to {number(finite.max())}"
    )
    if followed is None:
        return f"{text}."
    worst = int(np.argmax(np.abs(followed.true - followed.drawn)))
    return (
        f"{text}; and the path of training, at most {number(followed.off.max())} off the plane. "
        f"Its true {loss} goes from {number(followed.true[0])} to {number(followed.true[-1])}; "
        f"where the two differ most, the plane shows {number(followed.drawn[worst])} and the path "
        f"has {number(followed.true[worst])}."
    )
