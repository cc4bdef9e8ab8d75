"""Loss curves: how training went, epoch by epoch.

Training is solid, validation dashed, and the epoch whose weights were kept is marked. The loss axis
is logarithmic where the losses span more than one decade, and never pretends to be otherwise.
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.core import RequestError, lazy, said
from steepest.plot.series import log_axis
from steepest.plot.style import DASHES, Theme, drawing, finished, new_figure, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ticker = lazy("matplotlib.ticker")

__all__ = ["History", "best_row", "loss_curve"]

History = Sequence[Mapping[str, Any]]

# More points than a figure has pixels are drawn as their mean, with the range that they cover.
_POINTS = 400


def best_row(history: History) -> int | None:
    """The index of the row with the lowest validation loss, or training loss where there is none.

    None where no loss is finite.
    """
    for column in ("val_loss", "loss"):
        values = _column(history, column)
        if np.isfinite(values).any():
            return int(np.nanargmin(np.where(np.isfinite(values), values, np.nan)))
    return None


def loss_curve(
    runs: History | Mapping[str, History],
    *,
    learning_rate: bool = False,
    loss: str = "loss",
    theme: str = "light",
) -> "Figure":
    """Draw the history of one run, or of several side by side on one scale.

    runs: rows with `epoch`, `loss` and, where known, `val_loss` and `lr`; or a name for each of
        several such histories
    learning_rate: a thin panel below with the learning rate of every epoch
    loss: what the loss is, for the axis, with its units where it has any

    Raises:
        RequestError: a history is empty.
    """
    named: Mapping[str, History] = runs if isinstance(runs, Mapping) else {"": runs}
    if not named or not all(len(history) for history in named.values()):
        raise RequestError(
            said("loss_curve", "there is nothing to draw", expected="a row for each epoch")
        )
    logarithmic = _spans_a_decade(named.values(), ("loss", "val_loss"))
    with drawing(theme) as colours:
        figure, losses, rates = _panels(len(named), learning_rate)
        for ax, (name, history) in zip(losses, named.items(), strict=True):
            _draw_losses(ax, history, colours)
            ax.set_title(name, pad=24 if name else 6)
        for ax in losses[::2]:
            label = loss + (", logarithmic" if logarithmic else "")
            ax.set_ylabel(textwrap.fill(label, 36))
        if logarithmic:
            log_axis(losses[0])
        _draw_rates(rates, list(named.values()), colours)
        for ax in rates or losses:
            ax.set_xlabel("epoch")
            ax.xaxis.set_major_locator(ticker.MaxNLocator(7, steps=[1, 2, 5, 10], integer=True))
        return finished(figure, " ".join(_in_words(n, h, loss) for n, h in named.items()))


def _column(history: History, name: str) -> np.ndarray:
    """One value per row; NaN where the row has none."""
    values = [row.get(name) for row in history]
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _spans_a_decade(histories: Any, columns: Sequence[str]) -> bool:
    values = np.concatenate([_column(h, name) for h in histories for name in columns])
    values = values[np.isfinite(values)]
    return bool(values.size and values.min() > 0 and values.max() > 10 * values.min())


def _panels(count: int, learning_rate: bool) -> tuple["Figure", list[Any], list[Any]]:
    """A figure with a panel per run, two in a row, and below each one for the learning rate."""
    columns = min(count, 2)
    rows = -(-count // columns)
    heights = [3.2, 0.9] if learning_rate else [3.2]
    figure = new_figure(9.0 if columns == 2 else 6.4, rows * (sum(heights) + 0.4))
    grid = figure.add_gridspec(rows * len(heights), columns, height_ratios=heights * rows)
    losses: list[Any] = []
    rates: list[Any] = []
    for i in range(count):
        row, column = len(heights) * (i // columns), i % columns
        losses.append(figure.add_subplot(grid[row, column], sharey=losses[0] if losses else None))
        if learning_rate:
            shared = {"sharex": losses[-1], "sharey": rates[0] if rates else None}
            rates.append(figure.add_subplot(grid[row + 1, column], **shared))
            losses[-1].tick_params(labelbottom=False)
    return figure, losses, rates


def _draw_losses(ax: Any, history: History, colours: Theme) -> None:
    epochs = _column(history, "epoch")
    for i, (column, label) in enumerate((("loss", "training"), ("val_loss", "validation"))):
        values = _column(history, column)
        if np.isfinite(values).any():
            _line(ax, epochs, values, colours.series[i], DASHES[i], label)
    best = best_row(history)
    if best is None:
        ax.text(0.5, 0.5, "no loss was finite", transform=ax.transAxes, ha="center")
        return
    validated = np.isfinite(_column(history, "val_loss")).any()
    lowest = _column(history, "val_loss" if validated else "loss")[best]
    ax.axvline(epochs[best], color=colours.muted, linewidth=0.8, linestyle=DASHES[2], zorder=1)
    ax.plot(
        epochs[best],
        lowest,
        linestyle="none",
        marker="o",
        markersize=7,
        markerfacecolor=colours.paper,
        markeredgecolor=colours.ink,
        markeredgewidth=1.4,
        zorder=4,
        label=f"best, epoch {epochs[best]:.0f}",
    )
    # above the panel, where no curve can run through it
    above = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2, "borderpad": 0}
    ax.legend(**above, ncols=3, handlelength=2.2, handletextpad=0.5, columnspacing=1.4)


def _line(ax: Any, x: np.ndarray, y: np.ndarray, colour: str, dashes: Any, label: str) -> None:
    """A line through the points; of many points, their mean and the range from low to high."""
    if len(y) > _POINTS:
        x, y, low, high = _thinned(x, y)
        ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    marker = "o" if len(y) == 1 else None
    ax.plot(x, y, color=colour, linestyle=dashes, label=label, marker=marker)


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """x, mean, minimum and maximum of at most `_POINTS` equal stretches; finite values only."""
    finite = np.isfinite(y)
    x, y = x[finite], y[finite]
    starts = np.unique(np.linspace(0, len(y), _POINTS, endpoint=False).astype(int))
    sizes = np.diff(np.append(starts, len(y)))
    return (
        np.add.reduceat(x, starts) / sizes,
        np.add.reduceat(y, starts) / sizes,
        np.minimum.reduceat(y, starts),
        np.maximum.reduceat(y, starts),
    )


def _draw_rates(rates: Sequence[Any], histories: Sequence[History], colours: Theme) -> None:
    for ax, history in zip(rates, histories, strict=False):
        ax.plot(_column(history, "epoch"), _column(history, "lr"), color=colours.muted, lw=1.2)
    for ax in rates[::2]:
        ax.set_ylabel("learning rate", fontsize=8)
    if rates and _spans_a_decade(histories, ("lr",)):
        log_axis(rates[0])
    elif rates:
        rates[0].yaxis.set_major_locator(ticker.MaxNLocator(3))
        rates[0].set_ylim(bottom=0)


def _in_words(name: str, history: History, loss: str) -> str:
    """The curve as a sentence, for alternative text."""
    who = f"{name}: " if name else ""
    epochs, values = _column(history, "epoch"), _column(history, "loss")
    best = best_row(history)
    if best is None:
        return f"{who}no {loss} was finite in {len(history)} epochs."
    change = (
        f"{number(values[0])} to {number(values[-1])}" if len(values) > 1 else number(values[0])
    )
    said_of = f"{who}training {loss} over {len(history)} epochs: {change}"
    validation = _column(history, "val_loss")
    if not np.isfinite(validation).any():
        return f"{said_of}; lowest at epoch {epochs[best]:.0f}."
    lowest = number(validation[best])
    return f"{said_of}; validation is lowest at epoch {epochs[best]:.0f}, {lowest}."
