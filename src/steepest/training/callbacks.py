"""Callbacks: what happens beside training, under Keras's names.

A callback is an object with hooks; it sees the run as `self.fit` and may end it with
`self.fit.stop("why")`. The epoch is the unit: it is one call of one (possibly compiled) function,
so there is no hook inside it.
"""

import math
from pathlib import Path
from typing import Any

from steepest.core import RequestError, said
from steepest.training.atomic import write_text
from steepest.training.result import Fit, csv_text
from steepest.training.save import save

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
]


class Callback:
    """Base of all callbacks: every hook does nothing.

    `logs` is the epoch's row of the history. Epochs are counted from 1.
    """

    fit: Fit

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Before each epoch."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """After each complete epoch, when both parts have been looked at."""

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """When training is over, however it ended; the model has its best weights again."""


class Watch(Callback):
    """A callback that waits for one measured number to become better.

    Args:
        monitor: which number of the history; by default what decides the best epoch.
        patience: how many epochs without an improvement are endured.
        min_delta: how much better is better.
        mode: "min" or "max"; by default "max" for accuracy, f1_macro and r2.
    """

    def __init__(
        self,
        monitor: str | None = None,
        patience: int = 10,
        min_delta: float = 0.0,
        mode: str | None = None,
    ):
        if not isinstance(patience, int) or patience < 1:
            raise RequestError(
                said(type(self).__name__, "patience is a number of epochs", got=repr(patience))
            )
        self.monitor, self.patience, self.min_delta, self.mode = monitor, patience, min_delta, mode

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.name = self.monitor or self.fit.monitor
        rising = self.mode == "max" or (
            self.mode is None and self.name.removeprefix("val_") in ("accuracy", "f1_macro", "r2")
        )
        self.sign = -1.0 if rising else 1.0
        self.lowest, self.waited = math.inf, 0

    def better(self, logs: dict[str, Any]) -> bool:
        """Whether this epoch improved; counts the epochs that did not."""
        if self.name not in logs:
            names = ", ".join(key for key in logs if key not in ("epoch", "seconds"))
            where = type(self).__name__
            raise RequestError(said(where, f"{self.name!r} is not measured", expected=names))
        value = self.sign * logs[self.name]
        if value < self.lowest - self.min_delta:
            self.lowest, self.waited = value, 0
            return True
        self.waited += 1
        return False


class EarlyStopping(Watch):
    """End training when `monitor` has not become better for `patience` epochs."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self.better(logs or {}) and self.waited >= self.patience:
            self.fit.stop(f"no better {self.name} for {self.patience} epochs")


class ReduceLROnPlateau(Watch):
    """Multiply the learning rate by `factor` when `monitor` has not become better for `patience`
    epochs, down to `min_lr`. It needs a learning rate that no schedule sets."""

    def __init__(
        self,
        monitor: str | None = None,
        factor: float = 0.1,
        patience: int = 10,
        min_delta: float = 1e-4,
        min_lr: float = 0.0,
        mode: str | None = None,
    ):
        super().__init__(monitor, patience, min_delta, mode)
        if not 0 < factor < 1:
            raise RequestError(
                said("ReduceLROnPlateau", "factor is between 0 and 1", got=repr(factor))
            )
        self.factor, self.min_lr = factor, min_lr

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        if self.fit.schedule is not None:
            raise RequestError(
                said(
                    "ReduceLROnPlateau",
                    "a schedule sets the learning rate already",
                    write='fit(..., schedule="none")',
                )
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self.better(logs or {}) and self.waited >= self.patience:
            self.waited = 0
            for group in self.fit.optimizer.param_groups:
                group["lr"] = max(float(group["lr"]) * self.factor, self.min_lr)


class ModelCheckpoint(Watch):
    """Save the model after each epoch, or only after those that improved.

    Args:
        filepath: may hold fields of the history: "model-{epoch:03d}-{val_loss:.3f}.safetensors".
        monitor, mode: as in `Watch`.
        save_best_only: only after epochs that improved.
    """

    def __init__(
        self,
        filepath: str | Path,
        monitor: str | None = None,
        save_best_only: bool = False,
        mode: str | None = None,
    ):
        super().__init__(monitor, mode=mode)
        self.filepath, self.save_best_only = str(filepath), save_best_only

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        if self.better(logs) or not self.save_best_only:
            path = self.filepath.format(**logs)
            save(self.fit.model, path, self.fit.data.preparation, epoch=epoch)


class CSVLogger(Callback):
    """One line per epoch in a CSV file, which is whole after every epoch."""

    def __init__(self, filename: str | Path):
        self.filename = Path(filename)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        write_text(self.filename, csv_text(self.fit.history))
