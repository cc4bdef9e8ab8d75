"""Progress: one bar on a terminal, about ten lines elsewhere, nothing when not wanted."""

import math
import sys
from typing import Any

from steepest.core import RequestError, closest, lazy, said
from steepest.training.callbacks import Callback
from steepest.training.result import Fit

__all__ = ["Bar", "Lines", "due", "ending", "line", "progress_for"]

console = lazy("rich.console")
rich_progress = lazy("rich.progress")

_LINES = 10
_HEADLINE = {"regression": "rmse", "classification": "accuracy"}


def headline(fit: Fit) -> str:
    """The metric that a person looks at first, on the validation part where there is one."""
    name = _HEADLINE[fit.data.task]
    return f"val_{name}" if fit.monitor == "val_loss" else name


def line(fit: Fit) -> str:
    """The last epoch in one line."""
    epoch = f"epoch {fit.last['epoch']:>{len(str(fit.epochs))}}/{fit.epochs}"
    names = [name for name in ("loss", "val_loss") if name in fit.last] + [headline(fit)]
    return "  ".join([epoch, *(f"{name} {fit.last[name]:.4g}" for name in names)])


def ending(fit: Fit) -> str:
    """How training ended, in one line."""
    if not fit.history:
        return f"stopped before the first epoch was complete: {fit.stopped}"
    how = f"stopped after epoch {fit.last['epoch']}: {fit.stopped}" if fit.stopped else "done"
    best = f"best epoch {fit.best_epoch} ({fit.monitor} {fit.best[fit.monitor]:.4g})"
    kept = "" if fit.restore_best else "; the last epoch's weights are kept"
    return f"{how}; {best}{kept}; {fit.seconds:.1f} s"


def due(fit: Fit) -> bool:
    """Whether this epoch is one of those that are told where there is no bar."""
    epoch = fit.last["epoch"]
    return epoch == 1 or epoch % math.ceil(fit.epochs / _LINES) == 0


class Lines(Callback):
    """The first epoch, every tenth part of training, and the end."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if due(self.fit):
            print(line(self.fit), flush=True)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        print(ending(self.fit), flush=True)


class Bar(Callback):
    """One bar: epoch, loss, validation metric, steps per second, time left."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        column = rich_progress.TextColumn
        self.bar = rich_progress.Progress(
            column("epoch {task.completed:.0f}/{task.total:.0f}"),
            rich_progress.BarColumn(),
            column("{task.fields[measured]}"),
            column("{task.fields[speed]}"),
            rich_progress.TimeRemainingColumn(),
            console=console.Console(),
        )
        self.task = self.bar.add_task("", total=self.fit.epochs, measured="", speed="")
        self.bar.start()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        fit = self.fit
        name = headline(fit)
        speed = fit.steps_per_epoch / max(fit.last["seconds"], 1e-9)
        self.bar.update(
            self.task,
            completed=epoch,
            measured=f"loss {fit.last['loss']:.4g}  {name} {fit.last[name]:.4g}",
            speed=f"{speed:,.0f} steps/s",
        )

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.bar.stop()
        print(ending(self.fit), flush=True)


_KINDS: dict[str, list[type[Callback]]] = {"bar": [Bar], "lines": [Lines], "none": []}


def progress_for(progress: str) -> list[Callback]:
    """The callbacks that show progress: "auto" is "bar" on a terminal and "lines" elsewhere."""
    if progress == "auto":
        progress = "bar" if sys.stdout.isatty() else "lines"
    if progress not in _KINDS:
        names = ["auto", *_KINDS]
        raise RequestError(said("fit", f"unknown progress {progress!r}{closest(progress, names)}"))
    return [kind() for kind in _KINDS[progress]]
