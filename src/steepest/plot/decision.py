"""Decision regions: which class a model answers at every point of a plane, and the rows on it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.core import RequestError, lazy, said
from steepest.plot.motion import Motion, headline, motion
from steepest.plot.style import MARKERS, Theme, drawing, finished, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ticker = lazy("matplotlib.ticker")

__all__ = ["decision_regions", "moving_regions"]

# Points of the plane at which the model is asked, along each side.
_GRID = 240
# The same where they move, for what is drawn again for every frame, and at most so many rows.
_MOVING, _ROWS = 60, 150


def decision_regions(
    predict: Callable[[np.ndarray], Any],
    x: Any,
    y: Any,
    *,
    classes: Sequence[object] | None = None,
    names: Sequence[str] = ("first feature", "second feature"),
    theme: str = "light",
) -> "Figure":
    """Draw the regions of a classifier of two features, with the rows x of classes y.

    predict: (m, 2) float32 features to m class numbers
    x, y: (n, 2) features as `predict` takes them, and n class numbers
    classes, names: of the classes, and of the two features

    Raises:
        RequestError: x has not two columns.
    """
    x, y = _checked(x, y)
    across, up, plane = _plane(x, _GRID)
    answered = np.asarray(predict(plane)).reshape(len(up), len(across)).astype(int)
    labels = _labels(classes, y, answered)
    with drawing(theme) as colours:
        figure = new_figure(5.4, 4.2)
        ax = figure.add_subplot()
        leads = [(answered == i) - 0.5 for i in range(len(labels))]
        _draw_regions(ax, across, up, leads, colours)
        _draw_rows(ax, x, y, labels, colours)
        _frame(ax, across, up, names)
        return finished(figure, _in_words(x, y, answered, labels, names))


def moving_regions(
    chances: Sequence[Callable[[np.ndarray], Any]],
    epochs: Sequence[int],
    losses: Sequence[float],
    x: Any,
    y: Any,
    *,
    loss: str = "loss",
    classes: Sequence[object] | None = None,
    names: Sequence[str] = ("first feature", "second feature"),
    theme: str = "light",
) -> Motion:
    """The regions of a classifier as it finds them, and its loss beside them.

    chances: for each frame what gives the probability of every class at (m, 2) float32 features,
        (m, classes)
    epochs, losses: for each frame after which epoch it is, and with which loss
    loss: what the loss is
    The others are those of `decision_regions`.
    """
    x, y = _checked(x, y)
    across, up, plane = _plane(x, _MOVING)
    leads = [_leads(np.asarray(give(plane)).T.reshape(-1, _MOVING, _MOVING)) for give in chances]
    answered = leads[-1].argmax(0)
    labels = _labels(classes, y, np.array(len(leads[0]) - 1))
    few = np.linspace(0, len(x) - 1, min(_ROWS, len(x))).astype(int)
    captions = [f"epoch {epoch}" for epoch in epochs]
    with drawing(theme) as colours:
        figure = new_figure(9.2, 4.0)
        ax, fall = figure.subplots(1, 2, width_ratios=[1.25, 1])
        _draw_rows(ax, x[:0], y[:0], labels, colours)
        _frame(ax, across, up, names)
        fall.set(xlabel="epoch", ylabel=loss, xlim=(0, 1.02 * epochs[-1]))
        fall.set_ylim(0, 1.05 * max(losses))
        fall.xaxis.set_major_locator(ticker.MaxNLocator(6, steps=[1, 2, 5, 10], integer=True))

        def draw(i: int) -> None:
            headline(ax, captions[i])
            _draw_regions(ax, across, up, leads[i], colours)
            _draw_rows(ax, x[few], y[few], labels, colours)
            fall.plot(epochs[: i + 1], losses[: i + 1], color=colours.series[0])
            ring = {"color": colours.ink, "markerfacecolor": colours.paper, "clip_on": False}
            fall.plot(epochs[i], losses[i], marker="o", markersize=8, **ring)

        words = _in_words(x, y, answered, labels, names)
        title = f"The regions of {len(labels)} classes, epoch by epoch"
        return motion(figure, draw, captions, title, words, theme)


def _leads(chances: np.ndarray) -> np.ndarray:
    """By how much each class (classes, …) is ahead of the best of all others."""
    first, second = np.sort(chances, axis=0)[[-1, -2]]
    return np.where(chances == first, first - second, chances - first)


def _plane(x: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The plane around the rows: its two sides, and all its points (points², 2)."""
    across, up = (_stretch(x[:, i], points) for i in (0, 1))
    grid = np.stack(np.meshgrid(across, up), axis=-1)
    return across, up, grid.reshape(-1, 2).astype(np.float32)


def _labels(classes: Sequence[object] | None, y: np.ndarray, answered: np.ndarray) -> list[str]:
    count = int(max(y.max(), answered.max())) + 1
    return [str(c) for c in (range(count) if classes is None else classes)]


def _checked(x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x), np.asarray(y).reshape(-1)
    if x.ndim != 2 or x.shape[1] != 2 or len(x) != len(y) or not len(x):
        raise RequestError(
            said(
                "decision_regions",
                "only data of two features has a plane to draw on",
                expected="x of shape (n, 2) and y of shape (n,)",
                got=f"x of shape {x.shape} and y of shape {y.shape}",
            )
        )
    return x, y


def _stretch(values: np.ndarray, points: int) -> np.ndarray:
    """Evenly spaced numbers from a little below the lowest value to a little above the highest."""
    margin = 0.08 * float(np.ptp(values)) or 1.0
    return np.linspace(values.min() - margin, values.max() + margin, points)


def _draw_regions(ax: Any, across: Any, up: Any, leads: Any, colours: Theme) -> None:
    """leads: for each class (m, n), above 0 where it is answered"""
    for i, lead in enumerate(leads):
        if lead.max() <= 0:
            continue
        colour = colours.series[i % len(colours.series)]
        tint = 0.1 + 0.11 * (i % 3)  # neighbours differ without colour, too
        ax.contourf(across, up, lead, levels=[0, np.inf], colors=[colour], alpha=tint)
        if lead.min() < 0:
            ax.contour(across, up, lead, levels=[0], colors=[colours.ink], linewidths=0.9)


def _draw_rows(
    ax: Any, x: np.ndarray, y: np.ndarray, labels: Sequence[str], colours: Theme
) -> None:
    for i, label in enumerate(labels):
        looks = {"linestyle": "none", "marker": MARKERS[i % len(MARKERS)], "markersize": 4.5}
        face = {"markerfacecolor": colours.series[i % len(colours.series)]}
        rim = {"markeredgecolor": colours.paper, "markeredgewidth": 0.5}
        ax.plot(*x[y == i].T, **looks, **face, **rim, label=label)


def _frame(ax: Any, across: Any, up: Any, names: Sequence[str]) -> None:
    """The plane's ends and names, and the legend of the rows that are drawn."""
    ax.set(xlim=across[[0, -1]], ylim=up[[0, -1]], aspect="equal")
    ax.set(xlabel=names[0], ylabel=names[1])
    ax.grid(False)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), title="class", alignment="left")


def _in_words(
    x: np.ndarray, y: np.ndarray, answered: np.ndarray, labels: Sequence[str], names: Sequence[str]
) -> str:
    parts = [
        f"{label} has {np.mean(answered == i):.0%} of the plane and {int((y == i).sum()):,} rows"
        for i, label in enumerate(labels)
    ]
    return f"Decision regions over {names[0]} and {names[1]}, {len(x):,} rows: {'; '.join(parts)}."
