"""What is learned from the training rows: an encoder per column, classes, the target's scaling."""

from typing import Any

import numpy as np

from steepest.core import RequestError, said
from steepest.data.columns import Column, label_of
from steepest.data.encoding import Encoder, Number, learn_column, learn_pixels
from steepest.data.preparation import Preparation
from steepest.data.reading import Table
from steepest.data.scaling import center_and_spread

__all__ = ["learn_preparation"]

# Unscaled ranges further apart than this make one learning rate fit no feature well.
_RANGE_RATIO = 1000


def learn_preparation(
    table: Table, train: np.ndarray, *, scale: str, missing: str, notes: list[str]
) -> Preparation:
    """Learn from the rows `train` of the table, and from no others.

    Raises:
        RequestError: the target, or every feature, is the same in all of them.
    """
    answers = table.answers.take(train)
    classes = _classes(table, answers) if table.task == "classification" else None
    center, spread = (0.0, 1.0) if classes is not None else _target_scale(table, answers, scale)
    return Preparation(
        task=table.task,
        target=answers.name,
        scale=scale,
        missing=missing,
        classes=classes,
        units=table.source.units if answers.name == table.source.target else None,
        encoders=_encoders(table, train, scale, missing, notes),
        pixels=None if table.images is None else learn_pixels(table.images, train, scale, table.at),
        center=center,
        spread=spread,
    )


def _encoders(
    table: Table, train: np.ndarray, scale: str, missing: str, notes: list[str]
) -> tuple[Encoder, ...]:
    columns = [column.take(train) for column in table.columns]
    learned = [learn_column(column, scale, missing, notes) for column in columns]
    encoders = tuple(encoder for encoder in learned if encoder is not None)
    if columns and not encoders:
        raise RequestError(
            said(table.source.name, "no column that differs between rows is left to learn from")
        )
    if scale == "none":
        used = {encoder.name for encoder in encoders if isinstance(encoder, Number)}
        _warn_of_ranges([column for column in columns if column.name in used], notes)
    return encoders


def _warn_of_ranges(columns: list[Column], notes: list[str]) -> None:
    """One line when unscaled features live on scales a thousand times apart."""
    ranges = sorted((float(np.nanmax(c.values) - np.nanmin(c.values)), c.name) for c in columns)
    if ranges and ranges[-1][0] >= _RANGE_RATIO * ranges[0][0]:
        (low, narrow), (high, wide) = ranges[0], ranges[-1]
        notes.append(
            f"ranges differ by {high / low:,.0f}× ({wide!r} spans {high:g}, {narrow!r} {low:g}) "
            'and nothing is scaled: expect slow training (scale="standard" mends it)'
        )


def _classes(table: Table, answers: Column) -> list[Any]:
    """The labels in order: whole numbers by size, text by the alphabet."""
    labels = set(answers.values.tolist())
    if len(labels) < 2:
        _refuse_constant(table, answers, f"the class {next(iter(labels))!r}")
    keys = {label_of(label) for label in labels}
    if all(key.removeprefix("-").isdecimal() for key in keys):
        return sorted(map(int, keys))
    return sorted(labels)


def _target_scale(table: Table, answers: Column, scale: str) -> tuple[float, float]:
    """Mean and deviation of the target, so that the loss starts near 1 in any units."""
    if answers.values.min() == answers.values.max():
        _refuse_constant(table, answers, f"{answers.values[0]:g}")
    return center_and_spread(answers.values, "none" if scale == "none" else "standard")


def _refuse_constant(table: Table, answers: Column, got: str) -> None:
    raise RequestError(
        said(
            f"{table.source.name}, target {answers.name!r}",
            "it is the same in every row of the training part, so there is nothing to learn",
            expected="at least two different values",
            got=got,
        )
    )
