"""`steepest evaluate RUN DATA`: the scores of a saved run or model on labelled data."""

import json
from typing import Annotated

import typer

from steepest.cli.console import console, figures, say, table
from steepest.core import RequestError, said
from steepest.training import Saved, Score, load
from steepest.training import evaluate as scores_of

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def evaluate(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run folder, or a saved model.")],
    source: Annotated[
        str, typer.Argument(metavar="DATA", help="Data with the features and the target.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No remarks.")] = False,
) -> None:
    """Score a saved run or model on labelled data, with 95 % intervals."""
    saved = load(run)
    if not isinstance(saved, Saved) or saved.preparation is None:
        raise RequestError(
            said("evaluate", f"{run} holds weights alone", expected="a model and its preparation")
        )
    notes: list[str] = []
    found = scores_of(
        saved.model, saved.preparation, source, saved.extra.get("baseline"), notes=notes
    )
    if not quiet:
        say(notes)
    if as_json:
        print(json.dumps(found.to_json(), ensure_ascii=False))
        return
    units = f" ({found.units})" if found.units else ""
    rows = [
        (
            f"{name}{units}" if name in ("mae", "rmse") else name,
            *interval(score),
            "" if score.baseline is None else figures(score.baseline)[0],
        )
        for name, score in found.metrics.items()
    ]
    console().print(table((f"{found.rows:,} rows", "score", "95 % interval", "baseline"), rows))


def interval(score: Score) -> tuple[str, str]:
    """A score, and where it may lie."""
    value, low, high = figures(score.value, score.low, score.high)
    return value, f"[{low}, {high}]"
