"""The pictures that `steepest plot` draws of a run, and those of them that move.

What needs data takes the validation part of the run, which may be looked at as often as one likes;
the test part stays closed.
"""

import copy
import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steepest import explain, nn
from steepest import plot as pictures
from steepest.cli.job import Job, prepared
from steepest.cli.settings import merged
from steepest.cli.walk import walked
from steepest.core import RequestError, closest, said
from steepest.data import Data
from steepest.plot import Motion
from steepest.tensors import Tensor, no_grad
from steepest.training import (
    Saved,
    answered,
    linear_weights,
    loss_for,
    target_for,
    usual_loss,
    weight_unit,
)
from steepest.training.measure import outputs, probabilities
from steepest.training.metrics import confusion

__all__ = ["KINDS", "MOTIONS", "Wish"]

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

    def job(self) -> Job:
        """The run's settings and data, split as they were when it was trained."""
        return prepared(self.settings())

    def data(self) -> Data:
        return self.job().data

    def objective(self, data: Data) -> explain.Objective:
        """The loss on training rows, as a function of the weights."""
        return explain.Objective(self.model, *self.losses(data))

    def losses(self, data: Data) -> tuple[Any, np.ndarray, np.ndarray]:
        """The loss, and training rows with their targets."""
        loss = loss_for(self.loss(data), data.task)
        return loss, data.train.x[:_SEEN], target_for(loss, data.train.y)[:_SEEN]

    def loss(self, data: Data) -> str:
        return str(self.settings()["loss"] or usual_loss(self.model, data.task))

    def images(self) -> Data:
        """The run's data, which are images in classes."""
        data = self.data()
        if len(data.sample_shape) != 3 or data.task != "classification":
            got = f"{len(data.feature_names)} features per row, {data.task}"
            raise RequestError(said(str(self.run), "this picture is of images in classes", got=got))
        return data


def _curve(wish: Wish) -> Any:
    with open(wish.run / "metrics.csv", newline="", encoding="utf-8") as file:
        rows = [
            {k: float(v) if v else None for k, v in row.items()} for row in csv.DictReader(file)
        ]
    data = wish.data()
    scaled = " (target scaled)" if data.task == "regression" else ""
    return pictures.loss_curve(rows, loss=f"{wish.loss(data)} loss{scaled}", theme=wish.theme)


def _predictions(wish: Wish) -> Any:
    data = wish.data()
    if data.task != "regression":
        what = "predictions are drawn against actual numbers"
        raise RequestError(said(str(wish.run), what, got=data.task))
    answer, truth = answered(wish.model, data.preparation, _looked_at(data))
    name, units = data.preparation.target, data.preparation.units
    return pictures.predicted_actual(answer, truth, name=name, units=units, theme=wish.theme)


def _weights(wish: Wish) -> Any:
    data = wish.data()
    found = linear_weights(wish.model, data)
    label = weight_unit(data)
    return pictures.feature_weights(
        list(found), list(found.values()), label=label, theme=wish.theme
    )


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
    found = explain.flow(wish.model, *wish.losses(wish.data()))
    return pictures.flow(found.layers, found.alarms, theme=wish.theme)


def _unfolding(wish: Wish) -> Any:
    return pictures.unfolding(**_unfolded(wish))


def _moving_unfolding(wish: Wish) -> Motion:
    return pictures.moving_unfolding(**_unfolded(wish))


def _unfolded(wish: Wish) -> dict[str, Any]:
    data = wish.data()
    if data.task != "classification":
        raise RequestError(said(str(wish.run), "unfolding separates classes", got=data.task))
    y = data.train.y[:_SEEN]
    stages = explain.unfolding(wish.model, data.train.x[:_SEEN], y)
    return {"stages": stages, "y": y, "classes": data.preparation.classes, "theme": wish.theme}


def _boundary(wish: Wish) -> Any:
    data = wish.data()
    chances = _chances(wish.model)
    return pictures.decision_regions(lambda x: chances(x).argmax(1), **_plane(wish, data))


def _moving_boundary(wish: Wish) -> Motion:
    job = wish.job()
    plane = _plane(wish, job.data)
    walk = walked(job, wish.saved, pictures.FRAMES)
    objective = wish.objective(job.data)
    models, losses = [], []
    for weights in walk.path:
        objective.move(weights)
        losses.append(objective.value())
        models.append(_chances(_with(wish.model, weights)))
    loss = f"{wish.loss(job.data)} of {min(_SEEN, len(job.data.train)):,} training rows"
    return pictures.moving_regions(models, walk.epochs, losses, loss=loss, **plane)


def _with(model: nn.Module, weights: np.ndarray) -> nn.Module:
    """A copy of the model with other weights, (P,)."""
    other = copy.deepcopy(model)
    trained = [p for p in other.parameters() if p.requires_grad]
    with no_grad():
        nn.utils.vector_to_parameters(Tensor(weights), trained)
    return other


def _chances(model: nn.Module) -> Callable[[np.ndarray], np.ndarray]:
    """What gives the probability of each class."""
    return lambda x: probabilities(model, outputs(model, x))


def _plane(wish: Wish, data: Data) -> dict[str, Any]:
    """Rows of two features in classes, as the pictures of regions take them."""
    if data.task != "classification" or data.sample_shape != (2,):
        got = f"{len(data.feature_names)} features, {data.task}"
        what = "a boundary is drawn between classes of two features"
        raise RequestError(said(str(wish.run), what, got=got))
    part, names = _looked_at(data), [f"{name}, scaled (1)" for name in data.feature_names]
    classes = data.preparation.classes
    return {"x": part.x, "y": part.y, "classes": classes, "names": names, "theme": wish.theme}


def _spectrum(wish: Wish) -> Any:
    objective = wish.objective(wish.data())
    found = explain.spectral_density(objective)
    return pictures.spectrum(found, size=objective.size, theme=wish.theme)


def _looked_at(data: Data) -> Any:
    """The validation part; the training part where there is none."""
    return data.val if len(data.val) else data.train


KINDS: dict[str, Callable[[Wish], Any]] = {
    "curve": _curve,
    "predictions": _predictions,
    "weights": _weights,
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

MOTIONS: dict[str, Callable[[Wish], Motion]] = {
    "unfolding": _moving_unfolding,
    "boundary": _moving_boundary,
}
