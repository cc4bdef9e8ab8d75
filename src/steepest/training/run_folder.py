"""A run is a folder: what was asked for, what happened, and the weights it led to.

    config.toml         every setting, defaults written out
    manifest.json       versions, processor, data, seed
    metrics.csv         one row per epoch, no holes
    steps.npz           loss and learning rate of every step
    model.safetensors   the best weights, ready to use
    model.json          the same model's architecture, preparation and scores, to be read
    checkpoints/        best.safetensors, last.safetensors: weights
    log.txt             what was said

Every file is replaced as a whole, so a run that is killed leaves complete files (see atomic.py).
"""

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from steepest.core import RequestError, lazy, said
from steepest.training.atomic import write_bytes, write_text
from steepest.training.result import State, csv_text
from steepest.training.save import MODEL_FILE, description, save

__all__ = ["RunFolder"]

tomli_w = lazy("tomli_w")


class RunFolder:
    """Writes the files of one run.

    Attributes:
        path: the folder; once `make` was called, the one that was free.
        settings: tables of config.toml that the caller knows and `fit` does not.
    """

    def __init__(self, path: str | os.PathLike, settings: dict[str, Any] | None = None):
        self.path, self.settings = Path(path), settings or {}
        self.said: list[str] = []
        self.model: dict[str, Any] = {}

    def make(self) -> None:
        """Make the folder `path`, or, where that name is taken, `path-2`, `path-3`, …

        A run is never written over another.

        Raises:
            RequestError: the folder cannot be made.
        """
        wanted, number = self.path, 1
        while True:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.mkdir()
                (self.path / "checkpoints").mkdir()
                return
            except OSError as problem:
                taken = isinstance(problem, FileExistsError) and os.path.lexists(self.path)
                if not taken or not self.path.parent.is_dir():
                    below = next((p for p in self.path.parents if p.is_file()), None)
                    why = f"{below} is a file" if below else problem.strerror
                    where = f"cannot make the run folder {self.path}"
                    raise RequestError(said("fit", where, got=why)) from None
            number += 1
            self.path = wanted.with_name(f"{wanted.name}-{number}")

    # ---- the files -------------------------------------------------------------------------------

    def write_config(self, settings: dict[str, Any]) -> None:
        """config.toml. TOML has no empty value: the word none stands for what is not set."""
        tables = {**self.settings, "training": settings}
        written = {
            name: {key: _toml(v) for key, v in table.items()} for name, table in tables.items()
        }
        write_text(self.path / "config.toml", tomli_w.dumps(written))

    def write_manifest(self, facts: dict[str, Any]) -> None:
        """manifest.json."""
        write_text(self.path / "manifest.json", _json(facts))

    def write_history(self, rows: list[dict[str, Any]]) -> None:
        """metrics.csv, all epochs so far."""
        write_text(self.path / "metrics.csv", csv_text(rows))

    def write_steps(self, losses: list[np.ndarray], lrs: list[np.ndarray]) -> None:
        """steps.npz: arrays `loss` and `lr`, one element per step."""
        content = io.BytesIO()
        empty = np.zeros(0)
        np.savez(content, loss=np.concatenate([empty, *losses]), lr=np.concatenate([empty, *lrs]))
        write_bytes(self.path / "steps.npz", content.getvalue())

    def write_checkpoint(self, name: str, weights: State) -> None:
        """checkpoints/name.safetensors."""
        save(weights, self.path / "checkpoints" / f"{name}.safetensors")

    def write_model(self, model: Any, preparation: Any, **facts: Any) -> None:
        """model.safetensors and model.json."""
        save(model, self.path / MODEL_FILE, preparation, **facts)
        self.model = description(model, preparation, **facts)
        write_text(self.path / "model.json", _json(self.model))

    def add_scores(self, part: str, scores: Any) -> None:
        """Put the scores of a part into model.json."""
        self.model.setdefault("scores", {})[part] = scores.to_json()
        write_text(self.path / "model.json", _json(self.model))

    def log(self, *lines: str) -> None:
        """Add lines to log.txt."""
        self.said.extend(lines)
        write_text(self.path / "log.txt", "".join(f"{entry}\n" for entry in self.said))


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _toml(value: Any) -> Any:
    """A setting as TOML has it."""
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return [_toml(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else value
