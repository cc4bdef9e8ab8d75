"""Prediction: raw data in, answers out, with the scaling that was learned in training."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.core import RequestError, said
from steepest.data.opening import open_source
from steepest.training.measure import outputs, probabilities
from steepest.training.save import Saved, load

__all__ = ["Predictions", "predict"]


@dataclass
class Predictions:
    """What the model says of each row.

    Attributes:
        target: the name of what is predicted.
        values: (n,) numbers in the target's own units, or class labels.
        units: of the numbers, where they are known.
        probabilities: (n, classes) for classes, in the order of `classes`; else None.
        classes: all labels, or None.
        names: what each row is called, where rows are files.
    """

    target: str
    values: np.ndarray
    units: str | None = None
    probabilities: np.ndarray | None = None
    classes: list[Any] | None = None
    names: list[str] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def columns(self) -> dict[str, np.ndarray]:
        """As columns of a table: the file, the prediction, then one probability per class."""
        table = {} if self.names is None else {"file": np.array(self.names)}
        table[f"predicted_{self.target}"] = self.values
        if self.probabilities is not None:
            for i, label in enumerate(self.classes or ()):
                table[f"probability_{label}"] = self.probabilities[:, i]
        return table


def predict(
    saved: Saved | str | os.PathLike, source: Any, notes: list[str] | None = None
) -> Predictions:
    """Answers for raw data.

    Args:
        saved: a loaded model, or the path of one, or a run folder.
        source: a file, a data frame or arrays with the columns that the model was trained on; or
            the paths of pictures.
        notes: gets one line for each remark on the data, such as columns that were ignored.

    Raises:
        RequestError: not a model with its preparation, or data that do not fit it.
    """
    if not isinstance(saved, Saved):
        path, saved = saved, load(saved)
        if not isinstance(saved, Saved):
            raise RequestError(
                said(
                    "predict", f"{path} holds weights alone", expected="a model and its preparation"
                )
            )
    prepared, model = saved.preparation, saved.model
    if prepared is None:
        raise RequestError(
            said(
                "predict",
                "the model was saved without its preparation",
                write="save(model, path, data.preparation)",
            )
        )
    opened = open_source(source)
    found = outputs(model, prepared.features(opened, [] if notes is None else notes))
    if prepared.task == "regression":
        values = prepared.in_units(found).reshape(-1)
        return Predictions(prepared.target, values, prepared.units, names=opened.names)
    chances, classes = probabilities(model, found), list(prepared.classes or ())
    labels = np.array(classes)[chances.argmax(1)]
    return Predictions(prepared.target, labels, None, chances, classes, opened.names)
