"""Pictures: PNG and other image files, one by one, or in a folder with a folder for each class.

    digits/0/a.png  digits/0/b.png  digits/1/c.png …      a class is called what its folder is
    scanned/a.png   scanned/b.png                         no classes: pictures to predict from

Pictures are grey (1 channel) or coloured (3); grey ones that were saved with colours are grey. What
is partly transparent, or has more than 8 bits per channel, is refused: how it looks would depend on
the program that shows it.
"""

import warnings
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from steepest.core import RequestError, lazy, said
from steepest.data.source import Source

__all__ = ["PICTURES", "holds_pictures", "read_picture_folder", "read_pictures"]

polars = lazy("polars")
pillow = lazy("PIL.Image")

PICTURES = (".png", ".jpg", ".jpeg", ".bmp")

# What Pillow raises on a file that is damaged, or that is something else.
_UNREADABLE: tuple[type[Exception], ...] = (OSError, SyntaxError, ValueError, EOFError, zlib.error)


def holds_pictures(folder: Path) -> bool:
    """Whether a folder, or one directly inside it, has a picture."""
    return any(_pictures(place) for place in (folder, *_folders(folder)))


def read_pictures(paths: Sequence[Path]) -> Source:
    """Picture files, in this order, without classes.

    Raises:
        RequestError: one that cannot be read, or that has another size than the first.
    """
    first = paths[0].name
    name = first if len(paths) == 1 else f"{first} and {len(paths) - 1} more"
    names = [path.name for path in paths]
    return Source(name, images=_stacked(paths, names), names=names, files=tuple(paths))


def read_picture_folder(folder: Path) -> Source:
    """A folder of folders of pictures: classes; or a folder of pictures, without classes."""
    classes = [place for place in _folders(folder) if _pictures(place)]
    if not classes:
        source = read_pictures(_pictures(folder))
        source.name = folder.name
        return source
    paths = [path for place in classes for path in _pictures(place)]
    names = [f"{path.parent.name}/{path.name}" for path in paths]
    return Source(
        folder.name,
        images=_stacked(paths, names),
        labels=polars.Series("label", [path.parent.name for path in paths]),
        target="label",
        task="classification",
        names=names,
        provenance=f"folder {folder.name}",
        notes=list(_left_out(folder, classes)),
        files=tuple(paths),
    )


def _folders(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.iterdir()) if p.is_dir() and not p.name.startswith(".")]


def _pictures(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.iterdir()) if p.suffix.lower() in PICTURES and p.is_file()]


def _left_out(folder: Path, classes: list[Path]) -> Iterable[str]:
    """One line for what lies beside the pictures."""
    for place in _folders(folder):
        if place not in classes:
            yield f"folder {place.name!r} has no pictures: left out"
    for place in (folder, *classes):
        inside = _pictures(place) if place != folder else []
        others = [p for p in place.iterdir() if p.is_file() and not p.name.startswith(".")]
        if more := len(others) - len(inside):
            yield f"folder {place.name!r}: {more} other file{'s' if more > 1 else ''} left out"


def _stacked(paths: Sequence[Path], names: Sequence[str]) -> np.ndarray:
    """(n, channels, height, width) uint8."""
    pictures = [_read(path, name) for path, name in zip(paths, names, strict=True)]
    first = pictures[0].shape[1:]
    for name, picture in zip(names, pictures, strict=True):
        if picture.shape[1:] != first:
            raise RequestError(
                said(
                    name,
                    "the pictures have different sizes",
                    expected=f"{_size(first)} pixels (height × width), as {names[0]}",
                    got=f"{_size(picture.shape[1:])} pixels",
                    write="all of them resized to one size",
                )
            )
    channels = max(len(picture) for picture in pictures)
    shape = (channels, *first)
    return np.stack([np.broadcast_to(picture, shape) for picture in pictures])


def _size(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _read(path: Path, name: str) -> np.ndarray:
    """One picture as (channels, height, width)."""
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error", pillow.DecompressionBombWarning)
            with pillow.open(file) as opened:
                opened.load()
                return _channels(opened, name)
    except (pillow.DecompressionBombWarning, pillow.DecompressionBombError):
        raise RequestError(said(name, "far too large for a picture to learn from")) from None
    except RequestError:
        raise
    except _UNREADABLE as problem:
        why = problem.strerror if isinstance(problem, OSError) and problem.strerror else None
        raise RequestError(
            said(name, "not a readable picture: damaged, or something else", got=why)
        ) from None


def _channels(picture: Any, name: str) -> np.ndarray:
    """The channels that are to be seen: one where all three are the same."""
    mode = picture.mode
    if mode in ("LA", "PA", "RGBA") or "transparency" in picture.info:
        coloured = picture.convert("RGBA")
        if coloured.getextrema()[3][0] < 255:
            raise RequestError(
                said(
                    name,
                    "parts of the picture are transparent",
                    expected="an opaque grey or RGB picture",
                    got=f"mode {mode}",
                    write="it put on a background, such as black, before",
                )
            )
        picture = coloured.convert("RGB")
    elif mode in ("1", "L"):
        return np.asarray(picture.convert("L"))[None]
    elif mode not in ("P", "RGB"):
        raise RequestError(
            said(
                name,
                "this kind of picture is not read",
                expected="8 bits per channel, grey or RGB",
                got=f"mode {mode}",
                write="it saved as an 8-bit grey or RGB PNG",
            )
        )
    pixels = np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
    return pixels[:1] if (pixels == pixels[:1]).all() else pixels
