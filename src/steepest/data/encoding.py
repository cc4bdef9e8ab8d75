"""Encoders: what the training part taught about a column, and how its cells become numbers.

    Number      one feature, (x − center) / spread
    Category    one feature per category, 1 where the cell is that category; an unknown one is all 0
    Pixels      all pixels of an image with one center and one spread, so that contrast survives

An encoder is frozen and made of plain numbers and words: it is saved as it is.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.core import RequestError, said
from steepest.data.columns import Column, Where
from steepest.data.scaling import center_and_spread

__all__ = [
    "Category",
    "Encoder",
    "Number",
    "Pixels",
    "check_finite",
    "learn_column",
    "learn_pixels",
]

# Beyond this many categories, a column in which most rows differ tells rows apart and no more.
_MANY_CATEGORIES = 20

# How bright red, green and blue look (ITU-R BT.601).
_GREY = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Number:
    """`fill` stands in for a missing cell; None where missing cells are refused."""

    name: str
    center: float
    spread: float
    fill: float | None = None

    @property
    def feature_names(self) -> list[str]:
        return [self.name]

    def encode(self, column: Column, notes: list[str]) -> np.ndarray:
        """(n, 1) float64."""
        del notes  # a number is never unknown
        values = column.values
        if self.fill is not None:
            values = np.where(np.isnan(values), self.fill, values)
        return ((values - self.center) / self.spread)[:, None]


@dataclass(frozen=True)
class Category:
    """One 0-or-1 feature for each category of the training part."""

    name: str
    categories: tuple[str, ...]
    fill: str | None = None

    @property
    def feature_names(self) -> list[str]:
        return [f"{self.name}={category}" for category in self.categories]

    def encode(self, column: Column, notes: list[str]) -> np.ndarray:
        """(n, categories) float64; one line of notes when a category is unknown."""
        values = column.values.copy()
        values[column.missing()] = self.fill
        out = (values[:, None] == np.array(self.categories, dtype=object)).astype(np.float64)
        unknown = Counter(values[out.sum(axis=1) == 0].tolist())
        if unknown:
            shown = ", ".join(map(repr, list(unknown)[:3])) + (", …" if len(unknown) > 3 else "")
            notes.append(
                f"column {self.name!r}: {shown} not seen in training; "
                f"{_rows(unknown.total())} encoded as all zeros"
            )
        return out


@dataclass(frozen=True)
class Pixels:
    """Images of `shape` (channels, height, width)."""

    shape: tuple[int, ...]
    center: float
    spread: float

    @property
    def feature_names(self) -> list[str]:
        channels, height, width = self.shape
        places = [f"pixel({i},{j})" for i in range(height) for j in range(width)]
        return places if channels == 1 else [f"{c}:{p}" for c in range(channels) for p in places]

    def fitting(self, images: np.ndarray, name: str, notes: list[str]) -> np.ndarray:
        """The images with as many channels as the training images; another size is refused."""
        channels, height, width = self.shape
        if images.shape[2:] != (height, width):
            got = "×".join(map(str, images.shape[2:]))
            raise RequestError(
                said(
                    name,
                    "the model was trained on images of another size",
                    expected=f"{height}×{width} pixels (height × width)",
                    got=f"{got} pixels",
                    write=f"the image cut or resized to {height}×{width} pixels before",
                )
            )
        if images.shape[1] == 3 and channels == 1:
            notes.append(f"{name}: colours turned to grey, as the training images are")
            images = np.tensordot(images, _GREY, axes=(1, 0))[:, None]
        elif images.shape[1] == 1 and channels == 3:
            images = np.repeat(images, 3, axis=1)
        elif images.shape[1] != channels:
            raise RequestError(
                said(name, "the images differ in channels", expected=channels, got=images.shape[1])
            )
        self._compare_brightness(images, name, notes)
        return images

    def _compare_brightness(self, images: np.ndarray, name: str, notes: list[str]) -> None:
        """One line where images are so bright or dark as none in training: ink and paper swapped.

        With a center of pixels of every kind, the mean of an image lies within one spread of it.
        """
        means = images.reshape(len(images), -1).mean(axis=1)
        far = np.abs(means - self.center) > self.spread
        if (self.center, self.spread) != (0.0, 1.0) and far.any():
            than = "brighter" if means[far].mean() > self.center else "darker"
            notes.append(
                f"{name}: {_rows(int(far.sum()))} far {than} than the training images; are ink and "
                "paper the other way round?"
            )

    def encode(self, images: np.ndarray) -> np.ndarray:
        """(n, channels, height, width) float32."""
        out = images.astype(np.float32)
        out -= np.float32(self.center)
        out /= np.float32(self.spread)
        return out


Encoder = Number | Category


def learn_column(column: Column, scale: str, missing: str, notes: list[str]) -> Encoder | None:
    """The encoder of a feature from its training rows, or None, with a note, where nothing can be
    learned from it."""
    filled = column.values[~column.missing()]
    distinct = np.unique(filled) if column.kind == "number" else np.array(sorted(set(filled)))
    if distinct.size < 2:
        why = f"is {distinct[0]} in every row" if distinct.size else "is empty"
        notes.append(f"column {column.name!r} {why} of the training part: left out")
        return None
    fill = _fill(column.kind, filled, missing)
    if column.kind == "category":
        if distinct.size > max(_MANY_CATEGORIES, len(filled) / 2):
            notes.append(
                f"column {column.name!r} has {distinct.size} different texts in "
                f"{_rows(len(filled))}: it names rows instead of describing them, left out"
            )
            return None
        return Category(column.name, tuple(map(str, distinct)), fill)
    with np.errstate(over="ignore", invalid="ignore"):
        center, spread = center_and_spread(
            column.values if fill is None else np.where(column.missing(), fill, column.values),
            scale,
        )
    _check_spread(f"column {column.name!r}", spread)
    return Number(column.name, center, spread, fill)


def learn_pixels(images: np.ndarray, train: np.ndarray, scale: str, at: Where) -> Pixels:
    """One center and one spread over all pixels of the training images."""
    pixels = Pixels(tuple(images.shape[1:]), 0.0, 1.0)
    check_finite(images.reshape(len(images), -1), pixels.feature_names, at)
    seen = images[train]
    if seen.min() == seen.max():
        raise RequestError(said("images", f"every pixel of the training part is {seen.min()}"))
    center, spread = center_and_spread(seen, scale)
    return Pixels(pixels.shape, center, spread)


def _fill(kind: str, filled: np.ndarray, missing: str) -> Any:
    """What stands in for a missing cell: the median of numbers, or the most frequent value."""
    if missing not in ("median", "mode"):
        return None
    if kind == "number" and missing == "median":
        return float(np.median(filled))
    values, counts = np.unique(
        filled.astype(str) if kind == "category" else filled, return_counts=True
    )
    mode = values[np.argmax(counts)]
    return float(mode) if kind == "number" else str(mode)


def _check_spread(where: str, spread: float) -> None:
    if not (np.isfinite(spread) and spread > 0):
        raise RequestError(
            said(
                where,
                "its numbers are too large or too close together to be scaled",
                got=f"spread {spread}",
                write="the column in other units, or leave it out",
            )
        )


def _rows(count: int) -> str:
    return f"{count} {'row' if count == 1 else 'rows'}"


def check_finite(out: np.ndarray, names: list[str], at: Where) -> None:
    """Refuse (n, features) numbers that are not finite: they never reach a model."""
    if np.isfinite(out).all():
        return
    i, j = np.argwhere(~np.isfinite(out))[0]
    raise RequestError(
        said(
            at(int(i), names[int(j)]),
            "not a finite number",
            expected="a number that float32 can hold (below 3.4e38)",
            got=out[i, j],
        )
    )
