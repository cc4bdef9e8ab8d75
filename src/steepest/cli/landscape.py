"""`steepest landscape RUN`: the loss around a model, and the path that training took across it."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from steepest import explain
from steepest import plot as pictures
from steepest.cli.console import console
from steepest.cli.drawing import checked, written
from steepest.cli.job import Job, prepared
from steepest.cli.settings import merged
from steepest.cli.walk import walked
from steepest.core import RequestError, closest, said
from steepest.training import Saved, load, loss_for, target_for, usual_loss

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_PLANES = ("path", "random", "hessian", "saddle", "weights")


@dataclass
class Ground:
    """A run with its data, ready to be looked at."""

    job: Job
    saved: Saved
    objective: explain.Objective
    loss: str


@app.command()
def landscape(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run folder.")],
    plane: Annotated[str, typer.Option(metavar="KIND", help=", ".join(_PLANES))] = "path",
    weights: Annotated[
        str, typer.Option(metavar="A,B", help="Two weights, such as 0.weight[0,5],0.bias[0].")
    ] = "",
    points: Annotated[int, typer.Option(metavar="N", min=3, help="Points on each side.")] = 51,
    rows: Annotated[int, typer.Option(metavar="N", min=1, help="Training rows, at most.")] = 1000,
    curvature: Annotated[bool, typer.Option("--curvature", help="Measure it, too.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="Of random directions.")] = 0,
    theme: Annotated[str, typer.Option(metavar="NAME", help="light or dark.")] = "light",
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="The file: .png, .svg or .pdf.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON result.")] = False,
) -> None:
    """Draw the loss on a plane through a run's weights, with the path of its training."""
    if weights:
        plane = "weights"
    if plane not in _PLANES:
        raise RequestError(said("--plane", f"there is no plane {plane!r}{closest(plane, _PLANES)}"))
    path = checked(out, Path(run) / f"landscape-{plane}", theme)
    ground = _ground(run, rows)
    walk = walked(ground.job, ground.saved) if plane in ("path", "weights") else None
    chosen = _plane(ground.objective, plane, weights, walk, seed)
    began = time.perf_counter()
    surface = explain.surface(ground.objective, chosen, points)
    seconds = time.perf_counter() - began
    followed = None if walk is None else explain.followed(ground.objective, chosen, walk.path)
    epochs = None if walk is None else walk.epochs
    figure = pictures.landscape(surface, followed, epochs=epochs, loss=ground.loss, theme=theme)
    written(figure, path, theme)
    facts = _facts(ground, surface, followed, seconds) | (_curvature(ground) if curvature else {})
    if as_json:
        print(json.dumps({**facts, "picture": str(path)}, ensure_ascii=False))
        return
    console().print(str(figure.get_label()), soft_wrap=True)
    for name, value in facts.items():
        shown = value if isinstance(value, str) else f"{value:.6g}"
        console().print(f"{name:<22} {shown}", soft_wrap=True)
    console().print(f"{'picture':<22} {path}", soft_wrap=True)


def _ground(run: str, rows: int) -> Ground:
    saved, config = load(run), Path(run) / "config.toml"
    if not isinstance(saved, Saved) or not config.is_file():
        raise RequestError(
            said(run, "a loss surface needs model and data", expected="a run folder")
        )
    job = prepared(merged(str(config), [], {}))
    name = job.settings["loss"] or usual_loss(saved.model, job.data.task)
    loss, part = loss_for(name, job.data.task), job.data.train
    y = target_for(loss, part.y)
    objective = explain.Objective(saved.model, loss, part.x[:rows], y[:rows])
    return Ground(job, saved, objective, f"{name} of {min(rows, len(part)):,} training rows")


def _plane(
    objective: explain.Objective, kind: str, weights: str, walk: Any, seed: int
) -> explain.Plane:
    if kind == "path":
        return explain.path_plane(walk.path)
    if kind == "random":
        return explain.random_plane(objective, seed)
    if kind != "weights":
        return explain.hessian_plane(objective, kind == "saddle", seed)
    named = [f"{part}]" for part in weights.replace(" ", "").removesuffix("]").split("],")]
    if len(named) != 2:
        write = "--weights '0.weight[0,5],0.bias[0]'"
        raise RequestError(said("--weights", "two weights make a plane", got=weights, write=write))
    return explain.weights_plane(objective, *named).around(walk.path)


def _facts(
    ground: Ground, surface: explain.Surface, followed: Any, seconds: float
) -> dict[str, Any]:
    facts = {
        "plane": surface.plane.note,
        "weights": ground.objective.size,
        "loss here": ground.objective.value(),
        "lowest on the plane": float(np.nanmin(surface.losses)),
        "points": surface.losses.size,
        "seconds": seconds,
    }
    if followed is not None:
        facts["furthest off the plane"] = float(followed.off.max())
        apart = np.abs(followed.true - followed.drawn)
        facts["plane's largest error"] = float(apart.max())
    return facts


def _curvature(ground: Ground) -> dict[str, Any]:
    """Both ends of the spectrum, its sum, and the sharpness that scaling of layers leaves alone."""
    objective = ground.objective
    ends = explain.eigenvalues(objective, 2, 1, tolerance=1e-3)
    adapted = explain.Adapted(objective, objective.weights)
    trace = explain.trace(objective)
    return {
        "largest eigenvalues": float(ends.values[0]),
        "second": float(ends.values[1]),
        "smallest": float(ends.values[2]),
        "trace": trace.value,
        "± of the trace": trace.error,
        "adapted sharpness": float(explain.eigenvalues(adapted, tolerance=1e-3).values[0]),
    }
