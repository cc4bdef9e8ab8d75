"""Scores: what a model is worth, with how sure one can be and what it has to beat.

Every score comes with a 95% interval and with the score of a baseline that does not look at the
features: it always answers the training part's mean, or its most frequent class. The interval is
the bootstrap's: the rows are drawn again, with replacement, a thousand times, and the middle 95% of
the scores are kept. It tells how much the score owes to the rows that happened to be in this part;
it does not tell how much it owes to the seed (train several for that).

Source: Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7, 1979.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from steepest import nn
from steepest.core import RequestError, Streams, said
from steepest.training.measure import answers, outputs, truths
from steepest.training.metrics import METRICS, Weighted, confusion, flat

__all__ = ["Score", "Scores", "baseline_of", "evaluate"]

_RESAMPLES = 1000
_BLOCK = 4_000_000  # weights held in memory at once


class Score(NamedTuple):
    """One metric: its value, the ends of its 95% interval, and the baseline's value if known."""

    value: float
    low: float
    high: float
    baseline: float | None = None


@dataclass(frozen=True)
class Scores:
    """The scores of a model on one part.

    Attributes:
        task: "regression" or "classification".
        rows: how many rows they were measured on.
        metrics: mae, rmse, r2 in the target's units, or accuracy, f1_macro.
        units: of the target, where they are known.
        classes: the labels, for classes.
        confusion: counts of shape (true class, predicted class), for classes.
    """

    task: str
    rows: int
    metrics: dict[str, Score]
    units: str | None = None
    classes: list[Any] | None = None
    confusion: np.ndarray | None = None

    def __getitem__(self, metric: str) -> Score:
        return self.metrics[metric]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, to be written to a file."""
        table = None if self.confusion is None else self.confusion.tolist()
        metrics = {name: score._asdict() for name, score in self.metrics.items()}
        return {"rows": self.rows, "units": self.units, **metrics, "confusion": table}

    def __str__(self) -> str:
        lines = [f"{'':<9} {'score':>9}  {'95% interval':^20}  {'baseline':>9}"]
        for name, (value, low, high, baseline) in self.metrics.items():
            beside = "" if baseline is None else f"{baseline:9.4g}"
            interval = f"{low:9.4g} … {high:.4g}"
            lines.append(f"{name:<9} {value:9.4g}  {interval:<20}  {beside:>9}")
        units = f"; mae and rmse in {self.units}" if self.units else ""
        return "\n".join([*lines, f"on {self.rows} rows{units}"])


def baseline_of(data: Any) -> float:
    """What a model that ignores the features answers: the training mean, in the target's units, or
    the number of the training part's most frequent class."""
    y = data.train.y
    if data.task == "regression":
        return float(data.preparation.in_units(y).mean())
    return int(np.bincount(y).argmax())


def evaluate(
    model: nn.Module,
    preparation: Any,
    part: Any,
    baseline: float | None = None,
    *,
    seed: int = 0,
    notes: list[str] | None = None,
) -> Scores:
    """Measure a model on a part of the data, or on new data with known answers.

    Args:
        model: a trained model.
        preparation: of the data it was trained on, `data.preparation`.
        part: such as `data.test`; or a file, a data frame, arrays (x, y).
        baseline: `baseline_of(data)`, to have its scores beside the model's.
        seed: of the bootstrap; the same seed gives the same intervals.
        notes: gets one line for each remark on new data.

    Raises:
        RequestError: no rows, or data that do not fit the preparation.
    """
    x, y = _rows(preparation, part, [] if notes is None else notes)
    if not len(x):
        raise RequestError(said("evaluate", "there are no rows to measure on"))
    answer, truth = (
        flat(answers(model, preparation, outputs(model, x))),
        flat(truths(preparation, y)),
    )
    metrics = METRICS[preparation.task]
    once = np.ones((1, len(truth)))
    intervals = _intervals(metrics, answer, truth, Streams(seed)("bootstrap"))
    scores = {}
    for name, metric in metrics.items():
        low, high = intervals[name]
        beside = None
        if baseline is not None:
            beside = float(metric(np.full_like(truth, baseline), truth, once)[0])
        scores[name] = Score(float(metric(answer, truth, once)[0]), low, high, beside)
    classes = preparation.classes
    counts = None if classes is None else confusion(answer, truth, len(classes))
    return Scores(preparation.task, len(truth), scores, preparation.units, classes, counts)


def _rows(preparation: Any, part: Any, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Prepared features and targets of a part, or of anything the preparation can open."""
    if hasattr(part, "x") and hasattr(part, "y"):
        return part.x, part.y
    return preparation.features(part, notes), preparation.targets(part)


def _intervals(
    metrics: dict[str, Weighted], answer: np.ndarray, truth: np.ndarray, random: np.random.Generator
) -> dict[str, tuple[float, float]]:
    """The 2.5% and 97.5% points of each metric over resamples of the rows."""
    n = len(truth)
    found: dict[str, list[np.ndarray]] = {name: [] for name in metrics}
    at_once = max(1, min(_RESAMPLES, _BLOCK // n))
    for start in range(0, _RESAMPLES, at_once):
        count = min(at_once, _RESAMPLES - start)
        drawn = random.integers(n, size=(count, n)) + n * np.arange(count)[:, None]
        weights = np.bincount(drawn.reshape(-1), minlength=count * n).reshape(count, n)
        for name, metric in metrics.items():
            found[name].append(metric(answer, truth, weights.astype(np.float64)))
    ends = {name: np.percentile(np.concatenate(v), [2.5, 97.5]) for name, v in found.items()}
    return {name: (float(low), float(high)) for name, (low, high) in ends.items()}
