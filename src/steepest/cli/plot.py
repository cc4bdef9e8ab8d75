"""`steepest plot RUN KIND`: pictures of what a run has learned.

What needs data takes the validation part of the run, which may be looked at as often as one likes;
the test part stays closed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from steepest import explain, nn
from steepest import plot as pictures
from steepest.cli.console import console
from steepest.cli.drawing import checked, written
from steepest.cli.job import prepared
from steepest.cli.settings import merged
from steepest.core import RequestError, closest, said
from steepest.data import Data
from steepest.training import Saved, answered, load, loss_for, target_for, usual_loss
from steepest.training.measure import outputs, probabilities
from steepest.training.metrics import confusion

__all__ = ["KINDS", "app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


_SEEN = 500  # training rows: enough for a mean, few enough to be quick


@dataclass
class Wish:
    """A run, and what is to be seen of it."""

    saved: Saved
    run: Path
    digit: str | None
    layer: str | None
    theme: str

    @property
    def model(self) -> nn.Module:
        return self.saved.model

    def settings(self) -> dict[str, Any]:
        """What the run was asked for."""
        config = self.run / "config.toml"
        if not config.is_file():
            raise RequestError(
                said(str(self.run), "this picture needs the data", expected="a run folder")
            )
        return merged(str(config), [], {})

    def data(self) -> Data:
        """The run's data, split as they were when it was trained."""
        return prepared(self.settings()).data

    def images(self) -> Data:
        """The run's data, which are images in classes."""
        data = self.data()
        if len(data.sample_shape) != 3 or data.task != "classification":
            got = f"{len(data.feature_names)} features per row, {data.task}"
            raise RequestError(said(str(self.run), "this picture is of images in classes", got=got))
        return data


def _filters(wish: Wish) -> Any:
    prepared = wish.saved.preparation
    shape = () if prepared is None else prepared.sample_shape
    return pictures.filters(explain.filters(wish.model, shape), theme=wish.theme)


def _maps(wish: Wish) -> Any:
    data = wish.images()
    names = list(map(str, data.preparation.classes or ()))
    wanted = names[0] if wish.digit is None else wish.digit
    if wanted not in names:
        raise RequestError(said("--digit", f"no class {wanted!r}{closest(wanted, names)}"))
    label = names.index(wanted)  # every class is in the training part
    part = next(part for part in (_looked_at(data), data.train) if (part.y == label).any())
    sample = part.x[int(np.argmax(part.y == label))]
    chances = probabilities(wish.model, outputs(wish.model, sample[None]))[0]
    maps = explain.feature_maps(wish.model, sample)
    maps.pop(list(maps)[-1])  # the answer is shown as probabilities
    return pictures.feature_maps(sample.mean(0), maps, chances, names, theme=wish.theme)


def _responses(wish: Wish) -> Any:
    data = wish.images()
    layers = [
        path
        for path, layer in wish.model.named_modules()
        if isinstance(layer, nn.Conv2d | nn.TableConv2d)
    ]
    layer = wish.layer or (layers[min(1, len(layers) - 1)] if layers else "")
    found = explain.responses(wish.model, _looked_at(data).x, layer)
    return pictures.responses(found.pieces, layer=layer, theme=wish.theme)


def _confusion(wish: Wish) -> Any:
    data = wish.data()
    if data.task != "classification":
        raise RequestError(said(str(wish.run), "a confusion matrix is of classes", got=data.task))
    answer, truth = answered(wish.model, data.preparation, _looked_at(data))
    counts = confusion(answer, truth, data.outputs)
    return pictures.confusion_matrix(counts, data.preparation.classes, theme=wish.theme)


def _wrong(wish: Wish) -> Any:
    data = wish.images()
    part = _looked_at(data)
    found = explain.worst_mistakes(wish.model, data.preparation, part)
    images = part.x[[m.row for m in found]].mean(1)
    true, answers = [m.true for m in found], [m.answer for m in found]
    chances = [m.probability for m in found]
    return pictures.mistakes(images, true, answers, chances, theme=wish.theme)


def _flow(wish: Wish) -> Any:
    data, settings = wish.data(), wish.settings()
    name = settings["loss"] or usual_loss(wish.model, data.task)
    loss, part = loss_for(name, data.task), data.train
    found = explain.flow(wish.model, loss, part.x[:_SEEN], target_for(loss, part.y)[:_SEEN])
    return pictures.flow(found.layers, found.alarms, theme=wish.theme)


def _unfolding(wish: Wish) -> Any:
    data = wish.data()
    if data.task != "classification":
        raise RequestError(said(str(wish.run), "unfolding separates classes", got=data.task))
    part = data.train
    stages = explain.unfolding(wish.model, part.x[:_SEEN], part.y[:_SEEN])
    classes = data.preparation.classes
    return pictures.unfolding(stages, part.y[:_SEEN], classes=classes, theme=wish.theme)


def _boundary(wish: Wish) -> Any:
    data = wish.data()
    if data.task != "classification" or data.sample_shape != (2,):
        got = f"{len(data.feature_names)} features, {data.task}"
        what = "a boundary is drawn between classes of two features"
        raise RequestError(said(str(wish.run), what, got=got))

    def classify(x: np.ndarray) -> np.ndarray:
        return probabilities(wish.model, outputs(wish.model, x)).argmax(1)

    names, classes = data.feature_names, data.preparation.classes
    part = _looked_at(data)
    how: dict[str, Any] = {"classes": classes, "names": [f"{name}, scaled (1)" for name in names]}
    return pictures.decision_regions(classify, part.x, part.y, **how, theme=wish.theme)


def _spectrum(wish: Wish) -> Any:
    data, settings = wish.data(), wish.settings()
    name = settings["loss"] or usual_loss(wish.model, data.task)
    loss, part = loss_for(name, data.task), data.train
    y = target_for(loss, part.y)
    objective = explain.Objective(wish.model, loss, part.x[:_SEEN], y[:_SEEN])
    found = explain.spectral_density(objective)
    return pictures.spectrum(found, size=objective.size, theme=wish.theme)


def _looked_at(data: Data) -> Any:
    """The validation part; the training part where there is none."""
    return data.val if len(data.val) else data.train


KINDS: dict[str, Callable[[Wish], Any]] = {
    "filters": _filters,
    "maps": _maps,
    "responses": _responses,
    "confusion": _confusion,
    "wrong": _wrong,
    "flow": _flow,
    "unfolding": _unfolding,
    "boundary": _boundary,
    "spectrum": _spectrum,
}


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
        str | None, typer.Option(metavar="FILE", help="The file: .png, .svg or .pdf.")
    ] = None,
) -> None:
    """Draw what a run has learned, or how: see the list of pictures above."""
    if kind not in KINDS:
        raise RequestError(said("plot", f"there is no picture {kind!r}{closest(kind, KINDS)}"))
    path = checked(out, Path(run) / kind, theme)
    saved = load(run)
    if not isinstance(saved, Saved):
        raise RequestError(said("plot", f"{run} holds weights alone", expected="a run folder"))
    figure = KINDS[kind](Wish(saved, Path(run), digit, layer, theme))
    written(figure, path, theme)
    console().print(str(figure.get_label()), soft_wrap=True)
    console().print(f"picture    {path}", soft_wrap=True)
