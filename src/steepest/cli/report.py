"""The report of a job: what the library measured, put on the page that plot/report.py draws."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from steepest.cli.job import Job
from steepest.data import Data, Part, datasets
from steepest.plot import ModelSection, Report, Weights, report_html
from steepest.training import (
    Fit,
    Scores,
    answered,
    linear_weights,
    manifest,
    weight_unit,
    write_text,
)

__all__ = ["write_report"]


def write_report(job: Job, fits: dict[str, Fit], scores: dict[str, Scores]) -> Path:
    """Write report.html into the run folder; returns its path."""
    path = fits[job.names[0]].folder.path / "report.html"
    write_text(path, report_html(assembled(job, fits, scores)))
    return path


def assembled(job: Job, fits: dict[str, Fit], scores: dict[str, Scores]) -> Report:
    """Everything that the page tells, as plain data."""
    data, prepared = job.data, job.data.preparation
    first = fits[job.names[0]]
    made_with = manifest(first)
    card = next((c for c in datasets() if c.name == data.name), None)
    rows = len(data.train) + len(data.val) + len(data.test)
    facts = {
        "rows": f"{rows:,} (train {len(data.train):,}, validation {len(data.val):,}, "
        f"test {len(data.test):,})",
        "features": math.prod(data.sample_shape),
        "SHA-256": data.digest,
    }
    constant = "mean" if data.task == "regression" else "majority class"
    beaten = scores[job.names[0]].metrics if scores else {}
    answered_on, _ = shown_part(data)
    return Report(
        title=f"{data.name}: {prepared.target}",
        subtitle=card.description if card else f"predicted from {facts['features']} features",
        task=data.task,
        target=prepared.target,
        models=[section(job, name, fits[name], scores) for name in reversed(job.names)],
        units=prepared.units,
        classes=prepared.classes,
        loss=f"{first.settings['loss']} loss (target scaled)"
        if data.task == "regression"
        else f"{first.settings['loss']} loss",
        baseline_name=f"baseline ({constant})",
        baseline={m: s.baseline for m, s in beaten.items() if s.baseline is not None},
        data=facts | ({"licence": card.licence} if card else {}),
        provenance=data.provenance,
        data_note=card.note if card else "",
        data_remarks=[
            note for note in data.notes if not (card and card.note and card.note in note)
        ],
        settings={**job.sections(job.names[0]), "training": first.settings},
        seed=job.settings["seed"],
        part=answered_on,
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        versions={name: made_with[name] for name in ("steepest", "numpy", "python")},
    )


def shown_part(data: Data) -> tuple[str, Part]:
    """The part whose answers are drawn, and its name: the least used one that has rows."""
    parts = {"test": data.test, "validation": data.val, "training": data.train}
    return next((name, part) for name, part in parts.items() if len(part))


def section(job: Job, name: str, fit: Fit, scores: dict[str, Scores]) -> ModelSection:
    """One model's part of the page, with its answers on the part that is shown."""
    data = job.data
    _, part = shown_part(data)
    predictions, targets = answered(fit.model, data.preparation, part)
    weights = None
    if name == "linear" and data.task == "regression":
        learned = linear_weights(fit.model, data)
        weights = Weights(list(learned), list(learned.values()), weight_unit(data))
    count = sum(p.shape.numel() for p in fit.model.parameters())
    how = f"{count:,} parameters, {fit.settings['optimizer']}, {len(fit.history)} epochs"
    measured: Any = {m: tuple(s)[:3] for m, s in scores[name].metrics.items()} if scores else {}
    return ModelSection(
        name, how, fit.history, measured, predictions, targets, weights, tuple(fit.notes)
    )
