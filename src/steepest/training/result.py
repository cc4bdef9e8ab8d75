"""Fit: a training run, while it happens and after it.

Callbacks read it as training goes on and may stop it; `fit` returns it when training is over.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steepest import nn, optim

__all__ = ["Fit", "State", "csv_text"]

State = dict[str, np.ndarray]  # a model's weights by path, copied


@dataclass(eq=False)
class Fit:
    """What was asked for, what happened, and the weights it led to.

    Attributes:
        model: left with the weights of the best epoch (of the last, where not `restore_best`).
        history: one dict per epoch: `epoch` (from 1), `loss` and the metrics on the training part,
            the same with `val_` before the name, all measured at the weights that the epoch ended
            with; `step_loss`, the mean of the losses met on the way; `lr`; `seconds`.
        step_losses, step_lrs: loss and learning rate of every step, one array per epoch.
        best_epoch: the epoch of the lowest `monitor`; 0 before the first epoch is over.
        best_state, last_state: the weights of the best epoch and of the last complete one.
        stopped: why training ended before its last epoch; empty if it did not.
        notes: one line for each thing that was done differently than asked.
        folder: the RunFolder, where one was asked for.
        settings: every setting, defaults included, as names and numbers.
    """

    model: nn.Module
    data: Any
    loss: Callable[..., Any]
    optimizer: optim.Optimizer
    schedule: Any
    epochs: int
    batch_size: int
    seed: int
    shuffle: bool
    restore_best: bool = True
    compile: bool | str = "auto"
    settings: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    step_losses: list[np.ndarray] = field(default_factory=list)
    step_lrs: list[np.ndarray] = field(default_factory=list)
    best_epoch: int = 0
    best_state: State = field(default_factory=dict)
    last_state: State = field(default_factory=dict)
    stopped: str = ""
    notes: list[str] = field(default_factory=list)
    folder: Any = None

    def __post_init__(self) -> None:
        self.best_state = self.last_state = self.weights()

    @property
    def monitor(self) -> str:
        """What decides which epoch is best: `val_loss`, or `loss` without a validation part."""
        return "val_loss" if len(self.data.val) else "loss"

    @property
    def best(self) -> dict[str, Any]:
        """The best epoch's row of the history."""
        return self.history[self.best_epoch - 1]

    @property
    def last(self) -> dict[str, Any]:
        """The last complete epoch's row of the history."""
        return self.history[-1]

    @property
    def seconds(self) -> float:
        """The time that the epochs took."""
        return sum(row["seconds"] for row in self.history)

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.data.train) // self.batch_size)

    @property
    def lr(self) -> float:
        """The learning rate as it is now (of the first parameter group)."""
        return float(self.optimizer.param_groups[0]["lr"])

    def stop(self, reason: str) -> None:
        """End training after this epoch."""
        self.stopped = self.stopped or reason

    def weights(self) -> State:
        """A copy of the model's weights as they are now."""
        return {name: np.array(x.numpy()) for name, x in self.model.state_dict().items()}

    def record(self, row: dict[str, Any], losses: np.ndarray, lrs: np.ndarray) -> None:
        """Keep what a complete epoch brought."""
        self.history.append(row)
        self.step_losses.append(losses)
        self.step_lrs.append(lrs)
        self.last_state = self.weights()
        if not self.best_epoch or row[self.monitor] < self.best[self.monitor]:
            self.best_epoch, self.best_state = row["epoch"], self.last_state

    def restore(self) -> None:
        """Give the model the weights to keep: the best epoch's, or the last complete one's."""
        self.model.load_state_dict(self.best_state if self.restore_best else self.last_state)

    def __repr__(self) -> str:
        if not self.history:
            return f"Fit(no epoch, {self.stopped})"
        measured = ", ".join(f"{k} {v:.4g}" for k, v in self.best.items() if k.endswith("loss"))
        return f"Fit({len(self.history)} epochs, best {self.best_epoch}: {measured})"


def csv_text(rows: list[dict[str, Any]]) -> str:
    """Rows of the history as CSV; numbers with all their digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["epoch"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
