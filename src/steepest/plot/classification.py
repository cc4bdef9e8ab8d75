"""The confusion matrix: which class was taken for which."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.core import RequestError, lazy, said
from steepest.plot.style import Theme, drawing, finished, new_figure, number, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

patches = lazy("matplotlib.patches")

__all__ = ["confusion_matrix"]

# With more classes the cells become too small to write in, and shading has to do.
_WRITTEN = 20


def confusion_matrix(
    counts: Any, classes: Sequence[object] | None = None, *, theme: str = "light"
) -> "Figure":
    """Draw counts of shape (true class, predicted class), with the share of each row.

    classes: a name for each class, in the order of the counts; their numbers by default

    Raises:
        RequestError: the counts are not square, or there are not as many names as classes.
    """
    counts = np.asarray(counts)
    names = [str(c) for c in (range(len(counts)) if classes is None else classes)]
    if counts.ndim != 2 or counts.shape != (len(names), len(names)):
        raise RequestError(
            said(
                "confusion_matrix",
                "counts need a row and a column for each class",
                expected=f"shape ({len(names)}, {len(names)}) for {len(names)} classes",
                got=f"shape {counts.shape}",
            )
        )
    side = min(max(2.6, 0.56 * len(names)), 11.0)
    with drawing(theme) as colours:
        figure = new_figure(side + 1.1, side + 0.8)
        ax = figure.add_subplot()
        _draw_cells(ax, counts, colours)
        labels = [shortened(name, 14) for name in names]
        slanted: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
        crowded = max(map(len, labels)) > (5 if len(names) > 3 else 10)
        ax.set_xticks(range(len(names)), labels, **(slanted if crowded else {}))
        ax.set_yticks(range(len(names)), labels)
        ax.set(xlabel="predicted class", ylabel="true class")
        return finished(figure, _in_words(counts, names))


def _shares(counts: np.ndarray) -> np.ndarray:
    """Each cell's share of its row; 0 in the row of a class that does not occur."""
    totals = counts.sum(1, keepdims=True)
    return counts / np.where(totals > 0, totals, 1)


def _draw_cells(ax: Any, counts: np.ndarray, colours: Theme) -> None:
    """One square per cell, the darker the larger its share, with the count and the share in it."""
    shares = _shares(counts)
    for (row, column), share in np.ndenumerate(shares):
        cell = {"facecolor": colours.series[0], "edgecolor": "none"}
        if share > 0:
            square = (column - 0.5, row - 0.5)
            # a single mistake among thousands is still a tint, not the colour of paper
            ax.add_patch(_rectangle(square, alpha=0.08 + 0.92 * float(share), **cell))
        if len(counts) <= _WRITTEN:
            _write(ax, row, column, int(counts[row, column]), float(share), colours)
    edges = np.arange(len(counts) + 1) - 0.5
    for edge in edges:
        ax.axhline(edge, color=colours.rule, linewidth=0.8, clip_on=False)
        ax.axvline(edge, color=colours.rule, linewidth=0.8, clip_on=False)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    ax.set(xlim=edges[[0, -1]], ylim=edges[[-1, 0]], aspect="equal")


def _rectangle(corner: tuple[float, float], **style: Any) -> Any:
    return patches.Rectangle(corner, 1, 1, **style)


def _write(ax: Any, row: int, column: int, count: int, share: float, colours: Theme) -> None:
    if not count:
        ax.text(column, row, "0", ha="center", va="center", color=colours.muted, fontsize=8)
        return
    # where the tint is as far from the ink as from the paper, in both themes
    colour = colours.paper if share > 0.7 else colours.ink
    weight = "bold" if row == column else "normal"
    place = {"ha": "center", "color": colour, "textcoords": "offset points"}
    ax.annotate(f"{count:,}", (column, row), (0, 0.5), va="bottom", weight=weight, **place)
    ax.annotate(_percent(share), (column, row), (0, -2.5), va="top", fontsize=7.5, **place)


def _percent(share: float) -> str:
    """98%, 4.1%, 99.7%: a decimal where the whole number would hide the mistakes."""
    return f"{share:.0%}" if 0.0995 <= share < 0.995 or share == 1 else f"{share:.1%}"


def _in_words(counts: np.ndarray, names: Sequence[str]) -> str:
    """Rows, rows that are right, and the most frequent mistake."""
    total, right = int(counts.sum()), int(np.trace(counts))
    said_of = f"Confusion matrix of {len(names)} classes: {right:,} of {total:,} rows are right"
    mistakes = counts - np.diag(np.diag(counts))
    if not mistakes.any():
        return said_of + "."
    true, predicted = divmod(int(np.argmax(mistakes)), len(names))
    often = number(mistakes[true, predicted])
    return f"{said_of}; most often, {names[true]} was taken for {names[predicted]} ({often} times)."
