"""`steepest check DATA`: a dry run. Reads the data, shows shapes, takes steps, writes nothing."""

import json
from dataclasses import asdict, replace
from statistics import median
from typing import Annotated, Any

import typer

from steepest import nn
from steepest.cli.console import console, say, table
from steepest.cli.flags import with_settings
from steepest.cli.job import Job, prepared
from steepest.data import Part
from steepest.training import fit

__all__ = ["app", "rehearse"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_EPOCHS = 3  # enough for a median that is not the first, cold one
_BATCHES = 10  # enough rows for a step to weigh more than looking at the epoch's end


@app.command()
@with_settings
def check(
    settings: dict[str, Any],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON result.")] = False,
) -> None:
    """Dry run: read the data, show shapes, take a step, estimate the time; nothing is written."""
    job = prepared(settings)
    if as_json:
        found = {
            name: {"layers": [*map(asdict, outlined(job, name).rows)], **tried(job, name)}
            for name in job.names
        }
        print(json.dumps({"notes": job.data.notes, "models": found}, ensure_ascii=False))
        return
    say(job.data.notes)
    for row in job.summary():
        console().print(row, soft_wrap=True)
    rehearse(job)


def rehearse(job: Job) -> None:
    """Show what the training part looks like, then of every model its layers and a few steps."""
    part = job.data.train
    if part.x.ndim == 2:
        console().print(feature_table(job))
    for name in job.names:
        console().print(f"\n{name}\n{outlined(job, name)}", soft_wrap=True)
        found = tried(job, name)
        console().print(
            f"  {found['input'][0]} rows a step: loss {found['loss_before']:.4g}, after {_EPOCHS} "
            f"epochs on {found['rows']} rows {found['loss_after']:.4g}"
        )
        console().print(f"  about {found['seconds']:.1f} s for {job.settings['epochs']} epochs")
    console().print("\nnothing was written")


def feature_table(job: Job) -> Any:
    """Each feature as the model sees it, after scaling; a mean of 1e-9 is rounding, and shown 0."""
    x = job.data.train.x
    rows = [
        (name, *(f"{round(float(v), 6) + 0.0:.3g}" for v in (c.min(), c.mean(), c.max())))
        for name, c in zip(job.data.feature_names, x.T, strict=True)
    ]
    return table(("feature, scaled", "min", "mean", "max"), rows)


def outlined(job: Job, name: str) -> nn.Summary:
    """A model's layers, what they make of a row and what they cost, up to one that fails."""
    return nn.outline(job.model(name), job.data.sample_shape)


def tried(job: Job, name: str) -> dict[str, Any]:
    """A few epochs on a few mini-batches, through the same door as the real training."""
    data, settings = job.data, job.settings
    batch = min(settings["batch_size"], len(data.train))
    rows = min(batch * _BATCHES, len(data.train))
    times = len(data.train) / rows
    small = replace(data, train=_cut(data.train, times), val=_cut(data.val, times))
    chosen = {key: settings[key] for key in ("loss", "optimizer", "lr", "schedule", "seed")}
    model = job.model(name)
    run = fit(model, small, **chosen, batch_size=batch, epochs=_EPOCHS, progress="none")
    return {
        "parameters": sum(p.shape.numel() for p in model.parameters()),
        "input": [batch, *data.sample_shape],
        "output": [batch, data.outputs],
        "rows": rows,
        "loss_before": float(run.step_losses[0][0]),
        "loss_after": float(run.last["loss"]),
        "seconds": median(row["seconds"] for row in run.history) * times * settings["epochs"],
    }


def _cut(part: Part, times: float) -> Part:
    """The first of its rows, so many times fewer: an epoch takes so many times less."""
    rows = round(len(part) / times)
    return Part(part.x[:rows], part.y[:rows], part.rows[:rows])
