"""How verbs write pictures: the format by the file's ending, the theme checked before the work."""

import io
from pathlib import Path
from typing import Any

from steepest import plot as pictures
from steepest.core import RequestError, said
from steepest.training import write_bytes

__all__ = ["MOVING", "checked", "moves", "written"]

_FORMATS = (".png", ".svg", ".pdf")
MOVING = (".html", ".gif")  # of pictures that move: a page with a slider, a picture that plays


def checked(out: str | None, usual: Path, theme: str, formats: tuple[str, ...] = ()) -> Path:
    """The file to write: `out`, or the usual one, whose name tells a dark theme.

    formats: beside those of every picture

    Raises:
        RequestError: no such format, no such theme, or no such folder to write to.
    """
    pictures.rc(theme)
    dark = "" if theme == "light" else f"-{theme}"
    path = usual.with_name(f"{usual.name}{dark}.png") if out is None else Path(out)
    known = (*_FORMATS, *formats)
    if path.suffix.lower() not in known:
        what = "no such format" + ("; this picture does not move" if moves(path) else "")
        raise RequestError(said("--out", what, expected=", ".join(known), got=out))
    if out is not None and not path.parent.is_dir():
        raise RequestError(said("--out", f"cannot write {path}", got=f"no folder {path.parent}"))
    return path


def moves(path: Path) -> bool:
    """Whether a file of this name holds a picture that moves."""
    return path.suffix.lower() in MOVING


def written(picture: Any, path: Path, theme: str) -> None:
    """Write a figure or a motion, making the usual folder where there is none."""
    content = _content(picture, path.suffix[1:].lower(), theme)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content)
    except OSError as error:
        raise RequestError(said("--out", f"cannot write {path}", got=error.strerror)) from None


def _content(picture: Any, form: str, theme: str) -> bytes:
    if form == "html":
        return pictures.moving_page(picture).encode()
    if form == "gif":
        return pictures.moving_gif(picture)
    content = io.BytesIO()
    with pictures.drawing(theme):
        picture.savefig(content, format=form)
    return content.getvalue()
