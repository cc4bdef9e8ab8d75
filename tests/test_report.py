"""The report: one page that asks nobody for anything, tells everything, and trusts no name."""

import functools
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from steepest.core import RequestError
from steepest.plot import THEMES, ModelSection, Report, Weights, report_html

RANDOM = np.random.default_rng(0)
TARGETS = RANDOM.uniform(5, 50, (76, 1))


def history(epochs, end):
    e = np.arange(1, epochs + 1)
    losses = zip(e, end + np.exp(-e / 6), 1.2 * end + np.exp(-e / 6), strict=True)
    return [
        {"epoch": int(i), "loss": float(t), "val_loss": float(v), "lr": 0.01} for i, t, v in losses
    ]


LINEAR = ModelSection(
    name="Linear",
    description="y = x·w + b, 4 weights",
    history=history(30, 0.3),
    scores={"rmse": (4.83, 3.91, 5.67), "r2": (0.712, 0.601, 0.793)},
    predictions=TARGETS + 4 * RANDOM.standard_normal((76, 1)),
    targets=TARGETS,
    weights=Weights(["RM", "LSTAT", "B"], [2.71, -3.14, 0.58], "thousand dollars per deviation"),
    notes=["stopped after epoch 30"],
)
MLP = replace(
    LINEAR,
    name="MLP",
    description="3 → 64 → 1, tanh",
    history=history(90, 0.02),
    scores={"rmse": (3.22, 2.71, 3.77, 9.24), "r2": (0.881, 0.802, 0.927, -0.01)},
    predictions=TARGETS + 2 * RANDOM.standard_normal((76, 1)),
    weights=None,
    notes=(),
)
REPORT = Report(
    title="House prices",
    subtitle="Median value of homes",
    task="regression",
    target="MEDV",
    units="thousand dollars",
    models=[LINEAR, MLP],
    loss="mean squared error",
    baseline_name="Mean of the training part",
    baseline={"rmse": (9.24, 8.13, 10.4), "r2": -0.013},
    data={"rows": 506, "licence": "none stated", "parts": {"train": 354, "test": 76}},
    provenance="Harrison and Rubinfeld, 1978",
    data_note="Column B encodes the share of Black residents.",
    data_remarks=["column 'ZN' does not vary: left out"],
    settings={"optimizer": {"name": "adam", "lr": 0.017}, "hidden": [64, 32], "patience": None},
    seed=41,
    created="2025-11-21 05:10 UTC",
    versions={"steepest": "0.1.0", "numpy": "2.4.6"},
)
CLASSES = np.repeat([0, 1, 2], 20)
ANSWERS = np.where(np.arange(60) % 7 == 0, (CLASSES + 1) % 3, CLASSES)
DIGITS = replace(
    REPORT,
    task="classification",
    target="kind",
    units=None,
    classes=["cat", "dog", "cow"],
    models=[
        replace(MLP, predictions=ANSWERS, targets=CLASSES, scores={"accuracy": (0.85, 0.75, 0.93)})
    ],
    baseline={"accuracy": 0.333},
)


@functools.cache
def written(name):
    return report_html({"regression": REPORT, "classification": DIGITS}[name])


class Page(HTMLParser):
    """The elements of a page, and its text."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "input", "path", "use", "rect"})

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.words, self.style = [], [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module", params=["regression", "classification"])
def page(request):
    return Page(written(request.param))


@pytest.fixture(scope="module")
def regression():
    return Page(written("regression"))


def test_every_element_is_closed(page):
    assert page.open == []


def test_the_page_asks_nobody_for_anything(page):
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "data", "srcset", "action", "poster"):
            assert attributes.get(name, "#").startswith("#"), (tag, attributes)
        assert tag not in ("script", "link", "iframe", "object", "img", "base")
    assert not re.search(r"url\((?!#)|@import|https?:", page.style)
    policy = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_no_address_stands_anywhere():
    assert "://" not in written("regression")


def test_every_figure_has_alternative_text_and_a_caption(page):
    drawings = page.all("svg")
    assert len(drawings) == len(page.all("figure")) == len(page.all("figcaption")) > 1
    for drawing in drawings:
        assert drawing["role"] == "img"
        assert len(drawing["aria-label"]) > 40
    assert len({drawing["aria-label"] for drawing in drawings}) == len(drawings)


def test_regression_shows_losses_answers_and_weights(regression):
    told = [drawing["aria-label"] for drawing in regression.all("svg")]
    assert len(told) == 4  # losses of both models, answers of each, weights of one
    assert told[0].startswith("Linear: training mean squared error over 30 epochs")
    assert told[1].startswith("Predicted against actual MEDV for 76 rows")
    assert "LSTAT −3.14, RM +2.71, B +0.58" in told[2]


def test_classification_shows_the_confusion_matrix():
    page = Page(written("classification"))
    right = int((ANSWERS == CLASSES).sum())
    assert any(f"{right} of 60 rows are right" in d["aria-label"] for d in page.all("svg"))
    for words in ("0.850", "0.750 to 0.930", "0.333", "Accuracy", "cow"):
        assert words in page.text


@pytest.mark.parametrize(
    "words",
    [
        "4.83 3.91 to 5.67",
        "0.712 0.601 to 0.793",
        "3.22 2.71 to 3.77",
        "0.881 0.802 to 0.927",
        "9.24 8.13 to 10.40",
        "−0.013",
        "76 rows of the test part",
        "Mean of the training part",
        "thousand dollars",
        "Column B encodes the share of Black residents.",
        "Harrison and Rubinfeld, 1978",
        "column 'ZN' does not vary: left out",
        "stopped after epoch 30",
        "parts.train 354",
        "optimizer.lr 0.017",
        "hidden 64, 32",
        "patience —",
        "Seed 41, 2025-11-21 05:10 UTC",
        "numpy 2.4.6",
    ],
)
def test_what_was_passed_in_is_told(regression, words):
    assert words in regression.text


def test_the_outline_is_one_a_screen_reader_can_walk(page):
    names = [tag for tag, _ in page.elements]
    assert names.count("h1") == names.count("main") == names.count("header") == 1
    headings = [a["id"] for a in page.all("h2")]
    assert headings == ["scores", "training", "answers", "data", "settings"]
    assert [a["aria-labelledby"] for a in page.all("section")] == headings
    assert {a["scope"] for a in page.all("th")} == {"col", "row"}
    assert page.all("html")[0]["lang"] == "en"


def test_identifiers_are_unique(page):
    identifiers = [a["id"] for _, a in page.elements if "id" in a]
    assert len(identifiers) == len(set(identifiers))


def test_light_and_dark_are_both_there_and_paper_is_light(page):
    dark = re.search(
        r"@media screen and \(prefers-color-scheme: dark\) \{ :root \{(.*?)\}", page.style
    )
    for role, colour in THEMES["dark"].roles().items():
        assert f"--{role}: {colour};" in dark[1]
    for role, colour in THEMES["light"].roles().items():
        assert f"--{role}: {colour};" in page.style
    assert "@media print" in page.style


def test_hostile_names_are_words_and_nothing_more():
    evil = '</style></svg><script>alert("1")</script><img src=x onerror=alert(1)>$title'
    linear = replace(
        LINEAR,
        name=evil,
        description=evil,
        notes=[evil],
        weights=Weights([evil, "b", "c"], [1.0, -2.0, 3.0], evil),
    )
    hostile = replace(
        REPORT,
        title=evil,
        subtitle=evil,
        target=evil,
        units=evil,
        models=[linear, replace(MLP, scores={evil: (1.0, 0.5, 1.5)})],
        loss=evil,
        baseline_name=evil,
        data={evil: evil},
        provenance=evil,
        data_note=evil,
        data_remarks=[evil],
        settings={evil: evil, "inside": {evil: [evil]}},
        created=evil,
        versions={evil: evil},
    )
    page = Page(report_html(hostile))
    assert page.open == []
    assert not page.all("script")
    assert not page.all("img")
    assert evil in page.text
    tags = {tag for tag, _ in page.elements}
    assert tags == {tag for tag, _ in Page(written("regression")).elements}

    classes = Page(report_html(replace(DIGITS, classes=[evil, "<b>", "c"])))
    assert not {"script", "b"} & {tag for tag, _ in classes.elements}


def test_the_same_report_is_the_same_page():
    assert report_html(REPORT) == written("regression")


def test_the_page_stays_small():
    random = np.random.default_rng(1)
    many = random.standard_normal(50_000)
    big = replace(
        LINEAR,
        history=history(20_000, 0.1),
        targets=many,
        predictions=many + random.standard_normal(50_000),
    )
    text = report_html(replace(REPORT, models=[big, replace(big, name="MLP")]))
    assert len(text.encode()) < 1_500_000


def test_what_is_not_known_leaves_no_trace():
    bare = Report("Bare", "", "regression", "y", [replace(LINEAR, history=[], weights=None)])
    page = Page(report_html(bare))
    assert [a["id"] for a in page.all("h2")] == ["scores", "answers"]
    assert len(page.all("svg")) == 1
    assert "None" not in page.text


def test_requests_that_make_no_report_are_refused():
    with pytest.raises(RequestError, match="'regression' or 'classification'"):
        report_html(replace(REPORT, task="clustering"))
    with pytest.raises(RequestError, match="no model"):
        report_html(replace(REPORT, models=[]))
