"""A job: the data, the models and the training that the settings ask for, put together.

`train` runs it, `check` rehearses it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from steepest import models, nn
from steepest.core import RequestError, set_num_threads
from steepest.data import Data, load_data
from steepest.training import Fit, fit, to_the_minimum

__all__ = ["Job", "prepared"]

# The model that every other one is put beside: what straight lines can do.
REFERENCE = "linear"

_OF_DATA = ("target", "task", "leave_out", "split", "scale", "missing", "group", "seed", "shuffle")
_OF_FIT = (
    *("loss", "optimizer", "lr", "schedule", "epochs", "batch_size", "seed", "shuffle"),
    *("patience", "restore_best", "compile"),
)
_OF_MODEL = ("model", "hidden", "activation", "pooling")


@dataclass
class Job:
    """Settings and the data they name."""

    settings: dict[str, Any]
    data: Data

    @property
    def names(self) -> list[str]:
        """The models to train, the wanted one first, the reference beside it."""
        wanted = self.settings["model"]
        return [wanted] if wanted == REFERENCE else [wanted, REFERENCE]

    @property
    def least_squares(self) -> bool:
        """Whether the reference minimises squares, and so has a closed form to agree with."""
        return self.data.task == "regression" and self.settings["loss"] in (None, "mse")

    def model(self, name: str) -> nn.Module:
        """A fresh model, its weights drawn from the seed."""
        outputs = 1 if self.settings["loss"] == "bce" else None
        return models.create(
            name,
            self.data,
            self.settings["hidden"],
            self.settings["activation"],
            self.settings["pooling"],
            seed=self.settings["seed"],
            outputs=outputs,
        )

    def train(self, name: str, out: Any, progress: str, callbacks: Any = ()) -> Fit:
        """Train one of the models, into the run folder `out` or into none."""
        chosen = {key: self.settings[key] for key in _OF_FIT}
        if chosen["loss"] == "map" and name == REFERENCE:
            chosen["loss"] = None  # its outputs are scores
        if self.least_squares and name != self.settings["model"]:
            chosen |= to_the_minimum(len(self.data.train))
        how = {"out": out, "progress": progress, "callbacks": callbacks}
        return fit(self.model(name), self.data, **chosen, **how)

    def sections(self, name: str) -> dict[str, Any]:
        """What the run's config.toml needs beside the settings of `fit`, to be run again."""
        of_data = {k: self.settings[k] for k in _OF_DATA if k not in _OF_FIT}
        of_model = {k: self.settings[k] for k in _OF_MODEL} | {"model": name}
        return {"data": {"source": self.settings["source"], **of_data}, "network": of_model}

    def summary(self) -> Iterator[str]:
        """The data in a few lines."""
        data, settings = self.data, self.settings
        rows = len(data.train) + len(data.val) + len(data.test)
        shape = "×".join(map(str, data.sample_shape))
        units = f" in {data.preparation.units}" if data.preparation.units else ""
        answer = units if data.task == "regression" else f", {data.outputs} classes"
        what = "features" if len(data.sample_shape) == 1 else "pixels"
        yield f"{data.name}: {rows:,} rows, {shape} {what} → {data.preparation.target}{answer}"
        parts = f"train {len(data.train):,}, validation {len(data.val):,}, test {len(data.test):,}"
        yield f"{parts}; scale {settings['scale']}, learned on train; seed {settings['seed']}"


def prepared(settings: dict[str, Any]) -> Job:
    """Read the data that the settings name, and give the job its threads."""
    if settings["source"] is None:
        raise RequestError("train: no data named\n  write     steepest train housing")
    if settings["threads"] is not None:
        set_num_threads(settings["threads"])
    usual = models.USUAL_SCALE.get(settings["model"], "standard")
    settings = settings | {"scale": settings["scale"] or usual}
    data = load_data(settings["source"], **{key: settings[key] for key in _OF_DATA})
    return Job(settings, data)
