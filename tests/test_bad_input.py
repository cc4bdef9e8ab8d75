"""Wrong requests: each ends with status 2 and one clear message, and leaves nothing behind.

The cases are the mistakes that people make, in the order in which they make them: the file, its
cells, the settings, the saved model. What is not a mistake is said in one line and goes on.
"""

import pytest
from command import Command, contents, flowers, houses, started

SMALL = ("--hidden", "4", "--epochs", "2")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with two good tables."""
    monkeypatch.chdir(tmp_path)
    houses(tmp_path / "houses.csv")
    flowers(tmp_path / "flowers.csv")
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One run of each task, trained once: where they are."""
    place = tmp_path_factory.mktemp("trained")
    houses(place / "houses.csv")
    flowers(place / "flowers.csv")
    for name in ("houses", "flowers"):
        ended = started("train", f"{name}.csv", "--model", "linear", "--epochs", 2, folder=place)
        assert ended.status == 0, ended.err
    return place / "runs"


def check_refused(run, folder, arguments, *words):
    """The request ends with status 2, says these words, and changes no file."""
    before = contents(folder)
    ended = run(*arguments)
    assert ended.status == 2, ended
    for word in words:
        assert word in ended.err, ended.err
    assert "Traceback" not in ended.err
    assert contents(folder) == before
    return ended


def edited(folder, row, column, cell, name="houses.csv", new="edited.csv"):
    """A copy of a table with one cell changed; rows are counted as a person counts lines."""
    lines = [line.split(",") for line in (folder / name).read_text().splitlines()]
    lines[row - 1][lines[0].index(column)] = cell
    (folder / new).write_text("\n".join(map(",".join, lines)) + "\n")
    return new


# ---- the file --------------------------------------------------------------------------------


def test_a_missing_file_is_refused_with_the_nearest_name(run, folder):
    check_refused(run, folder, ["train", "house.csv"], "house.csv: no such file", "'houses.csv'?")
    check_refused(run, folder, ["train", "data/houses.csv"], "there is no folder 'data'")


def test_a_mistyped_data_set_is_refused_with_the_nearest_name(run, folder):
    check_refused(run, folder, ["train", "housin"], "no such file or data set", "'housing'?")


def test_no_data_at_all(run, folder):
    check_refused(run, folder, ["train"], "no data named", "steepest train housing")


FILES = {
    "empty": (b"", ["table.csv: the file is empty"]),
    "one column": (b"a\n1\n2\n3\n", ["table.csv", "no column besides the target 'a'"]),
    "names alone": (b"a,b\n", ["table.csv", "no rows"]),
    "one name twice": (b"a,a,b\n1,2,3\n4,5,6\n7,8,9\n", ["table.csv", "'a'"]),
    "a row too long": (b"a,b\n1,2\n3,4,5\n6,7\n", ["table.csv"]),
    "bytes": (bytes(range(256)) * 4, ["table.csv", "not text in UTF-8"]),
    "fewer rows than parts": (
        b"a,b\n1,2.5\n2,3.5\n",
        ["fewer rows than parts", "3", "got       2"],
    ),
}


@pytest.mark.parametrize("what", FILES)
def test_a_file_that_is_no_table(run, folder, what):
    content, words = FILES[what]
    (folder / "table.csv").write_bytes(content)
    check_refused(run, folder, ["train", "table.csv"], *words)


def test_a_folder_without_images(run, folder):
    (folder / "table.csv").mkdir()
    check_refused(run, folder, ["train", "table.csv"], "table.csv", "folder")


def test_a_kind_of_file_that_is_not_read(run, folder):
    (folder / "table.xlsx").write_bytes(b"PK")
    check_refused(run, folder, ["train", "table.xlsx"], "this kind of file is not read", ".csv")


# ---- its columns and cells -------------------------------------------------------------------

COLUMNS = {
    "--target": ("prise", "'prise'", "target", "'price'?"),
    "--group": ("agee", "'agee'", "group", "'age'?"),
    "--leave-out": ("taxes", "'taxes'", "leave out", "'tax'?"),
}


@pytest.mark.parametrize("flag", COLUMNS)
def test_a_column_that_is_not_in_the_file(run, folder, flag):
    name, *words = COLUMNS[flag]
    check_refused(run, folder, ["train", "houses.csv", flag, name], *words)


CELLS = {
    "text": ("high", ["text in a column of numbers", "'high'"]),
    "empty": ("", ["missing cell", 'missing="drop"', 'missing="median"', 'missing="mode"']),
    "not a number": ("NaN", ["missing cell"]),
    "infinite": ("inf", ["infinite value"]),
    "minus infinite": ("-inf", ["infinite value", "-inf"]),
    "too large": ("1e400", ["infinite value"]),
}


@pytest.mark.parametrize("column", ["age", "price"])
@pytest.mark.parametrize("what", CELLS)
def test_a_cell_that_is_no_number_is_named_by_row_and_column(run, folder, what, column):
    cell, words = CELLS[what]
    table = edited(folder, 5, column, cell)
    check_refused(run, folder, ["train", table], f"{table}, row 5, column '{column}'", *words)


def test_a_constant_target(run, folder):
    lines = (folder / "houses.csv").read_text().splitlines()
    same = [lines[0], *(line.rpartition(",")[0] + ",7.5" for line in lines[1:])]
    (folder / "same.csv").write_text("\n".join(same))
    check_refused(run, folder, ["train", "same.csv"], "target 'price'", "same in every row", "7.5")


# ---- the settings ----------------------------------------------------------------------------


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "-inf", "1e400"])
@pytest.mark.parametrize("way", ["flag", "set"])
def test_a_learning_rate_that_is_not_positive_and_finite(run, folder, rate, way):
    given = ["--lr", rate] if way == "flag" else ["--set", f"lr={rate}"]
    words = ["learning rate must be positive and finite", rate]
    check_refused(run, folder, ["train", "houses.csv", *given], *words)


VALUES = {
    "--lr": ("fast", "a number such as 0.01"),
    "--epochs": ("0", "a whole number from 1"),
    "--batch-size": ("2.5", "a whole number"),
    "--seed": ("-1", "a whole number from 0"),
    "--patience": ("soon", "a whole number"),
    "--hidden": ("4,x", "widths such as 64,32"),
    "--split": ("0.5,0.5", "three shares"),
}


@pytest.mark.parametrize("flag", VALUES)
def test_a_value_that_cannot_be_read(run, folder, flag):
    value, expected = VALUES[flag]
    check_refused(run, folder, ["train", "houses.csv", flag, value], flag, expected, repr(value))


def test_shares_that_are_more_than_all(run, folder):
    check_refused(run, folder, ["train", "houses.csv", "--split", "0.9,0.9,0.9"], "adding up to 1")


NAMES = {
    "--optimizer": ("adm", "unknown optimizer 'adm'", "'adam'?"),
    "--model": ("mpl", "unknown model 'mpl'", "'mlp'?"),
    "--activation": ("reluu", "unknown activation 'reluu'", "'relu'?"),
    "--loss": ("hubr", "unknown loss 'hubr'", "'huber'?"),
    "--schedule": ("cosin", "unknown schedule 'cosin'", "'cosine'?"),
    "--scale": ("standart", "'standart'", "'standard'?"),
    "--missing": ("medain", "'medain'", "'median'?"),
    "--task": ("regresion", "'regresion'", "'regression'?"),
}


@pytest.mark.parametrize("verb", ["train", "check"])
@pytest.mark.parametrize("flag", NAMES)
def test_an_unknown_name_is_refused_with_the_nearest_one(run, folder, flag, verb):
    name, *words = NAMES[flag]
    check_refused(run, folder, [verb, "houses.csv", *SMALL, flag, name], *words)


def test_an_unknown_optimizer_is_refused_for_the_linear_model_too(run, folder):
    request = ["train", "houses.csv", "--model", "linear", "--optimizer", "momentun"]
    check_refused(run, folder, request, "unknown optimizer 'momentun'", "'momentum'?")


def test_a_loss_for_the_other_task(run, folder):
    check_refused(run, folder, ["train", "flowers.csv", "--loss", "mse"], "'mse'", "cross_entropy")


def test_two_class_cross_entropy_for_three_classes(run, folder):
    check_refused(run, folder, ["train", "flowers.csv", "--loss", "bce"], "two classes", "3")


def test_an_unknown_verb(run, folder):
    check_refused(run, folder, ["tran", "houses.csv"], "no verb 'tran'", "'train'?")


def test_an_unknown_flag(run, folder):
    check_refused(run, folder, ["train", "houses.csv", "--hiden", "4"], "--hiden", "--hidden")


def test_a_flag_without_its_value(run, folder):
    check_refused(run, folder, ["train", "houses.csv", "--epochs"], "--epochs", "argument")


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_an_argument_that_is_not_there(run, folder, verb):
    check_refused(run, folder, [verb, "runs/houses"], "DATA")


def test_an_unknown_packaged_set(run, folder):
    check_refused(run, folder, ["datasets", "housing", "digits"], "digits")
    check_refused(run, folder, ["datasets", "housin"], "no packaged set 'housin'", "'housing'?")


def test_a_set_that_cannot_be_meant(run, folder):
    request = ["train", "houses.csv", "--set"]
    check_refused(run, folder, [*request, "lrr=1"], "--set: no setting 'lrr'", "'lr'?")
    check_refused(run, folder, [*request, "lr"], "--set: needs key=value", "'lr'")


CONFIGS = {
    "broken": (b"lr = \n", ["not valid TOML", "line 1"]),
    "bytes": (bytes(range(128, 256)), ["not valid TOML"]),
    "unknown key": (b"epoch = 3", ["no setting 'epoch'", "'epochs'?"]),
    "unknown key in a table": (b"[training]\nepoch = 3", ["no setting 'epoch'", "'epochs'?"]),
    "endless": (b"epochs = inf", ["--epochs", "a whole number"]),
    "not a number": (b"seed = nan", ["--seed", "a whole number"]),
    "yes for a rate": (b"lr = true", ["--lr", "learning rate", "True"]),
    "yes for a count": (b"epochs = true", ["--epochs", "True"]),
    "half an epoch": (b"epochs = 2.5", ["--epochs", "2.5"]),
    "a number for a list": (b"hidden = 3", ["--hidden", "widths such as 64,32"]),
    "a number for text": (b"target = 3", ["--target", "text"]),
    "a table for text": (b"[network.model]\nname = 'mlp'", ["--model", "text"]),
    "text for yes": (b"shuffle = 'maybe'", ["--shuffle", "true or false"]),
}


@pytest.mark.parametrize("what", CONFIGS)
def test_a_config_that_cannot_be_meant(run, folder, what):
    content, words = CONFIGS[what]
    (folder / "job.toml").write_bytes(content)
    check_refused(run, folder, ["train", "houses.csv", "--config", "job.toml"], *words)


@pytest.mark.parametrize("path", ["nowhere.toml", "."])
def test_a_config_that_is_not_a_file(run, folder, path):
    check_refused(run, folder, ["train", "houses.csv", "-c", path], f"{path}: cannot be read")


# ---- where to write --------------------------------------------------------------------------


@pytest.mark.parametrize("out", ["houses.csv/run", "houses.csv/deep/run"])
def test_a_run_folder_below_a_file(run, folder, out):
    request = ["train", "houses.csv", *SMALL, "--out", out]
    check_refused(run, folder, request, "cannot make the run folder", "houses.csv is a file")


@pytest.mark.parametrize("out", ["houses.csv/answers.csv", "nowhere/answers.csv", "."])
def test_predictions_that_cannot_be_written_there(run, folder, trained, out):
    request = ["predict", trained / "houses", "houses.csv", "--out", out]
    check_refused(run, folder, request, "--out", f"cannot write {out}")


# ---- the saved model -------------------------------------------------------------------------

MODELS = {
    "empty": lambda whole: b"",
    "cut": lambda whole: whole[: len(whole) // 2],
    "last byte gone": lambda whole: whole[:-1],
    "bytes": lambda whole: bytes(range(256)),
    "text": lambda whole: b"rooms,age\n1,2\n",
    "another architecture": lambda whole: whole.replace(b"Linear", b"Linaer"),
}


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
@pytest.mark.parametrize("damage", MODELS)
def test_a_damaged_model(run, folder, trained, damage, verb):
    whole = (trained / "houses" / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(MODELS[damage](whole))
    request = [verb, "model.safetensors", "houses.csv"]
    says = "does not fit" if "architecture" in damage else "damaged"
    check_refused(run, folder, request, "load model.safetensors", says)


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_a_model_that_is_not_there(run, folder, trained, verb):
    check_refused(run, folder, [verb, "nowhere", "houses.csv"], "nowhere", "no such file")
    check_refused(run, folder, [verb, ".", "houses.csv"], "no model.safetensors in this folder")


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_weights_alone_are_no_model(run, folder, trained, verb):
    weights = trained / "houses" / "checkpoints" / "best.safetensors"
    check_refused(run, folder, [verb, weights, "houses.csv"], "holds weights alone")


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_a_file_without_one_of_the_features(run, folder, trained, verb):
    text = (folder / "houses.csv").read_text().replace("rooms,age", "rooms,aeg", 1)
    (folder / "less.csv").write_text(text)
    check_refused(run, folder, [verb, trained / "houses", "less.csv"], "'age' is missing", "'aeg'?")


def test_a_file_without_the_target_cannot_be_evaluated(run, folder, trained):
    text = (folder / "houses.csv").read_text().replace(",price", ",prise", 1)
    (folder / "less.csv").write_text(text)
    request = ["evaluate", trained / "houses", "less.csv"]
    check_refused(run, folder, request, "no target column 'price'", "'prise'?")


def test_a_label_outside_the_classes(run, folder, trained):
    table = edited(folder, 9, "kind", "orchid", "flowers.csv")
    words = [f"{table}, row 9, column 'kind'", "'orchid'", "daisy, rose, tulip"]
    check_refused(run, folder, ["evaluate", trained / "flowers", table], *words)


@pytest.mark.parametrize("cell", ["", "inf", "high"])
def test_a_bad_cell_at_prediction(run, folder, trained, cell):
    table = edited(folder, 9, "tax", cell)
    request = ["predict", trained / "houses", table]
    check_refused(run, folder, request, f"{table}, row 9, column 'tax'")


# ---- not refused, but said -------------------------------------------------------------------


def noted(ended, word):
    """The one line of remarks with this word."""
    assert ended.status == 0, ended
    found = [line for line in ended.err.splitlines() if word in line]
    assert len(found) == 1, ended.err
    return found[0]


def test_a_constant_feature_is_left_out(run, folder):
    lines = (folder / "houses.csv").read_text().splitlines()
    (folder / "same.csv").write_text(
        "\n".join(["same," + lines[0], *("1," + i for i in lines[1:])])
    )
    ended = run("check", "same.csv")
    assert noted(ended, "'same'").endswith("left out")
    assert "60 rows, 3 features" in ended.out


def test_a_batch_larger_than_the_training_part_is_made_smaller(run, folder):
    ended = run("train", "flowers.csv", "--model", "linear", "--epochs", 1, "--batch-size", 500)
    assert "batch size 500 made 42" in noted(ended, "batch")
    assert "batch_size = 42" in (folder / "runs" / "flowers" / "config.toml").read_text()


def test_extra_columns_are_ignored_at_prediction(run, folder, trained):
    lines = (folder / "houses.csv").read_text().splitlines()
    (folder / "more.csv").write_text(
        "\n".join([lines[0] + ",extra", *(i + ",x" for i in lines[1:])])
    )
    ended = run("predict", trained / "houses", "more.csv")
    assert "'extra'" in noted(ended, "extra")
    assert ended.out == run("predict", trained / "houses", "houses.csv").out


def test_an_unnamed_target_is_said(run, folder):
    assert "'price'" in noted(run("check", "houses.csv"), "target")


# ---- in a process of its own -----------------------------------------------------------------

REQUESTS = {
    "file": (["train", "nowhere.csv"], "no such file"),
    "cell": (["train", "edited.csv"], "row 5, column 'age'"),
    "flag": (["train", "houses.csv", "--lr", "nan"], "learning rate"),
    "name": (["train", "houses.csv", "--optimizer", "adm"], "'adam'?"),
    "model": (["predict", "houses.csv", "houses.csv"], "not a saved model"),
}


@pytest.mark.parametrize("what", REQUESTS)
def test_the_process_ends_with_status_2_and_one_message(folder, what):
    edited(folder, 5, "age", "old")
    request, word = REQUESTS[what]
    check_refused(lambda *a: started(*a, folder=folder), folder, request, word)
