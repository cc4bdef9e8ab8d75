"""load_data: what comes out, and that nothing is learned outside the training part."""

import csv
import hashlib

import numpy as np
import polars as pl
import pytest

from steepest.core import RequestError
from steepest.data import SCALES, load_data


def table(rows=120, seed=0):
    """A frame with two numeric columns, a category, and a number to predict."""
    random = np.random.default_rng(seed)
    size, age = random.uniform(20, 300, rows), random.integers(0, 100, rows)
    town = random.choice(["north", "south", "west"], rows)
    return pl.DataFrame(
        {
            "size": size,
            "age": age,
            "town": town,
            "price": 3 * size - age + random.normal(0, 5, rows),
        }
    )


def test_a_table_becomes_three_scaled_parts():
    data = load_data(table(), target="price")
    assert [len(p) for p in (data.train, data.val, data.test)] == [84, 18, 18]
    assert data.task == "regression" and data.outputs == 1 and data.sample_shape == (5,)
    assert data.feature_names == ["size", "age", "town=north", "town=south", "town=west"]
    assert data.train.x.dtype == data.train.y.dtype == np.float32
    assert data.train.y.shape == (84, 1)
    rows = np.concatenate([data.train.rows, data.val.rows, data.test.rows])
    assert sorted(rows) == list(range(120))  # every row is in exactly one part


def test_rows_and_units_lead_back_to_the_source():
    frame = table()
    data = load_data(frame, target="price")
    for part in (data.train, data.val, data.test):
        truth = frame["price"].to_numpy()[part.rows]
        # float32 keeps 7 digits of a scaled value of at most 3 deviations
        np.testing.assert_allclose(
            data.preparation.in_units(part.y)[:, 0], truth, rtol=1e-6, atol=1e-4
        )
        towns = frame["town"].to_numpy()[part.rows]
        assert (part.x[:, 2:].argmax(1) == np.searchsorted(["north", "south", "west"], towns)).all()


@pytest.mark.parametrize("scale", SCALES)
def test_scalings_are_their_formulas_over_the_training_part(scale):
    frame = table()
    data = load_data(frame, target="price", scale=scale)
    train = frame["size"].to_numpy()[data.train.rows]
    low, high = train.min(), train.max()
    formula = {
        "minmax": lambda x: (x - low) / (high - low),
        "mean": lambda x: (x - train.mean()) / (high - low),
        "standard": lambda x: (x - train.mean()) / np.sqrt(np.mean((train - train.mean()) ** 2)),
        "lecun": lambda x: 1.275 * (x - low) / (high - low) - 0.1,
        "none": lambda x: x,
    }[scale]
    for part in (data.train, data.val, data.test):
        x = frame["size"].to_numpy()[part.rows]
        # the only difference is the rounding to float32
        np.testing.assert_allclose(part.x[:, 0], formula(x), rtol=2e-7, atol=1e-7)
    assert data.preparation.spread == (
        1.0
        if scale == "none"
        else pytest.approx(frame["price"].to_numpy()[data.train.rows].std(), rel=1e-12)
    )


@pytest.mark.parametrize("missing", ["refuse", "median", "mode"])
@pytest.mark.parametrize("scale", SCALES)
def test_no_statistic_sees_validation_or_test_rows(scale, missing):
    frame = table()
    before = load_data(frame, target="price", scale=scale, missing=missing)
    held_out = np.concatenate([before.val.rows, before.test.rows])
    chosen = pl.Series(np.isin(np.arange(frame.height), held_out))
    changed = frame.with_columns(
        pl.when(chosen).then(pl.col("size") * -1e6).otherwise(pl.col("size")).alias("size"),
        pl.when(chosen).then(pl.col("age") + 12345).otherwise(pl.col("age")).alias("age"),
        pl.when(chosen).then(pl.lit("mars")).otherwise(pl.col("town")).alias("town"),
        pl.when(chosen).then(pl.col("price") * 7 + 1).otherwise(pl.col("price")).alias("price"),
    )
    after = load_data(changed, target="price", scale=scale, missing=missing)
    assert after.preparation == before.preparation
    assert after.train.x.tobytes() == before.train.x.tobytes()
    assert after.train.y.tobytes() == before.train.y.tobytes()
    assert (after.val.x != before.val.x).any()  # the change did arrive


def test_image_statistics_see_training_images_only():
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 255, (60, 4, 5)), np.arange(60) % 3
    before = load_data((images, labels))
    held_out = np.concatenate([before.val.rows, before.test.rows])
    changed = images.copy()
    changed[held_out] += 1000
    after = load_data((changed, labels))
    assert after.preparation == before.preparation
    assert after.val.x.min() > before.val.x.max()
    pixels = images[before.train.rows].astype(float)
    assert before.sample_shape == (1, 4, 5)
    # one mean and one deviation for all pixels, computed in float64
    assert before.preparation.pixels.center == pytest.approx(pixels.mean(), rel=1e-14)
    assert before.preparation.pixels.spread == pytest.approx(pixels.std(), rel=1e-14)


def test_the_same_seed_gives_the_same_bits_and_another_seed_other_rows():
    one, two, other = (load_data(table(), target="price", seed=s) for s in (3, 3, 4))
    assert one.train.x.tobytes() == two.train.x.tobytes()
    assert (one.train.rows != other.train.rows).any()


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["cat", "dog"] * 20, "classification", ["cat", "dog"]),
        ([True, False] * 20, "classification", ["false", "true"]),
        ([3, 1, 2, 10] * 10, "classification", [1, 2, 3, 10]),
        ([3.0, 1.0] * 20, "regression", None),  # written as floats
        (list(range(40)), "regression", None),  # whole numbers that do not repeat
        (["3", "1"] * 20, "classification", [1, 3]),
        (["3.0", "1.5"] * 20, "regression", None),
    ],
)
def test_the_task_is_inferred_from_the_target(values, task, classes):
    data = load_data(pl.DataFrame({"x": np.arange(40.0), "y": values}, strict=False))
    assert data.task == task and data.preparation.classes == classes
    said_so = any("read as classes" in note for note in data.notes)
    assert said_so == (classes is not None and isinstance(classes[0], int))


def test_the_task_can_be_given():
    frame = pl.DataFrame({"x": np.arange(40.0), "y": [0, 1] * 20})
    assert load_data(frame, task="regression").train.y.shape == (28, 1)
    floats = frame.with_columns(pl.col("y").cast(pl.Float64))
    data = load_data(floats, task="classification")
    assert data.preparation.classes == [0, 1] and data.train.y.dtype == np.int64
    with pytest.raises(RequestError, match="text in a column of numbers"):
        load_data(frame.with_columns(y=pl.Series(["a", "b"] * 20)), task="regression")


def test_a_constant_column_and_row_names_are_left_out_with_a_note():
    frame = table().with_columns(
        country=pl.lit("fr"), zero=pl.lit(0.1), name=pl.Series([f"house {i}" for i in range(120)])
    )
    data = load_data(frame, target="price")
    assert data.preparation.columns == ["size", "age", "town"]
    assert "column 'country' is fr in every row of the training part: left out" in data.notes
    assert any("'zero' is 0.1" in note for note in data.notes)
    assert any("'name' has 84 different texts in 84 rows" in note for note in data.notes)


def test_a_category_unseen_in_training_is_all_zeros_and_said():
    frame = table(40).with_columns(town=pl.Series(["a"] * 20 + ["b"] * 8 + ["c"] * 12))
    data = load_data(frame, target="price", shuffle=False)
    assert data.feature_names[2:] == ["town=a", "town=b"]
    assert (data.test.x[:, 2:] == 0).all() and (data.train.x[:, 2:].sum(1) == 1).all()
    assert data.notes == ["column 'town': 'c' not seen in training; 12 rows encoded as all zeros"]


def test_the_default_target_is_the_last_column_and_is_said():
    data = load_data(table())
    assert data.preparation.target == "price"
    assert data.notes == ["target: 'price', the last column, since none was named"]


def test_unscaled_ranges_a_thousand_times_apart_are_warned_of():
    frame = table().with_columns(tiny=pl.col("size") / 1e6)
    (note,) = load_data(frame, target="price", scale="none").notes
    assert note.startswith("ranges differ by 1,000,000× ('size' spans")
    assert load_data(frame, target="price", scale="standard").notes == []
    assert load_data(table(), target="price", scale="none").notes == []


def test_columns_can_be_left_out():
    data = load_data(table(), leave_out=["age"])
    assert data.preparation.columns == ["size", "town"]
    with pytest.raises(RequestError, match="did you mean 'town'"):
        load_data(table(), leave_out=["twon"])


def test_a_file_is_digested_by_its_bytes_and_arrays_by_their_contents(tmp_path):
    path = tmp_path / "houses.csv"
    table().write_csv(path)
    data = load_data(path)
    assert data.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert data.name == "houses.csv" and "houses.csv" in data.provenance
    x, y = np.arange(40.0).reshape(20, 2), np.arange(20.0)
    assert load_data((x, y)).digest == load_data((x.copy(), y)).digest
    assert load_data((x, y)).digest != load_data((x, y + 1)).digest
    images = np.arange(180.0).reshape(20, 3, 3)
    assert load_data((images, y)).digest != load_data((images + 1, y)).digest


def test_a_file_s_rows_are_its_lines(tmp_path):
    path = tmp_path / "houses.csv"
    table().write_csv(path)
    data = load_data(path)
    with path.open(newline="") as file:
        lines = list(csv.reader(file))
    for part in (data.train, data.val, data.test):
        written = [float(lines[row - 1][3]) for row in part.rows]  # line 1 holds the names
        np.testing.assert_allclose(
            data.preparation.in_units(part.y)[:, 0], written, rtol=1e-6, atol=1e-4
        )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": "standart"}, "did you mean 'standard'"),
        ({"missing": "mean"}, "not a choice"),
        ({"task": "clasification"}, "did you mean 'classification'"),
        ({"target": "prize"}, "no column 'prize' for the target.*did you mean 'price'"),
        ({"group": "twon"}, "for the groups.*did you mean 'town'"),
        ({"split": (0.7, 0.2)}, "adding up to 1"),
        ({"split": (70, 15, 15)}, "adding up to 1"),
        ({"split": (0, 0.5, 0.5)}, "adding up to 1"),
        ({"split": "most"}, "adding up to 1"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(RequestError, match=message):
        load_data(table(), **settings)


def test_a_target_that_never_changes_is_refused():
    with pytest.raises(RequestError, match=r"'price'.*same in every row"):
        load_data(table().with_columns(price=pl.lit(2.5)))
    with pytest.raises(RequestError, match="same in every row"):
        load_data(table().with_columns(price=pl.lit("cheap")))


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(RequestError, match="no column besides the target"):
        load_data(pl.DataFrame({"y": [1.0, 2.0, 3.0]}))
    with pytest.raises(RequestError, match="no column that differs"):
        load_data(pl.DataFrame({"x": [1.0] * 9, "y": np.arange(9.0)}))
    with pytest.raises(RequestError, match="no rows"):
        load_data(table().clear())
    with pytest.raises(RequestError, match="fewer rows than parts"):
        load_data(table(2))
