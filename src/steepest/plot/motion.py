"""Pictures that move: a figure that stands still, and what each frame adds to it.

A Motion becomes a page of its own, with a slider and a button, that asks nobody for anything
(`moving_page`), or a GIF for places that take no page (`moving_gif`).

The page holds the standing part once, as a drawing in lines, and for each frame only what moves; so
it is small, sharp at any size, and light or dark as its reader likes.
"""

import base64
import io
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.core import lazy
from steepest.plot import markup
from steepest.plot.style import THEMES, Theme, drawing, finished
from steepest.plot.svg import inline_svg, of_the_page, variables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

backend_svg = lazy("matplotlib.backends.backend_svg")
images = lazy("PIL.Image")

__all__ = ["FRAMES", "Motion", "headline", "motion", "moving_gif", "moving_page"]

# As many as a hand on the slider tells apart; more steps than that are thinned.
FRAMES = 60

_PAGE = Path(__file__).with_name("motion.html")
_SECONDS = 6.0  # from the first frame to the last
_REST = 2.0  # seconds: of a GIF on its last frame, before it begins again
_SHADES = 28  # of each colour of a GIF, from paper on


@dataclass(frozen=True)
class Motion:
    """A picture that moves. `motion` makes one.

    Attributes:
        figure: what stands still, laid out so that every frame has its place.
        draw: puts what is seen in a frame into the figure's axes.
        captions: what each frame is, "step 12"; their number is that of the frames.
        title: of its page.
        theme: in which it was drawn.
    """

    figure: "Figure"
    draw: Callable[[int], None]
    captions: Sequence[str]
    title: str
    theme: str

    def get_label(self) -> str:
        """Its alternative text, as of a figure."""
        return str(self.figure.get_label())


def motion(
    figure: "Figure",
    draw: Callable[[int], None],
    captions: Sequence[str],
    title: str,
    alternative: str,
    theme: str,
) -> Motion:
    """A moving picture, laid out around its last frame. To be called inside `drawing(theme)`.

    draw: adds artists to axes of the figure, and changes nothing that is there
    alternative: the text of the whole motion
    """
    with _frame(figure, draw, len(captions) - 1):
        finished(figure, alternative)
        figure.set_layout_engine("none")
        for ax in figure.axes:
            ax.autoscale(False)
    return Motion(figure, draw, captions, title, theme)


def headline(ax: Any, text: str) -> None:
    """Words where a panel's title stands, that may change from frame to frame."""
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
    ax.annotate(text, (0, 1), (0, 6), **place, fontsize=10, fontweight="bold")


def moving_page(moving: Motion) -> str:
    """A page with the picture, a button that plays it, and a slider."""
    width = round(96 * moving.figure.get_figwidth())
    with drawing(moving.theme):
        moving.figure.set_dpi(72)
        frames = [_added_lines(moving, i) for i in range(len(moving.captions))]
        still = inline_svg(moving.figure, "still", moving.theme)
    # without a script, the page shows the last frame
    picture = still.replace("</svg>", f'<g id="moving">{frames[-1]}</g>\n</svg>')
    return Template(_PAGE.read_text(encoding="utf-8")).substitute(
        title=markup.escaped(moving.title),
        light=variables("light"),
        dark=variables("dark"),
        width=width,
        picture=picture,
        last=len(frames) - 1,
        caption=markup.escaped(moving.captions[-1]),
        words=markup.escaped(moving.get_label()),
        milliseconds=round(1000 * _SECONDS / len(frames)),
        frames=_packed(frames),
        captions=_packed(moving.captions),
    )


def _added_lines(moving: Motion, i: int) -> str:
    """What frame i adds, as SVG."""
    width, height = (72 * inches for inches in moving.figure.get_size_inches())
    page = io.StringIO()
    renderer = backend_svg.RendererSVG(width, height, page)
    with _frame(moving.figure, moving.draw, i) as added:
        for artist in added:
            artist.draw(renderer)
    renderer.finalize()
    return of_the_page(page.getvalue(), "frame", moving.theme)


def _packed(texts: Sequence[str]) -> str:
    """Texts in a tenth of their room: JSON, deflated, as base 64."""
    return base64.b64encode(zlib.compress(json.dumps(list(texts)).encode(), 9)).decode()


def moving_gif(moving: Motion) -> bytes:
    """The picture as a GIF that plays by itself, again and again."""
    canvas: Any = moving.figure.canvas
    with drawing(moving.theme):
        canvas.draw()
        still = canvas.copy_from_bbox(moving.figure.bbox)
        frames = []
        for i in range(len(moving.captions)):
            canvas.restore_region(still)
            with _frame(moving.figure, moving.draw, i) as added:
                for artist in added:
                    artist.draw(canvas.get_renderer())
            seen = images.frombytes("RGBA", canvas.get_width_height(), canvas.buffer_rgba())
            frames.append(seen.convert("RGB"))
    palette = _palette(THEMES[moving.theme])
    reduced = [frame.quantize(palette=palette, dither=images.Dither.NONE) for frame in frames]
    pauses = [round(1000 * _SECONDS / len(frames))] * (len(frames) - 1) + [round(1000 * _REST)]
    written = io.BytesIO()
    how = {"save_all": True, "append_images": reduced[1:], "duration": pauses, "loop": 0}
    reduced[0].save(written, "GIF", **how, optimize=True, disposal=1)
    return written.getvalue()


def _palette(colours: Theme) -> Any:
    """The colours of the house, each in shades from paper on."""
    paper, *inks = (
        np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
        for colour in (colours.paper, colours.ink, colours.muted, colours.rule, *colours.series)
    )
    shades = np.linspace(0, 1, _SHADES + 1)[1:, None]
    mixed = np.concatenate([[paper], *((1 - shades) * paper + shades * ink for ink in inks)])
    found = images.new("P", (1, 1))
    found.putpalette(mixed.round().astype(np.uint8).tobytes())
    return found


@contextmanager
def _frame(figure: "Figure", draw: Callable[[int], None], i: int) -> Iterator[list[Any]]:
    """In this block the figure shows frame i: what was added, lowest first; then it is gone."""
    there = {id(artist) for ax in figure.axes for artist in ax.get_children()}
    draw(i)
    added = [a for ax in figure.axes for a in ax.get_children() if id(a) not in there]
    yield sorted(added, key=lambda artist: artist.get_zorder())
    for artist in added:
        artist.remove()
