"""Training: the loop, its choices, and that watching it changes nothing."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from steepest import models, nn, optim
from steepest.core import Problem, RequestError
from steepest.data import Part, load_data
from steepest.random import default_generator
from steepest.tensors import Tensor
from steepest.training import (
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    Callback,
    CSVLogger,
    EarlyStopping,
    ModelCheckpoint,
    ReduceLROnPlateau,
    fit,
    load,
)


@pytest.fixture(scope="module")
def line():
    """60 rows of a noisy line in three features: 42 + 9 + 9."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3)).astype(np.float32)
    y = x @ [1.0, -2.0, 0.5] + 0.3 * rng.normal(size=60) + 10
    return load_data((x, y), task="regression")


@pytest.fixture(scope="module")
def moons():
    return load_data("moons")


def run(data, name="linear", hidden=(8,), **settings):
    settings = {"epochs": 4, "batch_size": 8, "progress": "none", **settings}
    return fit(models.create(name, data, hidden=hidden), data, **settings)


def same(first, second):
    return all(np.array_equal(first[key], second[key]) for key in first) and set(first) == set(
        second
    )


def dropping():
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 1))


# ---- the loop --------------------------------------------------------------------------------


def test_the_loop_is_the_textbooks(line):
    """Bit for bit what PyTorch computes would need its summation order; 1e-5 allows for that."""
    found = run(line, lr=0.05, optimizer="momentum", shuffle=False)
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 1)
    steps = torch.optim.SGD(layer.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for _ in range(4):
        for i in range(0, 42, 8):
            x, y = (torch.tensor(a[i : i + 8]) for a in (line.train.x, line.train.y))
            loss = torch.nn.functional.mse_loss(layer(x), y)
            losses.append(loss.item())
            steps.zero_grad()
            loss.backward()
            steps.step()
    assert np.allclose(np.concatenate(found.step_losses), losses, rtol=1e-5)
    assert np.allclose(found.last_state["0.weight"], layer.weight.detach().numpy(), rtol=1e-5)


def test_every_row_is_visited_once_per_epoch_and_the_last_batch_is_kept(line):
    seen = []

    class Seeing(nn.Identity):
        def forward(self, input):
            if self.training:
                seen.append(np.array(input.value))
            return input

    model = nn.Sequential(Seeing(), nn.Linear(3, 1))
    fit(model, line, epochs=2, batch_size=8, progress="none")
    assert [len(x) for x in seen] == [8, 8, 8, 8, 8, 2] * 2
    first, second = np.concatenate(seen[:6]), np.concatenate(seen[6:])
    assert not np.array_equal(first, second), "a new order before every epoch"
    for visited in (first, second):
        assert np.array_equal(np.sort(visited, 0), np.sort(line.train.x, 0))


def test_without_shuffling_the_order_is_that_of_the_rows(line):
    seen = []
    loss = nn.MSELoss()

    def noting(output, target):
        seen.append(np.array(target.value))
        return loss(output, target)

    run(line, loss=noting, shuffle=False, epochs=1)
    assert np.array_equal(np.concatenate(seen[:6]), line.train.y)


def test_the_same_seed_gives_the_same_bits_whatever_was_drawn_before(line):
    found = []
    for drawn in (0, 5):
        default_generator.words(drawn)
        default_generator.manual_seed(1)
        model = dropping()
        default_generator.manual_seed(drawn)
        found.append(fit(model, line, epochs=3, progress="none", seed=2))
    first, second = found
    assert same(first.last_state, second.last_state)
    assert np.array_equal(first.step_losses, second.step_losses)
    default_generator.manual_seed(1)
    other = fit(dropping(), line, epochs=3, progress="none", seed=3)
    assert not same(first.last_state, other.last_state)


def test_fit_leaves_the_generator_where_it_was(line):
    model = dropping()
    default_generator.manual_seed(4)
    wanted = default_generator.words(3).tolist()
    default_generator.manual_seed(4)
    fit(model, line, epochs=1, progress="none")
    assert default_generator.words(3).tolist() == wanted
    assert default_generator.key.tolist() == [4, 0]


def test_watching_changes_nothing(line, tmp_path):
    """Validation, callbacks, a run folder: none of them moves a bit of the weights."""

    def weights(data, **settings):
        default_generator.manual_seed(1)
        return fit(dropping(), data, epochs=4, batch_size=8, progress="none", **settings).last_state

    class Drawing(Callback):
        def on_epoch_end(self, epoch, logs=None):
            default_generator.words(3)
            self.fit.model.eval()

    empty = Part(line.val.x[:0], line.val.y[:0], line.val.rows[:0])
    plain = weights(replace(line, val=empty))
    assert same(plain, weights(line))
    assert same(plain, weights(line, callbacks=[Drawing()], out=tmp_path / "run"))


def test_dropout_is_off_when_looking(line):
    default_generator.manual_seed(1)
    model = dropping()
    found = fit(model, line, epochs=1, lr=0.0, progress="none")
    model.eval()
    output = model(Tensor(line.train.x)).detach().numpy()
    assert found.last["loss"] == pytest.approx(((output - line.train.y) ** 2).mean(), rel=1e-6)
    assert found.last["step_loss"] != pytest.approx(found.last["loss"], rel=1e-3)


def test_fit_leaves_the_models_mode_alone(line):
    assert run(line).model.training
    frozen = models.create("linear", line).eval()
    assert not fit(frozen, line, epochs=1, progress="none").model.training


# ---- what is measured ------------------------------------------------------------------------


def test_both_losses_are_measured_at_the_weights_the_epoch_ended_with(line):
    found = run(line, epochs=3)
    model = found.model
    model.load_state_dict(found.last_state)
    for prefix, part in (("", line.train), ("val_", line.val)):
        error = model(Tensor(part.x)).detach().numpy() - part.y
        assert found.last[f"{prefix}loss"] == pytest.approx((error**2).mean(), rel=1e-6)
        rmse = np.sqrt((error**2).mean()) * line.preparation.spread
        assert found.last[f"{prefix}rmse"] == pytest.approx(rmse, rel=1e-6)
    assert found.last["step_loss"] == pytest.approx(found.step_losses[-1].mean())


def test_history_has_one_row_per_epoch_and_no_holes(line, moons):
    found = run(line, epochs=5)
    measured = ["loss", "mae", "rmse", "r2"]
    both = [*measured, *(f"val_{name}" for name in measured)]
    for i, row in enumerate(found.history):
        assert list(row) == ["epoch", *both, "step_loss", "lr", "seconds"]
        assert row["epoch"] == i + 1
        assert np.isfinite(list(row.values())).all()
    assert [len(losses) for losses in found.step_losses] == [6] * 5
    assert {"accuracy", "f1_macro", "val_accuracy", "val_f1_macro"} < set(run(moons).last)


def test_the_best_weights_are_restored_and_the_last_kept(line):
    """A rate near the edge of stability: the last epoch is not the best one."""
    found = run(line, optimizer="sgd", lr=0.4, epochs=11, seed=1)
    losses = [row["val_loss"] for row in found.history]
    assert found.best_epoch == int(np.argmin(losses)) + 1 < 11
    assert same(found.weights(), found.best_state)
    assert not same(found.best_state, found.last_state)
    assert found.stopped == ""


def test_patience_ends_training_after_so_many_epochs_without_a_better_one(line):
    found = run(line, optimizer="sgd", lr=0.4, epochs=200, seed=1, patience=3)
    assert len(found.history) == found.best_epoch + 3 < 200
    assert found.stopped == "no better val_loss for 3 epochs"
    assert same(found.weights(), found.best_state)


# ---- what can be chosen ----------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_lowers_the_loss_with_its_usual_rate(line, name):
    found = run(line, optimizer=name, epochs=15)
    assert found.last["loss"] < 0.9 * found.history[0]["loss"]
    assert found.settings["lr"] == OPTIMIZERS[name][1]


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_trains(line, moons, name):
    data = line if LOSSES[name][1] == "regression" else moons
    model = models.create("mlp", data, hidden=(8,), outputs=1 if name == "bce" else None)
    if name == "map":  # of penalties, which are distances from codes
        model = nn.Sequential(*model, nn.RBF([[1.0, -1.0], [-1.0, 1.0]]))
    rate = 1e-3 if name == "sum_squares" else 1e-2
    found = fit(model, data, loss=name, epochs=10, lr=rate, progress="none")
    assert found.last["loss"] < 0.9 * found.history[0]["loss"]
    if name in ("bce", "map"):
        assert found.last["val_accuracy"] > 0.7


def test_penalties_and_scores_have_losses_of_their_own(moons):
    """The usual loss goes with the last layer; the other kind would train for the wrong class."""
    scores = models.create("mlp", moons, hidden=(4,))
    penalties = nn.Sequential(*scores, nn.RBF([[1.0, -1.0], [-1.0, 1.0]]))
    assert fit(penalties, moons, epochs=1, progress="none").settings["loss"] == "map"
    assert fit(scores, moons, epochs=1, progress="none").settings["loss"] == "cross_entropy"
    for model, loss, write in ((penalties, "cross_entropy", "map"), (scores, "map", "cross_ent")):
        with pytest.raises(RequestError, match=f'write     loss="{write}'):
            fit(model, moons, loss=loss, epochs=1, progress="none")


def test_a_sigmoid_with_binary_cross_entropy_gives_the_same_answers_as_logits(moons):
    logits = models.create("mlp", moons, outputs=1)
    chances = nn.Sequential(models.create("mlp", moons, outputs=1), nn.Sigmoid())
    first = fit(logits, moons, loss="bce", epochs=3, progress="none")
    second = fit(chances, moons, loss=nn.BCELoss(), epochs=3, progress="none")
    assert first.last["val_accuracy"] == second.last["val_accuracy"]
    assert first.last["loss"] == pytest.approx(second.last["loss"], rel=1e-4)


def test_schedules_by_name_set_the_rate_of_every_epoch(line):
    rates = {
        name: [row["lr"] for row in run(line, schedule=name, epochs=14, lr=0.1).history]
        for name in SCHEDULES
    }
    assert rates["none"] == [0.1] * 14
    assert rates["step"] == pytest.approx([0.1] * 5 + [0.01] * 5 + [0.001] * 4)
    assert rates["exponential"] == pytest.approx([0.1 * 0.01 ** (t / 14) for t in range(14)])
    assert rates["cosine"] == pytest.approx(
        [0.05 * (1 + np.cos(np.pi * t / 14)) for t in range(14)]
    )
    # cycles of 2, 4 and 8 epochs
    assert [i for i, lr in enumerate(rates["sgdr"]) if lr == 0.1] == [0, 2, 6]


def test_the_rate_of_every_step_is_kept(line):
    found = run(line, schedule="exponential", lr=0.1)
    for row, lrs in zip(found.history, found.step_lrs, strict=True):
        assert lrs.tolist() == [row["lr"]] * 6


def test_instances_are_taken_as_they_are(line):
    model = models.create("linear", line)
    steps = optim.SGD(model.parameters(), lr=0.1)
    schedule = optim.lr_scheduler.ExponentialLR(steps, 0.5)
    found = fit(
        model, line, optimizer=steps, schedule=schedule, loss=nn.L1Loss(), epochs=3, progress="none"
    )
    assert [row["lr"] for row in found.history] == pytest.approx([0.1, 0.05, 0.025])
    assert found.settings["optimizer"] == "SGD"
    assert found.settings["loss"] == "L1Loss"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"optimizer": "adma"}, "did you mean 'adam'"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"loss": "msee"}, "did you mean 'mse'"),
        ({"loss": "cross_entropy"}, "is for classification, the target is for regression"),
        ({"lr": -0.1}, "learning rate"),
        ({"lr": float("nan")}, "learning rate"),
        ({"lr": float("inf")}, "learning rate"),
        ({"lr": "fast"}, "learning rate"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"patience": 0}, "patience"),
        ({"progress": "lines!"}, "did you mean 'lines'"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_done(line, tmp_path, settings, words):
    with pytest.raises(RequestError, match=words):
        run(line, out=tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


def test_choices_that_do_not_fit_together_are_refused(line, moons):
    model, other = models.create("linear", line), models.create("linear", line)
    steps = optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(RequestError, match="learning rate already"):
        fit(model, line, optimizer=steps, lr=0.1)
    with pytest.raises(RequestError, match="several times in a step"):
        fit(model, line, optimizer=optim.LBFGS(model.parameters()))
    with pytest.raises(RequestError, match=r"load_data\(\(x, y\)"):
        fit(model, (line.train.x, line.train.y))
    with pytest.raises(RequestError, match="none of this model's parameters"):
        fit(other, line, optimizer=steps)
    schedule = optim.lr_scheduler.ExponentialLR(steps, 0.9)
    with pytest.raises(RequestError, match="another optimizer"):
        fit(model, line, optimizer="sgd", schedule=schedule)
    with pytest.raises(RequestError, match=r"shape \(n, 2\)"):
        fit(models.linear(2, 3), moons)
    with pytest.raises(RequestError, match=r"shape \(n, 1\)"):
        run(moons, loss="bce")


def test_a_batch_larger_than_the_training_part_is_made_smaller_and_said(line):
    found = run(line, batch_size=500)
    assert found.batch_size == 42
    assert found.notes == ["batch size 500 made 42, the number of training rows"]
    assert [len(losses) for losses in found.step_losses] == [1] * 4


def test_a_softmax_before_the_cross_entropy_is_warned_of_by_name(moons):
    model = nn.Sequential(nn.Linear(2, 2), nn.Softmax(1))
    with pytest.warns(UserWarning, match="layer '1' is another") as caught:
        fit(model, moons, epochs=2, progress="none")
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(moons)


# ---- how it ends -----------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_stops_and_says_where_and_what_to_try(line):
    model = models.create("linear", line)
    ends = []

    class Ending(Callback):
        def on_train_end(self, logs=None):
            ends.append(self.fit)

    with pytest.raises(Problem) as caught:
        fit(
            model,
            line,
            optimizer="sgd",
            lr=1e4,
            epochs=50,
            batch_size=8,
            progress="none",
            callbacks=[Ending()],
        )
    message = str(caught.value)
    for part in ("epoch 1, step ", "of 6", "learning rate 10000", "lr=1000"):
        assert part in message
    assert ends[0].stopped.startswith("the loss was")
    weights = model.state_dict().values()
    assert all(np.isfinite(x.numpy()).all() for x in weights), "left as before the first epoch"


class Interrupting(Callback):
    """Presses Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def test_ctrl_c_ends_training_with_what_the_complete_epochs_brought(line):
    found = run(line, epochs=50, callbacks=[Interrupting(4)])
    assert found.stopped == "interrupted from the keyboard"
    assert [row["epoch"] for row in found.history] == [1, 2, 3]
    assert same(found.weights(), found.best_state)
    assert same(found.last_state, run(line, epochs=3).last_state)


def test_ctrl_c_in_the_first_epoch_leaves_the_weights_as_they_were(line):
    found = run(line, callbacks=[Interrupting(1)])
    assert found.history == []
    assert same(
        found.weights(),
        {k: x.numpy() for k, x in models.create("linear", line).state_dict().items()},
    )


def test_ctrl_c_inside_a_step_does_not_leave_half_an_epoch(line):
    loss, calls = nn.MSELoss(), []

    def pressing(output, target):
        calls.append(1)
        if len(calls) == 12:  # 6 steps and 2 looks, then the fourth step of the second epoch
            raise KeyboardInterrupt
        return loss(output, target)

    found = run(line, loss=pressing, compile=False)
    assert len(found.history) == 1
    assert same(found.weights(), run(line, epochs=1, compile=False).last_state)


# ---- callbacks -------------------------------------------------------------------------------


def test_hooks_are_called_in_keras_order(line):
    calls = []

    class Noting(Callback):
        def on_train_begin(self, logs=None):
            calls.append("begin")

        def on_epoch_begin(self, epoch, logs=None):
            calls.append(f"{epoch} begins")

        def on_epoch_end(self, epoch, logs=None):
            calls.append(f"{epoch} ends")
            assert logs is self.fit.history[-1]

        def on_train_end(self, logs=None):
            calls.append("end")

    run(line, epochs=2, callbacks=[Noting()])
    assert calls == ["begin", "1 begins", "1 ends", "2 begins", "2 ends", "end"]


def test_early_stopping_watches_what_it_is_told_to(line):
    stopping = EarlyStopping("val_r2", patience=2, min_delta=10.0)
    found = run(line, epochs=20, callbacks=[stopping])
    assert len(found.history) == 3, "r2 rises by less than 10 in every epoch"
    with pytest.raises(RequestError, match="'val_f1' is not measured"):
        run(line, callbacks=[EarlyStopping("val_f1")])


def test_reduce_lr_on_plateau_multiplies_the_rate_and_refuses_a_schedule(line):
    callback = ReduceLROnPlateau(factor=0.5, patience=2, min_delta=10.0, min_lr=0.03)
    found = run(line, epochs=8, lr=0.1, callbacks=[callback])
    assert [row["lr"] for row in found.history] == pytest.approx(
        [0.1, 0.1, 0.1, 0.05, 0.05, 0.03, 0.03, 0.03]
    )
    with pytest.raises(RequestError, match="schedule"):
        run(line, schedule="cosine", callbacks=[ReduceLROnPlateau()])


def test_model_checkpoint_saves_every_epoch_or_the_best(line, tmp_path):
    every = ModelCheckpoint(tmp_path / "{epoch:02d}.safetensors")
    best = ModelCheckpoint(tmp_path / "best.safetensors", save_best_only=True)
    found = run(line, optimizer="sgd", lr=0.4, epochs=8, seed=1, callbacks=[every, best])
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [*(f"{e:02d}.safetensors" for e in range(1, 9)), "best.safetensors"]
    saved = load(tmp_path / "best.safetensors")
    assert saved.extra["epoch"] == found.best_epoch < 8
    assert same({k: x.numpy() for k, x in saved.model.state_dict().items()}, found.best_state)


def test_csv_logger_writes_all_digits(line, tmp_path):
    found = run(line, epochs=3, callbacks=[CSVLogger(tmp_path / "log.csv")])
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0].startswith("epoch,loss,")
    assert [float(row.split(",")[1]) for row in lines[1:]] == [r["loss"] for r in found.history]


# ---- progress --------------------------------------------------------------------------------


def test_lines_are_about_ten_and_none_is_none(line, capsys):
    run(line, epochs=100, progress="auto")
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 12
    assert printed[0].startswith("epoch   1/100  loss ")
    assert "val_rmse" in printed[1]
    assert printed[-1].startswith("done; best epoch ")
    run(line, progress="none")
    assert capsys.readouterr().out == ""


def test_the_bar_shows_epoch_loss_metric_and_speed(moons, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    run(moons, epochs=3, progress="bar")
    out = capsys.readouterr().out
    for part in ("epoch 3/3", "loss ", "val_accuracy", "steps/s", "best epoch"):
        assert part in out
