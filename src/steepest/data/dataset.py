"""Part and Data: what `load_data` returns."""

from dataclasses import dataclass, field

import numpy as np

from steepest.data.preparation import Preparation

__all__ = ["Data", "Part"]


@dataclass(frozen=True)
class Part:
    """The rows of one part, ready for a model.

    Attributes:
        x: (n, *sample_shape) float32, scaled.
        y: (n, 1) float32, scaled, for regression; (n,) int64 class numbers for classification.
        rows: (n,) where each row is found: the line of a text file (the names being line 1), or the
            index, counted from 0, in a frame, an array or a Parquet file.
    """

    x: np.ndarray
    y: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """One sample and its target, which makes a part a dataset for `DataLoader`."""
        return self.x[i], self.y[i]


@dataclass(frozen=True)
class Data:
    """Data brought to shape, split and scaled.

    Attributes:
        name: the packaged name, the file's name, or what kind of thing it was.
        train, val, test: the three parts; val and test may be empty where the split says so.
        preparation: what was learned on the training part; it travels with the model.
        notes: remarks, one line each: a constant column left out, how the task was inferred.
        digest: SHA-256, in hexadecimal, of the file's bytes or the arrays' contents.
        provenance: where the data come from.
    """

    name: str
    train: Part
    val: Part
    test: Part
    preparation: Preparation
    digest: str
    provenance: str
    notes: list[str] = field(default_factory=list)

    @property
    def task(self) -> str:
        """ "regression" or "classification"."""
        return self.preparation.task

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample: (features,) or (channels, height, width)."""
        return self.preparation.sample_shape

    @property
    def feature_names(self) -> list[str]:
        """One name for each number of a sample, categories spelt out."""
        return self.preparation.feature_names

    @property
    def outputs(self) -> int:
        """How many numbers a model has to give: 1, or one per class."""
        return 1 if self.preparation.classes is None else len(self.preparation.classes)
