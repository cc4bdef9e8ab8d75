"""Cells that cannot be used: refused with file, row and column, or filled as asked."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from steepest.core import RequestError
from steepest.data import load_data


def write(path, cells=None, rows=30, header="size,town,price"):
    """A CSV file of `rows` rows; cells maps (line, column index) to what stands there."""
    lines = [header.split(",")]
    lines += [[str(10 + i * 0.5), "ab"[i % 2], str(i * 2.5)] for i in range(rows)]
    for (line, column), text in (cells or {}).items():
        lines[line - 1][column] = text
    path.write_text("\n".join(",".join(line) for line in lines) + "\n")
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "houses.csv"


@pytest.mark.parametrize("text", ["", "  ", "NA", "n/a", "NaN", "null", "?"])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_missing_cell_is_refused_with_its_place_and_the_ways_out(path, text, column):
    name = ["size", "town", "price"][column]
    with pytest.raises(RequestError) as refused:
        load_data(write(path, {(17, column): text, (20, column): text}))
    message = str(refused.value)
    assert message.startswith(f"houses.csv, row 17, column {name!r}: missing cell (the first of 2)")
    assert all(f'missing="{way}"' in message for way in ("drop", "median", "mode"))


def test_rows_of_frames_and_arrays_are_counted_from_0():
    x = np.arange(60.0).reshape(30, 2)
    x[4, 1] = np.nan
    y = np.arange(30.0)
    with pytest.raises(RequestError, match=r"row 4 \(counted from 0\), column 'x1': missing"):
        load_data((x, y))
    with pytest.raises(RequestError, match=r"row 4 \(counted from 0\), column 'x1': missing"):
        load_data(pl.DataFrame({"x0": x[:, 0], "x1": x[:, 1], "y": y}))
    x[4, 1] = -np.inf
    with pytest.raises(RequestError, match=r"row 4 \(counted from 0\), column 'x1': infinite"):
        load_data((x, y))


def test_drop_leaves_the_rows_out_and_says_so(path):
    data = load_data(write(path, {(17, 0): "", (20, 1): "NA", (25, 2): ""}), missing="drop")
    rows = np.concatenate([p.rows for p in (data.train, data.val, data.test)])
    assert sorted(rows) == [i for i in range(2, 32) if i not in (17, 20, 25)]
    assert "3 of 30 rows left out for their missing cells" in data.notes


@pytest.mark.parametrize("missing", ["median", "mode"])
def test_filling_uses_the_training_part(path, missing):
    cells = {(line, 0): "10" for line in (2, 4, 6)} | {(5, 0): "", (31, 0): "", (7, 1): ""}
    data = load_data(
        write(path, cells), missing=missing, shuffle=False, split=(0.5, 0.25, 0.25), scale="none"
    )
    train = pl.read_csv(path)["size"][:15]
    size = train.median() if missing == "median" else train.mode()[0]
    assert size == {"median": 13.75, "mode": 10}[missing]
    assert data.train.x[3, 0] == size
    assert data.test.x[-1, 0] == size  # a test row is filled with what training taught
    assert data.train.x[5, 1:].tolist() == [1, 0]  # 'a' occurs 8 times in training, 'b' 6 times


def test_a_missing_target_is_never_made_up(path):
    write(path, {(17, 2): ""})
    for missing in ("median", "mode"):
        with pytest.raises(RequestError, match=r"row 17, column 'price'.*\n.*\n.*missing=\"drop\""):
            load_data(path, missing=missing)


def test_text_among_numbers_is_a_mistake(path):
    with pytest.raises(RequestError) as refused:
        load_data(write(path, {(9, 0): "12 m²", (12, 0): "1,5".replace(",", ".") + "x"}))
    message = str(refused.value)
    assert message.startswith("houses.csv, row 9, column 'size': text in a column of numbers")
    assert "1 more" in message and "'12 m²'" in message


def test_mostly_text_is_a_category(path):
    # 7 of 30 cells (23 %) are not numbers: below the 80 % that make a column numeric
    data = load_data(write(path, {(line, 0): "large" for line in range(2, 9)}), scale="none")
    assert "size=large" in data.feature_names


@pytest.mark.parametrize("text", ["inf", "-inf", "Infinity", "1e999"])
def test_infinite_values_are_refused(path, text):
    with pytest.raises(RequestError, match=r"houses.csv, row 9, column 'size': infinite value"):
        load_data(write(path, {(9, 0): text}))


def test_numbers_beyond_float32_are_refused(path):
    write(path, {(9, 0): "1e300"})
    with pytest.raises(RequestError, match="row 9, column 'size': not a finite number"):
        load_data(path, scale="none")
    with pytest.raises(RequestError, match="too large"):
        load_data(path, shuffle=False)


def test_an_empty_column_is_left_out(path):
    data = load_data(write(path, {(line, 0): "" for line in range(2, 32)}))
    assert "column 'size' is empty: left out" in data.notes
    assert data.preparation.columns == ["town"]


def test_bools_are_one_category_however_written(tmp_path):
    rows = 40
    bools, y = [i % 3 == 0 for i in range(rows)], np.arange(rows) * 0.5
    for frame in (pl.DataFrame({"b": bools, "y": y}), pd.DataFrame({"b": bools, "y": y})):
        assert load_data(frame).feature_names == ["b=false", "b=true"]
    pd.DataFrame({"b": bools, "y": y}).to_csv(tmp_path / "b.csv", index=False)
    assert "True" in (tmp_path / "b.csv").read_text()
    assert load_data(tmp_path / "b.csv").feature_names == ["b=false", "b=true"]


@pytest.mark.parametrize("cell", [[1, 2], {"a": 1}, b"1", timedelta(days=1)])
def test_cells_that_are_no_single_value_are_refused(cell):
    frame = pl.DataFrame({"x": [cell] * 9, "y": np.arange(9.0)})
    with pytest.raises(RequestError, match="column 'x': its cells cannot be read"):
        load_data(frame)


def test_dates_are_categories():
    days = [date(2020, 1, 1 + i % 2) for i in range(40)]
    data = load_data(pl.DataFrame({"day": days, "y": np.arange(40) * 0.5}))
    assert data.feature_names == ["day=2020-01-01", "day=2020-01-02"]


def test_missing_images_are_refused():
    images = np.random.default_rng(0).random((20, 3, 3))
    images[7, 1, 2] = np.nan
    with pytest.raises(RequestError, match=r"row 7 \(counted from 0\), column 'pixel\(1,2\)'"):
        load_data((images, np.arange(20) % 2))
