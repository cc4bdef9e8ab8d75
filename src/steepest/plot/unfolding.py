"""The data after each layer, in their two main directions, and what is measured there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.core import RequestError, said
from steepest.plot.motion import Motion, headline, motion
from steepest.plot.style import MARKERS, Theme, drawing, finished, new_figure, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["moving_unfolding", "unfolding"]

_STAGES, _POINTS = 6, 400
_MOVING = 200  # points: each is written again for every frame
_WAY, _REST = 14, 4  # frames from one layer to the next, and at each
_MEASURES = (
    ("separable", "separable (%)", 100),
    ("rank", "directions (1)", 1),
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
    y, names = _checked(stages, y, classes)
    chosen = np.unique(np.linspace(0, len(stages) - 1, min(_STAGES, len(stages))).round())
    shown = [stages[int(i)] for i in chosen]
    with drawing(theme) as colours:
        figure = new_figure(max(7.2, 1.75 * len(shown)), 4.4)
        halves: Any = figure.subfigures(2, 1, height_ratios=[1.35, 1])
        above, below = halves
        for ax, stage in zip(above.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
            _draw_points(ax, _few(stage.places, _POINTS), _few(y, _POINTS), names, colours)
            ax.set_title(shortened(stage.layer, 14), fontsize=9)
            ax.set(xticks=[], yticks=[], aspect="equal", xlabel=f"{stage.separable:.0%} separable")
            ax.set_adjustable("datalim")
            ax.grid(False)
        handles, labels = ax.get_legend_handles_labels()
        above.legend(handles, labels, loc="outside upper center", ncols=min(10, len(names)))
        for i, ax in enumerate(below.subplots(1, 3)):
            _draw_measure(ax, stages, i, colours)
        return finished(figure, _in_words(stages))


def moving_unfolding(
    stages: Sequence[Any],
    y: Any,
    *,
    classes: Sequence[object] | None = None,
    theme: str = "light",
) -> Motion:
    """The data on their way from layer to layer: every point moves straight from one stage to the
    next, and rests there. Beside it, how well a plane separates them. As `unfolding`."""
    y, names = _checked(stages, y, classes)
    y, places = _few(y, _MOVING), [_few(stage.places, _MOVING) for stage in stages]
    times = _times(len(stages))
    captions = [_when(stages, time) for time in times]
    with drawing(theme) as colours:
        figure = new_figure(9.2, 4.4)
        cloud, measure = figure.subplots(1, 2, width_ratios=[1.1, 1])
        reach = 1.08 * max(float(np.abs(p).max()) for p in places)
        cloud.set(xticks=[], yticks=[], aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach))
        cloud.set(xlabel="first main direction (1)", ylabel="second main direction (1)")
        cloud.grid(False)
        _draw_measure(measure, stages, 0, colours)
        _draw_points(cloud, np.full((len(y), 2), np.nan), y, names, colours)
        handles, labels = cloud.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(10, len(names)))

        def draw(i: int) -> None:
            before, part = min(int(times[i]), len(stages) - 2), times[i]
            part -= before
            now = (1 - part) * places[before] + part * places[before + 1]
            headline(cloud, captions[i])
            _draw_points(cloud, now, y, names, colours)
            _draw_ring(measure, times[i], stages, colours)

        title = "Unfolding, layer by layer"
        return motion(figure, draw, captions, title, _in_words(stages), theme)


def _checked(
    stages: Sequence[Any], y: Any, classes: Sequence[object] | None
) -> tuple[np.ndarray, list[str]]:
    """Class numbers, and a name for each class."""
    y = np.asarray(y).reshape(-1).astype(int)
    if not stages or len(stages[0].places) != len(y):
        raise RequestError(said("unfolding", "every point of every stage needs a class"))
    return y, [str(c) for c in (range(int(y.max()) + 1) if classes is None else classes)]


def _few(rows: np.ndarray, count: int) -> np.ndarray:
    """At most so many rows, evenly chosen."""
    return rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)]


def _times(stages: int) -> np.ndarray:
    """Where each frame is: 1.5 is halfway from the second stage to the third. Slow at both ends of
    a way."""
    way = (1 - np.cos(np.pi * np.arange(1, _WAY + 1) / _WAY)) / 2
    one = np.concatenate([way, np.ones(_REST)])
    return np.concatenate([np.zeros(_REST), *[i + one for i in range(stages - 1)]])


def _when(stages: Sequence[Any], time: float) -> str:
    before = int(time)
    if time == before:
        layer = stages[before].layer
        return "input" if before == 0 else f"after layer {shortened(layer, 14)}"
    return f"through layer {shortened(stages[before + 1].layer, 14)}"


def _in_words(stages: Sequence[Any]) -> str:
    first, last = stages[0], stages[-1]
    return (
        f"The data at {len(stages)} stages of a network: a plane separates "
        f"{first.separable:.1%} of them at first and {last.separable:.1%} at last; they lie in "
        f"{first.rank:.1f} and then {last.rank:.1f} directions, and a straight line bends by "
        f"{last.folds:.1f} half turns."
    )


def _draw_points(
    ax: Any, places: np.ndarray, y: np.ndarray, names: Sequence[str], colours: Theme
) -> None:
    for i, name in enumerate(names):
        looks = {"marker": MARKERS[i % len(MARKERS)], "markersize": 3, "linestyle": "none"}
        # every second class is hollow; beyond six the marks come again, the other way round
        hollow = (i + i // len(MARKERS)) % 2
        colour = colours.series[i % len(colours.series)]
        face = colours.paper if hollow else colour
        points = places[y == i]
        ax.plot(*points.T, **looks, markerfacecolor=face, markeredgecolor=colour, label=name)


def _draw_ring(ax: Any, time: float, stages: Sequence[Any], colours: Theme) -> None:
    """Where on the curve of separability the data are now."""
    height = np.interp(time, range(len(stages)), [100 * stage.separable for stage in stages])
    ring = {"color": colours.ink, "markerfacecolor": colours.paper, "marker": "o"}
    ax.plot(time, height, **ring, markersize=9, markeredgewidth=1.6, zorder=4)


def _draw_measure(ax: Any, stages: Sequence[Any], i: int, colours: Theme) -> None:
    what, unit, scale = _MEASURES[i]
    values = [scale * getattr(stage, what) for stage in stages]
    ax.plot(range(len(stages)), values, color=colours.series[i], marker=MARKERS[i])
    ax.set_xticks(range(len(stages)), [shortened(stage.layer, 8) for stage in stages], fontsize=7.5)
    ax.set(xlabel="layer", ylabel=unit)
    ax.set_ylim(max(0, min(values) - 5) if what == "separable" else 0, None)
