"""Decision regions: which class a model answers at every point of a plane, and the rows on it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.core import RequestError, said
from steepest.plot.style import MARKERS, Theme, drawing, finished, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["decision_regions"]

# Points of the plane at which the model is asked, along each side.
_GRID = 240


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
    across, up = (_stretch(x[:, i]) for i in (0, 1))
    plane = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2).astype(np.float32)
    answered = np.asarray(predict(plane)).reshape(len(up), len(across)).astype(int)
    count = int(max(y.max(), answered.max())) + 1
    labels = [str(c) for c in (range(count) if classes is None else classes)]
    with drawing(theme) as colours:
        figure = new_figure(5.4, 4.2)
        ax = figure.add_subplot()
        _draw_regions(ax, across, up, answered, colours)
        for i, label in enumerate(labels):
            _draw_class(ax, x[y == i], i, label, colours)
        ax.set(xlabel=names[0], ylabel=names[1], aspect="equal")
        ax.set(xlim=across[[0, -1]], ylim=up[[0, -1]])
        ax.grid(False)
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1), title="class", alignment="left")
        return finished(figure, _in_words(x, y, answered, labels, names))


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


def _stretch(values: np.ndarray) -> np.ndarray:
    """Evenly spaced numbers from a little below the lowest value to a little above the highest."""
    margin = 0.08 * float(np.ptp(values)) or 1.0
    return np.linspace(values.min() - margin, values.max() + margin, _GRID)


def _draw_regions(ax: Any, across: Any, up: Any, answered: np.ndarray, colours: Theme) -> None:
    for i in np.unique(answered):
        inside = (answered == i).astype(float)
        colour = colours.series[i % len(colours.series)]
        tint = 0.1 + 0.11 * (i % 3)  # neighbours differ without colour, too
        ax.contourf(across, up, inside, levels=[0.5, 1.5], colors=[colour], alpha=tint)
        if inside.min() < 0.5:
            ax.contour(across, up, inside, levels=[0.5], colors=[colours.ink], linewidths=0.9)


def _draw_class(ax: Any, points: np.ndarray, i: int, label: str, colours: Theme) -> None:
    ax.plot(
        points[:, 0],
        points[:, 1],
        linestyle="none",
        marker=MARKERS[i % len(MARKERS)],
        markersize=4.5,
        markerfacecolor=colours.series[i % len(colours.series)],
        markeredgecolor=colours.paper,
        markeredgewidth=0.5,
        label=label,
    )


def _in_words(
    x: np.ndarray, y: np.ndarray, answered: np.ndarray, labels: Sequence[str], names: Sequence[str]
) -> str:
    parts = [
        f"{label} has {np.mean(answered == i):.0%} of the plane and {int((y == i).sum()):,} rows"
        for i, label in enumerate(labels)
    ]
    return f"Decision regions over {names[0]} and {names[1]}, {len(x):,} rows: {'; '.join(parts)}."
