"""Recorder: keeps a run folder up to date while the run goes on."""

import time
from typing import Any

from steepest.core import RequestError
from steepest.training.callbacks import Callback
from steepest.training.manifest import manifest
from steepest.training.progress import due, ending, line
from steepest.training.save import MODEL_FILE
from steepest.training.scores import baseline_of

__all__ = ["Recorder"]

# Epochs may take less than a millisecond, and syncing a file takes about one: while training goes
# on, the files are brought up to date this often. A killed run loses at most so many seconds.
_SECONDS = 1.0


class Recorder(Callback):
    """Writes the settings before training, what happens during it, and the model after it."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        fit = self.fit
        fit.folder.make()
        fit.folder.write_config(fit.settings)
        fit.folder.write_manifest(manifest(fit))
        fit.folder.log(*fit.data.notes, *fit.notes)
        self.written = time.monotonic()
        self.lines: list[str] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if due(self.fit):
            self.lines.append(line(self.fit))
        if time.monotonic() - self.written >= _SECONDS:
            self._write()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._write()
        fit = self.fit
        facts = {
            "task": fit.data.task,
            "best_epoch": fit.best_epoch,
            "baseline": baseline_of(fit.data),
        }
        try:
            fit.folder.write_model(fit.model, fit.data.preparation, **facts)
        except RequestError as problem:
            # A model with layers of the user's own still has its weights in checkpoints/.
            fit.notes.append(f"the run folder has no {MODEL_FILE}: {problem}")
            fit.folder.log(fit.notes[-1])
        fit.folder.log(ending(fit))

    def _write(self) -> None:
        fit = self.fit
        fit.folder.write_steps(fit.step_losses, fit.step_lrs)
        fit.folder.write_checkpoint("last", fit.last_state)
        fit.folder.write_checkpoint("best", fit.best_state)
        fit.folder.write_history(fit.history)
        fit.folder.log(*self.lines)
        self.lines, self.written = [], time.monotonic()
