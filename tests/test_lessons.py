"""Lessons: each one runs, judges from its data, and says the same in both languages."""

import json
import re
import shutil
import string
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from command import Command
from test_how_to_add import BLOCK, ROOT
from test_how_to_add import run as run_check

from steepest import lessons, nn, optim, plot
from steepest.core import RequestError
from steepest.lessons import Found, Lesson, Spread, Text, Verdict, across, all_of, told

LANGUAGES = ("en", "zh")


def placeholders(text):
    parts = (text.claim, text.method, text.result)
    return {name for part in parts for _, name, _, _ in string.Formatter().parse(part) if name}


# ---- every lesson -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", lessons.names())
def test_a_lesson_runs_in_its_short_form(name):
    lesson = lessons.lesson(name)
    found = lesson.run(seeds=2, short=True)
    names = [set(trial) for trial in found.trials]
    assert names[0] == names[1], "every seed gives the same names"
    assert all(np.isfinite(s.values).all() for s in found.numbers().values())
    for lang in LANGUAGES:
        said = told(lesson, found, lang)
        assert all(said.values()) and "{" not in "".join(said.values())
    check_figure(lessons.drawn(lesson, found, "en", "dark"))


def check_figure(figure):
    """Axes have names, nothing leaves the figure, and there is alternative text."""
    assert len(figure.get_label()) > 20
    width, height = figure.get_size_inches() * figure.dpi
    renderer = figure.canvas.get_renderer()
    for ax in figure.axes:
        if not ax.axison:
            continue
        assert ax.get_xlabel() or ax.get_ylabel()
        texts = [ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label]
        for legend in (*figure.legends, ax.get_legend()):
            texts += legend.get_texts() if legend else []
        for text in texts:
            if text.get_text():
                box = text.get_window_extent(renderer)
                inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
                assert inside, text.get_text()


@pytest.mark.parametrize("name", lessons.names())
def test_both_languages_say_the_same(name):
    texts = lessons.lesson(name).texts
    assert set(texts) == set(LANGUAGES)
    english, chinese = texts["en"], texts["zh"]
    assert placeholders(english) == placeholders(chinese)
    assert set(english.words) == set(chinese.words)
    assert re.search(r"[\u4e00-\u9fff]", chinese.claim + chinese.result)


# ---- the frame ----------------------------------------------------------------------------------


def lesson_of(measured, judge):
    """A lesson that measures given numbers, one per seed."""
    text = Text("t", "c", "with {size}", "{x}, {x:mean}, {x:%}", {"rate": "the rate"})

    def experiment(trial):
        return {"x": measured[trial.seed], "size": 3, "curve": np.arange(4.0)}

    def draw(found, page):
        (ax,) = page.panels()
        page.band(ax, np.arange(4), found.curves("curve"), 0, "rate")
        page.label(ax, "rate", "rate")

    return Lesson({"en": text, "zh": text}, experiment, judge, draw)


def test_the_interval_is_students():
    for seeds, quantile in ((2, 12.706), (3, 4.3027), (5, 2.7764), (11, 2.2281), (41, 2.0211)):
        values = np.arange(seeds, dtype=float)
        spread = Spread(values)
        half = quantile * values.std(ddof=1) / np.sqrt(seeds)
        assert spread.high - spread.mean == pytest.approx(half, rel=1e-4)
        assert spread.mean - spread.low == pytest.approx(half, rel=1e-4)
    assert Spread([3.0]).low == -np.inf and Spread([3.0]).high == np.inf


def test_numbers_are_filled_in():
    lesson = lesson_of([0.1, 0.2, 0.3], lambda found: found.above("x", 0))
    said = told(lesson, lesson.run(seeds=3))
    assert said["method"] == "with 3"
    assert said["result"] == ("0.2 (−0.0484 … 0.448), 0.2, 20% (−4.84% … 44.8%)")


@pytest.mark.parametrize(
    ("measured", "kind", "words"),
    [
        ([2.0, 2.1, 2.2], "holds", "holds"),
        ([0.2, 0.1, 0.3], "fails", "does not hold here"),
        ([0.2, 2.1, 0.3], "open", "is not decided by 3 seeds"),
    ],
)
def test_the_verdict_comes_from_the_interval(measured, kind, words):
    lesson = lesson_of(measured, lambda found: found.above("x", 1))
    found = lesson.run(seeds=3)
    assert found.above("x", 1) == Verdict(kind)
    assert told(lesson, found)["verdict"] == words
    opposite = {"holds": "fails", "fails": "holds", "open": "open"}[kind]
    assert found.below("x", 1) == Verdict(opposite)


def test_a_verdict_may_depend_on_a_word():
    lesson = lesson_of([1.0, 1.0], lambda found: Verdict("depends", on="rate"))
    assert told(lesson, lesson.run(seeds=2))["verdict"] == "depends on the rate"


def test_a_claim_of_several_parts_is_as_good_as_its_weakest():
    holds, fails, left_open = Verdict("holds"), Verdict("fails"), Verdict("open")
    depends = Verdict("depends", "rate")
    assert all_of(holds, holds) == holds and all_of(holds, depends) == depends
    assert all_of(depends, left_open) == left_open and all_of(left_open, fails, holds) == fails


def test_a_claim_that_holds_in_one_setting_and_fails_in_another_depends_on_it():
    holds, fails, left_open = Verdict("holds"), Verdict("fails"), Verdict("open")
    assert across([holds, left_open, fails], on="rate") == Verdict("depends", "rate")
    assert across([holds, left_open], on="rate") == left_open
    assert across([holds, holds], on="rate") == holds and across([fails], on="rate") == fails


def test_trials_differ_by_seed_and_by_name_only():
    from steepest.lessons import Trial
    from steepest.random import randn

    drawn = [Trial(seed).random(name).random() for seed in (0, 1) for name in ("a", "b")]
    assert len(set(drawn)) == 4 and Trial(0).random("a").random() == drawn[0]
    before = randn(1).item()
    with Trial(3).seeded():
        first = randn(1).item()
    with Trial(3).seeded():
        assert randn(1).item() == first != before
    assert Trial(0).choose(10, 2) == 10 and Trial(0, short=True).choose(10, 2) == 2


def test_practice_is_descent_with_the_rates_given():
    model = nn.Linear(1, 1, bias=False)
    model.weight.value[...] = 0
    one, order = np.ones((1, 1), np.float32), np.zeros(3, int)
    rates = np.array([0.25, 0, 0.5])  # of (w − 1)², whose slope is 2(w − 1)
    losses = lessons.practise(model, nn.MSELoss(), optim.SGD, rates, one, one, order, 1)
    assert losses.tolist() == [1, 0.25, 0.25] and model.weight.item() == 1
    assert lessons.cosine(2.0, 4) == pytest.approx([2, 1 + 0.5**0.5, 1, 1 - 0.5**0.5])


def test_things_side_by_side_have_a_mark_and_a_range():
    lesson = lesson_of([1.0, 2.0], lambda found: Verdict("holds"))

    def draw(found, page):
        (ax,) = page.panels()
        page.ranges(ax, [0, 1], [[1, 5], [3, 9]], 0, "rate")
        page.label(ax, "rate", "rate")

    figure = lessons.drawn(replace(lesson, draw=draw), lesson.run(seeds=2))
    (ax,) = figure.axes
    assert ax.lines[0].get_ydata().tolist() == [2, 7]
    ends = [segment[:, 1].tolist() for segment in ax.collections[0].get_segments()]
    assert ends == [[1, 3], [5, 9]]


# ---- the command --------------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    return Command(monkeypatch, capsys)


def test_the_command_tries_a_lesson(run, tmp_path):
    ended = run("lesson", "validation-tuned-on", "--short", "--seeds", 2)
    assert ended.status == 0, ended.err
    assert "verdict" in ended.out and (tmp_path / "lessons" / "validation-tuned-on.png").is_file()
    facts = json.loads(
        run(
            "lesson", "validation-tuned-on", "--short", "--seeds", 3, "--json", "--out", "w.svg"
        ).out
    )
    assert facts["seeds"] == 3 and len(facts["numbers"]["shown"]) == 3
    assert "<svg" in (tmp_path / "w.svg").read_text()


def test_chinese_is_in_the_words_and_where_it_can_be_written_in_the_figure(run, tmp_path):
    ended = run("lesson", "validation-tuned-on", "--short", "--lang", "zh", "--out", "w.svg")
    assert "判定" in ended.out and ended.status == 0
    assert "试过的模型数" in (tmp_path / "w.svg").read_text()


def test_without_a_font_the_figure_is_in_english_and_the_font_is_named(run, tmp_path, monkeypatch):
    monkeypatch.setattr(plot, "can_write", lambda text: False)
    request = ("lesson", "bowl-and-wedge", "--short", "--seeds", 1)
    ended = run(*request, "--lang", "zh", "--out", "w.png")
    assert ended.status == 0 and "判定" in ended.out
    assert "w.png is in English" in ended.err and "Noto Sans CJK" in ended.err
    run(*request, "--out", "e.png")
    assert (tmp_path / "w.png").read_bytes() == (tmp_path / "e.png").read_bytes()


def test_the_list_has_every_lesson(run):
    titles = json.loads(run("lesson", "list", "--json", "--lang", "zh").out)
    assert list(titles) == lessons.names()
    assert "bowl-and-wedge" in run("lesson", "list").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("bowl-and-wegde",), "did you mean"),
        (("bowl-and-wedge", "--lang", "de"), "no language"),
        (("bowl-and-wedge", "--out", "a.gif"), "does not move"),
        (("bowl-and-wedge", "--out", "a.bmp"), "no such format"),
        (("bowl-and-wedge", "--theme", "drak"), "did you mean"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_the_work(run, arguments, words):
    ended = run("lesson", *arguments)
    assert ended.status == 2 and words in ended.err


def test_the_page_about_lessons_works_as_written(tmp_path):
    page = (ROOT / "docs" / "lessons.md").read_text(encoding="utf-8")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (what, lesson), (_, check) = BLOCK.findall(page)
    (tmp_path / what.removeprefix("file: ")).write_text(lesson, encoding="utf-8")
    run_check(tmp_path / "src", check)


def test_a_curve_is_no_number():
    found = Found([{"x": 1.0, "curve": np.zeros(3)}, {"x": 2.0, "curve": np.ones(3)}])
    assert set(found.numbers()) == {"seeds", "x"} and found.curves("curve").shape == (2, 3)
    with pytest.raises(RequestError):
        lessons.lesson("no-such-lesson")
    assert matplotlib.rcParams["font.family"] == ["sans-serif"]
