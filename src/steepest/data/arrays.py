"""Arrays: (x, y) pairs, x alone, tensors, and the arrays inside an NPZ file.

Two dimensions make a table whose columns are called x0, x1, … after their index; three or four make
images. Rows are counted from 0, as the arrays themselves count.
"""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from steepest.core import RequestError, lazy, said
from steepest.data.frames import column, from_columns
from steepest.data.source import Source
from steepest.tensors import Tensor

__all__ = ["from_array", "from_mapping", "from_pair", "read_npz"]

polars = lazy("polars")

# The names under which people keep features and targets together.
_PAIRS = (("x", "y"), ("X", "y"), ("images", "labels"), ("data", "target"))

# What NumPy and its ZIP reader raise on a damaged file, or on one of another kind.
_UNREADABLE: tuple[type[Exception], ...] = (
    ValueError,
    OSError,
    EOFError,
    AttributeError,
    NotImplementedError,
)
_UNREADABLE += (zipfile.BadZipFile, zlib.error)


def from_pair(x: Any, y: Any, name: str = "the arrays", target: str = "y") -> Source:
    """Features x of shape (n, …) and one target for each of the n rows."""
    source = from_array(x, name)
    labels = column(target, _one_per_row(_array(y), name, target))
    if len(source) != len(labels):
        raise RequestError(
            said(
                name,
                "features and targets have different numbers of rows",
                expected=f"{len(source)} targets",
                got=f"x with {len(source)} rows, {target} with {len(labels)}",
            )
        )
    source.target = target
    if source.images is not None:
        source.labels = labels
    else:
        source.frame = source.frame.with_columns(labels)
    return source


def from_array(x: Any, name: str = "the array") -> Source:
    """Features alone: (n,), (n, features), (n, height, width) or (n, channels, height, width)."""
    x = _array(x)
    if x.ndim in (3, 4):
        return Source(name, images=_images(x, name), provenance="arrays in memory")
    if x.ndim not in (1, 2):
        raise RequestError(said(name, "expected (n, features) or images", got=f"shape {x.shape}"))
    columns = [column(f"x{i}", values) for i, values in enumerate(x.reshape(len(x), -1).T)]
    provenance = "arrays in memory"
    return Source(name, frame=polars.DataFrame(columns), positional=True, provenance=provenance)


def from_mapping(arrays: Mapping[str, Any], name: str = "the dict of arrays") -> Source:
    """A dict: features and targets under one of the usual pairs of names, else columns."""
    for x, y in _PAIRS:
        if x in arrays and y in arrays and _array(arrays[x]).ndim > 1:
            return from_pair(arrays[x], arrays[y], name, y)
    return from_columns({key: _array(values) for key, values in arrays.items()}, name)


def read_npz(path: Path) -> Source:
    """An NPZ file: one of the usual pairs of names, else its first two arrays of one length."""
    try:
        # np.load leaves a file open that it opened itself and could not read.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except _UNREADABLE as problem:
        # np.load calls anything that it does not know a pickle; that word would mislead here.
        got = "pickled objects" if "Object arrays" in str(problem) else None
        raise RequestError(
            said(path.name, "not a readable NPZ file of plain arrays", got=got)
        ) from None
    if len(arrays) == 1:  # features alone, to predict from
        source = from_array(next(iter(arrays.values())), path.name)
    else:
        x, y = _pair_in(arrays, path.name)
        source = from_pair(arrays[x], arrays[y], path.name, y)
    source.files, source.provenance = (path,), f"file {path.name}"
    return source


def _pair_in(arrays: Mapping[str, np.ndarray], name: str) -> tuple[str, str]:
    """The keys of features and targets."""
    for x, y in _PAIRS:
        if x in arrays and y in arrays:
            return x, y
    keys = [key for key, values in arrays.items() if values.ndim]
    for i, x in enumerate(keys):
        for y in keys[i + 1 :]:
            if len(arrays[x]) == len(arrays[y]):
                return (y, x) if arrays[x].ndim < arrays[y].ndim else (x, y)
    got = ", ".join(f"{key} {values.shape}" for key, values in arrays.items()) or "no arrays"
    raise RequestError(
        said(name, "no two arrays have the same number of rows", expected="x and y", got=got)
    )


def _array(values: Any) -> np.ndarray:
    """The NumPy array behind a tensor, a list, or anything that knows how to become one."""
    if isinstance(values, Tensor):
        values = values.detach().numpy()
    array = np.asarray(values)
    if array.dtype.kind == "c":
        raise RequestError(said("the arrays", "complex numbers are not features", got=array.dtype))
    return array


def _one_per_row(y: np.ndarray, name: str, target: str) -> np.ndarray:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        one_hot = y.ndim == 2 and y.dtype.kind in "biuf" and (y.sum(axis=1) == 1).all()
        raise RequestError(
            said(
                f"{name}, {target}",
                "expected one target for each row",
                expected="shape (n,) or (n, 1)",
                got=f"shape {y.shape}",
                write=f"{target}.argmax(1)" if one_hot else f"{target}[:, 0]",
            )
        )
    return y


def _images(x: np.ndarray, name: str) -> np.ndarray:
    """(n, height, width) becomes (n, 1, height, width); channels come before height."""
    if x.dtype.kind not in "biuf":
        raise RequestError(said(name, "images are arrays of numbers", got=x.dtype))
    if x.ndim == 3:
        return x[:, None]
    if x.shape[3] in (1, 3, 4) and x.shape[1] > 4:
        raise RequestError(
            said(
                name,
                "the channels of an image come before its height",
                expected="(n, channels, height, width)",
                got=f"shape {x.shape}",
                write="x.transpose(0, 3, 1, 2)",
            )
        )
    return x
