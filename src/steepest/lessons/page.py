"""Page: what a lesson draws on: a figure, the colours of a theme, the words of a language."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest import plot
from steepest.lessons.lesson import Found, Lesson, Text
from steepest.plot import Theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Page", "drawn"]


class Page:
    """A figure in the making.

    Attributes:
        colours: the theme's roles; `page.colours.series[i]` is the i-th colour.
        figure: made by `panels`.
    """

    figure: "Figure"

    def __init__(self, text: Text, colours: Theme):
        self._text, self.colours = text, colours

    def word(self, key: str) -> str:
        """A word of the lesson, in the figure's language."""
        return self._text.words[key]

    def panels(self, columns: int = 1, rows: int = 1, **size: float) -> Any:
        """Axes side by side: an array (columns,), or (rows, columns) of several rows.

        size: `width` and `height` of the figure, in inches.
        """
        width = size.get("width", 5.2 if columns == 1 else min(9.6, 4.5 * columns))
        self.figure = plot.new_figure(width, size.get("height", 3.5 * rows))
        axes = self.figure.subplots(rows, columns, squeeze=False)
        return axes[0] if rows == 1 else axes

    def label(self, ax: Any, x: str, y: str, title: str = "") -> None:
        """Words by their keys on the axes, and above them."""
        ax.set_xlabel(self.word(x))
        ax.set_ylabel(self.word(y))
        if title:
            ax.set_title(self.word(title))

    def band(self, ax: Any, x: Any, runs: Any, series: int, key: str, **looks: Any) -> None:
        """Runs (seeds, n) as a mean with its range; `key` is the word in the legend."""
        plot.band(ax, x, runs, self.colours, series, self.word(key), **looks)

    def ranges(self, ax: Any, x: Any, runs: Any, series: int, key: str) -> None:
        """Runs (seeds, n) as marks with their ranges: things side by side, not a curve."""
        plot.ranges(ax, x, runs, self.colours, series, self.word(key))

    def bars(self, ax: Any, found: Found, names: Sequence[str]) -> None:
        """A bar for each measured number, every seed a point; the names are words too."""
        runs = np.array([found[name].values for name in names]).T
        plot.bars(ax, [self.word(name) for name in names], runs, self.colours)

    def contours(self, ax: Any, across: Any, up: Any, heights: Any) -> None:
        """Lines of equal height: across (n,), up (m,), heights (m, n)."""
        plot.contours(ax, across, up, heights, self.colours)

    def path(self, ax: Any, points: Any, series: int, key: str, **looks: Any) -> None:
        """A path (n, 2) across a plane."""
        plot.path(ax, points, self.colours, series, self.word(key), **looks)

    def logarithmic(self, ax: Any, axis: str = "y") -> None:
        """A logarithmic axis; to be called when everything is drawn."""
        plot.log_axis(ax, axis)

    def legend(self, ax: Any, columns: int = 3) -> None:
        """The legend of a panel, below the whole figure, where no curve can run through it."""
        handles, labels = ax.get_legend_handles_labels()
        count = min(columns, len(labels))
        self.figure.legend(
            handles, labels, loc="outside lower center", ncols=count, handlelength=2.6
        )


def drawn(lesson: Lesson, found: Found, lang: str = "en", theme: str = "light") -> "Figure":
    """The lesson's figure. Its label says in words what was found."""
    text = lesson.texts[lang]
    with plot.drawing(theme) as colours:
        page = Page(text, colours)
        lesson.draw(found, page)
        return plot.finished(page.figure, text.result.format_map(found.numbers()))
