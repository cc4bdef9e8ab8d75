"""Files with rows and columns: CSV, TSV and Parquet.

A text file is read as text: what is a number is decided by columns.py, where a cell that is not one
can still be shown as it was written, with the line on which it stands.
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from steepest.core import RequestError, lazy, said
from steepest.data.frames import check_names
from steepest.data.source import Source

__all__ = ["read_delimited", "read_parquet"]

polars = lazy("polars")


def read_parquet(path: Path) -> Source:
    """A Parquet file. Its rows have no lines, so they are counted from 0."""
    try:
        frame = polars.read_parquet(path, glob=False)
    except (polars.exceptions.PolarsError, polars.exceptions.PanicException) as problem:
        raise RequestError(
            said(path.name, "not a readable Parquet file", got=str(problem).splitlines()[0])
        ) from None
    check_names(path.name, frame.columns)
    return Source(path.name, frame=frame, files=(path,), provenance=f"file {path.name}")


def read_delimited(path: Path) -> Source:
    """A text file of rows, its first line naming the columns.

    The separator is a tab in .tsv files, else the comma, semicolon or tab that the first line has
    most of. Lines are counted from 1, the line of names being 1.
    """
    names, separator, before = _header(path)
    check_names(path.name, names)
    frame = _frame(path, separator, names)
    lines = _lines(frame, before)
    frame, lines, notes = _without_blank_lines(frame, lines)
    provenance = f"file {path.name}"
    return Source(
        path.name, frame=frame, lines=lines, notes=notes, files=(path,), provenance=provenance
    )


def _header(path: Path) -> tuple[list[str], str, int]:
    """The column names, the separator, and the number of the line on which the names end."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = next((line for line in file if line.strip()), "")
            separator = "\t" if path.suffix == ".tsv" else max(",;\t", key=first.count)
            file.seek(0)
            rows = csv.reader(file, delimiter=separator)
            names = next((row for row in rows if any(map(str.strip, row))), [])
    except (UnicodeDecodeError, csv.Error) as problem:
        raise RequestError(_unreadable(path, problem)) from None
    if not names:
        raise RequestError(said(path.name, "the file is empty", expected="a line of column names"))
    if all(map(_is_number, names)):
        raise RequestError(
            said(
                path.name,
                f"row {rows.line_num} must name the columns, but it holds numbers",
                got=first.strip()[:60],
                write="a first line of names, such as: x1,x2,y",
            )
        )
    return [name.strip() for name in names], separator, rows.line_num


def _unreadable(path: Path, problem: Exception) -> str:
    if isinstance(problem, UnicodeDecodeError):
        return said(path.name, "the file is not text in UTF-8", write="save it as CSV UTF-8")
    return said(path.name, "not a readable table", got=str(problem).splitlines()[0])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _frame(path: Path, separator: str, names: list[str]) -> Any:
    try:
        frame = polars.read_csv(path, separator=separator, infer_schema=False, glob=False)
    except polars.exceptions.PolarsError as problem:
        raise RequestError(_reading_problem(path, separator, problem)) from None
    frame.columns = names
    return frame


def _reading_problem(path: Path, separator: str, problem: Exception) -> str:
    """What is wrong with the file, found by reading it again slowly, line by line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=separator)
            width = len(next(row for row in rows if any(map(str.strip, row))))
            for row in rows:
                if len(row) > width:
                    return said(
                        f"{path.name}, row {rows.line_num}",
                        f"{len(row)} cells under {width} column names",
                        write=f'text that contains {separator!r} in quotes: "…"',
                    )
    except (UnicodeDecodeError, csv.Error) as found:
        problem = found
    return _unreadable(path, problem)


def _lines(frame: Any, before: int) -> np.ndarray:
    """The line on which each row starts. A quoted cell may itself hold line breaks."""
    if not frame.height:
        return np.zeros(0, np.int64)
    breaks = frame.select(
        polars.sum_horizontal(polars.all().str.count_matches("\n", literal=True).fill_null(0))
    )
    inside = breaks.to_series().to_numpy().astype(np.int64)
    return before + 1 + np.arange(frame.height) + np.concatenate([[0], np.cumsum(inside)[:-1]])


def _without_blank_lines(frame: Any, lines: np.ndarray) -> tuple[Any, np.ndarray, list[str]]:
    """Blank lines at the end are nothing; between rows they are left out with a note.

    In a file of one column a blank line between rows is a missing cell and stays.
    """
    filled = frame.select(
        polars.any_horizontal(polars.all().str.strip_chars().str.len_bytes().fill_null(0) > 0)
    )
    keep = filled.to_series().to_numpy().astype(bool)
    used = np.flatnonzero(keep)
    end = int(used[-1]) + 1 if used.size else 0
    frame, lines, keep = frame[:end], lines[:end], keep[:end]
    blank = int((~keep).sum())
    if not blank or frame.width == 1:
        return frame, lines, []
    first = lines[~keep][0]
    note = f"{blank} blank {'row' if blank == 1 else 'rows'} left out (the first is row {first})"
    return frame.filter(polars.Series(keep)), lines[keep], [note]
