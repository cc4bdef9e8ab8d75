"""Splits: every row in one part, classes in proportion, order kept, groups whole."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steepest.core import RequestError, Streams
from steepest.data import load_data
from steepest.data.split import check_fractions, cut_sizes, split_groups, split_rows

FRACTIONS = [(0.7, 0.15, 0.15), (0.5, 0.25, 0.25), (0.8, 0.2, 0.0), (0.6, 0.0, 0.4), (1, 0, 0)]


def random():
    return Streams(0)("split")


@given(rows=st.integers(3, 400), split=st.sampled_from(FRACTIONS), ordered=st.booleans())
def test_every_row_is_in_one_part_and_sizes_are_the_fractions(rows, split, ordered):
    parts = split_rows(rows, check_fractions(split), None if ordered else random())
    assert sorted(np.concatenate(parts)) == list(range(rows))
    for part, share in zip(parts, split, strict=True):
        assert abs(part.size - rows * share) <= 2  # both ends are rounded; a part is never empty
        assert (part.size > 0) == (share > 0)
        assert (np.diff(part) > 0).all()  # in the order of the source
    if ordered:
        assert (np.concatenate(parts) == np.arange(rows)).all()


@given(
    counts=st.lists(st.integers(1, 60), min_size=2, max_size=6).filter(lambda c: sum(c) >= 12),
    split=st.sampled_from(FRACTIONS),
)
def test_classes_are_in_proportion(counts, split):
    labels = random().permutation(np.repeat(np.arange(len(counts)), counts))
    parts = split_rows(len(labels), check_fractions(split), random(), labels)
    assert sorted(np.concatenate(parts)) == list(range(len(labels)))
    assert set(labels[parts[0]]) == set(labels)  # training knows every class
    for part, share in zip(parts, split, strict=True):
        found = np.bincount(labels[part], minlength=len(counts))
        # Putting one row of each class in front moves a boundary by at most a row per class.
        assert (np.abs(found - np.array(counts) * share) <= 1 + len(counts) / 2).all()


def test_equal_classes_are_split_exactly():
    labels = np.repeat([0, 1, 2], 100)
    for part, count in zip(
        split_rows(300, (0.7, 0.15, 0.15), random(), labels), (70, 15, 15), strict=True
    ):
        assert np.bincount(labels[part]).tolist() == [count] * 3


def test_sorted_data_still_validates_on_every_class():
    x = np.arange(100.0)
    data = load_data((x, np.repeat(["a", "b"], 50)))
    assert set(data.val.y) == set(data.test.y) == {0, 1}


def test_a_class_too_small_for_every_part_is_said():
    data = load_data((np.arange(101.0), ["common"] * 100 + ["rare"]))
    assert (data.train.y == 1).sum() == 1
    assert "the validation part has no row of class 'rare'" in data.notes
    assert "the test part has no row of class 'rare'" in data.notes


def test_a_class_that_comes_only_after_the_training_rows_is_refused():
    with pytest.raises(RequestError, match=r"row 80.*\n.*expected.*old\n.*'new'"):
        load_data((np.arange(100.0), ["old", "odd"] * 40 + ["new"] * 20), shuffle=False)


@given(
    sizes=st.lists(st.integers(1, 30), min_size=3, max_size=20),
    split=st.sampled_from(FRACTIONS),
    ordered=st.booleans(),
)
def test_groups_stay_whole(sizes, split, ordered):
    groups = np.repeat(np.arange(len(sizes)).astype(str), sizes)
    parts = split_groups(groups, check_fractions(split), None if ordered else random())
    assert sorted(np.concatenate(parts)) == list(range(len(groups)))
    members = [set(groups[part]) for part in parts]
    assert sum(map(len, members)) == len(sizes)
    assert [bool(m) for m in members] == [share > 0 for share in split]


def test_groups_come_near_the_fractions_and_are_no_feature():
    patients = [f"patient {i // 5}" for i in range(500)]
    frame = pl.DataFrame({"x": np.arange(500.0), "who": patients, "y": np.arange(500) * 0.5})
    data = load_data(frame, group="who")
    assert data.preparation.columns == ["x"]
    assert [len(p) for p in (data.train, data.val, data.test)] == [350, 75, 75]
    who = [{patients[row] for row in p.rows} for p in (data.train, data.val, data.test)]
    assert not (who[0] & who[1] or who[0] & who[2] or who[1] & who[2])
    ordered = load_data(frame, group="who", shuffle=False)
    assert ordered.train.rows.tolist() == list(range(350))
    with pytest.raises(RequestError, match="fewer groups than parts"):
        load_data(frame.with_columns(who=pl.col("x") < 250), group="who")


def test_sizes_are_rounded_and_never_empty():
    assert cut_sizes(30, (0.5, 0.25, 0.25)) == [15, 7, 8]
    assert cut_sizes(3, (0.98, 0.01, 0.01)) == [1, 1, 1]
    with pytest.raises(RequestError, match="at least 3 rows"):
        cut_sizes(2, (0.7, 0.15, 0.15))
