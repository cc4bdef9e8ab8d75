"""Pieces of a page: every word that goes into one passes through here and is escaped here."""

import html
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from steepest.plot.svg import inline_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["definitions", "escaped", "figure", "flat", "notes", "paragraph", "section", "table"]


def escaped(text: object) -> str:
    """The text as a reader will see it, whatever it holds."""
    return html.escape(str(text))


def paragraph(text: object, kind: str = "") -> str:
    """A paragraph; nothing for an empty text."""
    if not str(text):
        return ""
    return f'<p class="{kind}">{escaped(text)}</p>' if kind else f"<p>{escaped(text)}</p>"


def notes(lines: Iterable[object]) -> str:
    """A list of remarks; nothing where there are none."""
    items = "\n".join(f"<li>{escaped(line)}</li>" for line in lines)
    return f"<ul>\n{items}\n</ul>" if items else ""


def section(name: str, heading: str, *pieces: str) -> str:
    """A part of the page with its heading; nothing where all pieces are empty."""
    body = "\n".join(piece for piece in pieces if piece)
    if not body:
        return ""
    title = f'<h2 id="{name}">{escaped(heading)}</h2>'
    return f'<section aria-labelledby="{name}">\n{title}\n{body}\n</section>'


def figure(drawn: "Figure", name: str, caption: str) -> str:
    """A figure with its caption; its alternative text travels inside."""
    width = round(96 * drawn.get_figwidth())
    return (
        f'<figure style="--width: {width}px">\n<div class="wide">{inline_svg(drawn, name)}</div>\n'
        f"<figcaption>{escaped(caption)}</figcaption>\n</figure>"
    )


def flat(settings: Mapping[str, Any], inside: str = "") -> dict[str, str]:
    """Nested settings as one level, `optimizer.lr`, each value as a person would write it."""
    found: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{inside}{key}.")
        else:
            found[f"{inside}{key}"] = _written(value)
    return found


def _written(value: Any) -> str:
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_written, value)) or "—"
    return str(value)


def definitions(entries: Mapping[str, Any], *, columns: bool = False) -> str:
    """Names and values, one pair per line; in several columns where they are many and short."""
    pairs = [
        f"<dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>"
        for name, value in flat(entries).items()
    ]
    if not columns:
        return f"<dl>\n{_lines(pairs)}\n</dl>" if pairs else ""
    # one list per pair keeps a name and its value in the same column
    lists = [f"<dl>{pair}</dl>" for pair in pairs]
    return f'<div class="settings">\n{_lines(lists)}\n</div>' if pairs else ""


def table(label: str, heads: Iterable[str], rows: Iterable[tuple[str, Iterable[str]]]) -> str:
    """A table whose heads, row heads and cells are markup already; the label is text."""
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    body = [
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for name, cells in rows
    ]
    return (
        f'<div class="wide"><table aria-label="{escaped(label)}">\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{_lines(body)}\n</tbody>\n</table></div>"
    )


def _lines(pieces: Iterable[str]) -> str:
    return "\n".join(pieces)
