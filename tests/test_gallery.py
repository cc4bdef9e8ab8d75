"""The gallery shows every kind of figure, in both themes, and stays small."""

import re
import runpy
from pathlib import Path

from steepest.cli.kinds import KINDS, MOTIONS
from steepest.explain import FUNCTIONS

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "gallery.md").read_text(encoding="utf-8")


def test_every_kind_of_figure_is_shown():
    for kind in KINDS:
        assert re.search(rf"steepest plot \w+ {kind}\b", PAGE), kind
    for kind in MOTIONS:
        assert re.search(rf"steepest plot \w+ {kind} --out .*\.gif", PAGE), kind
    for name in FUNCTIONS:
        assert f"steepest descent {name} " in PAGE, name
    assert "steepest landscape" in PAGE and "steepest chain" in PAGE


def test_every_picture_is_there_in_both_themes():
    linked = re.findall(r'(?:src|srcset)="(gallery/[^"]+)"', PAGE)
    there = {f"gallery/{path.name}" for path in (DOCS / "gallery").iterdir()}
    assert set(linked) == there and len(linked) == len(there)
    assert sum("-dark." in name for name in linked) * 2 == len(linked)
    assert sum((DOCS / name).stat().st_size for name in linked) < 4e6


def test_the_page_is_what_the_generator_writes():
    assert runpy.run_path(str(DOCS / "gallery.py"))["page"]() == PAGE
