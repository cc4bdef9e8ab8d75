"""`steepest lesson NAME`: tries a claim, and says what came out; `steepest lesson list`."""

import json
import textwrap
import time
from pathlib import Path
from typing import Annotated

import typer

from steepest import lessons
from steepest import plot as pictures
from steepest.cli.console import console, say, table
from steepest.cli.drawing import checked, written
from steepest.lessons import LANGUAGES

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def lesson(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a lesson, or: list.")],
    lang: Annotated[str, typer.Option(metavar="LANG", help="en or zh.")] = "en",
    seeds: Annotated[int, typer.Option(metavar="N", min=1, help="How many seeds.")] = 5,
    short: Annotated[bool, typer.Option("--short", help="The small form: seconds.")] = False,
    theme: Annotated[str, typer.Option(metavar="NAME", help="light or dark.")] = "light",
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="The picture: .png, .svg or .pdf.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON result.")] = False,
) -> None:
    """Try a claim: the experiment over several seeds, its figure, and the verdict of the data."""
    lessons.check_language(lang)
    if name == "list":
        _list(lang, as_json)
        return
    chosen = lessons.lesson(name)
    path = checked(out, Path("lessons") / name, theme)
    if chosen.seconds and not short:
        say([f"this takes about {chosen.seconds * seeds / 5:.0f} s; --short is a small form"])
    began = time.perf_counter()
    found = chosen.run(seeds, short)
    seconds = time.perf_counter() - began
    _draw(chosen, found, path, lang, theme)
    text = lessons.told(chosen, found, lang)
    if as_json:
        numbers = {n: s.values.tolist() for n, s in found.numbers().items() if n != "seeds"}
        facts = {**text, "seeds": seeds, "seconds": round(seconds, 2), "numbers": numbers}
        print(json.dumps(facts | {"picture": str(path)}, ensure_ascii=False))
        return
    heads = LANGUAGES[lang]
    width = 11
    console().print(text["title"])
    for key in ("claim", "method", "result"):
        _paragraph(heads[key], text[key], width)
    _paragraph(heads["verdict"], f"{text['verdict']} ({seeds} × {seconds / seeds:.1f} s)", width)
    _paragraph(heads["picture"], str(path), width)


def _paragraph(head: str, text: str, width: int) -> None:
    """A head and its text beside it, wrapped; Chinese letters are twice as wide."""
    wide = sum(ord(letter) > 0x2E80 for letter in head)
    inside = max(30, console().width - width)
    wrapped = textwrap.wrap(text, inside // (2 if any(ord(c) > 0x2E80 for c in text) else 1))
    lines = "\n".join(" " * width + line for line in wrapped)
    console().print(f"{head:<{width - wide}}{lines[width:]}", soft_wrap=True)


def _draw(chosen: lessons.Lesson, found: lessons.Found, path: Path, lang: str, theme: str) -> None:
    words = "".join(chosen.texts[lang].words.values())
    if path.suffix.lower() != ".svg" and not pictures.can_write(words):
        say([f"no font here has these letters: {path.name} is in English; .svg needs no font"])
        say(["for Chinese pictures install Noto Sans CJK SC (Debian, Ubuntu: fonts-noto-cjk)"])
        lang = "en"
    figure = lessons.drawn(chosen, found, lang, theme)
    written(figure, path, theme)


def _list(lang: str, as_json: bool) -> None:
    titles = {name: lessons.lesson(name).texts[lang].title for name in lessons.names()}
    if as_json:
        print(json.dumps(titles, ensure_ascii=False))
        return
    console().print(table(("name", "what it tries"), titles.items()))
