"""Preparation: everything learned about the data on the training part, and needed to predict.

It travels with a saved model, so that new data are brought to shape by themselves: columns found by
name, missing cells filled, categories and classes numbered, features scaled, and predictions turned
back into the target's own units.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from steepest.core import RequestError, closest, said
from steepest.data.columns import Column, Where, label_of, read_column, refuse_missing
from steepest.data.encoding import Category, Encoder, Number, Pixels, check_finite
from steepest.data.opening import open_source
from steepest.data.source import Source

__all__ = ["Preparation"]

_ENCODERS: dict[str, Any] = {"number": Number, "category": Category}


@dataclass(frozen=True)
class Preparation:
    """What the training part taught about the data.

    Attributes:
        task: "regression" or "classification".
        target: the name of the target column.
        scale: "minmax", "mean", "standard", "lecun" or "none".
        missing: what was done about missing cells: "refuse", "drop", "median" or "mode".
        classes: the labels, in the order of the model's outputs; None for regression.
        units: what the target is measured in, where known.
        encoders: one for each column that is used, in the order of the features.
        pixels: the encoder of images, instead of columns.
        center, spread: the scaling of a regression's target.
    """

    task: str
    target: str
    scale: str
    missing: str = "refuse"
    classes: list[Any] | None = None
    units: str | None = None
    encoders: tuple[Encoder, ...] = ()
    pixels: Pixels | None = None
    center: float = 0.0
    spread: float = 1.0

    @property
    def columns(self) -> list[str]:
        """The columns that new data must have; none for images."""
        return [encoder.name for encoder in self.encoders]

    @property
    def feature_names(self) -> list[str]:
        """One name for each number that enters the model."""
        if self.pixels is not None:
            return self.pixels.feature_names
        return [name for encoder in self.encoders for name in encoder.feature_names]

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return (len(self.feature_names),) if self.pixels is None else self.pixels.shape

    # ---- new data --------------------------------------------------------------------------------

    def features(self, source: Any, notes: list[str] | None = None) -> np.ndarray:
        """New data as the model wants it: (n, *sample_shape) float32.

        Args:
            source: anything that `load_data` takes; a target column may be present or absent.
            notes: remarks are appended here, one line each.

        Raises:
            RequestError: a column is not there, or a cell cannot be used (file, row, column).
        """
        notes = [] if notes is None else notes
        opened = open_source(source)
        if self.pixels is not None:
            return self.encode_images(self._images(opened, notes), opened.at)
        frame = self._table(opened, notes)
        kinds = ["category" if isinstance(e, Category) else "number" for e in self.encoders]
        columns = [
            read_column(frame[name], opened.at, kind)
            for name, kind in zip(self.columns, kinds, strict=True)
        ]
        refuse_missing(
            [c for c, e in zip(columns, self.encoders, strict=True) if e.fill is None],
            opened.at,
            'the value, or train with missing="median" or missing="mode"',
        )
        return self.encode(columns, opened.at, notes)

    def targets(self, source: Any) -> np.ndarray:
        """The true answers in new data: (n, 1) float32, scaled, or (n,) int64 class numbers.

        Raises:
            RequestError: no target there, a missing one, or a label outside the classes.
        """
        opened = open_source(source)
        name = self.target
        names = [] if opened.frame is None else opened.frame.columns
        if opened.images is not None or (name not in names and opened.positional):
            name = opened.target or name
        if name not in names and (opened.images is None or opened.labels is None):
            raise RequestError(
                said(opened.name, f"there is no target column {name!r}{closest(name, names)}")
            )
        series = opened.target_series(name)
        column = read_column(series, opened.at, "category" if self.classes else "number")
        refuse_missing([column], opened.at, "the true value, or leave the row out")
        return self.encode_target(column, opened.at)

    def in_units(self, y: Any) -> np.ndarray:
        """Scaled targets or outputs, of any shape, back in the target's own units (float64)."""
        return np.asarray(y, np.float64) * self.spread + self.center

    # ---- cells to numbers ------------------------------------------------------------------------

    def encode(self, columns: list[Column], at: Where, notes: list[str]) -> np.ndarray:
        """Columns, in the order of the encoders, as features."""
        blocks = [e.encode(c, notes) for e, c in zip(self.encoders, columns, strict=True)]
        with np.errstate(over="ignore"):
            out = np.concatenate(blocks, axis=1).astype(np.float32)
        check_finite(out, self.feature_names, at)
        return out

    def encode_images(self, images: np.ndarray, at: Where) -> np.ndarray:
        """Images as features."""
        assert self.pixels is not None
        out = self.pixels.encode(images)
        check_finite(out.reshape(len(out), -1), self.feature_names, at)
        return out

    def encode_target(self, column: Column, at: Where) -> np.ndarray:
        """The target column as what a loss takes."""
        if self.classes is None:
            return ((column.values - self.center) / self.spread).astype(np.float32)[:, None]
        whole = all(isinstance(label, int) for label in self.classes)
        number = {str(label): i for i, label in enumerate(self.classes)}
        keys = [label_of(cell) if whole else cell for cell in column.values]
        unknown = next((i for i, key in enumerate(keys) if key not in number), None)
        if unknown is not None:
            raise RequestError(
                said(
                    at(unknown, column.name),
                    "this label is not among the classes of the training part",
                    expected=", ".join(map(str, self.classes)),
                    got=repr(column.values[unknown]),
                )
            )
        return np.array([number[key] for key in keys], np.int64)

    # ---- to a file and back ----------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """All of it in dicts, lists, text and numbers; floats survive JSON bit for bit."""
        out = asdict(self)
        out["encoders"] = [
            {"kind": "category" if isinstance(e, Category) else "number", **asdict(e)}
            for e in self.encoders
        ]
        return out

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "Preparation":
        """The preparation that `to_json` wrote."""
        encoders, pixels = [], saved["pixels"]
        for fields in saved["encoders"]:
            fields = dict(fields)
            kind = fields.pop("kind")
            if kind == "category":
                fields["categories"] = tuple(fields["categories"])
            encoders.append(_ENCODERS[kind](**fields))
        if pixels is not None:
            pixels = Pixels(**{**pixels, "shape": tuple(pixels["shape"])})
        return cls(**{**saved, "encoders": tuple(encoders), "pixels": pixels})

    # ---- finding columns and images --------------------------------------------------------------

    def _table(self, opened: Source, notes: list[str]) -> Any:
        """The frame, with its columns under the names that the encoders know."""
        if opened.frame is None:
            raise RequestError(
                said(
                    opened.name,
                    "the model was trained on a table and this holds images",
                    expected=f"columns {', '.join(self.columns)}",
                    got=f"images of shape {opened.images.shape}",  # type: ignore[union-attr]
                )
            )
        frame, wanted = opened.frame, self.columns
        lacking = [name for name in wanted if name not in frame.columns]
        if not lacking:
            extra = [n for n in frame.columns if n not in wanted and n != self.target]
            if extra and not opened.positional:
                notes.append(f"columns not used: {', '.join(map(repr, extra))}")
            return frame
        if opened.positional:
            features = frame.drop(opened.target) if opened.target else frame
            if features.width == len(wanted):
                return features.rename(dict(zip(features.columns, wanted, strict=True)))
            one_row = features.width == 1 and features.height == len(wanted)
            raise RequestError(
                said(
                    opened.name,
                    "the number of features differs from the training data",
                    expected=f"{len(wanted)} columns: {', '.join(wanted)}",
                    got=features.width,
                    write="x[None, :] for a single row" if one_row else None,
                )
            )
        raise RequestError(_lacking(opened, lacking))

    def _images(self, opened: Source, notes: list[str]) -> np.ndarray:
        """The images, in the channels and of the size that the model was trained on."""
        assert self.pixels is not None
        if opened.images is None:
            raise RequestError(
                said(
                    opened.name,
                    "the model was trained on images",
                    expected=f"(n, {', '.join(map(str, self.pixels.shape))})",
                    got=f"a table of {opened.frame.width} columns",
                    write="x[None] for a single image",
                )
            )
        return self.pixels.fitting(opened.images, opened.name, notes)


def _lacking(opened: Source, lacking: list[str]) -> str:
    """Features that the data do not have."""
    near = closest(lacking[0], opened.frame.columns) if len(lacking) == 1 else ""
    names = ", ".join(map(repr, lacking))
    several = len(lacking) > 1
    return said(
        opened.name,
        f"{'columns' if several else 'column'} {names} {'are' if several else 'is'} missing{near}",
        expected="every column that the model was trained on",
        got=", ".join(opened.frame.columns),
    )
