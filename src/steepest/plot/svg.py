"""A figure as SVG text that lives inside a page and changes colour with it.

matplotlib writes a file: with a prologue, a date, identifiers that other figures use too, and fixed
colours. Here it becomes an element: no address, no date, identifiers of its own, and for every
colour the role it plays, `var(--ink)`, so that one drawing serves the light and the dark page.
"""

import html
import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from steepest.plot.style import THEMES, drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["inline_svg", "of_the_page", "variables"]

_LEFT_OUT = re.compile(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", re.DOTALL)
_NAMED = re.compile(r'(\bid="|href="#|url\(#)')
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_TOO_FINE = re.compile(r"(\.\d\d)\d+")
# Only inside a tag: a user's own text may hold anything.
_TAG = re.compile(r"<[^<>]*>")


def variables(theme: str) -> str:
    """The theme as CSS custom properties: `--ink: #1a1e23; …`."""
    return " ".join(f"--{role}: {colour};" for role, colour in THEMES[theme].roles().items())


def inline_svg(figure: "Figure", name: str, theme: str = "light") -> str:
    """The figure as one `<svg>` element, the same text for the same figure.

    figure: drawn in the theme; its label becomes the alternative text
    name: a word that no other figure of the page has; its identifiers begin with it
    """
    page = io.StringIO()
    with drawing(theme):
        figure.savefig(page, format="svg", transparent=True, metadata={"Date": None})
    width, height = (round(72 * inches, 2) for inches in figure.get_size_inches())
    alternative = html.escape(str(figure.get_label()))
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{alternative}">\n'
        f"{of_the_page(page.getvalue(), name, theme)}\n</svg>"
    )


def of_the_page(drawn: str, name: str, theme: str) -> str:
    """What stands inside the `<svg>` that matplotlib wrote, with roles instead of colours.

    drawn: in the theme
    name: what its identifiers begin with
    """
    body = _LEFT_OUT.sub("", drawn[drawn.index("<svg") : drawn.rindex("</svg>")])
    body = body[body.index(">") + 1 :]
    roles = {colour: f"var(--{role})" for role, colour in THEMES[theme].roles().items()}
    body = _TAG.sub(lambda tag: _tag(tag[0], name, roles), body)
    return "\n".join(line.strip() for line in body.splitlines() if line.strip())


def _tag(tag: str, name: str, roles: Mapping[str, str]) -> str:
    """A tag with identifiers of this figure, links without a namespace, and roles for colours.

    A colour that plays no role stays, and a hundredth of a point is as fine as a screen shows.
    """
    tag = tag.replace("xlink:href", "href")
    tag = _NAMED.sub(lambda start: f"{start[0]}{name}-", tag)
    tag = _TOO_FINE.sub(r"\1", tag)
    return _COLOUR.sub(lambda colour: roles.get(colour[0], colour[0]), tag)
