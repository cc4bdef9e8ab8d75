"""`steepest summary RUN`: the layers of a saved model, what they make and what they cost."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from steepest import nn
from steepest.core import RequestError, said
from steepest.training import Saved, load

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def summary(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run folder, or a saved model.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a saved model's layers: shapes, parameters, connections, multiply-adds."""
    saved = load(run)
    if not isinstance(saved, Saved):
        raise RequestError(said("summary", f"{run} holds weights alone", expected="a saved model"))
    shape = None if saved.preparation is None else saved.preparation.sample_shape
    if as_json:
        print(json.dumps(asdict(nn.outline(saved.model, shape)), ensure_ascii=False))
    else:
        nn.summary(saved.model, shape)
