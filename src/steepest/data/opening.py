"""Anything that a user may call data becomes a Source."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from steepest.core import RequestError, closest, said
from steepest.data.arrays import from_array, from_mapping, from_pair, read_npz
from steepest.data.catalogue import datasets, open_packaged
from steepest.data.frames import from_pandas, from_polars
from steepest.data.idx import read_idx_folder
from steepest.data.pictures import (
    PICTURES,
    holds_pictures,
    read_picture_folder,
    read_pictures,
)
from steepest.data.source import Source
from steepest.data.tables import read_delimited, read_parquet

__all__ = ["open_source"]

_READERS = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".parquet": read_parquet,
    ".npz": read_npz,
    **dict.fromkeys(PICTURES, lambda path: read_pictures([path])),
}


def open_source(source: Any, seed: int = 0) -> Source:
    """A packaged name, a path, paths of pictures, (x, y), an array, a dict of arrays, a polars or
    pandas frame.

    Raises:
        RequestError: no such file or name (with the closest one), or something unreadable.
    """
    if isinstance(source, Source):
        return source
    if isinstance(source, str | Path):
        return _named(source, seed)
    if (
        isinstance(source, list | tuple)
        and source
        and all(isinstance(p, str | Path) for p in source)
    ):
        return _several(source, seed)
    package, kind = type(source).__module__.partition(".")[0], type(source).__name__
    if package == "polars" and kind in ("DataFrame", "LazyFrame"):
        return from_polars(source)
    if package == "pandas" and kind == "DataFrame":
        return from_pandas(source)
    if isinstance(source, Mapping):
        return from_mapping(source)
    if isinstance(source, tuple) and len(source) == 2:
        return from_pair(*source)
    if hasattr(source, "__array__") or isinstance(source, list):
        return from_array(source)
    raise RequestError(
        said(
            "load_data",
            "this is not data that can be read",
            expected="a packaged name, a path, (x, y) arrays, a dict of arrays or a data frame",
            got=type(source).__name__,
        )
    )


def _named(source: str | Path, seed: int) -> Source:
    """A packaged set by its name, otherwise a file or a folder."""
    packaged = [card.name for card in datasets()]
    if isinstance(source, str) and source in packaged:
        return open_packaged(source, seed)
    path = Path(source).expanduser()
    if path.is_dir():
        return (read_picture_folder if holds_pictures(path) else read_idx_folder)(path)
    if not path.is_file():
        raise RequestError(_missing(path, packaged))
    if path.stat().st_size == 0:
        raise RequestError(said(path.name, "the file is empty"))
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise RequestError(
            said(
                path.name,
                "this kind of file is not read",
                expected=", ".join(_READERS) + ", or a folder of pictures or IDX files",
                got=path.suffix or "a name without an ending",
            )
        )
    return reader(path)


def _several(sources: Sequence[str | Path], seed: int) -> Source:
    """One source by its name, or several pictures."""
    if len(sources) == 1:
        return _named(sources[0], seed)
    paths = [Path(source).expanduser() for source in sources]
    for path in paths:
        if path.suffix.lower() not in PICTURES:
            raise RequestError(
                said(
                    str(path),
                    "several files at once are pictures",
                    expected=", ".join(PICTURES),
                    got=path.suffix or "a name without an ending",
                )
            )
        if not path.is_file():
            raise RequestError(_missing(path, []))
    return read_pictures(paths)


def _missing(path: Path, packaged: list[str]) -> str:
    """No such file: the nearest name in its folder, or among the packaged sets."""
    folder = path.parent
    bare = not path.suffix and folder == Path()
    if bare:
        return said(str(path), f"no such file or data set{closest(path.name, packaged)}")
    if not folder.is_dir():
        return said(str(path), f"there is no folder {str(folder)!r}")
    beside = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in _READERS or p.is_dir())
    return said(str(path), f"no such file{closest(path.name, beside)}")
