"""Pictures that move: what is in their frames, and that a page asks nobody for anything."""

import base64
import io
import json
import re
import zlib
from functools import partial

import numpy as np
import pytest
from command import Command
from PIL import Image

from steepest import explain, optim, plot
from steepest.tensors import Tensor

VALLEY = explain.FUNCTIONS["valley"]


def walks(steps=12):
    rules = {"plain": partial(optim.SGD, lr=0.03), "adam": partial(optim.Adam, lr=0.2)}
    return {
        name: explain.descend(VALLEY.value, [VALLEY.start], rule, steps)
        for name, rule in rules.items()
    }


def heights(points):
    return VALLEY.value(Tensor(points)).numpy()


def frames_of(page):
    """The frames and the captions in a page, as its script unpacks them."""
    packed = re.findall(r'unpacked\("([^"]+)"\)', page)
    return [json.loads(zlib.decompress(base64.b64decode(text))) for text in packed]


def points_of(svg):
    return [
        (float(x), float(y)) for x, y in re.findall(r'<use href="[^"]+" x="(.+?)" y="(.+?)"', svg)
    ]


def check_alone(page):
    """Nothing is fetched from anywhere, and every colour follows the reader's theme."""
    assert not re.search(r'(src|href)="(?!#)', page) and "url(http" not in page
    assert "http://" not in page and "https://" not in page
    assert "default-src 'none'" in page and "@import" not in page
    frames, captions = frames_of(page)
    assert len(frames) == len(captions) > 5 and len(set(frames)) > len(frames) / 2
    assert not any("http" in frame for frame in frames)
    drawn = page[page.index("<svg") :] + "".join(frames)
    assert not re.search(r"(fill|stroke): #[0-9a-f]{6}", drawn)
    return frames, captions


def test_a_race_ends_where_the_optimizers_end():
    walked = walks()
    ends = {name: walk.path[-1, 0] for name, walk in walked.items()}
    moving = plot.moving_descent(VALLEY.formula, VALLEY.ends, heights, walked)
    ax = moving.figure.axes[0]
    there = len(ax.get_children())
    page = plot.moving_page(moving)
    frames, captions = check_alone(page)
    assert captions[0] == "step 0 of 12" and captions[-1] == "step 12 of 12"
    assert len(ax.get_children()) == there  # what a frame adds is gone afterwards
    # where the ends are on the paper, 72 to an inch from its upper left corner
    height = 72 * moving.figure.get_figheight()
    for end in ends.values():
        x, y = ax.transData.transform(end)
        nearest = min(np.hypot(x - a, height - y - b) for a, b in points_of(frames[-1]))
        assert nearest < 0.02
    assert frames[-1] in page  # seen where scripts do not run


def test_the_last_frame_is_the_picture_that_stands_still():
    request = (VALLEY.formula, VALLEY.ends, heights, walks())
    moving = plot.moving_descent(*request, theme="dark")
    film = Image.open(io.BytesIO(plot.moving_gif(moving)))
    assert film.n_frames == 13 and film.info["loop"] == 0
    assert all(film.seek(i) is None for i in range(13))
    last = np.asarray(film.convert("RGB"), float)
    still = plot.descent(*request, theme="dark")
    still.canvas.draw()
    same = np.asarray(still.canvas.buffer_rgba(), float)[..., :3]
    assert last.shape == same.shape
    # but for the order in which lines lie, and colours that a GIF lacks
    assert np.mean(np.abs(last - same).max(2) > 40) < 0.01
    film.seek(0)
    assert np.mean(np.abs(np.asarray(film.convert("RGB"), float) - last).max(2) > 40) > 0.01


def test_data_move_from_stage_to_stage():
    random = np.random.default_rng(0)
    y = np.arange(30) % 2
    places = [random.normal(size=(30, 2)) for _ in range(3)]
    stages = [
        explain.Stage(name, at, share, 2.0, 0.0)
        for name, at, share in zip(("input", "0", "2"), places, (0.6, 0.8, 1.0), strict=True)
    ]
    moving = plot.moving_unfolding(stages, y, classes=["a", "b"])
    cloud = moving.figure.axes[0]

    def seen(i):
        before = list(cloud.lines)
        moving.draw(i)
        added = [line for line in cloud.lines if line not in before]
        return np.concatenate([line.get_xydata() for line in added])

    order = np.argsort(y, kind="stable")
    at = moving.captions.index("after layer 0")
    assert moving.captions[0] == "input" and moving.captions[-1] == "after layer 2"
    assert np.allclose(seen(0), places[0][order])
    assert np.allclose(seen(at), places[1][order])
    assert np.allclose(seen(len(moving.captions) - 1), places[2][order])
    half = [i for i, text in enumerate(moving.captions) if text == "through layer 0"]
    middle = seen(half[len(half) // 2])
    way = places[1][order] - places[0][order]
    part = (middle - places[0][order]) / way
    assert np.allclose(part, part[0, 0]) and 0.3 < part[0, 0] < 0.7


# ---- on the command line ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("moving")


@pytest.fixture
def run(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    return Command(monkeypatch, capsys)


def test_a_classifier_finds_its_line_by_command(run, folder):
    request = ("train", "blobs", "--model", "linear", "--epochs", 12, "--lr", 0.1)
    done = run(*request, "--out", "b", "--quiet")
    assert done.status == 0, done.err
    ended = run("plot", "b", "boundary", "--out", "line.html")
    assert ended.status == 0 and "Decision regions" in ended.out, ended.err
    assert "elsewhere" not in ended.err
    _, captions = check_alone((folder / "line.html").read_text())
    assert captions == [f"epoch {epoch}" for epoch in range(13)]
    ended = run("plot", "b", "flow", "--out", "flow.gif")
    assert ended.status == 2 and "does not move" in ended.err


def test_descent_by_command(run, folder):
    ended = run("descent", "bowl", "--steps", 8, "--lr", "0.1", "--optimizer", "sgd,adam", "--json")
    assert ended.status == 0, ended.err
    found = json.loads(ended.out)["walks"]
    start = np.array(explain.FUNCTIONS["bowl"].start)
    assert found["sgd, lr 0.1"]["at"] == pytest.approx(0.8**8 * start)
    assert (folder / "descent-bowl.png").stat().st_size > 5000
    ended = run("descent", "square", "--start", "-1", "--steps", 9, "--out", "s.gif")
    assert ended.status == 0 and "lr 0.4" in ended.out, ended.err
    assert Image.open(io.BytesIO((folder / "s.gif").read_bytes())).n_frames == 10
    assert "x² + 25y²" in run("descent", "list").out
    for request, words in (
        (("vally",), "'valley'?"),
        (("valley", "--optimizer", "adm"), "'adam'?"),
        (("valley", "--lr", "0.1,0.2"), "which rate is whose"),
        (("valley", "--lr", "much"), "numbers such as"),
        (("valley", "--lr", "-1"), "positive"),
        (("valley", "--start", "1,2,3"), "2 numbers"),
        (("valley", "--out", "a.mp4"), "no such format"),
    ):
        ended = run("descent", *request)
        assert ended.status == 2 and words in ended.err, ended.err
