"""How verbs write pictures: the format by the file's ending, the theme checked before the work."""

import io
from pathlib import Path
from typing import Any

from steepest import plot as pictures
from steepest.core import RequestError, said
from steepest.training import write_bytes

__all__ = ["checked", "written"]

_FORMATS = (".png", ".svg", ".pdf")


def checked(out: str | None, usual: Path, theme: str) -> Path:
    """The file to write: `out`, or the usual one, whose name tells a dark theme.

    Raises:
        RequestError: no such format, no such theme, or no such folder to write to.
    """
    pictures.rc(theme)
    dark = "" if theme == "light" else f"-{theme}"
    path = usual.with_name(f"{usual.name}{dark}.png") if out is None else Path(out)
    if path.suffix.lower() not in _FORMATS:
        raise RequestError(said("--out", "no such format", expected=", ".join(_FORMATS), got=out))
    if out is not None and not path.parent.is_dir():
        raise RequestError(said("--out", f"cannot write {path}", got=f"no folder {path.parent}"))
    return path


def written(figure: Any, path: Path, theme: str) -> None:
    """Write a figure, making the usual folder where there is none."""
    content = io.BytesIO()
    with pictures.drawing(theme):
        figure.savefig(content, format=path.suffix[1:].lower())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content.getvalue())
    except OSError as error:
        raise RequestError(said("--out", f"cannot write {path}", got=error.strerror)) from None
