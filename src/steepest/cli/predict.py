"""`steepest predict RUN DATA`: answers for new data, as CSV."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from steepest.cli.console import say
from steepest.core import RequestError, said
from steepest.training import Predictions, write_text
from steepest.training import predict as answer

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def predict(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run folder, or a saved model.")],
    source: Annotated[
        list[str],
        typer.Argument(metavar="DATA", help="A file with the model's columns, or pictures."),
    ],
    out: Annotated[str | None, typer.Option(help="Write to this CSV file.", metavar="FILE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No remarks.")] = False,
) -> None:
    """Apply a saved run or model to new data, with the scaling it was trained with."""
    notes: list[str] = []
    found = answer(run, source, notes)
    if not quiet:
        say(notes)
    if as_json:
        print(json.dumps(as_columns(found), ensure_ascii=False))
    elif out is None:
        sys.stdout.write(as_csv(found))
    else:
        written(Path(out), as_csv(found))
        if not quiet:
            say([f"{len(found)} predictions written to {out}"])


def as_columns(found: Predictions) -> dict[str, list]:
    return {name: values.tolist() for name, values in found.columns().items()}


def as_csv(found: Predictions) -> str:
    """One line per row of the data, in its order, under a header."""
    columns = as_columns(found)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def written(path: Path, content: str) -> None:
    try:
        write_text(path, content)
    except OSError as error:
        raise RequestError(said("--out", f"cannot write {path}", got=error.strerror)) from None
