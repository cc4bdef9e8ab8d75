"""The data after each layer, in their two main directions, and what is measured there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.core import RequestError, said
from steepest.plot.style import MARKERS, Theme, drawing, finished, new_figure, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["unfolding"]

_STAGES, _POINTS = 6, 400
_MEASURES = (
    ("separable", "separable (%)", 100),
    ("rank", "directions", 1),
    ("folds", "folds (half turns)", 1),
)


def unfolding(
    stages: Sequence[Any],
    y: Any,
    *,
    classes: Sequence[object] | None = None,
    theme: str = "light",
) -> "Figure":
    """Draw stages side by side, and below them how separable, how wide and how folded they are.

    stages: with `layer`, `places` (n, 2), `separable`, `rank`, `folds`
    y: (n,) class numbers

    Raises:
        RequestError: there are no stages, or not a class for every point.
    """
    y = np.asarray(y).reshape(-1).astype(int)
    if not stages or len(stages[0].places) != len(y):
        raise RequestError(said("unfolding", "every point of every stage needs a class"))
    chosen = np.unique(np.linspace(0, len(stages) - 1, min(_STAGES, len(stages))).round())
    shown = [stages[int(i)] for i in chosen]
    names = [str(c) for c in (range(int(y.max()) + 1) if classes is None else classes)]
    with drawing(theme) as colours:
        figure = new_figure(max(7.2, 1.75 * len(shown)), 4.4)
        halves: Any = figure.subfigures(2, 1, height_ratios=[1.35, 1])
        above, below = halves
        for ax, stage in zip(above.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
            _draw_points(ax, stage, y, names, colours)
        handles, labels = ax.get_legend_handles_labels()
        above.legend(handles, labels, loc="outside upper center", ncols=min(10, len(names)))
        for i, ax in enumerate(below.subplots(1, 3)):
            _draw_measure(ax, stages, i, colours)
        first, last = stages[0], stages[-1]
        return finished(
            figure,
            f"The data at {len(stages)} stages of a network: a plane separates "
            f"{first.separable:.1%} of them at first and {last.separable:.1%} at last; they lie in "
            f"{first.rank:.1f} and then {last.rank:.1f} directions, and a straight line bends by "
            f"{last.folds:.1f} half turns.",
        )


def _draw_points(ax: Any, stage: Any, y: np.ndarray, names: Sequence[str], colours: Theme) -> None:
    few = np.linspace(0, len(y) - 1, min(_POINTS, len(y))).astype(int)
    for i, name in enumerate(names):
        points = stage.places[few][y[few] == i]
        looks = {"marker": MARKERS[i % len(MARKERS)], "markersize": 3, "linestyle": "none"}
        hollow = (i // len(MARKERS)) % 2  # beyond six classes, the marks come again, hollow
        colour = colours.series[i % len(colours.series)]
        face = colours.paper if hollow else colour
        ax.plot(*points.T, **looks, markerfacecolor=face, markeredgecolor=colour, label=name)
    ax.set_title(shortened(stage.layer, 14), fontsize=9)
    ax.set(xticks=[], yticks=[], aspect="equal", xlabel=f"{stage.separable:.0%} separable")
    ax.set_adjustable("datalim")
    ax.grid(False)


def _draw_measure(ax: Any, stages: Sequence[Any], i: int, colours: Theme) -> None:
    what, unit, scale = _MEASURES[i]
    values = [scale * getattr(stage, what) for stage in stages]
    ax.plot(range(len(stages)), values, color=colours.series[i], marker=MARKERS[i])
    ax.set_xticks(range(len(stages)), [shortened(stage.layer, 8) for stage in stages], fontsize=7.5)
    ax.set(xlabel="layer", ylabel=unit)
    ax.set_ylim(max(0, min(values) - 5) if what == "separable" else 0, None)
