"""Source: what a file, a data frame or a pair of arrays became, before anything is learned.

Whatever the user hands over ends as one of two things: a table (a frame with one column per
quantity) or images (one array, labels beside it). A source also knows how to name a row in the
user's own terms, so that every message about a cell says where to find it.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Source"]


@dataclass
class Source:
    """A table or images, and what is known about them.

    Attributes:
        name: the file's name, or what kind of thing was handed over.
        frame: a polars DataFrame, for a table.
        images: an array of shape (n, channels, height, width), for images.
        labels: a polars Series of n targets beside the images, where there are any.
        target: the name of the target column, where the source itself tells.
        task: "regression" or "classification", where the source itself tells.
        units: what the target is measured in, where known.
        names: what each row is called, where rows are files.
        lines: the line of the file on which each row stands; None where rows are counted from 0.
        positional: the columns have no names of their own; only their order counts.
        indivisible: too small to be split: every part is the whole.
        test_from: the first row of a test part that the source brings along, if it does.
        files: what it was read from.
    """

    name: str
    frame: Any = None
    images: np.ndarray | None = None
    labels: Any = None
    target: str | None = None
    task: str | None = None
    units: str | None = None
    names: list[str] | None = None
    lines: np.ndarray | None = None
    positional: bool = False
    indivisible: bool = False
    test_from: int | None = None
    provenance: str = ""
    notes: list[str] = field(default_factory=list)
    files: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return len(self.images) if self.images is not None else self.frame.height

    def rows(self) -> np.ndarray:
        """The number by which a user finds each row: line of the file, or index from 0."""
        return np.arange(len(self)) if self.lines is None else self.lines

    def row(self, i: int) -> str:
        """`row 17`, as messages say it; the file's name where a row is one."""
        if self.names is not None:
            return self.names[i]
        return f"row {i} (counted from 0)" if self.lines is None else f"row {self.lines[i]}"

    def at(self, i: int, column: str) -> str:
        """`houses.csv, row 17, column 'RM'`."""
        return f"{self.name}, {self.row(i)}, column {column!r}"

    def target_series(self, name: str) -> Any:
        """The target column, wherever it is kept."""
        return self.labels if self.images is not None else self.frame[name]

    def digest(self) -> str:
        """SHA-256 of the files' bytes (what `sha256sum` prints), or of the arrays' contents."""
        found = hashlib.sha256()
        for path in self.files:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    found.update(block)
        if not self.files:
            if self.images is not None:
                found.update(f"{self.images.dtype}{self.images.shape}".encode())
                found.update(np.ascontiguousarray(self.images).data)
            for text in [
                x.write_csv() for x in (self.frame, _as_frame(self.labels)) if x is not None
            ]:
                found.update(text.encode())
        return found.hexdigest()


def _as_frame(series: Any) -> Any:
    return None if series is None else series.to_frame()
