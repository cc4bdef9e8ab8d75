"""`steepest plot RUN KIND`: pictures of what a run has learned, still or moving."""

from pathlib import Path
from typing import Annotated

import typer

from steepest.cli.console import console
from steepest.cli.drawing import MOVING, checked, moves, written
from steepest.cli.kinds import KINDS, MOTIONS, Wish
from steepest.core import RequestError, closest, said
from steepest.training import Saved, load

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_MOVING = f"; {', '.join(MOVING)} of {' and '.join(MOTIONS)}, which then move"


@app.command()
def plot(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run folder.")],
    kind: Annotated[str, typer.Argument(metavar="KIND", help=", ".join(KINDS))],
    digit: Annotated[
        str | None, typer.Option(metavar="CLASS", help="maps: of an image of which class.")
    ] = None,
    layer: Annotated[
        str | None, typer.Option(metavar="NAME", help="responses: of which layer's units.")
    ] = None,
    theme: Annotated[str, typer.Option(metavar="NAME", help="light or dark.")] = "light",
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="The file: .png, .svg, .pdf" + _MOVING)
    ] = None,
) -> None:
    """Draw what a run has learned, or how: see the list of pictures above."""
    if kind not in KINDS:
        raise RequestError(said("plot", f"there is no picture {kind!r}{closest(kind, KINDS)}"))
    path = checked(out, Path(run) / kind, theme, MOVING if kind in MOTIONS else ())
    saved = load(run)
    if not isinstance(saved, Saved):
        raise RequestError(said("plot", f"{run} holds weights alone", expected="a run folder"))
    wish = Wish(saved, Path(run), digit, layer, theme)
    picture = MOTIONS[kind](wish) if moves(path) else KINDS[kind](wish)
    written(picture, path, theme)
    console().print(picture.get_label(), soft_wrap=True)
    console().print(f"picture    {path}", soft_wrap=True)
