"""From a source to a checked table: which column is the target, what the task is, which rows count.

Nothing is learned here; every cell has been looked at when `read_table` returns.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from steepest.core import RequestError, closest, said
from steepest.data.columns import Column, read_column, refuse_missing
from steepest.data.source import Source

__all__ = ["Table", "read_table"]

# A target of whole numbers is read as classes up to this many different ones.
_FEW_CLASSES = 20

_WAYS_OUT = (
    'missing="drop" (leave such rows out), missing="median" (fill numbers with their median, '
    'categories with the most frequent), or missing="mode" (fill with the most frequent value); '
    "on the command line --missing drop, median or mode"
)


@dataclass(frozen=True)
class Table:
    """Rows that can be used.

    Attributes:
        source: where they are from.
        task: "regression" or "classification".
        columns: the features, one Column each; none for images.
        images: (n, channels, height, width), or None.
        answers: the target.
        groups: (n,) the group of each row, or None.
        kept: (n,) index of each row in the source.
    """

    source: Source
    task: str
    columns: list[Column]
    images: np.ndarray | None
    answers: Column
    groups: np.ndarray | None
    kept: np.ndarray

    def __len__(self) -> int:
        return len(self.kept)

    def at(self, i: int, column: str) -> str:
        """How a message names a cell of row i."""
        return self.source.at(int(self.kept[i]), column)


def read_table(
    source: Source,
    *,
    target: str | None,
    task: str | None,
    group: str | None,
    leave_out: Iterable[str],
    missing: str,
    notes: list[str],
) -> Table:
    """Find the target, read all columns, and settle missing cells as far as that is possible
    without learning anything: refuse them, or drop their rows.

    Raises:
        RequestError: a column that is not there, a cell that cannot be used, no rows.
    """
    if len(source) == 0:
        raise RequestError(said(source.name, "there are no rows, only the names of columns"))
    target = _target_name(source, target, notes)
    answers, task = _answers(source, target, task, notes)
    columns = _features(source, target, group, list(leave_out), notes)
    groups = _groups(source, group)
    kept = _kept(source, columns, answers, missing, notes)
    return Table(
        source=source,
        task=task,
        columns=[column.take(kept) for column in columns],
        images=None if source.images is None else source.images[kept],
        answers=answers.take(kept),
        groups=None if groups is None else groups[kept],
        kept=kept,
    )


def _target_name(source: Source, target: str | None, notes: list[str]) -> str:
    """The target that was asked for, or that the source tells, or the last column."""
    if source.frame is None:
        names = [] if source.labels is None else [source.labels.name]
    else:
        names = source.frame.columns
    if target is not None:
        _check_column(source, target, names, "target")
        return target
    if source.target is not None:
        return source.target
    if source.positional or not names:
        raise RequestError(
            said(source.name, "there is no target", expected="x and y", write="load_data((x, y))")
        )
    notes.append(f"target: {names[-1]!r}, the last column, since none was named")
    return names[-1]


def _check_column(source: Source, name: str, names: list[str], role: str) -> None:
    if name not in names:
        raise RequestError(
            said(source.name, f"there is no column {name!r} for the {role}{closest(name, names)}")
        )


def _answers(source: Source, target: str, task: str | None, notes: list[str]) -> tuple[Column, str]:
    """The target column and the task, inferred where neither the user nor the source says it."""
    series = source.target_series(target)
    task = task or (source.task if target == source.target else None)
    kinds = {"classification": "category", "regression": "number", None: None}
    answers = read_column(series, source.at, kinds[task])
    if task is not None:
        return answers, task
    if answers.kind == "category":
        return answers, "classification"
    filled = answers.values[~answers.missing()]
    values = np.unique(filled).size
    # Whole numbers that hardly repeat count something; they do not name classes.
    if answers.whole and values <= min(_FEW_CLASSES, filled.size // 2):
        notes.append(
            f"target {target!r} holds {values} different whole numbers: read as classes "
            '(task="regression" reads them as numbers)'
        )
        return read_column(series, source.at, "category"), "classification"
    return answers, "regression"


def _features(
    source: Source, target: str, group: str | None, leave_out: list[str], notes: list[str]
) -> list[Column]:
    """Every other column, read; what is empty from top to bottom is left out."""
    names = [] if source.frame is None else source.frame.columns
    for name in leave_out:
        _check_column(source, name, names, "list of columns to leave out")
    if source.images is not None:
        return []
    others = [n for n in names if n not in {target, group, *leave_out}]
    columns = [read_column(source.frame[name], source.at) for name in others]
    empty = [column.name for column in columns if column.missing().all()]
    notes.extend(f"column {name!r} is empty: left out" for name in empty)
    columns = [column for column in columns if column.name not in empty]
    if not columns:
        raise RequestError(
            said(
                source.name,
                f"there is no column besides the target {target!r} to learn from",
                got=f"columns {', '.join(names)}",
            )
        )
    return columns


def _groups(source: Source, group: str | None) -> np.ndarray | None:
    """The group of each row, as text."""
    if group is None:
        return None
    _check_column(source, group, [] if source.frame is None else source.frame.columns, "groups")
    column = read_column(source.frame[group], source.at, "category")
    refuse_missing([column], source.at, "the group of every row")
    return column.values.astype(str)


def _kept(
    source: Source, columns: list[Column], answers: Column, missing: str, notes: list[str]
) -> np.ndarray:
    """The indices of the rows that can be used."""
    if missing == "refuse":
        refuse_missing([*columns, answers], source.at, _WAYS_OUT)
    if missing != "drop":
        # A target that was made up would be learned, and then scored, as if it were true.
        refuse_missing([answers], source.at, 'the true value; missing="drop" leaves the row out')
        return np.arange(len(source))
    gone = np.any([column.missing() for column in [*columns, answers]], axis=0)
    if gone.all():
        raise RequestError(said(source.name, "every row has a missing cell", write=_WAYS_OUT))
    if gone.any():
        notes.append(f"{int(gone.sum())} of {gone.size} rows left out for their missing cells")
    return np.flatnonzero(~gone)
