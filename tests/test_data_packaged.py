"""The packaged sets: what their cards say is what loads, and the toys are what they claim."""

from importlib.resources import files

import numpy as np
import pytest
from sklearn.datasets import load_digits

from steepest.core import Streams
from steepest.data import datasets, load_data
from steepest.data.opening import open_source
from steepest.data.toy import TOYS, blobs, crumpled

NAMES = [card.name for card in datasets()]


def test_there_are_nine():
    assert NAMES == [
        "housing", "digits", "mnist", "xor", "blobs", "moons", "circles", "spirals", "crumpled"
    ]  # fmt: skip


@pytest.mark.parametrize("card", datasets(), ids=NAMES)
def test_a_set_is_what_its_card_says(card):
    data = load_data(card.name)
    rows = {row for part in (data.train, data.val, data.test) for row in part.rows}
    assert len(rows) == card.rows
    assert len(data.feature_names) == card.columns
    assert data.task == card.task and data.name == card.name
    assert card.description and card.licence and data.provenance == card.provenance
    assert any(card.note in note for note in data.notes) or not card.note
    for part in (data.train, data.val, data.test):
        assert part.x.dtype == np.float32 and np.isfinite(part.x).all()
        assert len(part.x) == len(part.y) == len(part.rows) > 0


def test_housing_is_frank_about_column_b():
    note = next(card.note for card in datasets() if card.name == "housing")
    assert "Black" in note and "segregation" in note and "bias" in note and "leave_out" in note
    data = load_data("housing", leave_out=["B"])
    assert "B" not in data.feature_names and len(data.feature_names) == 12
    assert data.preparation.target == "MEDV"


def test_digits_are_those_of_their_source():
    source, theirs = open_source("digits"), load_digits()
    assert (source.images[:, 0] == theirs.images).all()
    assert (source.labels.to_numpy() == theirs.target).all()


def test_package_data_lie_inside_the_package():
    folder = files("steepest.data") / "packaged"
    assert sorted(path.name for path in folder.iterdir()) == [
        "boston_housing.csv", "digits.npz", "mnist_8k.npz"
    ]  # fmt: skip


def test_xor_is_all_of_it_in_every_part():
    data = load_data("xor")
    for part in (data.train, data.val, data.test):
        assert part.rows.tolist() == [0, 1, 2, 3] and part.y.tolist() == [0, 1, 1, 0]
    assert any("too small to split" in note for note in data.notes)


@pytest.mark.parametrize("name", [name for name in TOYS if name != "xor"])
def test_toys_are_drawn_from_the_seed(name):
    one, again, other = (open_source(name, seed).frame for seed in (0, 0, 1))
    assert one.equals(again) and not one.equals(other)
    assert one["class"].mean() == 0.5


@pytest.mark.parametrize("seed", range(5))
def test_a_line_separates_the_blobs(seed):
    x, y = blobs(Streams(seed)("test"))
    assert ((x.sum(axis=1) > 0) == (y == 1)).all()


@pytest.mark.parametrize("seed", range(3))
def test_no_plane_separates_the_crumpled_sheets_yet_they_do_not_touch(seed):
    x, y = crumpled(Streams(seed)("test"))
    design = np.column_stack([x, np.ones(len(x))])
    weights = np.linalg.lstsq(design, 2.0 * y - 1, rcond=None)[0]
    assert ((design @ weights > 0) == y).mean() < 0.85
    gaps = np.linalg.norm(x[y == 0][:, None] - x[y == 1][None], axis=2)
    assert gaps.min() > 0.005  # 0.3 apart before they were crumpled
