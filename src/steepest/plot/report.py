"""The report of a run: one HTML page that holds everything and asks nobody for anything.

It opens from a disk, an e-mail or an archive, in light or in dark, on paper or on a telephone; its
figures are drawings inside the page, each with alternative text. Whoever writes it to a file is on
another floor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from steepest.core import RequestError, said
from steepest.plot import markup
from steepest.plot.classification import confusion_matrix
from steepest.plot.loss_curve import History, loss_curve
from steepest.plot.regression import predicted_actual
from steepest.plot.style import aligned
from steepest.plot.svg import variables
from steepest.plot.weights import feature_weights
from steepest.training.metrics import confusion

__all__ = ["ModelSection", "Report", "Weights", "report_html"]

PAGE = Path(__file__).with_name("page.html")

# What people call a metric, whether it is in the target's units, and which way is better.
_METRICS = {
    "mae": ("Mean absolute error", True, "lower is better"),
    "rmse": ("Root mean squared error", True, "lower is better"),
    "r2": ("R²", False, "1 is perfect"),
    "accuracy": ("Accuracy", False, "1 is perfect"),
    "f1_macro": ("F1, mean over classes", False, "1 is perfect"),
}

# A score: its value alone, or (value, low, high), the ends of its 95% interval.
Score = float | Sequence[float | None]


@dataclass(frozen=True)
class Weights:
    """The weights of a linear model; `label` says what they are, units included."""

    names: Sequence[str]
    values: Any
    label: str


@dataclass(frozen=True)
class ModelSection:
    """One model: what it is, how it was trained, and what it answers on the test part.

    Attributes:
        history: rows with `epoch`, `loss`, `val_loss`, `lr`; empty for a model solved in one go.
        scores: by metric, (value, low, high) on the test part.
        predictions, targets: of the test part, in the target's units; or class numbers.
    """

    name: str
    description: str
    history: History
    scores: Mapping[str, Score]
    predictions: Any
    targets: Any
    weights: Weights | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Report:
    """What a report tells, as plain data.

    Attributes:
        task: "regression" or "classification".
        target, units: what is predicted and what it is measured in.
        classes: the labels, for classes.
        loss: what the loss is, for the axis of its curve.
        baseline_name, baseline: what the baseline does, and its scores by metric.
        data: the data card, name to value: rows, columns, licence, digest.
        provenance: where the data are from.
        data_note: what nobody should overlook about the data.
        data_remarks: one line for each thing that was done to the data.
        settings: every setting, possibly nested.
        created: when, as text.
        part: whose answers are drawn: "test", or another one where no test part was kept.
        versions: of the programs that took part.
    """

    title: str
    subtitle: str
    task: str
    target: str
    models: Sequence[ModelSection]
    units: str | None = None
    classes: Sequence[object] | None = None
    loss: str = "loss"
    baseline_name: str = "baseline"
    baseline: Mapping[str, Score] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    provenance: str = ""
    data_note: str = ""
    data_remarks: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    created: str = ""
    part: str = "test"
    versions: Mapping[str, str] = field(default_factory=dict)


def report_html(report: Report) -> str:
    """The report as one page of HTML, the same text for the same report.

    Raises:
        RequestError: the task is unknown, or there is no model.
    """
    if report.task not in ("regression", "classification"):
        raise RequestError(
            said(
                "report_html",
                f"no task {report.task!r}",
                expected="'regression' or 'classification'",
            )
        )
    if not report.models:
        raise RequestError(said("report_html", "there is no model to report on"))
    sections = (
        markup.section("scores", "Scores", *_scores(report)),
        markup.section("training", "Training", _training(report)),
        markup.section("answers", f"Answers on the {report.part} part", *_answers(report)),
        markup.section("data", "Data", *_data(report)),
        markup.section("settings", "Settings", markup.definitions(report.settings, columns=True)),
    )
    return Template(PAGE.read_text(encoding="utf-8")).substitute(
        title=markup.escaped(report.title),
        subtitle=markup.paragraph(report.subtitle, "subtitle"),
        light=variables("light"),
        dark=variables("dark"),
        sections="\n".join(section for section in sections if section),
        footer=_footer(report),
    )


def _scores(report: Report) -> list[str]:
    """A row for the baseline and for each model, a column for each metric."""
    rows = [(report.baseline_name, "the score to beat", report.baseline)] if report.baseline else []
    rows += [(model.name, model.description, model.scores) for model in report.models]
    metrics = list(dict.fromkeys(name for *_, scores in rows for name in scores))
    if not metrics:
        return [markup.paragraph("No test part was kept, so nothing was scored.", "quiet")]
    columns = [_column([scores.get(metric) for *_, scores in rows]) for metric in metrics]
    body = [
        (f"{markup.escaped(name)}<small>{markup.escaped(about)}</small>", cells)
        for (name, about, _), cells in zip(rows, zip(*columns, strict=True), strict=True)
    ]
    heads = ["Model", *(_head(metric, report.units) for metric in metrics)]
    count = len(report.models[0].targets)
    caption = (
        f"On the {count:,} rows of the test part, which took no part in training or in choosing. "
        "Below each score is its 95% interval, from drawing those rows again with replacement: how "
        "far the score depends on which rows happened to be there."
    )
    return [markup.table("Scores by model", heads, body), markup.paragraph(caption, "quiet")]


def _head(metric: str, units: str | None) -> str:
    name, in_units, better = _METRICS.get(metric, (metric, False, ""))
    measure = f"<small>{markup.escaped(units)}</small>" if units and in_units else ""
    return f"{markup.escaped(name)}{measure}<small>{better}</small>"


def _column(scores: Sequence[Score | None]) -> list[str]:
    """The cells of one metric, all with the same number of decimals."""
    parts = [_parts(score) for score in scores]
    # the scores decide, not the ends of their intervals: one end above 10 would cost all a digit
    scale = [part[0] for part in parts if part]
    written = iter(aligned([value for part in parts for value in part], scale))
    cells = []
    for part in parts:
        value, *interval = [next(written) for _ in part] or ["—"]
        cells.append(f"{value}<small>{' to '.join(interval)}</small>" if interval else value)
    return cells


def _parts(score: Score | None) -> list[float]:
    """[], [value] or [value, low, high]."""
    if score is None:
        return []
    parts = [score] if isinstance(score, float | int) else list(score)[:3]
    return [float(part) for part in parts if part is not None]


def _training(report: Report) -> str:
    runs = {model.name: model.history for model in report.models if len(model.history)}
    if not runs:
        return ""
    caption = (
        "Loss after every epoch, on the training part (solid) and on the validation part (dashed). "
        "The ring marks the lowest validation loss."
    )
    return markup.figure(loss_curve(runs, loss=report.loss), "loss", caption)


def _answers(report: Report) -> list[str]:
    """For each model its answers against the truth, its weights, and what there is to note."""
    pieces = []
    for i, model in enumerate(report.models):
        pieces += [f"<h3>{markup.escaped(model.name)}</h3>", _truth(report, model, f"model{i}")]
        if model.weights is not None:
            w = model.weights
            drawn = feature_weights(w.names, w.values, label=w.label)
            caption = (
                "What the answer gains or loses with each feature, the others held still. Features "
                "that go together share their weight, so a small bar does not mean a useless one."
            )
            pieces.append(markup.figure(drawn, f"weights{i}", caption))
        pieces.append(markup.notes(model.notes))
    return pieces


def _truth(report: Report, model: ModelSection, name: str) -> str:
    if report.task == "regression":
        drawn = predicted_actual(
            model.predictions, model.targets, name=report.target, units=report.units
        )
        caption = (
            f"Left: each {report.part} row once; on the diagonal the prediction is exact. Right: "
            "what is left over. A bend or a funnel in it is structure that the model has not "
            "learned."
        )
        return markup.figure(drawn, name, caption)
    classes = report.classes
    if classes is None:
        classes = range(int(max(np.max(model.predictions), np.max(model.targets))) + 1)
    counts = confusion(model.predictions, model.targets, len(classes))
    caption = (
        f"{report.part.capitalize()} rows by true class (down) and by answer (across), with the "
        "share of the true class. What is off the diagonal is mistaken."
    )
    return markup.figure(confusion_matrix(counts, classes), name, caption)


def _data(report: Report) -> list[str]:
    note = f"<aside>\n{markup.paragraph(report.data_note)}\n</aside>" if report.data_note else ""
    card = dict(report.data)
    if report.provenance:
        card["origin"] = report.provenance
    return [note, markup.definitions(card), markup.notes(report.data_remarks)]


def _footer(report: Report) -> str:
    made = f"Seed {report.seed}" + (f", {report.created}" if report.created else "")
    versions = " · ".join(f"{name} {version}" for name, version in report.versions.items())
    return "\n".join(line for line in (markup.paragraph(made), markup.paragraph(versions)) if line)
