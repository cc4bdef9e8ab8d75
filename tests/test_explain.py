"""What a network has learned: filters, feature maps, what excites a unit, confident mistakes."""

import numpy as np
import pytest
from command import Command

from steepest import explain, models, nn, plot
from steepest.core import RequestError
from steepest.data import Part, load_data
from steepest.random import manual_seed, randn
from steepest.tensors import tensor
from steepest.training import fit


@pytest.fixture(scope="module")
def lenet():
    manual_seed(0)
    return models.lenet5(size=(28, 28))


def images(count=12, seed=0):
    x = np.random.default_rng(seed).random((count, 1, 28, 28)).astype(np.float32)
    return np.where(x > 0.8, x, -0.1).astype(np.float32)


def test_filters_have_gaps_where_there_is_no_connection(lenet):
    found = explain.filters(lenet, (1, 28, 28))
    assert {name: w.shape for name, w in found.items()} == {
        "c1": (6, 1, 5, 5),
        "s2": (6, 1, 1, 1),
        "c3": (16, 6, 5, 5),
        "s4": (16, 1, 1, 1),
        "c5": (120, 16, 5, 5),
        "f6": (1, 1, 84, 120),
        "output": (10, 1, 12, 7),
    }
    there = ~np.isnan(found["c3"]).any(axis=(2, 3))
    assert [np.flatnonzero(row).tolist() for row in there] == [list(s) for s in models.SEEN_BY_C3]
    assert (found["c3"][there] == lenet.c3.weight.detach().numpy()).all()


def test_a_linear_layer_on_pixels_is_pictures():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.Tanh(), nn.Linear(5, 2))
    found = explain.filters(model, (1, 3, 4))
    assert [w.shape for w in found.values()] == [(5, 1, 3, 4), (1, 1, 2, 5)]
    assert (found["1"].reshape(5, 12) == model[1].weight.detach().numpy()).all()


def test_feature_maps_are_what_the_layers_make(lenet):
    sample = images(1)[0]
    found = explain.feature_maps(lenet, sample)
    assert {name: made.shape for name, made in found.items()} == {
        "c1": (6, 28, 28),
        "s2": (6, 14, 14),
        "c3": (16, 10, 10),
        "s4": (16, 5, 5),
        "c5": (120, 1, 1),
        "f6": (1, 12, 7),
        "output": (10,),
    }
    squashed = lenet.c1_squash(lenet.c1(lenet.border(tensor(sample[None]))))
    assert (found["c1"] == squashed.detach().numpy()[0]).all()
    assert lenet.training and not lenet.c1._after


@pytest.mark.parametrize(
    ("layer", "length", "step"), [("c1", 5, 1), ("s2", 6, 2), ("c3", 14, 2), ("s4", 16, 4)]
)
def test_the_receptive_field_is_what_a_unit_depends_on(lenet, layer, length, step):
    """The gradient of a unit is not 0 exactly on the pixels that it sees."""
    field = explain.receptive_field(lenet, layer, (28, 28))
    assert [f[:2] for f in field] == [(length, step)] * 2
    x = randn(1, 1, 28, 28, requires_grad=True)
    made = x
    for name, module in lenet.named_children():
        made = module(made)
        if name == layer:
            break
    place = (3, 1)
    made[0, -1, place[0], place[1]].backward()
    rows, columns = (np.flatnonzero(x.grad.numpy()[0, 0].any(axis)) for axis in (1, 0))
    for seen, (size, gap, start), at in zip((rows, columns), field, place, strict=True):
        expected = range(max(0, at * gap + start), min(28, at * gap + start + size))
        assert seen.tolist() == list(expected)


def test_after_a_linear_layer_a_unit_sees_all(lenet):
    assert explain.receptive_field(lenet, "f6", (28, 28)) == ((28, 1, 0), (28, 1, 0))


def test_responses_are_the_pieces_that_excite_most():
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, bias=False))
    model[0].weight.data = tensor(np.stack([np.eye(3), -np.eye(3)])[:, None], dtype=np.float32)
    x = np.zeros((4, 1, 6, 6), np.float32)
    for i in range(4):
        x[i, 0, [2, 3, 4], [1, 2, 3]] = i + 1  # a diagonal, the stronger the later
    x[2, 0, 0, 0] = 50  # in a corner, where the window reaches beyond the edge
    found = explain.responses(model, x, "0", count=2)
    assert found.values[0].tolist() == [50, 12] and found.pieces.shape == (2, 2, 3, 3)
    assert (found.pieces[0, 1] == 4 * np.eye(3)).all()
    assert np.isnan(found.pieces[0, 0]).any() and np.nanmax(found.pieces[0, 0]) == 50
    with pytest.raises(RequestError, match="no layer 'c9'"):
        explain.responses(model, x, "c9")


def test_worst_mistakes_are_ordered_by_certainty_even_beyond_float32():
    model = nn.Sequential(nn.Identity())
    data = load_data(
        (np.random.default_rng(0).random((40, 3)), np.arange(40) % 3), task="classification"
    )
    x = np.array([[9, 0, 0], [60, 0, 0], [0, 1, 0], [0, 0, 5], [200, 0, 0]], np.float32)
    part = Part(x, np.array([1, 1, 1, 0, 2]), np.arange(5))
    found = explain.worst_mistakes(model, data.preparation, part)
    assert [m.row for m in found] == [4, 1, 0, 3]
    assert [(m.true, m.answer) for m in found] == [(2, 0), (1, 0), (1, 0), (0, 2)]
    assert found[3].probability == pytest.approx(np.exp(5) / (np.exp(5) + 2))
    assert len(explain.worst_mistakes(model, data.preparation, part, count=2)) == 2


# ---- the pictures -------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_are_drawn_and_described(lenet, theme):
    x = images()
    figures = [
        plot.filters(explain.filters(lenet, (1, 28, 28)), theme=theme),
        plot.feature_maps(x[0, 0], explain.feature_maps(lenet, x[0]), np.eye(10)[3], theme=theme),
        plot.responses(explain.responses(lenet, x, "c3").pieces, layer="c3", theme=theme),
        plot.mistakes(x[:7, 0], range(7), range(1, 8), [0.9] * 7, theme=theme),
    ]
    words = ["c3 with 16", "The answer is 3", "16 units", "0 taken for 1 (90.0%)"]
    for figure, word in zip(figures, words, strict=True):
        assert word in figure.get_label()
        assert figure.get_facecolor()[:3] == pytest.approx(
            tuple(int(plot.THEMES[theme].paper[i : i + 2], 16) / 255 for i in (1, 3, 5))
        )
    drawn = figures[0].axes[2].images[0].get_array()
    assert drawn.shape == (6 * 6 - 1, 16 * 6 - 1)
    # what is not there is not drawn: gaps between filters, and connections that do not exist
    assert np.ma.count(drawn) == 60 * 25


def test_nothing_to_draw_is_refused():
    with pytest.raises(RequestError, match="no weights"):
        plot.filters({})
    with pytest.raises(RequestError, match="no layers"):
        plot.feature_maps(np.zeros((2, 2)), {})
    with pytest.raises(RequestError, match="no pieces"):
        plot.responses(np.zeros((0, 2, 2, 2)))
    with pytest.raises(RequestError, match="makes no mistake"):
        plot.mistakes(np.zeros((0, 2, 2)), [], [], [])


# ---- on the command line ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A LeNet-5 after one epoch on noise in ten classes."""
    place = tmp_path_factory.mktemp("lenet")
    path = place / "noise.npz"
    np.savez(path, images=(images(60) * 100 + 50).astype(np.uint8)[:, 0], labels=np.arange(60) % 10)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        data = load_data("noise.npz", scale="lecun")
        settings = {
            "data": {"source": "noise.npz", "scale": "lecun"},
            "network": {"model": "lenet5"},
        }
        from steepest.training import RunFolder

        model = models.create("lenet5", data)
        run = fit(
            model,
            data,
            epochs=1,
            compile=False,
            progress="none",
            out=RunFolder(place / "run", settings),
        )
    assert run.settings["loss"] == "map"
    return place


@pytest.fixture
def run(trained, monkeypatch, capsys):
    monkeypatch.chdir(trained)
    return Command(monkeypatch, capsys)


@pytest.mark.parametrize("kind", ["filters", "maps", "responses", "confusion", "wrong"])
def test_every_kind_of_picture_by_command(run, trained, kind):
    ended = run("plot", "run", kind, "--theme", "dark")
    assert ended.status == 0, ended.err
    path = trained / "run" / f"{kind}-dark.png"
    assert path.read_bytes().startswith(b"\x89PNG") and str(path.name) in ended.out


def test_a_digit_a_layer_and_a_file_by_command(run, trained):
    assert "answer" in run("plot", "run", "maps", "--digit", "7", "--out", "seven.svg").out
    assert (trained / "seven.svg").read_text().startswith("<?xml")
    assert "of c1 most, 6 units" in run("plot", "run", "responses", "--layer", "c1").out


def test_wrong_requests_for_pictures(run):
    for request, words in {
        ("plot", "run", "filter"): ["'filters'?"],
        ("plot", "run", "maps", "--digit", "11"): ["no class '11'"],
        ("plot", "run", "responses", "--layer", "c9"): ["no layer 'c9'"],
        ("plot", "run", "wrong", "--theme", "drak"): ["'dark'?"],
        ("plot", "run", "wrong", "--out", "a.xyz"): ["no such format", ".png"],
        ("plot", "run", "wrong", "--out", "nowhere/a.png"): ["cannot write"],
        ("plot", "nowhere", "wrong"): ["no such file"],
        ("plot", "run/model.safetensors", "wrong"): ["needs the data"],
    }.items():
        ended = run(*request)
        assert ended.status == 2, request
        assert all(word in ended.err for word in words), ended.err
        assert "Traceback" not in ended.err


def test_the_summary_by_command(run):
    ended = run("summary", "run")
    assert ended.status == 0
    assert all(n in ended.out for n in ("60,000", "340,068", "340,908"))
    assert '"multiply_adds": 150000' in run("summary", "run", "--json").out
