"""Preparation: saved exactly, and enough to bring new data to shape."""

import json

import numpy as np
import polars as pl
import pytest

from steepest.core import RequestError
from steepest.data import SCALES, Preparation, load_data
from steepest.tensors import tensor


def frame(rows=60):
    random = np.random.default_rng(1)
    return pl.DataFrame(
        {
            "size": random.lognormal(0, 3, rows),
            "town": random.choice(["a", "b", "c"], rows),
            "age": random.integers(0, 90, rows),
            "price": random.lognormal(0, 3, rows),
        }
    )


def saved_and_loaded(preparation):
    return Preparation.from_json(json.loads(json.dumps(preparation.to_json())))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("missing", ["refuse", "median", "mode"])
def test_json_keeps_every_bit(scale, missing):
    preparation = load_data(frame(), scale=scale, missing=missing).preparation
    again = saved_and_loaded(preparation)
    assert again == preparation
    assert again.features(frame()).tobytes() == preparation.features(frame()).tobytes()


@pytest.mark.parametrize("name", ["digits", "xor", "housing"])
def test_packaged_sets_survive_json_too(name):
    data = load_data(name)
    again = saved_and_loaded(data.preparation)
    assert again == data.preparation
    assert again.classes == data.preparation.classes and again.units == data.preparation.units


def test_new_data_are_prepared_as_the_parts_were():
    data = load_data(frame())
    x, y = data.preparation.features(frame()), data.preparation.targets(frame())
    for part in (data.train, data.val, data.test):
        assert x[part.rows].tobytes() == part.x.tobytes()
        assert y[part.rows].tobytes() == part.y.tobytes()


def test_columns_are_found_by_name_whatever_the_order(tmp_path):
    preparation = load_data(frame()).preparation
    path = tmp_path / "new.csv"
    frame().select("age", "town", "size").write_csv(path)
    assert preparation.features(path).tobytes() == preparation.features(frame()).tobytes()


def test_a_lacking_feature_is_refused_by_name():
    preparation = load_data(frame()).preparation
    with pytest.raises(RequestError, match=r"column 'size' is missing.*did you mean 'sise'"):
        preparation.features(frame().rename({"size": "sise"}))
    with pytest.raises(RequestError, match="columns 'size', 'town' are missing"):
        preparation.features(frame().drop("size", "town"))


def test_extra_columns_are_ignored_with_one_line():
    preparation = load_data(frame()).preparation
    notes = []
    wide = frame().with_columns(colour=pl.lit("red"), weight=1.0)
    assert (preparation.features(wide, notes) == preparation.features(frame())).all()
    assert notes == ["columns not used: 'colour', 'weight'"]


def test_an_unknown_category_is_all_zeros_with_one_line():
    preparation = load_data(frame()).preparation
    notes = []
    x = preparation.features(frame().with_columns(town=pl.lit("mars")), notes)
    assert (x[:, 1:4] == 0).all()
    assert notes == ["column 'town': 'mars' not seen in training; 60 rows encoded as all zeros"]


def test_missing_cells_at_prediction():
    holed = frame().with_columns(size=pl.when(pl.col("age") > 50).then(pl.col("size")))
    refusing = load_data(frame()).preparation
    with pytest.raises(RequestError, match=r"column 'size': missing cell(.|\n)*median"):
        refusing.features(holed)
    filling = load_data(frame(), missing="median").preparation
    gone = holed["size"].is_null().to_numpy()
    fill = filling.encoders[0].fill
    wanted = np.float32((fill - filling.encoders[0].center) / filling.encoders[0].spread)
    assert gone.any() and (filling.features(holed)[gone, 0] == wanted).all()


def test_text_where_training_had_numbers_is_refused():
    preparation = load_data(frame()).preparation
    with pytest.raises(RequestError, match=r"row 0 .*column 'age': text in a column of numbers"):
        preparation.features(frame().with_columns(age=pl.lit("old")))


def test_arrays_are_taken_by_position():
    numbers = frame().select("size", "age", "price")
    preparation = load_data(numbers).preparation
    x = numbers.select("size", "age").to_numpy()
    wanted = preparation.features(numbers)
    assert (preparation.features(x) == wanted).all()
    assert (preparation.features(tensor(x)) == wanted).all()
    pair = (x, numbers["price"].to_numpy())
    assert (preparation.features(pair) == wanted).all()
    assert (preparation.targets(pair) == preparation.targets(numbers)).all()
    with pytest.raises(RequestError, match="expected  2 columns: size, age\n  got       3"):
        preparation.features(numbers.to_numpy())
    with pytest.raises(RequestError, match=r"x\[None, :\]"):
        preparation.features(x[0])


def test_a_label_outside_the_classes_is_refused():
    x = np.arange(40.0)
    preparation = load_data((x, ["cat", "dog"] * 20)).preparation
    assert preparation.targets((x[:2], ["dog", "cat"])).tolist() == [1, 0]
    with pytest.raises(RequestError) as refused:
        preparation.targets((x[:3], ["dog", "cat", "cow"]))
    assert "row 2 (counted from 0), column 'y'" in str(refused.value)
    assert "cat, dog" in str(refused.value) and "'cow'" in str(refused.value)


def test_whole_number_classes_match_however_they_are_written():
    x = np.arange(40.0)
    preparation = load_data((x, [3, 7] * 20)).preparation
    assert preparation.classes == [3, 7]
    for labels in ([7, 3], [7.0, 3.0], ["7", "3"], np.array([7, 3], np.uint8)):
        assert preparation.targets((x[:2], labels)).tolist() == [1, 0]
    with pytest.raises(RequestError, match="not among the classes"):
        preparation.targets((x[:2], [7.5, 3]))


def test_a_lacking_target_is_refused():
    preparation = load_data(frame()).preparation
    with pytest.raises(RequestError, match="no target column 'price'"):
        preparation.targets(frame().drop("price"))


def test_units_come_back_exactly():
    data = load_data("housing")
    assert data.preparation.units == "thousand dollars"
    y = np.array([[-1.0], [0.0], [2.0]])
    center, spread = data.preparation.center, data.preparation.spread
    assert (data.preparation.in_units(y) == y * spread + center).all()


def test_images_of_another_shape_are_refused():
    preparation = load_data("digits").preparation
    images = np.arange(3 * 64).reshape(3, 8, 8)
    assert preparation.features(images).shape == (3, 1, 8, 8)
    with pytest.raises(RequestError, match=r"8×8 pixels(.|\n)*9×9 pixels"):
        preparation.features(np.zeros((3, 9, 9)))
    with pytest.raises(RequestError, match=r"x\[None\]"):
        preparation.features(images[0])
    with pytest.raises(RequestError, match="trained on a table"):
        load_data("housing").preparation.features(images)
