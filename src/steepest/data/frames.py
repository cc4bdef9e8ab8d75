"""Data frames in memory: polars as it is, pandas converted column by column, dicts of columns."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from steepest.core import RequestError, lazy, said
from steepest.data.source import Source

__all__ = ["check_names", "from_columns", "from_pandas", "from_polars"]

polars = lazy("polars")


def check_names(where: str, names: list[str]) -> None:
    """Every column needs a name of its own: the saved preparation finds columns by name."""
    if "" in names:
        raise RequestError(
            said(
                where,
                f"column {names.index('') + 1} has no name",
                write="a name, or leave the column out (pandas: to_csv(…, index=False))",
            )
        )
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        places = [i + 1 for i, name in enumerate(names) if name == twice[0]]
        raise RequestError(
            said(
                where,
                f"the column name {twice[0]!r} occurs {len(places)} times",
                got=f"columns {', '.join(map(str, places))}",
                write="a different name for each",
            )
        )


def from_polars(frame: Any) -> Source:
    """A polars DataFrame, or a LazyFrame, which is collected."""
    frame = frame.collect() if hasattr(frame, "collect") else frame
    check_names("the data frame", frame.columns)
    return Source("the data frame", frame=frame, provenance="a data frame in memory")


def from_pandas(frame: Any) -> Source:
    """A pandas DataFrame. Its index is not a column."""
    names = [str(name) for name in frame.columns]
    check_names("the data frame", names)
    columns = [_pandas_column(name, frame.iloc[:, i]) for i, name in enumerate(names)]
    provenance = "a data frame in memory"
    return Source("the data frame", frame=polars.DataFrame(columns), provenance=provenance)


def _pandas_column(name: str, series: Any) -> Any:
    """One pandas column as a polars Series; going through NumPy, it needs no pyarrow."""
    values, missing = series.to_numpy(), series.isna().to_numpy()
    if values.dtype.kind == "O" and series.dtype.kind in "iuf":  # pandas' own nullable numbers
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    if values.dtype.kind == "f" and series.dtype.kind in "iu":
        # Whole numbers became floats only to hold NaN; whether a column is whole decides its task.
        whole = polars.Series(name, np.where(missing, 0, values).astype(np.int64))
        return polars.select(
            polars.when(polars.Series(missing)).then(None).otherwise(whole).alias(name)
        ).to_series()
    if values.dtype.kind in "biuf":
        return polars.Series(name, values)
    cells = [None if gone else cell for cell, gone in zip(series.tolist(), missing, strict=True)]
    if all(cell is None or isinstance(cell, bool | np.bool_) for cell in cells):
        return polars.Series(name, cells, dtype=polars.Boolean)
    texts = [None if cell is None else str(cell) for cell in cells]
    dtype = polars.Categorical if str(series.dtype) == "category" else polars.String
    return polars.Series(name, texts, dtype=polars.String).cast(dtype)


def from_columns(columns: Mapping[str, Any], name: str) -> Source:
    """A dict of one-dimensional columns of one length."""
    arrays = {str(key): np.asarray(values) for key, values in columns.items()}
    for key, values in arrays.items():
        if values.ndim != 1:
            raise RequestError(
                said(
                    f"{name}, column {key!r}",
                    "a column has one dimension",
                    got=f"shape {values.shape}",
                    write="{'x': x, 'y': y} for an array of features and its targets",
                )
            )
    lengths = {key: len(values) for key, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        got = ", ".join(f"{key}: {length}" for key, length in lengths.items())
        raise RequestError(said(name, "the columns have different lengths", got=got))
    series = [column(key, values) for key, values in arrays.items()]
    return Source(name, frame=polars.DataFrame(series), provenance="arrays in memory")


def column(name: str, values: np.ndarray) -> Any:
    """A one-dimensional array as a polars Series; what is neither number nor bool becomes text."""
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    if values.dtype.kind in "biuf":
        return polars.Series(name, values.astype(values.dtype.newbyteorder("=")))
    return polars.Series(name, [_text(cell) for cell in values.tolist()], dtype=polars.String)


def _text(cell: Any) -> str | None:
    """A cell as text; None and NaN are missing cells."""
    return None if cell is None or cell != cell else str(cell)
