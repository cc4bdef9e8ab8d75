"""Predicted against actual: where a regression model is right, and how it is wrong.

On the left every row is a point that should lie on the diagonal; on the right is what is left over,
against the prediction, where a bend or a funnel shows what the model has not understood.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.core import RequestError, said
from steepest.plot.style import Theme, aligned, drawing, finished, new_figure, number, with_units
from steepest.training.metrics import measured

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["predicted_actual"]

# Points beyond these are not seen one by one, and each costs a hundred bytes in a report.
_POINTS = 1200


def predicted_actual(
    predictions: Any,
    targets: Any,
    *,
    name: str = "target",
    units: str | None = None,
    theme: str = "light",
) -> "Figure":
    """Draw predictions against targets, and the residuals (actual − predicted) beside them.

    predictions, targets: (n,) or (n, 1), in the target's own units
    name, units: what the target is and what it is measured in, for the axes

    Of very many rows, a part is drawn that keeps the distribution of the residuals and both of its
    extremes; the scores are those of all rows.

    Raises:
        RequestError: the two differ in length, are empty, or hold a number that is not finite.
    """
    predicted, actual = _checked(predictions, targets)
    scores = measured("regression", predicted, actual)
    residual = actual - predicted
    shown = np.argsort(residual, kind="stable")
    if len(shown) > _POINTS:
        shown = shown[np.linspace(0, len(shown) - 1, _POINTS).round().astype(int)]
    with drawing(theme) as colours:
        figure = new_figure(9.0, 3.9)
        grid = figure.add_gridspec(1, 3, width_ratios=[1, 1.05, 0.16])
        left, middle = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
        side = figure.add_subplot(grid[2], sharey=middle)
        _draw_diagonal(left, predicted[shown], actual[shown], colours)
        left.set(xlabel=with_units(f"actual {name}", units))
        left.set(ylabel=with_units(f"predicted {name}", units), title="Predicted against actual")
        _annotate(left, scores, units, len(actual), len(shown))
        _draw_residuals(middle, predicted[shown], residual[shown], colours)
        middle.set(xlabel=with_units(f"predicted {name}", units))
        middle.set(ylabel=with_units("actual − predicted", units), title="Residuals")
        _draw_histogram(side, residual, colours)
        return finished(figure, _in_words(name, units, scores, residual))


def _checked(predictions: Any, targets: Any) -> tuple[np.ndarray, np.ndarray]:
    predicted, actual = (
        np.asarray(v, dtype=np.float64).reshape(-1) for v in (predictions, targets)
    )
    if len(predicted) != len(actual) or not len(actual):
        raise RequestError(
            said(
                "predicted_actual",
                "every row needs a prediction and a target",
                got=f"{len(predicted)} predictions, {len(actual)} targets",
            )
        )
    wrong = ~(np.isfinite(predicted) & np.isfinite(actual))
    if wrong.any():
        where = f"row {int(np.argmax(wrong))}, {int(wrong.sum())} of {len(wrong)} rows in all"
        raise RequestError(said("predicted_actual", "a number is not finite", got=where))
    return predicted, actual


def _points(ax: Any, x: np.ndarray, y: np.ndarray, colours: Theme) -> None:
    ax.plot(
        x,
        y,
        linestyle="none",
        marker="o",
        markersize=4,
        markerfacecolor=colours.series[0],
        markeredgewidth=0,
        markeredgecolor=colours.series[0],
        alpha=0.65 if len(x) < 300 else 0.4,
    )


def _draw_diagonal(ax: Any, predicted: np.ndarray, actual: np.ndarray, colours: Theme) -> None:
    _points(ax, actual, predicted, colours)
    low = min(predicted.min(), actual.min())
    high = max(predicted.max(), actual.max())
    margin = 0.04 * (high - low) or 1.0
    limits = (low - margin, high + margin)
    ax.plot(limits, limits, color=colours.ink, linewidth=1, zorder=1.5)
    ax.set(xlim=limits, ylim=limits, box_aspect=1)


def _draw_residuals(ax: Any, predicted: np.ndarray, residual: np.ndarray, colours: Theme) -> None:
    _points(ax, predicted, residual, colours)
    ax.axhline(0, color=colours.ink, linewidth=1, zorder=1.5)
    # zero in the middle: as much room for errors of one sign as of the other
    reach = 1.08 * np.abs(residual).max() or 1.0
    ax.set_ylim(-reach, reach)


def _draw_histogram(ax: Any, residual: np.ndarray, colours: Theme) -> None:
    reach = np.abs(residual).max() or 1.0
    bins = int(np.clip(2 * len(residual) ** (1 / 3), 6, 40)) | 1  # odd, so one is centred on zero
    style = {"color": colours.muted, "alpha": 0.45, "linewidth": 0}
    ax.hist(residual, bins=bins, range=(-reach, reach), orientation="horizontal", **style)
    ax.axhline(0, color=colours.ink, linewidth=1)
    ax.set_axis_off()


def _annotate(ax: Any, scores: dict[str, float], units: str | None, rows: int, shown: int) -> None:
    (r2,), (rmse,) = aligned([scores["r2"]]), aligned([scores["rmse"]])
    lines = [f"R² {r2}", with_units(f"RMSE {rmse}", units)]
    lines.append(f"{rows:,} rows" + (f", {shown:,} drawn" if shown < rows else ""))
    ax.text(0.035, 0.97, "\n".join(lines), transform=ax.transAxes, va="top", linespacing=1.5)


def _in_words(name: str, units: str | None, scores: dict[str, float], residual: np.ndarray) -> str:
    unit = f" {units}" if units else ""
    low, high = number(residual.min()), number(residual.max())
    return (
        f"Predicted against actual {name} for {len(residual):,} rows, with the diagonal, and the "
        f"residuals against the prediction: R² {number(scores['r2'])}, root mean squared error "
        f"{number(scores['rmse'])}{unit}, residuals from {low} to {high}{unit}, "
        f"on average {number(residual.mean())}."
    )
