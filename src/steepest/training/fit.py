"""fit: train a model on data, the whole of step 4 in one call.

    data = load_data("housing")
    model = models.mlp(13, 1)
    run = fit(model, data, epochs=200, patience=30, out="runs/housing")
    run.best                    # the best epoch's losses and metrics

Here the request is understood and checked; the training itself is in loop.py.
"""

import os
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from steepest import nn
from steepest.core import RequestError, said
from steepest.data import Data
from steepest.random import default_generator
from steepest.training.callbacks import Callback, EarlyStopping
from steepest.training.choices import loss_for, optimizer_for, schedule_for, usual_loss
from steepest.training.loop import train
from steepest.training.measure import gives_penalties, outputs
from steepest.training.progress import progress_for
from steepest.training.recorder import Recorder
from steepest.training.result import Fit
from steepest.training.run_folder import RunFolder

__all__ = ["fit"]


def fit(
    model: nn.Module,
    data: Any,
    *,
    loss: Any = None,
    optimizer: Any = "adam",
    lr: float | None = None,
    schedule: Any = None,
    epochs: int = 100,
    batch_size: int = 32,
    seed: int = 0,
    shuffle: bool = True,
    patience: int | None = None,
    restore_best: bool = True,
    compile: bool | str = "auto",
    callbacks: Iterable[Callback] = (),
    out: str | os.PathLike | RunFolder | None = None,
    progress: str = "auto",
) -> Fit:
    """Train `model` on `data.train`, watching `data.val`; keep the best epoch's weights.

    The same seed gives the same bits, whatever was drawn before and whoever watches. Interrupted
    from the keyboard, training ends with what the complete epochs brought.

    Args:
        model: any module; its weights are where training starts.
        data: from `load_data`. Its test part is never looked at.
        loss: "mse", "sum_squares", "mae", "l1", "huber", "bce", "cross_entropy", "map", or a
            module; by default the mean squared error for numbers, the cross entropy for classes,
            and MAPLoss for classes where the model ends in penalties (RBF).
        optimizer: "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", or an
            instance made with the model's parameters.
        lr: the learning rate; by default the optimizer's usual one (see choices.py).
        schedule: "none", "step", "exponential", "cosine", "sgdr", or an instance; once per epoch.
        epochs: how often all rows are gone through.
        batch_size: rows per step; the last step of an epoch takes what is left.
        seed: of the shuffling and of dropout.
        shuffle: new order before every epoch; False where the order is time.
        patience: end after so many epochs without a better validation loss; None goes on.
        restore_best: leave the model with the best epoch's weights; False leaves the last ones,
            where training is meant to converge (a least-squares fit).
        compile: whole epochs as one native call (see compiler): True, False, or "auto", which
            trains eagerly where a model cannot be compiled and says so once in the notes.
        callbacks: see callbacks.py.
        out: the run folder to write (a free name near it where it exists), or None for none.
        progress: "auto", "bar", "lines" or "none".

    Returns:
        The `Fit`: the model with its weights, the history epoch by epoch, notes, the run folder.

    Raises:
        RequestError: a setting that cannot be meant.
        Problem: the loss is not finite any more; says in which step, and what to try.
        NotCompilable: with `compile=True`, the line that cannot be compiled and what to write.
    """
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        _check_count(name, value)
    _check_compile(compile)
    _check_data(data)
    loss = usual_loss(model, data.task) if loss is None else loss
    schedule = "none" if schedule is None else schedule
    chosen_loss = loss_for(loss, data.task)
    chosen_optimizer = optimizer_for(optimizer, model, lr)
    chosen_schedule = schedule_for(schedule, chosen_optimizer, epochs)
    stopping = [] if patience is None else [EarlyStopping(patience=patience)]
    _check_model(model, chosen_loss, data)
    run = Fit(
        model,
        data,
        chosen_loss,
        chosen_optimizer,
        chosen_schedule,
        epochs,
        batch_size,
        seed,
        shuffle,
        restore_best,
        compile,
    )
    _fit_batch(run)
    names = {
        "loss": _name(loss, chosen_loss),
        "optimizer": _name(optimizer, chosen_optimizer),
        "schedule": _name(schedule, chosen_schedule),
    }
    run.settings = _settings(run, names, patience)
    if out is not None:
        run.folder = out if isinstance(out, RunFolder) else RunFolder(out)
    keeping = [] if run.folder is None else [Recorder()]
    _run(run, [*stopping, *callbacks, *keeping, *progress_for(progress)])
    return run


def _run(run: Fit, callbacks: list[Callback]) -> None:
    """Train; whatever happens, end with the weights to keep and tell the callbacks."""
    mode = run.model.training
    for callback in callbacks:
        callback.fit = run
        callback.on_train_begin()
    try:
        with default_generator.undisturbed():
            train(run, callbacks)
    except KeyboardInterrupt:
        run.stop("interrupted from the keyboard")
    except Exception as problem:
        run.stop(str(problem).splitlines()[0])
        raise
    finally:
        run.restore()
        run.model.train(mode)
        run.model.zero_grad()  # those of the last batch, at other weights
        for callback in callbacks:
            callback.on_train_end()


def _settings(run: Fit, names: dict[str, str], patience: int | None) -> dict[str, Any]:
    """Every setting, defaults included, under the names of fit's arguments."""
    return {
        **names,
        "lr": run.lr,
        "epochs": run.epochs,
        "batch_size": run.batch_size,
        "seed": run.seed,
        "shuffle": run.shuffle,
        "patience": patience,
        "restore_best": run.restore_best,
        "compile": run.compile,
    }


def _name(given: Any, chosen: Any) -> str:
    """How a choice is written down: the name it was asked by, or its class."""
    if isinstance(given, str):
        return given
    return getattr(chosen, "__name__", type(chosen).__name__)


def _check_data(data: Any) -> None:
    if not isinstance(data, Data):
        raise RequestError(
            said(
                "fit",
                "the data have no training and validation part yet",
                expected="what load_data gives",
                got=type(data).__name__,
                write='fit(model, load_data((x, y), task="regression"))',
            )
        )


def _check_compile(compile: Any) -> None:
    if compile not in (True, False, "auto"):
        raise RequestError(
            said("fit", "compile is True, False or 'auto'", got=repr(compile), write='"auto"')
        )


def _check_count(name: str, value: Any) -> None:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise RequestError(said("fit", f"{name} is a whole number of at least 1", got=repr(value)))


def _fit_batch(run: Fit) -> None:
    """No batch is larger than the training part."""
    rows = len(run.data.train)
    if not rows:
        raise RequestError(said("fit", "the training part has no rows"))
    if run.batch_size > rows:
        run.notes.append(f"batch size {run.batch_size} made {rows}, the number of training rows")
        run.batch_size = rows


def _check_penalties(model: nn.Module, loss: Any) -> None:
    """Penalties are small where a class fits, scores are large: each has losses of its own."""
    penalties = gives_penalties(model)
    if penalties == isinstance(loss, nn.MAPLoss) or not isinstance(loss, nn.Module):
        return
    raise RequestError(
        said(
            "fit",
            f"the model's outputs are {'penalties' if penalties else 'not penalties'}",
            expected="a last layer nn.RBF with the loss MAPLoss, or neither",
            got=type(loss).__name__,
            write='loss="map"' if penalties else 'loss="cross_entropy"',
        )
    )


def _check_model(model: nn.Module, loss: Any, data: Any) -> None:
    """What the library's losses need of the last layer, found out with one row."""
    _check_penalties(model, loss)
    binary = isinstance(loss, nn.BCELoss | nn.BCEWithLogitsLoss)
    if not (binary or data.task == "regression" or isinstance(loss, nn.CrossEntropyLoss)):
        return
    if binary and data.outputs != 2:
        raise RequestError(
            said(
                "fit",
                "binary cross entropy is for two classes",
                got=f"{data.outputs} classes",
                write='loss="cross_entropy"',
            )
        )
    shape = outputs(model, data.train.x[:1]).shape
    wanted = (1, 1 if binary else data.outputs)
    if shape != wanted:
        raise RequestError(
            said(
                "fit",
                "the model's output does not fit the target",
                expected=f"shape (n, {wanted[1]})",
                got=f"shape (n, {', '.join(map(str, shape[1:]))})",
                write=f"a last layer with {wanted[1]} output{'s' if wanted[1] > 1 else ''}",
            )
        )
    ending = nn.ends_in_softmax(model)
    if isinstance(loss, nn.CrossEntropyLoss) and ending is not None:
        warnings.warn(
            said(
                "fit",
                f"the cross entropy has a softmax inside, and layer {ending!r} is another one",
                write="the model without that layer",
            ),
            UserWarning,
            stacklevel=3,
        )
