"""The gallery: every kind of figure, and every lesson's, in docs/gallery/ and docs/gallery.md.

    python docs/gallery.py                      # all of it, some minutes
    python docs/gallery.py unfolding landscape  # figures and lessons by name

Each figure is made by the command that stands beside it, in light and in dark; a lesson's
experiment runs once for both. Lessons are found by themselves. A figure that is missing on the disk
is left out of the page.
"""

import contextlib
import io
import os
import shlex
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from steepest import cli, lessons, plot

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "gallery"

_WIDTH, _QUALITY = 960, 80  # pixels, and of 100: legible, and all of it in a few megabytes
_AT_ONCE = 2


class Figure(NamedTuple):
    """A figure: its name, a sentence, the command without its file, and the file's ending."""

    name: str
    sentence: str
    command: str
    ending: str = "webp"


RUNS = {
    "house": "steepest train housing --epochs 100 --out house",
    "prices": "steepest train housing --model linear --epochs 60 --lr 0.01 --out prices",
    "digits": "steepest train mnist --model lenet5 --epochs 4 --out digits",
    "paper": "steepest train crumpled --hidden 16,16,16,16 --epochs 300 --lr 0.01 --out paper",
    "line": "steepest train blobs --model linear --optimizer sgd --lr 0.02 --epochs 40 --out line",
    "moons": "steepest train moons --hidden 16,16 --lr 0.01 --epochs 120 --out moons",
}

_RACE = "--optimizer sgd,momentum,adagrad,adam"

SECTIONS: dict[str, list[Figure]] = {
    "In motion": [
        Figure(
            "race",
            "Four optimizers race down Rosenbrock's bent valley.",
            f"steepest descent rosenbrock {_RACE} --steps 150",
            "gif",
        ),
        Figure(
            "line-found",
            "A linear classifier finds its line while its loss falls.",
            "steepest plot line boundary",
            "gif",
        ),
        Figure(
            "uncrumpling",
            "Two crumpled sheets go through a network, and every layer pulls them a little further apart.",
            "steepest plot paper unfolding",
            "gif",
        ),
    ],
    "Descent on functions that can be written down": [
        Figure("square", "2x², walked down by four optimizers.", f"steepest descent square {_RACE}"),
        Figure("bowl", "x² + y² + z²: of three numbers, only the fall.", f"steepest descent bowl {_RACE}"),
        Figure("valley", "A long valley: plain descent swings across it.", f"steepest descent valley {_RACE}"),
        Figure("rosenbrock", "Rosenbrock's valley, which bends.", f"steepest descent rosenbrock {_RACE}"),
        Figure(
            "two-wells",
            "A local minimum, a saddle, a deeper minimum: momentum alone gets there.",
            f"steepest descent two-wells {_RACE}",
        ),
    ],
    "A training run": [
        Figure("curve", "The loss after every epoch; the ring is the best.", "steepest plot house curve"),
        Figure("predictions", "Predicted against actual prices, and what is left over.", "steepest plot house predictions"),
        Figure("weights", "What each feature adds in a linear model.", "steepest plot prices weights"),
        Figure("confusion", "Which digit was taken for which.", "steepest plot digits confusion"),
        Figure("wrong", "The digits that the network gets wrong and is sure of.", "steepest plot digits wrong"),
        Figure("boundary", "The plane of two features, cut up into classes.", "steepest plot moons boundary"),
    ],
    "Inside a network": [
        Figure("filters", "What every unit of LeNet-5 multiplies its input with.", "steepest plot digits filters"),
        Figure("maps", "What every layer makes of one digit, from edges to the answer.", "steepest plot digits maps --digit 7"),
        Figure("responses", "The pieces of images that excite each unit most.", "steepest plot digits responses"),
        Figure("unfolding", "The data after each layer, and how well a plane separates them there.", "steepest plot paper unfolding"),
        Figure("flow", "Signal and gradient by layer, and units that no longer learn.", "steepest plot paper flow"),
        Figure(
            "chain",
            "The chain rule: every local derivative, multiplied along each path.",
            "steepest chain 'tanh(w*x + b) * v' x=1 w=2 b=-1 v=3",
        ),
    ],
    "The loss surface": [
        Figure("landscape", "The plane closest to the path of training, and how far it is off.", "steepest landscape house"),
        Figure(
            "two-weights",
            "The same run over two of its weights.",
            "steepest landscape house --weights '0.weight[0,5],0.weight[0,12]'",
        ),
        Figure("random", "Two random directions, as long as the filters.", "steepest landscape house --plane random"),
        Figure("saddle", "Along the largest and the smallest curvature.", "steepest landscape moons --plane saddle"),
        Figure("spectrum", "All eigenvalues of the Hessian, as a density.", "steepest plot moons spectrum"),
    ],
}  # fmt: skip


def make(figure: Figure, runs: Path) -> None:
    """Run the command of a figure in both themes."""
    for theme in plot.THEMES:
        made = runs / f"{figure.name}{'.gif' if figure.ending == 'gif' else '.png'}"
        run(f"{figure.command} --theme {theme} --out {made.name}", runs)
        target = file_of(figure.name, theme, figure.ending)
        target.write_bytes(made.read_bytes() if figure.ending == "gif" else small(made))


def make_lesson(name: str) -> str:
    """Run a lesson's experiment, and draw it in both themes; says how long it took."""
    began = time.perf_counter()
    lesson = lessons.lesson(name)
    found = lesson.run()
    for theme in plot.THEMES:
        content = io.BytesIO()
        with plot.drawing(theme):
            lessons.drawn(lesson, found, theme=theme).savefig(content, format="png")
        file_of(name, theme).write_bytes(small(content))
    return f"lesson {name}: {time.perf_counter() - began:.0f} s"


def run(command: str, folder: Path) -> None:
    """A command line, in this process: starting one for each would take most of the time."""
    os.chdir(folder)
    sys.argv = shlex.split(command)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            cli.main()
        except SystemExit as left:
            if left.code:
                raise RuntimeError(f"{command}: exit status {left.code}") from None


def file_of(name: str, theme: str, ending: str = "webp") -> Path:
    return FOLDER / f"{name}{'' if theme == 'light' else f'-{theme}'}.{ending}"


def small(png: object) -> bytes:
    """A picture as WebP, narrow enough for a page."""
    picture = Image.open(png).convert("RGB")
    if picture.width > _WIDTH:
        height = round(picture.height * _WIDTH / picture.width)
        picture = picture.resize((_WIDTH, height), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    picture.save(content, "WEBP", quality=_QUALITY, method=6)
    return content.getvalue()


def page() -> str:
    """docs/gallery.md: what is in the folder, section by section."""
    taught = [
        Figure(name, lessons.lesson(name).texts["en"].title + ".", f"steepest lesson {name}")
        for name in lessons.names()
    ]
    pieces = [_HEAD, "    " + "\n    ".join(RUNS.values()), ""]
    for heading, figures in {**SECTIONS, "Lessons": taught}.items():
        pieces += [f"## {heading}", ""]
        for figure in figures:
            if file_of(figure.name, "light", figure.ending).is_file():
                pieces += shown(figure)
    return "\n".join(pieces)


def shown(figure: Figure) -> list[str]:
    """A figure on the page, in the theme of its reader."""
    light, dark = (f"gallery/{file_of(figure.name, t, figure.ending).name}" for t in plot.THEMES)
    out = f" --out {figure.name}.gif" if figure.ending == "gif" else ""
    return [
        f"**{figure.name}** – {figure.sentence}",
        "",
        f"    {figure.command}{out}",
        "",
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img src="{light}" alt="{figure.sentence}"></picture>',
        "",
    ]


_HEAD = """# Gallery

Every kind of figure that the library draws, each beside the command that makes it. `make gallery` makes
this page and its pictures; `python docs/gallery.py unfolding` one of them.

Figures come in two themes (`--theme dark`), and in every theme they can be read without colour: lines
differ in dashes, points in shape, bars in hatching, surfaces run from paper to ink. `--out` says the file
and by its ending the format: `.png`, `.svg`, `.pdf`. Three kinds move (descent, boundary, unfolding): as
`.html` they are a page of its own with a slider, which asks nobody for anything and is light or dark as its
reader likes; as `.gif` they play by themselves.

The runs of the figures below:
"""


def main(wanted: list[str]) -> None:
    """Make the figures and lessons of these names, or all, then the page."""
    FOLDER.mkdir(exist_ok=True)
    figures = [
        f for section in SECTIONS.values() for f in section if f.name in wanted or not wanted
    ]
    taught = [name for name in lessons.names() if name in wanted or not wanted]
    unknown = set(wanted) - {f.name for f in figures} - set(taught)
    if unknown:
        raise SystemExit(f"no such figure: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as place, ProcessPoolExecutor(_AT_ONCE) as workers:
        runs, told = Path(place), " ".join(f.command for f in figures).split()
        needed = [command for name, command in RUNS.items() if name in told]
        list(workers.map(run, needed, [runs] * len(needed)))
        list(workers.map(make, figures, [runs] * len(figures)))
        for line in workers.map(make_lesson, taught):
            print(line, flush=True)
    (HERE / "gallery.md").write_text(page(), encoding="utf-8")
    size = sum(file.stat().st_size for file in FOLDER.iterdir())
    print(f"{len(figures)} figures, {len(taught)} lessons; {size / 1e6:.1f} MB in {FOLDER.name}/")


if __name__ == "__main__":
    main(sys.argv[1:])
