"""`steepest descent FUNCTION`: optimizers race down a function that can be written down."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from steepest import explain
from steepest import functional as F
from steepest import plot as pictures
from steepest.autograd.functional import hessian
from steepest.cli.console import console, figures, table
from steepest.cli.drawing import MOVING, checked, moves, written
from steepest.core import RequestError, closest, said
from steepest.explain import FUNCTIONS, Analytic, Descent
from steepest.tensors import Tensor
from steepest.training import OPTIMIZERS

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_WALKERS = len(pictures.THEMES["light"].series)
# Whose steps are the slope times the rate; those of all others have about the rate's own length.
_BY_SLOPE = ("sgd", "momentum", "nesterov")


@app.command()
def descent(
    name: Annotated[str, typer.Argument(metavar="FUNCTION", help=f"{', '.join(FUNCTIONS)}; list.")],
    optimizer: Annotated[
        str, typer.Option(metavar="A,B,…", help=f"Of {', '.join(OPTIMIZERS)}.")
    ] = "sgd,momentum,adam",
    lr: Annotated[
        str, typer.Option(metavar="A,B,…", help="The learning rate of all, or of each.")
    ] = "",
    start: Annotated[str, typer.Option(metavar="X,Y,…", help="Where they begin.")] = "",
    steps: Annotated[int, typer.Option(metavar="N", min=1, help="How many.")] = 100,
    theme: Annotated[str, typer.Option(metavar="NAME", help="light or dark.")] = "light",
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The file: .png, .svg, .pdf; .html and .gif move."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON result.")] = False,
) -> None:
    """Let optimizers race down a function: their paths, and how fast they fall."""
    if name == "list":
        console().print(table(("name", "formula"), ((n, f.formula) for n, f in FUNCTIONS.items())))
        return
    if name not in FUNCTIONS:
        raise RequestError(said("descent", f"no function {name!r}{closest(name, FUNCTIONS)}"))
    path = checked(out, Path(f"descent-{name}"), theme, MOVING)
    function = FUNCTIONS[name]
    begin = _start(start, function)
    walks = _walks(function, begin, _optimizers(optimizer), _rates(lr), steps)
    draw = pictures.moving_descent if moves(path) else pictures.descent
    heights = partial(_heights, function)
    picture = draw(function.formula, function.ends, heights, walks, theme=theme)
    written(picture, path, theme)
    if as_json:
        ended = {
            n: {"at": w.path[-1, 0].tolist(), "value": w.values[-1, 0]} for n, w in walks.items()
        }
        facts = {"formula": function.formula, "steps": steps, "walks": ended, "picture": str(path)}
        print(json.dumps(facts, ensure_ascii=False))
        return
    rows = ((n, _place(w.path[-1, 0]), f"{w.values[-1, 0]:.4g}") for n, w in walks.items())
    console().print(f"{function.formula} from {_place(np.array(begin))}, {steps} steps")
    console().print(table(("optimizer", "ends at", "value"), rows))
    console().print(f"picture    {path}", soft_wrap=True)


def _heights(function: Analytic, points: np.ndarray) -> np.ndarray:
    return np.asarray(function.value(Tensor(points)).numpy())


def _place(point: np.ndarray) -> str:
    return f"({', '.join(figures(*point))})"


def _numbers(flag: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise RequestError(said(flag, "numbers such as 0.1,0.3", got=repr(text))) from None


def _start(text: str, function: Analytic) -> tuple[float, ...]:
    point = tuple(_numbers("--start", text)) if text else function.start
    if len(point) != function.dimensions or not np.isfinite(point).all():
        want = f"{function.dimensions} numbers for {function.formula}"
        write = f"--start {','.join(f'{x:g}' for x in function.start)}"
        raise RequestError(said("--start", "no such point", expected=want, got=text, write=write))
    return point


def _optimizers(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in OPTIMIZERS:
            hint = closest(name, OPTIMIZERS)
            raise RequestError(said("--optimizer", f"no optimizer {name!r}{hint}"))
    if len(names) > _WALKERS:
        raise RequestError(said("--optimizer", f"at most {_WALKERS} race", got=len(names)))
    return names


def _rates(text: str) -> list[float]:
    rates = _numbers("--lr", text) if text else []
    if any(not np.isfinite(rate) or rate <= 0 for rate in rates):
        raise RequestError(said("--lr", "a learning rate is positive and finite", got=text))
    return rates


def _walks(
    function: Analytic,
    start: tuple[float, ...],
    names: list[str],
    rates: list[float],
    steps: int,
) -> dict[str, Descent]:
    """By name and rate, the walk of each optimizer."""
    if not rates:
        rates = [_usual(function, start, name) for name in names]
    if len(rates) == 1:
        rates = rates * len(names)
    if len(rates) != len(names):
        want = f"one for all, or one for each of {len(names)} optimizers"
        raise RequestError(said("--lr", "which rate is whose?", expected=want, got=len(rates)))
    found: dict[str, Any] = {}
    for name, rate in zip(names, rates, strict=True):
        make, _, settings = OPTIMIZERS[name]
        rule = partial(make, lr=rate, **settings)
        found[f"{name}, lr {rate:g}"] = explain.descend(function.value, [start], rule, steps)
    return found


def _usual(function: Analytic, start: tuple[float, ...], name: str) -> float:
    """A rate with which the optimizer gets along: close to the bound 2/λ, where λ is the largest
    curvature at the start, or a fiftieth of the whole width; one digit of it."""
    if name not in _BY_SLOPE:
        rate = 0.02 * max(high - low for low, high in function.ends)
    else:
        slopes = hessian(lambda x: F.sum(function.value(x[None])), Tensor(np.array(start)))
        rate = 1.6 / float(np.linalg.eigvalsh(np.asarray(slopes.detach().numpy())).max())
    return float(f"{rate:.0e}")
