"""`steepest datasets`: what comes with the library, where it is from, and who may use it."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from steepest.cli.console import console, table
from steepest.core import RequestError, closest
from steepest.data import DatasetCard
from steepest.data import datasets as cards

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def datasets(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show one data set in full.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the packaged data sets, or show one with its origin and licence."""
    known = {card.name: card for card in cards()}
    if name is not None and name not in known:
        raise RequestError(f"datasets: no packaged set {name!r}{closest(name, known)}")
    shown = list(known.values()) if name is None else [known[name]]
    if as_json:
        print(json.dumps([asdict(card) for card in shown], ensure_ascii=False, indent=2))
    elif name is None:
        rows = [(c.name, f"{c.rows:,}", str(c.columns), c.task, c.description) for c in shown]
        console().print(table(("name", "rows", "columns", "task", "what it is"), rows))
        console().print("\nsteepest datasets NAME shows one with its origin and licence.")
    else:
        show(shown[0])


def show(card: DatasetCard) -> None:
    """One card in full."""
    rows = [
        ("name", card.name),
        ("what it is", card.description),
        ("rows", f"{card.rows:,}"),
        ("columns", str(card.columns)),
        ("task", card.task),
        ("origin", card.provenance),
        ("licence", card.licence),
    ]
    if card.note:
        rows.append(("note", card.note))
    console().print(table(None, rows))
    console().print(f"\nsteepest train {card.name}")
