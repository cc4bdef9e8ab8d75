"""Columns: deciding what is a number and what is a category, and refusing cells that are neither.

    a numeric dtype                                           numbers
    text, of which at least 80 % of the filled cells parse    numbers; the other cells are mistakes
    any other text, bools, dates                              categories

A missing cell is an empty one, null, NaN, or one of the words that tables use for it. Messages show
the cell as it was written and where it stands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.core import RequestError, lazy, said

__all__ = ["Column", "label_of", "read_column", "refuse_missing"]

polars = lazy("polars")

# Lower case; "?" is what the UCI repository writes.
_MISSING_WORDS = ["", "na", "n/a", "nan", "null", "?"]

# From this share of parsing cells on, a column of text was meant to hold numbers.
_NUMERIC_SHARE = 0.8

Where = Callable[[int, str], str]


@dataclass(frozen=True)
class Column:
    """One column, read.

    Attributes:
        kind: "number" or "category".
        values: (n,) float64 with NaN where missing, or (n,) objects: text, None where missing.
        whole: numbers that were all written as whole numbers: 3, not 3.0.
    """

    name: str
    kind: str
    values: np.ndarray
    whole: bool = False

    def missing(self) -> np.ndarray:
        """(n,) bools: where a cell is missing."""
        if self.kind == "number":
            return np.isnan(self.values)
        return np.array([cell is None for cell in self.values], dtype=bool)

    def take(self, rows: np.ndarray) -> "Column":
        """The column at these row indices."""
        return Column(self.name, self.kind, self.values[rows], self.whole)


def read_column(series: Any, at: Where, kind: str | None = None) -> Column:
    """A polars Series as numbers or categories.

    Args:
        series: the column.
        at: (row index, column name) -> how a message names that cell.
        kind: what it has to be; found from the cells when None.

    Raises:
        RequestError: an infinite number, text among numbers, or a column of nested values.
    """
    unreadable = (polars.Object, polars.Binary, polars.Duration)
    if series.dtype.is_nested() or series.dtype in unreadable:
        raise RequestError(
            said(
                f"column {series.name!r}",
                "its cells cannot be read",
                expected="numbers, text, bools or dates",
                got=series.dtype,
            )
        )
    if series.dtype.is_numeric() or series.dtype == polars.Null:
        column = _numbers(series.name, series.cast(polars.Float64), series.dtype.is_integer(), at)
        return _as_category(column) if kind == "category" else column
    text = series.cast(polars.String).str.strip_chars()
    text = text.set(text.str.to_lowercase().is_in(_MISSING_WORDS).fill_null(True), None)
    filled = text.len() - text.null_count()
    if kind is None:
        parsed = text.cast(polars.Float64, strict=False)
        share = (parsed.len() - parsed.null_count()) / filled if filled else 1.0
        written = series.dtype == polars.String and share >= _NUMERIC_SHARE
        kind = "number" if written else "category"
    return _parsed(text, at) if kind == "number" else _category(text)


def _numbers(name: str, series: Any, whole: bool, at: Where) -> Column:
    values = series.to_numpy().astype(np.float64)  # null becomes NaN
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        i = int(infinite[0])
        raise RequestError(
            said(
                at(i, name),
                "infinite value",
                expected="a finite number",
                got=values[i],
                write="the number that was meant, or leave the cell empty and choose missing=…",
            )
        )
    return Column(name, "number", values, whole)


def _parsed(text: Any, at: Where) -> Column:
    """Numbers from text; the first filled cell that is none is refused."""
    parsed = text.cast(polars.Float64, strict=False)
    bad = (parsed.is_null() & text.is_not_null()).to_numpy()
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        others = int(bad.sum()) - 1
        raise RequestError(
            said(
                at(i, text.name),
                "text in a column of numbers"
                + (f" (and {others} more such cells)" if others else ""),
                expected="a number",
                got=repr(text[i]),
            )
        )
    whole = bool(text.drop_nulls().str.contains(r"^[+-]?\d+$").all())
    return _numbers(text.name, parsed, whole, at)


def _category(text: Any) -> Column:
    # "True" as pandas writes it and "true" as polars does are one category.
    lowered = text.str.to_lowercase()
    if lowered.drop_nulls().is_in(["true", "false"]).all():
        text = lowered
    return Column(text.name, "category", np.array(text.to_list(), dtype=object))


def _as_category(column: Column) -> Column:
    """Numbers written out as labels: 3.0 as 3."""
    cells = [None if np.isnan(v) else label_of(v) for v in column.values.tolist()]
    return Column(column.name, "category", np.array(cells, dtype=object))


def label_of(cell: object) -> str:
    """A class label as text; a number that is whole loses its point: '3.0' and 3 are one class."""
    try:
        number = float(str(cell))
    except ValueError:
        return str(cell)
    return str(int(number)) if number.is_integer() else str(cell)


def refuse_missing(columns: list[Column], at: Where, ways_out: str) -> None:
    """Refuse the first missing cell, in the order of rows."""
    found = [
        (int(np.argmax(gone)), c.name, int(gone.sum()))
        for c in columns
        if (gone := c.missing()).any()
    ]
    if not found:
        return
    i, name, _ = min(found)
    count = sum(n for *_, n in found)
    raise RequestError(
        said(
            at(i, name),
            "missing cell" + (f" (the first of {count})" if count > 1 else ""),
            expected="a value in every cell",
            write=ways_out,
        )
    )
