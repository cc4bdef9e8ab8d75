"""The command line: what each verb prints and writes, where settings come from, which one wins."""

import csv
import io
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from command import HOUSES, Command, contents, flowers, houses, started

from steepest.cli.console import figures
from steepest.cli.verbs import VERBS
from steepest.data import datasets
from steepest.training import load, predict

SMALL = ("--hidden", "4", "--epochs", "3")
FILES = {
    *("config.toml", "manifest.json", "metrics.csv", "steps.npz", "log.txt"),
    *("model.safetensors", "model.json"),
    *("checkpoints", "checkpoints/best.safetensors", "checkpoints/last.safetensors"),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with two tables."""
    monkeypatch.chdir(tmp_path)
    houses(tmp_path / "houses.csv")
    flowers(tmp_path / "flowers.csv")
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    """The command, in this process and on a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with one run of each task, and what the first one printed."""
    place = tmp_path_factory.mktemp("trained")
    houses(place / "houses.csv")
    flowers(place / "flowers.csv")
    ended = started("train", "houses.csv", *SMALL, folder=place)
    assert ended.status == 0, ended.err
    assert started("train", "flowers.csv", *SMALL, "--quiet", folder=place).status == 0
    return place, ended


def done(ended):
    assert ended.status == 0, ended
    return ended.out


def weights(path):
    return safetensors.numpy.load_file(path / "model.safetensors")


def table(text):
    """Answers as they were printed: the header and the rows."""
    header, *rows = csv.reader(io.StringIO(text))
    return header, rows


# ---- train -----------------------------------------------------------------------------------


def test_train_writes_the_whole_run_folder(trained):
    path = trained[0] / "runs" / "houses"
    wanted = FILES | {"report.html", "linear"} | {f"linear/{name}" for name in FILES}
    assert set(contents(path)) == wanted
    assert len((path / "metrics.csv").read_text().splitlines()) == 1 + 3
    assert len(np.load(path / "steps.npz")["loss"]) == 3 * 2  # 42 rows in batches of 32 and 10
    assert set(json.loads((path / "model.json").read_text())["scores"]) == {"test"}


def test_train_prints_baseline_linear_and_mlp_with_intervals(trained):
    rows = re.findall(r"^ (baseline \(mean\)|linear|mlp) +(.+)$", trained[1].out, re.MULTILINE)
    assert [name for name, _ in rows] == ["baseline (mean)", "linear", "mlp"]
    assert "–" not in rows[0][1]
    for _, measured in rows[1:]:
        found = re.findall(r"(-?[\d.]+) \((-?[\d.]+)–(-?[\d.]+)\)", measured)
        assert len(found) == 3  # mae, rmse, r2
        for value, low, high in found:
            assert float(low) <= float(value) <= float(high)
    assert "steepest predict runs/houses DATA" in trained[1].out


def test_the_printed_scores_are_those_in_the_run_folder(trained):
    scores = json.loads((trained[0] / "runs" / "houses" / "model.json").read_text())["scores"]
    assert f"{scores['test']['rmse']['value']:.0f} (" in trained[1].out


def test_a_second_run_takes_the_next_free_name(run, folder):
    for _ in range(3):
        done(run("train", "flowers.csv", "--model", "linear", "--epochs", 1, "--quiet"))
    found = [path.name for path in (folder / "runs").iterdir()]
    assert sorted(found) == ["flowers", "flowers-2", "flowers-3"]


def test_json_is_one_document_and_nothing_else(run, folder):
    ended = run("train", "flowers.csv", *SMALL, "--json")
    found = json.loads(done(ended))
    assert ended.err == ""
    assert set(found) == {"mlp", "linear"}
    assert found["mlp"]["run"] == "runs/flowers"
    assert found["mlp"]["epochs"] == 3
    assert set(found["mlp"]["test"]) >= {"accuracy", "f1_macro"}


def test_quiet_prints_nothing(run, folder):
    ended = run("train", "flowers.csv", *SMALL, "--quiet")
    assert (done(ended), ended.err) == ("", "")
    assert (folder / "runs" / "flowers" / "report.html").is_file()


@pytest.mark.parametrize("request_", [("train", "--dry-run"), ("check",), ("check", "--json")])
@pytest.mark.parametrize("name", ["houses.csv", "flowers.csv"])
def test_a_rehearsal_writes_nothing(run, folder, request_, name):
    before = contents(folder)
    out = done(run(request_[0], name, *SMALL, *request_[1:]))
    assert contents(folder) == before
    if "--json" in request_:
        found = json.loads(out)["models"]
        assert set(found) == {"mlp", "linear"}
        assert [row["layer"] for row in found["mlp"]["layers"]][::2] == [
            f"Linear({3 if name == 'houses.csv' else 2}, 4)",
            f"Linear(4, {1 if name == 'houses.csv' else 3})",
        ]
    else:
        assert "multiply-adds" in out
        assert "nothing was written" in out
        assert "60 rows" in out


@pytest.mark.parametrize(("split", "part"), [("0.8,0.2,0", "validation"), ("1,0,0", "training")])
def test_without_a_test_part_nothing_is_scored(run, folder, split, part):
    out = done(run("train", "flowers.csv", *SMALL, "--split", split))
    assert "test part" not in out
    assert "scores" not in json.loads((folder / "runs/flowers/model.json").read_text())
    page = (folder / "runs" / "flowers" / "report.html").read_text()
    assert "No test part was kept" in page
    assert f"Answers on the {part} part" in page


def test_in_order_the_parts_are_the_files_own_stretches(run, folder):
    lines = [HOUSES, *(f"{i},{i % 7},{i % 5},{i * 1.5}" for i in range(20))]
    (folder / "time.csv").write_text("\n".join(lines))
    given = ["time.csv", "--no-shuffle", "--scale", "none", "--model", "linear", "--epochs", 1]
    out = done(run("check", *given))
    assert re.search(r"rooms +0 +6\.5 +13\b", out)  # the first 14 rows, in the file's order
    done(run("train", *given, "--quiet"))
    assert "shuffle = false" in (folder / "runs" / "time" / "config.toml").read_text()


def test_groups_are_not_torn_apart_and_are_no_feature(run, folder):
    lines = [f"{HOUSES},town"]
    lines += [f"{town},{i},{i * town},{i + 0.5},{town}" for town in range(10) for i in range(6)]
    (folder / "towns.csv").write_text("\n".join(lines))
    given = ["--target", "price", "--group", "town", "--scale", "none"]
    out = done(run("check", "towns.csv", *given))
    assert "60 rows, 3 features → price" in out
    sizes = [int(n) for n in re.findall(r"(?:train|validation|test) (\d+)", out)]
    assert sum(sizes) == 60
    assert all(size % 6 == 0 for size in sizes)


# ---- settings --------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["", "linear"])
def test_a_runs_config_repeats_it_bit_for_bit(run, folder, trained, part):
    first = trained[0] / "runs" / "houses" / part
    done(run("train", "--config", first / "config.toml", "--out", "again", "--quiet"))
    again = folder / "again"
    assert (again / "config.toml").read_text() == (first / "config.toml").read_text()
    old, new = weights(first), weights(again)
    assert set(old) == set(new)
    assert all(np.array_equal(old[name], new[name]) for name in old)


def test_what_was_set_to_none_stays_so(run, folder):
    done(run("train", "flowers.csv", *SMALL, "--patience", "none", "--quiet"))
    config = folder / "runs" / "flowers" / "config.toml"
    done(run("train", "--config", config, "--out", "again", "--quiet"))
    again = tomllib.loads((folder / "again" / "config.toml").read_text())
    assert again["training"]["patience"] == "none"


def test_flags_beat_set_and_set_beats_the_file(run, folder):
    (folder / "job.toml").write_text("epochs = 2\nlr = 0.002\n[network]\nhidden = [3]\n")
    given = ["flowers.csv", "--config", "job.toml", "--set", "lr=0.003", "--set", "hidden=5"]
    done(run("train", *given, "--hidden", "6", "--quiet"))
    config = tomllib.loads((folder / "runs" / "flowers" / "config.toml").read_text())
    assert config["training"]["epochs"] == 2  # the file
    assert config["training"]["lr"] == 0.003  # --set over the file
    assert config["network"]["hidden"] == [6]  # the flag over both


# ---- predict and evaluate --------------------------------------------------------------------


def test_predict_answers_every_row_in_the_targets_units(run, trained):
    place, _ = trained
    header, rows = table(done(run("predict", place / "runs/houses/linear", place / "houses.csv")))
    assert header == ["predicted_price"]
    found = np.array(rows, dtype=float)[:, 0]
    price = np.loadtxt(place / "houses.csv", delimiter=",", skiprows=1)[:, 3]
    assert found.shape == price.shape
    # the linear reference is trained to its minimum; the noise of the table is 500
    assert np.abs(found - price).mean() < 1000
    assert np.array_equal(found, predict(place / "runs/houses/linear", place / "houses.csv").values)


def test_predict_gives_labels_and_probabilities(run, trained):
    place, _ = trained
    header, rows = table(done(run("predict", place / "runs/flowers", place / "flowers.csv")))
    classes = ["daisy", "rose", "tulip"]
    assert header == ["predicted_kind", *(f"probability_{c}" for c in classes)]
    assert len(rows) == 60
    chances = np.array([row[1:] for row in rows], dtype=float)
    assert np.allclose(chances.sum(1), 1, atol=1e-6)  # float32
    assert [row[0] for row in rows] == [classes[i] for i in chances.argmax(1)]


def test_predict_writes_the_same_to_a_file_and_replaces_it_whole(run, folder, trained):
    request = ["predict", trained[0] / "runs/houses", "houses.csv"]
    printed = done(run(*request))
    (folder / "answers.csv").write_text("old")
    ended = run(*request, "--out", "answers.csv")
    assert done(ended) == ""
    assert "60 predictions written to answers.csv" in ended.err
    assert (folder / "answers.csv").read_text() == printed
    assert not [path for path in folder.iterdir() if path.name.endswith(".tmp")]


def test_predict_as_json_and_without_a_target_column(run, folder, trained):
    bare = [line.rpartition(",")[0] for line in (folder / "houses.csv").read_text().splitlines()]
    (folder / "bare.csv").write_text("\n".join(bare))
    found = json.loads(done(run("predict", trained[0] / "runs/houses", "bare.csv", "--json")))
    assert list(found) == ["predicted_price"]
    assert len(found["predicted_price"]) == 60


def test_evaluate_prints_scores_with_interval_and_baseline(run, trained):
    place, _ = trained
    ended = run("evaluate", place / "runs/houses/linear", place / "houses.csv")
    assert "60 rows" in done(ended)
    for name in ("mae", "rmse", "r2"):
        assert re.search(rf"^ {name} +[\d.]+ +\[[\d.]+, [\d.]+\] +-?[\d.]+ *$", ended.out, re.M)
    request = ["evaluate", place / "runs/flowers", place / "flowers.csv", "--json"]
    found = json.loads(done(run(*request)))
    assert found["rows"] == 60
    assert found["accuracy"]["low"] <= found["accuracy"]["value"] <= found["accuracy"]["high"]
    assert np.sum(found["confusion"]) == 60


def test_a_saved_model_is_as_good_as_its_run_folder(run, trained):
    place, _ = trained
    whole = done(run("predict", place / "runs/houses", place / "houses.csv"))
    file = place / "runs/houses/model.safetensors"
    assert done(run("predict", file, place / "houses.csv")) == whole
    assert load(file).preparation.target == "price"


# ---- datasets --------------------------------------------------------------------------------


def test_datasets_lists_all_nine(run):
    out = done(run("datasets"))
    assert len(datasets()) == 9
    for card in datasets():
        assert re.search(rf"^ {card.name} +{card.rows:,} +{card.columns} +{card.task} ", out, re.M)
    assert [card["name"] for card in json.loads(done(run("datasets", "--json")))] == [
        card.name for card in datasets()
    ]


def test_one_data_set_is_shown_with_its_note_and_licence(run):
    out = " ".join(done(run("datasets", "housing")).split())
    card = next(card for card in datasets() if card.name == "housing")
    assert card.note in out
    assert card.licence in out
    assert "steepest train housing" in out


# ---- the page and the streams ----------------------------------------------------------------


@pytest.mark.parametrize("verb", [None, *VERBS])
def test_help_of_every_verb(run, verb):
    out = done(run("--help") if verb is None else run(verb, "--help"))
    assert out.startswith("Usage: steepest")
    assert all(name in out for name in VERBS) if verb is None else VERBS[verb].split()[0] in out


@pytest.mark.parametrize("columns", [80, 120])
def test_nothing_but_paths_is_wider_than_the_terminal(run, folder, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    for request in (["datasets"], ["datasets", "housing"], ["check", "houses.csv"]):
        assert max(map(len, done(run(*request)).splitlines())) <= columns


def test_help_loads_neither_numpy_nor_rich(tmp_path):
    code = (
        "import sys\nfrom steepest.cli import main\nsys.argv = ['steepest', '--help']\n"
        "try:\n    main()\nexcept SystemExit as left:\n    assert not left.code\n"
        "print(sorted({'numpy', 'rich', 'polars'} & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1] == "[]"


def test_a_terminal_without_arrows_gets_question_marks_not_a_crash(folder, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert "60 rows, 3 features ? price" in done(started("check", "houses.csv", folder=folder))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_said_without_a_traceback(tmp_path):
    code = "from steepest.cli import main; main()"
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            [sys.executable, "-c", code, "datasets"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert "No space left" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_loss_that_is_not_finite_ends_with_status_1(run, folder):
    given = ["--model", "linear", "--optimizer", "sgd", "--lr", "1e30", "--epochs", 2, "--quiet"]
    ended = run("train", "houses.csv", *given)
    assert ended.status == 1
    assert "the loss is" in ended.err
    assert "a smaller learning rate" in ended.err


def test_figures_share_their_decimals_and_show_three_digits():
    assert figures(0.9987, 0.9981, 0.9992) == ["0.999", "0.998", "0.999"]
    assert figures(-0.07, -1.2345, 0.0812) == ["-0.07", "-1.23", "0.08"]
    assert figures(214356.1, 99.9) == ["214356", "100"]
    assert figures(-1e-9, 0.0) == ["0.000", "0.000"]
