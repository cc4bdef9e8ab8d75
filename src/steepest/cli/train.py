"""`steepest train DATA`: the five steps in one command.

A linear model is trained beside the one asked for, both are put beside a baseline that looks at no
feature, and the test part is opened once, at the end.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from steepest.cli.check import rehearse
from steepest.cli.console import console, figures, say, table
from steepest.cli.flags import with_settings
from steepest.cli.job import Job, prepared
from steepest.cli.report import write_report
from steepest.training import Fit, RunFolder, Scores, baseline_of, closed_form, evaluate

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
@with_settings
def train(
    settings: dict[str, Any],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON result.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but mistakes.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Rehearse, as check does.")] = False,
) -> None:
    """Train on a table, arrays or a packaged set; write scores, saved model and report."""
    job = prepared(settings)
    silent = quiet or as_json
    if not silent:
        say(job.data.notes)
        for row in job.summary():
            console().print(row, soft_wrap=True)
    if dry_run:
        rehearse(job)
        return
    fits = trained(job, silent)
    scores = opened(job, fits)
    path = write_report(job, fits, scores)
    if as_json:
        print(json.dumps(as_result(fits, scores), ensure_ascii=False))
    elif not quiet:
        show(job, fits, scores, path)


def trained(job: Job, silent: bool) -> dict[str, Fit]:
    """The wanted model into the run folder, the reference into a folder inside it."""
    fits: dict[str, Fit] = {}
    path = Path(job.settings["out"] or Path("runs") / Path(job.data.name).stem)
    for name in job.names:
        if fits:
            path = fits[job.names[0]].folder.path / name
        if not silent:
            console().print(f"\n{name}")
        fits[name] = job.train(
            name, RunFolder(path, job.sections(name)), "none" if silent else "auto"
        )
        if not silent:
            say(fits[name].notes)
    return fits


def opened(job: Job, fits: dict[str, Fit]) -> dict[str, Scores]:
    """The scores on the test part, which nothing has looked at before."""
    data, seed = job.data, job.settings["seed"]
    if not len(data.test):
        return {}
    baseline = baseline_of(data)
    scores = {
        name: evaluate(fit.model, data.preparation, data.test, baseline, seed=seed)
        for name, fit in fits.items()
    }
    for name, fit in fits.items():
        fit.folder.add_scores("test", scores[name])
    return scores


def as_result(fits: dict[str, Fit], scores: dict[str, Scores]) -> dict[str, Any]:
    """Everything a program would ask: folders, epochs, scores."""
    return {
        name: {
            "run": str(fit.folder.path),
            "epochs": len(fit.history),
            "best_epoch": fit.best_epoch,
            "best": fit.best,
            "last": fit.last,
            "stopped": fit.stopped,
            "notes": [*fit.data.notes, *fit.notes],
            "test": scores[name].to_json() if scores else None,
        }
        for name, fit in fits.items()
    }


def show(job: Job, fits: dict[str, Fit], scores: dict[str, Scores], report: Path) -> None:
    """The scores side by side, and what to do next."""
    run = fits[job.names[0]].folder.path
    if scores:
        units = job.data.preparation.units
        measured = f"; mae and rmse in {units}" if units else ""
        console().print(
            f"\ntest part, {len(job.data.test):,} rows, opened once; 95 % intervals{measured}",
            soft_wrap=True,
        )
        console().print(score_table(job, scores))
        if job.least_squares and "linear" in fits:
            console().print(agreement(job, scores["linear"]), soft_wrap=True)
    console().print(f"run        {run}", soft_wrap=True)
    console().print(f"report     {report}", soft_wrap=True)
    console().print(f"use it     steepest predict {run} DATA", soft_wrap=True)


def agreement(job: Job, found: Scores) -> str:
    """Where descent led the linear model, beside the solution of the equations."""
    solved = evaluate(closed_form(job.data), job.data.preparation, job.data.test)["rmse"].value
    difference = abs(found["rmse"].value / solved - 1)
    return (
        f"linear by descent: rmse {found['rmse'].value:.5g}; by the closed form: {solved:.5g} "
        f"(they differ by {difference:.1e} of it)\n"
    )


def score_table(job: Job, scores: dict[str, Scores]) -> Any:
    """One row per model, the baseline first, a 95 % interval behind every score."""
    first = next(iter(scores.values()))
    constant = "mean" if job.data.task == "regression" else "majority class"
    beaten = [s.baseline for s in first.metrics.values() if s.baseline is not None]
    rows = [[f"baseline ({constant})", *(figures(value)[0] for value in beaten)]]
    for name in reversed(job.names):
        found = (figures(s.value, s.low, s.high) for s in scores[name].metrics.values())
        rows.append([name, *(f"{value} ({low}–{high})" for value, low, high in found)])
    return table(["model", *first.metrics], rows)
