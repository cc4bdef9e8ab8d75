"""Pictures as data: folders of PNG files, single files, and the ways in which they are wrong."""

import gzip

import numpy as np
import pytest
from command import Command, contents
from PIL import Image
from test_bad_input import check_refused
from test_data_sources import idx, write_idx

from steepest import nn
from steepest.core import RequestError
from steepest.data import load_data
from steepest.training import predict, save


def drawn(seed=0, height=28, width=28):
    return np.random.default_rng(seed).integers(0, 200, (height, width)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with `scans/`: five pictures each of two classes."""
    monkeypatch.chdir(tmp_path)
    for label in ("3", "10"):
        place = tmp_path / "scans" / label
        place.mkdir(parents=True)
        for i in range(5):
            Image.fromarray(drawn(i + int(label))).save(place / f"{i}.png")
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    return Command(monkeypatch, capsys)


@pytest.fixture
def trained(folder):
    """A saved model that knows the two classes, untrained."""
    data = load_data(folder / "scans", scale="standard")
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 2))
    save(model, folder / "model.safetensors", data.preparation)
    return "model.safetensors"


# ---- what is read -------------------------------------------------------------------------------


def test_a_folder_of_folders_is_classes_of_pictures(folder):
    data = load_data(folder / "scans", scale="none", split=(0.6, 0.2, 0.2))
    assert data.preparation.classes == [3, 10] and data.sample_shape == (1, 28, 28)
    parts = (data.train, data.val, data.test)
    first = next(x for part in parts for x, row in zip(part.x, part.rows, strict=True) if row == 0)
    assert (first[0] == drawn(10)).all()  # folder 10 comes before folder 3 in the alphabet
    assert len(data.train) + len(data.val) + len(data.test) == 10
    assert data.provenance == "folder scans" and not data.notes


def test_what_lies_beside_the_pictures_is_said(folder):
    (folder / "scans" / "empty").mkdir()
    (folder / "scans" / "3" / "notes.txt").write_text("mine")
    (folder / "scans" / ".hidden").write_text("x")
    notes = "\n".join(load_data(folder / "scans").notes)
    assert "'empty' has no pictures" in notes and "'3': 1 other file left out" in notes
    assert "hidden" not in notes


def test_colours_stay_colours_unless_they_are_grey(folder):
    grey = drawn(1)
    Image.fromarray(np.stack([grey] * 3, -1)).save(folder / "grey.png")
    Image.fromarray(grey).convert("P").save(folder / "palette.png")
    Image.fromarray(np.dstack([grey, grey, grey, np.full_like(grey, 255)])).save(folder / "a.png")
    for name in ("grey.png", "palette.png", "a.png"):
        features = load_data((np.stack([grey, grey[::-1]] * 5), np.arange(10) % 2), scale="none")
        found = features.preparation.features(folder / name)
        assert found.shape == (1, 1, 28, 28) and (found[0, 0] == grey).all(), name
    bright = np.stack([grey, grey[::-1], grey], -1)
    Image.fromarray(bright).save(folder / "scans" / "3" / "bright.png")
    data = load_data(folder / "scans", scale="none")
    assert data.sample_shape == (3, 28, 28)


def test_colour_is_turned_to_grey_with_a_note_where_the_model_is_grey(folder, trained):
    colours = np.stack([drawn(1), drawn(2), drawn(3)], -1)
    Image.fromarray(colours).save(folder / "colour.png")
    notes = []
    found = predict(trained, "colour.png", notes)
    assert len(found) == 1 and notes == [
        "colour.png: colours turned to grey, as the training images are"
    ]
    grey = colours @ np.array([0.299, 0.587, 0.114])
    same = predict(trained, grey[None])
    assert found.probabilities == pytest.approx(same.probabilities, rel=1e-5)


def test_several_pictures_are_answered_by_name_and_in_order(folder, trained, run):
    Image.fromarray(drawn(50)).save(folder / "b.png")
    Image.fromarray(drawn(51)).save(folder / "a.png")
    ended = run("predict", trained, "b.png", "a.png")
    assert ended.status == 0, ended.err
    lines = [line.split(",") for line in ended.out.splitlines()]
    assert lines[0] == ["file", "predicted_label", "probability_3", "probability_10"]
    assert [line[0] for line in lines[1:]] == ["b.png", "a.png"]
    assert all(line[1] in ("3", "10") for line in lines[1:])
    alone = run("predict", trained, "a.png").out.splitlines()[1].split(",")
    assert alone[:2] == lines[2][:2] and float(alone[2]) == pytest.approx(float(lines[2][2]), 1e-5)


def test_swapped_ink_and_paper_is_said(folder, trained, run):
    Image.fromarray(255 - np.zeros((28, 28), np.uint8)).save(folder / "white.png")
    ended = run("predict", trained, "white.png")
    assert ended.status == 0 and "far brighter than the training images" in ended.err
    assert run("predict", trained, "scans/3/0.png").err == ""


def test_a_folder_without_classes_is_for_prediction(folder, trained):
    assert len(predict(trained, folder / "scans" / "3")) == 5
    with pytest.raises(RequestError, match="no target"):
        load_data(folder / "scans" / "3")


@pytest.mark.parametrize("kind", ["idx.gz", "npz", "folders"])
def test_lenet_is_trained_from_every_kind_of_file_and_reads_a_picture(folder, run, kind):
    images, labels = np.stack([drawn(i) for i in range(40)]), np.arange(40) % 10
    name = "scanned.npz" if kind == "npz" else "scanned"
    if kind == "npz":
        np.savez(folder / name, images=images, labels=labels)
    elif kind == "folders":
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            (folder / name / str(label)).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / name / str(label) / f"{i}.png")
    else:
        (folder / name).mkdir()
        write_idx(folder / name, "train", images, labels, compress=True)
    request = ["--model", "lenet5", "--epochs", 1, "--compile", "false", "--out", "run"]
    ended = run("train", name, *request, "--split", "0.8,0.2,0")
    assert ended.status == 0, ended.err
    assert "40 rows, 1×28×28 pixels" in ended.out and "10 classes" in ended.out
    answer = run("predict", "run", "scans/3/0.png")
    assert answer.status == 0 and "0.png" in answer.out.splitlines()[1], answer.err
    table = run("summary", "run").out
    assert "TableConv2d(6," in table and "60,000" in table


# ---- what is refused ----------------------------------------------------------------------------


def wrong_size(path):
    Image.fromarray(drawn(0, 60, 100)).save(path)


def transparent(path):
    Image.fromarray(np.dstack([drawn(), drawn(1)])).save(path)


def deep(path):
    Image.fromarray(drawn().astype(np.uint16) * 256).save(path)


def cut(path):
    Image.fromarray(drawn()).save(path)
    path.write_bytes(path.read_bytes()[:300])


def flipped(path):
    Image.fromarray(drawn()).save(path)
    whole = bytearray(path.read_bytes())
    whole[60] ^= 0xFF
    path.write_bytes(whole)


WRONG = {
    "size": (wrong_size, ["28×28 pixels (height × width)", "60×100 pixels", "resized"]),
    "transparent": (transparent, ["transparent", "mode LA", "background"]),
    "16 bits": (deep, ["mode I;16", "8 bits per channel"]),
    "cut short": (cut, ["not a readable picture"]),
    "damaged": (flipped, ["not a readable picture"]),
    "empty": (lambda path: path.write_bytes(b""), ["the file is empty"]),
    "text": (lambda path: path.write_text("a,b\n1,2\n"), ["not a readable picture"]),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_picture_at_prediction(folder, trained, run, what):
    make, words = WRONG[what]
    make(folder / "x.png")
    check_refused(run, folder, ["predict", trained, "x.png"], "x.png", *words)


@pytest.mark.parametrize("what", sorted(set(WRONG) - {"empty"}))
def test_a_wrong_picture_in_training(folder, run, what):
    make, words = WRONG[what]
    make(folder / "scans" / "3" / "x.png")
    if what == "size":
        words = ["different sizes", "28×28", "60×100"]
    check_refused(run, folder, ["train", "scans", "--epochs", 1], "3/x.png", *words)


def test_several_files_are_pictures_that_are_there(folder, trained, run):
    Image.fromarray(drawn()).save(folder / "a.png")
    (folder / "t.csv").write_text("a\n1\n")
    check_refused(run, folder, ["predict", trained, "a.png", "t.csv"], "t.csv", "pictures", ".png")
    check_refused(run, folder, ["predict", trained, "a.png", "b.png"], "b.png: no such file")


def test_a_table_for_a_model_of_images_and_the_other_way_round(folder, trained, run):
    (folder / "t.csv").write_text("a,b\n1,2\n")
    check_refused(run, folder, ["predict", trained, "t.csv"], "trained on images", "2 columns")


def test_a_folder_without_anything(folder, run):
    (folder / "nothing").mkdir()
    check_refused(
        run, folder, ["train", "nothing"], "no pictures and no IDX images", "empty folder"
    )


def test_damaged_gzip_and_different_counts(folder, run):
    images, labels = np.zeros((6, 28, 28)), np.arange(6) % 2
    place = folder / "idx"
    place.mkdir()
    write_idx(place, "train", images, labels, compress=True)
    path = place / "train-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    for content in (whole[:-8], b"\x1f\x8b" + b"no", whole[:10] + b"\0\0" + whole[12:]):
        path.write_bytes(content)
        check_refused(run, folder, ["train", "idx"], path.name, "not a readable gzip file")
    path.write_bytes(gzip.compress(idx(images[:5])))
    check_refused(run, folder, ["train", "idx"], "do not fit together", "(5, 28, 28)", "(6,)")
    np.savez(folder / "t.npz", images=images, labels=labels[:4])
    check_refused(run, folder, ["train", "t.npz"], "different numbers of rows", "6", "4")


def test_a_size_that_lenet_is_not_made_for(folder, run):
    np.savez(
        folder / "t.npz",
        images=np.random.default_rng(0).random((40, 9, 9)),
        labels=np.arange(40) % 10,
    )
    request = ["train", "t.npz", "--model", "lenet5", "--epochs", 1]
    check_refused(run, folder, request, "28×28 to 32×32", "9×9")
    check_refused(
        run, folder, ["train", "scans", "--model", "lenet5"], "10 classes", "lenet5-modern"
    )


def test_a_loss_that_does_not_go_with_penalties(folder, run):
    np.savez(
        folder / "t.npz",
        images=np.random.default_rng(0).random((40, 28, 28)),
        labels=np.arange(40) % 10,
    )
    request = ["train", "t.npz", "--epochs", 1, "--compile", "false"]
    ended = run(*request, "--model", "lenet5", "--loss", "cross_entropy", "--out", "r")
    assert ended.status == 2 and "penalties" in ended.err and 'loss="map"' in ended.err
    assert not (folder / "r").exists()
    ended = run(*request, "--model", "mlp", "--loss", "map", "--out", "r")
    assert ended.status == 2 and "not penalties" in ended.err and not (folder / "r").exists()


def test_contents_are_as_they_were(folder):
    """What `check_refused` relies on sees pictures too."""
    before = contents(folder)
    Image.fromarray(drawn(99)).save(folder / "scans" / "3" / "0.png")
    assert contents(folder) != before
