"""Saving, loading, predicting, and the folder of a run: whole files, the same bits, no code."""

import json
import os
import pickle
import struct
import tomllib

import numpy as np
import polars
import pytest
import safetensors.numpy

from steepest import models, nn
from steepest.core import Problem, RequestError
from steepest.data import load_data
from steepest.tensors import Tensor, tensor
from steepest.training import (
    Callback,
    RunFolder,
    Saved,
    evaluate,
    fit,
    load,
    predict,
    save,
    write_bytes,
    write_text,
)

FILES = {
    *("config.toml", "manifest.json", "metrics.csv", "steps.npz", "log.txt"),
    *("model.safetensors", "model.json", "best.safetensors", "last.safetensors"),
}


@pytest.fixture(scope="module")
def housing():
    return load_data("housing")


def trained(data, name="linear", **settings):
    settings = {"epochs": 3, "lr": 0.01, "progress": "none", **settings}
    return fit(models.create(name, data, hidden=(8,)), data, **settings)


def equal(first, second):
    return set(first) == set(second) and all(
        x.dtype == second[name].dtype and np.array_equal(x, second[name])
        for name, x in first.items()
    )


def files(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


# ---- files that are whole or not there -------------------------------------------------------


def test_a_crash_before_the_rename_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "metrics.csv"
    write_text(path, "old\n")

    def crash(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            write_text(path, "new\n")
    assert path.read_text() == "old\n"
    assert files(tmp_path) == {"metrics.csv"}
    write_text(path, "new\n")
    assert path.read_text() == "new\n"


def test_the_content_is_synced_before_it_gets_its_name(tmp_path, monkeypatch):
    path, calls = tmp_path / "model.safetensors", []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda f: (calls.append("sync"), sync(f)))
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("rename"), replace(a, b)))
    write_bytes(path, b"weights")
    assert calls == ["sync", "rename"]
    assert path.read_bytes() == b"weights"


# ---- saving and loading ----------------------------------------------------------------------


def test_weights_and_preparation_come_back_bit_for_bit(housing, tmp_path):
    model = models.create("mlp", housing)
    save(model, tmp_path / "model.safetensors", housing.preparation, author="me")
    saved = load(tmp_path / "model.safetensors")
    before = {k: x.numpy() for k, x in model.state_dict().items()}
    assert equal(before, {k: x.numpy() for k, x in saved.model.state_dict().items()})
    assert repr(saved.model) == repr(model)
    assert saved.preparation == housing.preparation
    assert saved.extra == {"author": "me"}
    assert not saved.model.training
    # any program that reads the format finds the weights under their names
    assert equal(before, safetensors.numpy.load_file(tmp_path / "model.safetensors"))


@pytest.mark.parametrize(
    "dtype", [np.float32, np.float64, np.float16, np.int64, np.bool_, np.uint8]
)
def test_a_dict_of_tensors_round_trips_in_every_dtype_and_layout(tmp_path, dtype):
    values = np.arange(6).reshape(2, 3).astype(dtype)
    state = {"a": Tensor(values), "turned": Tensor(values.T), "b.scalar": Tensor(values[1, 0])}
    save(state, tmp_path / "state.safetensors")
    found = load(tmp_path / "state.safetensors")
    assert equal({k: x.numpy() for k, x in state.items()}, {k: x.numpy() for k, x in found.items()})


def test_a_state_dict_with_gradients_can_be_saved_as_in_pytorch(tmp_path):
    model, other = nn.Linear(3, 2), nn.Linear(3, 2)
    save(dict(model.named_parameters()), tmp_path / "w.safetensors")
    other.load_state_dict(load(tmp_path / "w.safetensors"))
    assert np.array_equal(other.weight.detach().numpy(), model.weight.detach().numpy())


def test_what_cannot_be_saved_is_refused_and_nothing_is_written(tmp_path):
    class Own(nn.Module):
        pass

    path = tmp_path / "x.safetensors"
    with pytest.raises(RequestError, match="Own"):
        save(Own(), path)
    with pytest.raises(RequestError, match=r"got       author"):
        save({"a": tensor(1.0)}, path, author="me")
    with pytest.raises(RequestError, match="cannot write"):
        save({"a": tensor(1.0)}, tmp_path / "nowhere" / "x.safetensors")
    assert files(tmp_path) == set()


def damaged(path, content, how):
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    if how == "truncated":
        return content[: len(content) // 2]
    if how == "empty":
        return b""
    if how == "pickle":
        return pickle.dumps({"weight": [1.0]})
    if how == "text":
        return b"epoch,loss\n1,0.5\n"
    known = json.loads(header["__metadata__"]["steepest"])
    if how == "not a library class":
        known["architecture"]["class"] = "os.system"
    if how == "other sizes":
        known["architecture"]["args"][0]["args"] = [5, 1]
    if how == "no architecture":
        del known["architecture"]
    text = "{" if how == "not json" else json.dumps(known)
    header["__metadata__"]["steepest"] = text
    again = json.dumps(header).encode()
    return struct.pack("<Q", len(again)) + again + content[8 + length :]


@pytest.mark.parametrize(
    "how",
    [
        *("truncated", "empty", "pickle", "text", "not a library class"),
        *("other sizes", "no architecture", "not json"),
    ],
)
def test_a_damaged_file_is_refused_by_name(housing, tmp_path, how):
    path = tmp_path / "model.safetensors"
    save(models.create("linear", housing), path, housing.preparation)
    path.write_bytes(damaged(path, path.read_bytes(), how))
    with pytest.raises(RequestError, match=r"model\.safetensors"):
        load(path)


def test_a_path_without_a_model_is_refused(tmp_path):
    with pytest.raises(RequestError, match="no such file"):
        load(tmp_path / "model.safetensors")
    with pytest.raises(RequestError, match=r"no model\.safetensors in this folder"):
        load(tmp_path)


# ---- predicting ------------------------------------------------------------------------------


def test_prediction_applies_the_saved_scaling_and_gives_the_targets_units(housing, tmp_path):
    run = trained(housing, out=tmp_path / "run")
    source = housing.preparation  # what the test needs of the raw data, in the file's own units
    raw = {
        e.name: housing.test.x[:, i].astype(float) * e.spread + e.center
        for i, e in enumerate(source.encoders)
    }
    frame = polars.DataFrame(raw | {"CITY": ["x"] * len(housing.test)})
    notes = []
    found = predict(tmp_path / "run", frame, notes)
    output = run.model(Tensor(housing.test.x)).detach().numpy()
    # the raw features were made from float32: 1e-4 of the target's spread is their rounding
    assert np.allclose(found.values, source.in_units(output)[:, 0], atol=1e-3)
    assert found.values.shape == (76,)
    assert found.units == "thousand dollars"
    assert list(found.columns()) == ["predicted_MEDV"]
    assert len(notes) == 1
    assert "CITY" in notes[0]
    with pytest.raises(RequestError, match="RM"):
        predict(load(tmp_path / "run"), frame.drop("RM"))


def test_classes_come_with_their_labels_and_probabilities(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 2))
    labels = np.array(["low", "high"])[(x[:, 0] > 0).astype(int)]
    data = load_data({"a": x[:, 0], "b": x[:, 1], "kind": labels}, target="kind")
    trained(data, epochs=40, out=tmp_path / "run")
    found = predict(tmp_path / "run", {"a": x[:, 0], "b": x[:, 1]})
    assert (found.values == labels).mean() > 0.9
    assert list(found.columns()) == ["predicted_kind", "probability_high", "probability_low"]
    assert np.allclose(found.probabilities.sum(1), 1)
    assert (np.array(found.classes)[found.probabilities.argmax(1)] == found.values).all()


def test_one_output_for_two_classes_predicts_the_same_way(tmp_path):
    moons = load_data("moons")
    model = models.create("mlp", moons, outputs=1)
    run = fit(model, moons, loss="bce", epochs=5, progress="none", out=tmp_path / "run")
    found = predict(tmp_path / "run", moons.preparation and (moons.test.x, moons.test.y))
    assert found.probabilities.shape == (len(moons.test), 2)
    assert run.last["accuracy"] > 0.5


def test_weights_alone_cannot_predict(housing, tmp_path):
    model = models.create("linear", housing)
    save(model, tmp_path / "bare.safetensors")
    with pytest.raises(RequestError, match="without its preparation"):
        predict(tmp_path / "bare.safetensors", housing.test.x)
    save(model.state_dict(), tmp_path / "weights.safetensors")
    with pytest.raises(RequestError, match="holds weights alone"):
        predict(tmp_path / "weights.safetensors", housing.test.x)


# ---- the folder ------------------------------------------------------------------------------


def test_a_run_folder_holds_what_it_promises(housing, tmp_path):
    table = {"network": {"model": "linear", "hidden": (64, 64), "group": None}}
    run = trained(housing, patience=7, out=RunFolder(tmp_path / "runs" / "housing", table))
    path = tmp_path / "runs" / "housing"
    assert run.folder.path == path
    assert files(path) == FILES
    config = tomllib.loads((path / "config.toml").read_text())
    assert config["network"] == {"model": "linear", "hidden": [64, 64], "group": "none"}
    assert config["training"] == {
        "loss": "mse",
        "optimizer": "adam",
        "lr": 0.01,
        "schedule": "none",
        "epochs": 3,
        "batch_size": 32,
        "seed": 0,
        "shuffle": True,
        "patience": 7,
        "restore_best": True,
        "compile": "auto",
    }
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["data_sha256"] == housing.digest
    assert manifest["rows"] == {"train": 354, "val": 76, "test": 76}
    assert {"steepest", "numpy", "python", "processor", "seed", "started"} <= set(manifest)
    history = polars.read_csv(path / "metrics.csv")
    assert history["epoch"].to_list() == [1, 2, 3]
    assert history["val_loss"].to_list() == [row["val_loss"] for row in run.history]
    steps = np.load(path / "steps.npz", allow_pickle=False)
    assert np.array_equal(steps["loss"], np.concatenate(run.step_losses))
    assert np.array_equal(steps["lr"], np.concatenate(run.step_lrs))
    model = json.loads((path / "model.json").read_text())
    assert model["architecture"] == nn.describe(run.model)
    assert model["extra"]["best_epoch"] == run.best_epoch
    for name, state in (("best", run.best_state), ("last", run.last_state)):
        found = load(path / "checkpoints" / f"{name}.safetensors")
        assert equal(state, {k: x.numpy() for k, x in found.items()})
    saved = load(path)
    assert isinstance(saved, Saved)
    assert equal(run.best_state, {k: x.numpy() for k, x in saved.model.state_dict().items()})
    assert "done; best epoch" in (path / "log.txt").read_text()


def test_scores_join_the_models_description(housing, tmp_path):
    run = trained(housing, out=tmp_path / "run")
    scores = evaluate(run.model, housing.preparation, housing.test)
    run.folder.add_scores("test", scores)
    found = json.loads((tmp_path / "run" / "model.json").read_text())
    assert found["scores"]["test"]["rmse"]["value"] == scores["rmse"].value
    assert "architecture" in found


def test_a_run_is_never_written_over_another(housing, tmp_path):
    (tmp_path / "run-2").write_text("a file of the user's own")
    first = trained(housing, epochs=1, out=tmp_path / "run")
    before = (tmp_path / "run" / "model.safetensors").read_bytes()
    second = trained(housing, epochs=2, out=str(tmp_path / "run"))
    assert first.folder.path.name == "run"
    assert second.folder.path.name == "run-3"
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == before
    assert (tmp_path / "run-2").read_text() == "a file of the user's own"


def test_a_folder_that_cannot_be_made_is_a_wrong_request(housing, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="cannot make the run folder"):
        trained(housing, out=tmp_path / "file" / "run")


def test_a_run_that_fails_leaves_complete_files_and_says_why(housing, tmp_path):
    with pytest.raises(Problem):
        trained(housing, optimizer="sgd", lr=1e6, epochs=30, out=tmp_path / "run")
    assert files(tmp_path / "run") == FILES
    assert "the loss was" in (tmp_path / "run" / "log.txt").read_text()
    assert load(tmp_path / "run").extra["best_epoch"] == 0


def test_a_run_killed_at_any_moment_leaves_whole_files(housing, tmp_path, monkeypatch):
    """Every file is written at every epoch here; the copy taken after each has no holes."""
    monkeypatch.setattr("steepest.training.recorder._SECONDS", 0.0)
    seen = []

    class Looking(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch > 1:
                path = tmp_path / "run"
                seen.append(polars.read_csv(path / "metrics.csv")["epoch"].to_list())
                steps = np.load(path / "steps.npz")["loss"]
                assert np.array_equal(steps, np.concatenate(self.fit.step_losses))
                last = load(path / "checkpoints" / "last.safetensors")
                assert equal(self.fit.last_state, {k: x.numpy() for k, x in last.items()})

    trained(housing, epochs=4, callbacks=[Looking()], out=tmp_path / "run")
    assert seen == [[1], [1, 2], [1, 2, 3]]


def test_a_model_of_the_users_own_keeps_its_weights(housing, tmp_path):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(13, 1)

        def forward(self, x):
            return self.layer(x)

    run = fit(Own(), housing, epochs=1, out=tmp_path / "run", progress="none")
    assert "Own is a class of your own" in run.notes[0]
    weights = load(tmp_path / "run" / "checkpoints" / "best.safetensors")
    assert equal(run.best_state, {k: x.numpy() for k, x in weights.items()})
