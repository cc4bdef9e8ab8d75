"""Every kind of source: files, frames, arrays, images; and what is wrong with broken ones."""

import gzip

import numpy as np
import pandas as pd
import polars as pl
import pytest

from steepest.core import RequestError
from steepest.data import load_data
from steepest.data.opening import open_source
from steepest.tensors import tensor

ROWS = 40


def numbers():
    random = np.random.default_rng(2)
    return random.normal(size=(ROWS, 3)), random.normal(size=ROWS)


def frame():
    x, y = numbers()
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y})


def test_all_ways_to_hand_over_a_table_give_the_same_bits(tmp_path):
    x, y = numbers()
    table = frame()
    table.write_csv(tmp_path / "t.csv")
    table.write_csv(tmp_path / "t.tsv", separator="\t")
    table.write_csv(tmp_path / "semicolon.csv", separator=";")
    table.write_parquet(tmp_path / "t.parquet")
    np.savez(tmp_path / "t.npz", x=x, y=y)
    np.savez(tmp_path / "other.npz", z=np.zeros(3), values=x, answers=y)
    pandas = pd.DataFrame({name: table[name].to_numpy() for name in table.columns})
    wanted = load_data(table)
    sources = [tmp_path / n for n in ("t.csv", "t.tsv", "semicolon.csv", "t.parquet", "t.npz")]
    sources += [str(tmp_path / "other.npz"), table.lazy(), pandas, (x, y), (x, y[:, None])]
    sources += [(tensor(x), tensor(y)), {"x": x, "y": y}, {"data": x, "target": y}]
    sources += [{name: table[name].to_numpy() for name in table.columns}]
    for source in sources:
        data = load_data(source)
        assert data.train.x.tobytes() == wanted.train.x.tobytes()
        assert data.test.y.tobytes() == wanted.test.y.tobytes()


def test_pandas_columns_of_every_kind():
    pandas = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3] * 10, dtype="Int64"),
            "real": [1.5, None, 2.5] * 10,
            "text": ["a", None, "b"] * 10,
            "kind": pd.Categorical(["1", "2", None] * 10),
            "flag": pd.array([True, None, False] * 10, dtype="boolean"),
            "y": np.arange(30.0),
        }
    )
    read = open_source(pandas).frame
    assert read.dtypes == [
        pl.Int64, pl.Float64, pl.String, pl.Categorical, pl.Boolean, pl.Float64
    ]  # fmt: skip
    assert read.rows()[:3] == [
        (1, 1.5, "a", "1", True, 0.0),
        (None, pytest.approx(np.nan, nan_ok=True), None, "2", None, 1.0),
        (3, 2.5, "b", None, False, 2.0),
    ]
    data = load_data(pandas, missing="mode", target="y")
    assert data.feature_names == [
        "whole", "real", "text=a", "text=b", "kind=1", "kind=2", "flag=false", "flag=true"
    ]  # fmt: skip


def csv(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_lines_are_counted_through_blank_lines_and_quoted_breaks(tmp_path):
    text = '\na,y\n1,"0.5"\n\n"2",1.5\n3,2.5\n4,3.5\n\n\n'
    source = open_source(csv(tmp_path, text))
    assert source.lines.tolist() == [3, 5, 6, 7]
    assert source.notes == ["1 blank row left out (the first is row 4)"]
    text = 'a,y\n"one\nline more",1\ntwo,2\n"three\n\n",3\nfour,4\n'
    assert open_source(csv(tmp_path, text)).lines.tolist() == [2, 4, 5, 8]
    text = '"a\nb",y\r\n1,2\r\n3,4\r\n'
    source = open_source(csv(tmp_path, text))
    assert source.frame.columns == ["a\nb", "y"] and source.lines.tolist() == [3, 4]


def test_a_byte_order_mark_and_spaces_are_no_part_of_names_or_cells(tmp_path):
    rows = "".join(f"{i}, {i * 0.5} , red\n" for i in range(9))
    source = open_source(csv(tmp_path, "\ufeffa, b ,town\n" + rows))
    assert source.frame.columns == ["a", "b", "town"]
    rows = "".join(f"{i}, {'ab'[i % 2]} , {i * 0.5} \n" for i in range(9))
    data = load_data(csv(tmp_path, "x,town,y\n" + rows))
    assert data.feature_names == ["x", "town=a", "town=b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.csv: the file is empty"),
        ("\n\n", "t.csv: the file is empty"),
        ("a,b\n", "no rows"),
        ("a,b,a\n1,2,3\n", "'a' occurs 2 times\n  got       columns 1, 3"),
        (",a,b\n0,1,2\n", "column 1 has no name"),
        ("1,2\n3,4\n", "row 1 must name the columns"),
        ("a,b\n1,2\n1,2,3\n", "t.csv, row 3: 3 cells under 2 column names"),
        (b"a,b\n1,\xe9\n", "UTF-8"),
        (b"\xe9,b\n1,2\n", "UTF-8"),
        ("y\n1\n2\n3\n", "no column besides the target"),
    ],
)
def test_broken_tables_are_refused(tmp_path, text, message):
    with pytest.raises(RequestError, match=message):
        load_data(csv(tmp_path, text))


def test_missing_files_suggest_the_nearest(tmp_path):
    csv(tmp_path, "a,b\n1,2\n", "houses.csv")
    with pytest.raises(RequestError, match=r"no such file.*did you mean 'houses.csv'"):
        load_data(tmp_path / "house.csv")
    with pytest.raises(RequestError, match=r"no such file or data set.*did you mean 'housing'"):
        load_data("housng")
    with pytest.raises(RequestError, match="there is no folder"):
        load_data(tmp_path / "nowhere" / "houses.csv")


@pytest.mark.parametrize("name", ["t.parquet", "t.npz"])
def test_corrupt_files_are_refused_by_name(tmp_path, name):
    path = tmp_path / name
    frame().write_parquet(path) if name == "t.parquet" else np.savez(path, x=1, y=2)
    whole = path.read_bytes()
    for content in (
        whole[: len(whole) // 2],
        b"not what the ending says",
        whole[:-9] + b"123456789",
    ):
        path.write_bytes(content)
        with pytest.raises(RequestError, match=f"^{name}: not a readable"):
            load_data(path)


def test_pickles_are_not_opened(tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, x=np.array([{"a": 1}], dtype=object), y=np.zeros(1))
    with pytest.raises(RequestError, match="pickled objects"):
        load_data(path)


def test_unknown_endings_and_types_are_refused(tmp_path):
    with pytest.raises(RequestError, match=r"this kind of file is not read\n.*\n.*xlsx"):
        load_data(csv(tmp_path, "a", "t.xlsx"))
    with pytest.raises(RequestError, match="not data that can be read"):
        load_data(3.5)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((5, 2)), np.zeros(4), "expected  5 targets"),
        (np.zeros((4, 2)), np.eye(4)[:, :3] + np.eye(4)[:, 3:], "one target for each row"),
        (np.eye(4), np.eye(4), r"y.argmax\(1\)"),
        (np.zeros((4, 8, 8, 3)), np.zeros(4), r"x.transpose\(0, 3, 1, 2\)"),
        (np.zeros((2, 2, 2, 2, 2)), np.zeros(2), "or images"),
        (np.zeros((4, 2), complex), np.zeros(4), "complex"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(x, y, message):
    with pytest.raises(RequestError, match=message):
        load_data((x, y))


def test_features_without_a_target_are_refused():
    with pytest.raises(RequestError, match=r"no target(.|\n)*load_data\(\(x, y\)\)"):
        load_data(np.zeros((5, 2)))


def idx(array):
    """The bytes of an IDX file of unsigned bytes."""
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def write_idx(folder, part, images, labels, compress=False):
    for name, array in (
        (f"{part}-images-idx3-ubyte", images),
        (f"{part}-labels-idx1-ubyte", labels),
    ):
        content = gzip.compress(idx(array)) if compress else idx(array)
        (folder / (name + ".gz" * compress)).write_bytes(content)


@pytest.mark.parametrize("compress", [False, True])
def test_idx_folders(tmp_path, compress):
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (50, 6, 5)), np.arange(50) % 5
    write_idx(tmp_path, "train", images[:40], labels[:40], compress)
    one = load_data(tmp_path)
    assert one.sample_shape == (1, 6, 5) and one.outputs == 5
    assert len(one.train) + len(one.val) + len(one.test) == 40
    write_idx(tmp_path, "t10k", images[40:], labels[40:], compress)
    data = load_data(tmp_path, scale="none", split=(0.6, 0.2, 0.2))
    assert data.test.rows.tolist() == list(range(40, 50))
    assert [len(data.train), len(data.val)] == [30, 10]
    assert (data.test.x[:, 0] == images[40:]).all() and (data.test.y == labels[40:]).all()
    assert "the test part is the source's own, 10 rows" in data.notes


def test_broken_idx_folders_are_refused(tmp_path):
    with pytest.raises(RequestError, match="no IDX images in this folder"):
        load_data(tmp_path)
    images, labels = np.zeros((4, 3, 3)), np.arange(4)
    write_idx(tmp_path, "train", images, labels[:3])
    with pytest.raises(RequestError, match="do not fit together"):
        load_data(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(idx(images)[:-1])
    with pytest.raises(RequestError, match="cut short"):
        load_data(tmp_path)
    path.write_bytes(b"hello")
    with pytest.raises(RequestError, match="not an IDX file"):
        load_data(tmp_path)
    path.unlink()
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"hello")
    with pytest.raises(RequestError, match="not a readable gzip"):
        load_data(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(RequestError, match="no labels beside it"):
        load_data(tmp_path)
