"""Training: two loops, over epochs and over mini-batches, around four acts.

forward     the model's output for the mini-batch
loss        one number that says how wrong the output is
gradients   the slope of the loss in every weight
update      a step down that slope
"""

import math
import time
from collections.abc import Callable, Iterable

import numpy as np

from steepest import autograd as autograd  # gives Tensor its backward()
from steepest import nn, optim
from steepest.core import Problem, Streams, said
from steepest.data import batches, epoch_order
from steepest.random import default_generator
from steepest.tensors import Tensor
from steepest.training.callbacks import Callback
from steepest.training.choices import target_for
from steepest.training.interrupt import heard
from steepest.training.measure import measure
from steepest.training.native import NativeEpochs, NativeOutputs
from steepest.training.result import Fit

__all__ = ["run_epoch", "train"]


def run_epoch(
    model: nn.Module,
    loss: Callable[..., Tensor],
    optimizer: optim.Optimizer,
    x: np.ndarray,
    y: np.ndarray,
    order: np.ndarray,
    batch_size: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Once through the rows of x and y in the given order, one update per mini-batch.

    The last mini-batch is smaller where batch_size does not divide the rows. A loss that is not
    finite ends the epoch before it reaches the weights.

    Returns:
        The loss and the learning rate of every step, both of shape (steps,).
    """
    losses, rates = [], []
    model.train()
    for rows in batches(order, batch_size):
        output = model(Tensor(x[rows]))  # forward
        value = loss(output, Tensor(y[rows]))  # loss
        losses.append(value.item())
        rates.append(float(optimizer.param_groups[0]["lr"]))
        if not math.isfinite(losses[-1]):
            break
        optimizer.zero_grad()
        value.backward()  # gradients
        optimizer.step()  # update
    return np.array(losses), np.array(rates)


def train(fit: Fit, callbacks: Iterable[Callback]) -> None:
    """All epochs, each followed by a look at both parts; ends early when `fit.stop` was called.

    Every random number of epoch e comes from streams named after e, so neither what happened before
    nor who is watching changes it.
    """
    native = NativeEpochs(fit)
    with heard(native.stop):
        _train(fit, callbacks, native)


def _train(fit: Fit, callbacks: Iterable[Callback], native: NativeEpochs) -> None:
    streams, part = Streams(fit.seed), fit.data.train
    y, looks = target_for(fit.loss, part.y), NativeOutputs(fit)
    for epoch in range(1, fit.epochs + 1):
        for callback in callbacks:
            callback.on_epoch_begin(epoch)
        began = time.perf_counter()
        order = epoch_order(len(part), fit.seed, epoch, fit.shuffle)
        default_generator.manual_seed(int(streams("dropout", epoch).integers(2**63)))
        steps = native.run(part.x, y, order)
        if steps is None:
            steps = run_epoch(fit.model, fit.loss, fit.optimizer, part.x, y, order, fit.batch_size)
        losses, rates = steps
        _check_finite(fit, epoch, len(losses), losses[-1])
        row = {"epoch": epoch, **_looked_at(fit, looks), "step_loss": float(losses.mean())}
        _check_finite(fit, epoch, len(losses), row["loss"])
        row |= {"lr": float(rates[-1]), "seconds": time.perf_counter() - began}
        fit.record(row, losses, rates)
        if isinstance(fit.schedule, optim.lr_scheduler.ReduceLROnPlateau):
            fit.schedule.step(row.get("val_loss", row["loss"]))
        elif fit.schedule is not None:
            fit.schedule.step()
        for callback in callbacks:
            callback.on_epoch_end(epoch, row)
        if fit.stopped:
            return


def _looked_at(fit: Fit, looks: NativeOutputs) -> dict[str, float]:
    """Loss and metrics on the training and the validation part, at the same weights."""
    data = fit.data
    row: dict[str, float] = {}
    with nn.watching(fit.model):
        for prefix, part in (("", data.train), ("val_", data.val)):
            if len(part):
                target, output = target_for(fit.loss, part.y), looks.run(part.x)
                found = measure(fit.model, fit.loss, data.preparation, output, part, target)
                row |= {prefix + name: value for name, value in found.items()}
    return row


def _check_finite(fit: Fit, epoch: int, step: int, loss: float) -> None:
    """Stop where a loss is not finite: what follows would be noise."""
    if math.isfinite(loss):
        return
    place = f"epoch {epoch}, step {step} of {fit.steps_per_epoch}"
    fit.stop(f"the loss was {loss} in {place}")
    raise Problem(
        said(
            f"fit, {place}",
            f"the loss is {loss}",
            expected="a finite number",
            got=f"learning rate {fit.lr:g}",
            write=f"a smaller learning rate, lr={fit.lr / 10:g}; if that does not help, "
            "look for extreme values in the features and the target",
        )
    )
