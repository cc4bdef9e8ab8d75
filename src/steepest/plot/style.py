"""The house style: two themes, one set of roles, and the context in which every figure is drawn.

A theme gives each role (ink, rule, first series, …) a colour; figures ask for roles, never for
colours, so a figure drawn in one theme can be shown in the other. Nothing is told by colour alone:
lines differ in dashes, points in shape, bars in hatching, so a figure survives a black-and-white
printer. The hues are those of Okabe and Ito, made darker or lighter until they stand out on the
paper.

Figures are plain `matplotlib.figure.Figure` objects: no pyplot, no window, no global state. Their
label, `figure.get_label()`, is their alternative text, for those who hear a page.

Source: Okabe and Ito, "Color universal design", 2008.
"""

import functools
import math
import re
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steepest.core import RequestError, closest, lazy, said

if TYPE_CHECKING:
    from matplotlib.figure import Figure

matplotlib = lazy("matplotlib")
agg = lazy("matplotlib.backends.backend_agg")
figures = lazy("matplotlib.figure")
font_manager = lazy("matplotlib.font_manager")

__all__ = [
    "DASHES",
    "MARKERS",
    "THEMES",
    "Theme",
    "aligned",
    "can_write",
    "drawing",
    "finished",
    "new_figure",
    "number",
    "rc",
    "shortened",
    "with_units",
]


@dataclass(frozen=True)
class Theme:
    """A colour for each role: text, quiet text, grid lines and frames, background, and series."""

    ink: str
    muted: str
    rule: str
    paper: str
    series: Sequence[str]

    def roles(self) -> Mapping[str, str]:
        """Role to colour, with a name for each of the series."""
        series = {f"series-{i}": colour for i, colour in enumerate(self.series)}
        named = {"ink": self.ink, "muted": self.muted, "rule": self.rule, "paper": self.paper}
        return named | series


THEMES: Mapping[str, Theme] = {
    "light": Theme(
        ink="#1a1e23",
        muted="#59636e",
        rule="#d3d9df",
        paper="#ffffff",
        series=("#0b65a3", "#c24a05", "#00785a", "#a3457d", "#806300", "#4d5a9e"),
    ),
    "dark": Theme(
        ink="#e8ebee",
        muted="#a3adb7",
        rule="#363d45",
        paper="#14171b",
        series=("#5db5f2", "#f79a58", "#42c99c", "#e59ccb", "#d8c055", "#a9b5f5"),
    ),
}

# One per series, in the order of the colours.
DASHES = ("-", (0, (5, 2)), (0, (1.2, 1.6)), (0, (6, 1.6, 1.2, 1.6)), (0, (9, 3)), (0, (3, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")

# Fonts for Chinese, of which the first that is installed stands beside matplotlib's own.
_CHINESE = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "PingFang SC",
    "Microsoft YaHei",
    "SimHei",
)

# matplotlib keeps one set of settings per process; figures drawn on two threads take turns.
_turn = threading.RLock()


def rc(theme: str = "light") -> dict[str, Any]:
    """The theme as matplotlib settings, for `matplotlib.rc_context`.

    Raises:
        RequestError: there is no theme of that name.
    """
    if theme not in THEMES:
        raise RequestError(said("plot", f"no theme {theme!r}{closest(theme, THEMES)}"))
    colours = THEMES[theme]
    return {**_text(colours), **_frame(colours), **_files()}


def _text(colours: Theme) -> dict[str, Any]:
    return {
        "font.family": _families(),
        "font.size": 9,
        "text.color": colours.ink,
        # a column may be called "$" or "a_b^c": names are shown, not typeset
        "text.parse_math": False,
        "text.usetex": False,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 9,
        "axes.labelcolor": colours.ink,
        "axes.unicode_minus": True,
        "axes.formatter.limits": [-4, 6],
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "legend.fontsize": 8.5,
        "legend.frameon": False,
    }


@functools.cache
def _families() -> list[str]:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return ["DejaVu Sans", *[name for name in _CHINESE if name in installed][:1]]


def can_write(text: str) -> bool:
    """Whether a picture of points, which brings no font to its reader, can show the text."""
    return len(_families()) > 1 or all(ord(letter) < 0x2E80 for letter in text)


def _frame(colours: Theme) -> dict[str, Any]:
    ticks = {
        f"{axis}tick.{what}": value
        for axis in "xy"
        for what, value in {
            "color": colours.rule,
            "labelcolor": colours.muted,
            "major.size": 3,
            "minor.size": 0,
            "direction": "out",
        }.items()
    }
    return {
        **ticks,
        "figure.facecolor": colours.paper,
        "figure.edgecolor": "none",
        "figure.dpi": 100,
        "axes.facecolor": "none",
        "axes.edgecolor": colours.rule,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.grid.which": "major",
        "axes.xmargin": 0.03,
        "grid.color": colours.rule,
        "grid.linewidth": 0.5,
        "lines.linewidth": 1.6,
        "lines.markersize": 4,
        "hatch.linewidth": 0.8,
        "patch.linewidth": 0.8,
    }


def _files() -> dict[str, Any]:
    return {
        "savefig.dpi": 150,
        "savefig.facecolor": "auto",
        "svg.fonttype": "none",  # text stays text: it can be found, read aloud, and set in any font
        "svg.hashsalt": "steepest",  # the same figure gives the same bytes
        "svg.id": None,
    }


@contextmanager
def drawing(theme: str = "light") -> Iterator[Theme]:
    """In this block matplotlib draws in the house style; afterwards it is as it was."""
    settings = rc(theme)
    with _turn, matplotlib.rc_context(settings), warnings.catch_warnings():
        # names in a script that matplotlib's own font lacks: a page sets them in a font that has it
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield THEMES[theme]


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure of so many inches, on a canvas that needs no display."""
    figure = figures.Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)  # inches; nothing touches the edge
    agg.FigureCanvasAgg(figure)
    return figure


def finished(figure: "Figure", alternative: str) -> "Figure":
    """The figure with its alternative text, and nothing left that later settings could change.

    matplotlib makes ticks when it first draws, with the settings of that moment.
    """
    figure.set_label(alternative)
    figure.draw_without_rendering()
    return figure


def with_units(what: str, units: str | None) -> str:
    """`price (thousand dollars)`: an axis label."""
    return f"{what} ({units})" if units else what


def shortened(name: object, letters: int) -> str:
    """A name that is too long for its place, with its end left out."""
    text = " ".join(str(name).split())
    return text if len(text) <= letters else text[: letters - 1] + "…"


def number(value: float) -> str:
    """A number for reading: three significant digits, and no digit of a whole number less.

    >>> number(3.21648), number(52431.2), number(-0.0123), number(4e-07)
    ('3.22', '52,431', '−0.0123', '4e−07')
    """
    value = float(value)
    whole = 100 <= abs(value) < 1e9
    text = f"{value:,.0f}" if whole else f"{value:.3g}"
    return re.sub(r"e([+-])0*", r"e\1", text).replace("e+", "e").replace("-", "−")


def aligned(values: Sequence[float], scale: Sequence[float] | None = None) -> list[str]:
    """Numbers to be read below one another: the same decimals for all, three significant digits
    for the largest of them, or of the `scale`.

    >>> aligned([9.2445, 3.2, -0.006, -0.004])
    ['9.24', '3.20', '−0.01', '0.00']
    """
    scale = values if scale is None else scale
    largest = max((abs(v) for v in scale if math.isfinite(v)), default=0.0)
    if largest and not 1e-4 <= largest < 1e9:
        return [number(v) for v in values]
    # ⌈ ⌉ − 1 and not ⌊ ⌋: beside 0.971, a perfect score is 1.000
    decimals = max(0, 3 - math.ceil(math.log10(largest))) if largest else 0
    return [f"{v:z,.{decimals}f}".replace("-", "−") for v in values]
