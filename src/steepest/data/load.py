"""load_data: from anything to three parts that a model can train on, in one call.

The order of the steps is the point: rows are split first, and everything that is learned (scaling,
filling, categories, classes) is learned from the training rows alone.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from steepest.core import RequestError, Streams, closest, said
from steepest.data.dataset import Data, Part
from steepest.data.learning import learn_preparation
from steepest.data.opening import open_source
from steepest.data.preparation import Preparation
from steepest.data.reading import Table, read_table
from steepest.data.scaling import check_scale
from steepest.data.split import Rows, check_fractions, split_groups, split_rows

__all__ = ["load_data"]

_TASKS = ("regression", "classification")
_MISSING = ("refuse", "drop", "median", "mode")


def load_data(
    source: Any,
    *,
    target: str | None = None,
    split: Sequence[float] = (0.7, 0.15, 0.15),
    scale: str = "standard",
    seed: int = 0,
    shuffle: bool = True,
    missing: str = "refuse",
    group: str | None = None,
    task: str | None = None,
    leave_out: Iterable[str] = (),
) -> Data:
    """Import, check, split, encode and scale.

    Args:
        source: a packaged name (see `datasets()`), a path (.csv, .tsv, .parquet, .npz, a folder of
            IDX files, a folder with a folder of pictures for each class), (x, y) arrays or tensors,
            a dict of arrays, a polars or pandas data frame.
        target: the column to predict; the last one when None.
        split: fractions of training, validation and test rows.
        scale: "minmax", "mean", "standard", "lecun" or "none"; with any but the last, a
            regression's target is brought to mean 0 and variance 1.
        seed: decides the split, and the points of a toy set.
        shuffle: split at random, stratified for classes; False keeps the order, for time.
        missing: "refuse" missing cells, "drop" their rows, or fill them with the "median" (the most
            frequent value, for categories) or the "mode" of the training part.
        group: a column whose groups must not be torn apart by the split; it is not a feature.
        task: "regression" or "classification"; inferred from the target when None.
        leave_out: columns that are not to be features.

    Raises:
        RequestError: anything wrong with the request or a cell, with file, row and column.

    >>> data = load_data("housing")
    >>> data.train.x.shape, data.preparation.units
    ((354, 13), 'thousand dollars')
    """
    fractions = check_fractions(split)
    check_scale(scale)
    _check_choice("missing", missing, _MISSING)
    if task is not None:
        _check_choice("task", task, _TASKS)
    opened = open_source(source, seed)
    notes = list(opened.notes)
    table = read_table(
        opened,
        target=target,
        task=task,
        group=group,
        leave_out=leave_out,
        missing=missing,
        notes=notes,
    )
    parts = _split(table, fractions, Streams(seed)("split") if shuffle else None, notes)
    preparation = learn_preparation(table, parts[0], scale=scale, missing=missing, notes=notes)
    train, val, test = _encoded(table, parts, preparation, notes)
    return Data(
        opened.name, train, val, test, preparation, opened.digest(), opened.provenance, notes
    )


def _check_choice(setting: str, chosen: str, choices: tuple[str, ...]) -> None:
    if chosen not in choices:
        raise RequestError(
            said(
                setting,
                f"{chosen!r} is not a choice{closest(str(chosen), choices)}",
                expected=", ".join(choices),
            )
        )


def _split(
    table: Table,
    fractions: tuple[float, float, float],
    random: np.random.Generator | None,
    notes: list[str],
) -> Rows:
    """The three parts, as row indices of the table."""
    rows = np.arange(len(table))
    if table.source.indivisible:
        notes.append(
            f"{table.source.name}: too small to split, every part holds all {len(rows)} rows"
        )
        return rows, rows, rows
    if table.groups is not None:
        return split_groups(table.groups, fractions, random)
    labels = table.answers.values.astype(str) if table.task == "classification" else None
    if table.source.test_from is not None:
        return _split_before(table, fractions, random, labels, notes)
    parts = split_rows(len(table), fractions, random, labels)
    if labels is not None:
        _note_absent(labels, parts, notes)
    return parts


def _split_before(
    table: Table,
    fractions: tuple[float, float, float],
    random: np.random.Generator | None,
    labels: np.ndarray | None,
    notes: list[str],
) -> Rows:
    """The source brings its own test part; the rows before it are split in two."""
    own = table.kept >= table.source.test_from
    before = int((~own).sum())
    train, val, _ = fractions
    shares = (train / (train + val), val / (train + val), 0.0)
    notes.append(f"the test part is the source's own, {int(own.sum())} rows")
    first = split_rows(before, shares, random, None if labels is None else labels[:before])
    return first[0], first[1], np.flatnonzero(own)


def _note_absent(labels: np.ndarray, parts: Rows, notes: list[str]) -> None:
    """A class with very few rows cannot be in every part; that is said, one line a part."""
    for name, part in zip(("validation", "test"), parts[1:], strict=True):
        absent = np.setdiff1d(labels, labels[part]).tolist() if part.size else []
        if absent:
            shown = ", ".join(map(repr, absent[:5])) + (", …" if len(absent) > 5 else "")
            notes.append(f"the {name} part has no row of class {shown}")


def _encoded(
    table: Table, parts: Rows, preparation: Preparation, notes: list[str]
) -> tuple[Part, Part, Part]:
    """The parts as arrays, all rows encoded with what the training rows taught."""
    if table.images is None:
        used = set(preparation.columns)
        columns = [column for column in table.columns if column.name in used]
        x = preparation.encode(columns, table.at, notes)
    else:
        x = preparation.encode_images(table.images, table.at)
    y = preparation.encode_target(table.answers, table.at)
    rows = table.source.rows()[table.kept]
    train, val, test = (Part(x[part], y[part], rows[part]) for part in parts)
    return train, val, test
