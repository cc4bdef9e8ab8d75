"""Saving a model with everything needed to use it, and loading it: one file, and no code in it.

A saved model is a .safetensors file: the weights bit for bit, and in its metadata, as JSON, the
architecture and the preparation of the data. Other programs read the weights with the safetensors
package. Loading builds only the library's own layers, so a file cannot run anything.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from steepest import nn
from steepest.core import RequestError, lazy, said
from steepest.data import Preparation
from steepest.tensors import Tensor, as_tensor
from steepest.training.atomic import write_bytes

__all__ = ["MODEL_FILE", "Saved", "description", "load", "save"]

safetensors = lazy("safetensors")
safetensors_numpy = lazy("safetensors.numpy")

MODEL_FILE = "model.safetensors"

_KEY = "steepest"  # under which the description stands in the file's metadata


@dataclass
class Saved:
    """A loaded model.

    Attributes:
        model: with its weights, in use (not in training).
        preparation: what makes features of raw data, or None where none was saved.
        extra: what else was given to `save`.
        path: where it was.
    """

    model: nn.Module
    preparation: Preparation | None
    extra: dict[str, Any] = field(default_factory=dict)
    path: str = ""


def description(model: nn.Module, preparation: Any = None, **extra: Any) -> dict[str, Any]:
    """All but the weights, JSON-able: architecture, preparation, and what else is known."""
    prepared = None if preparation is None else preparation.to_json()
    return {"architecture": nn.describe(model), "preparation": prepared, "extra": extra}


def save(
    obj: Any, path: str | os.PathLike, preparation: Preparation | None = None, **extra: Any
) -> None:
    """Write a model, or a flat dict of tensors, to one .safetensors file.

    Args:
        obj: a module made of the library's layers, or a dict of tensors such as `state_dict()`.
        path: the file; it is replaced in one step.
        preparation: goes with a model, so that it predicts from raw data.
        extra: JSON-able facts to keep with a model.

    Raises:
        RequestError: something else, a class of the user's own, or a folder that is not there.
    """
    if isinstance(obj, nn.Module):
        text = json.dumps(description(obj, preparation, **extra), allow_nan=False)
        metadata, tensors = {_KEY: text}, obj.state_dict()
    else:
        metadata, tensors = None, dict(_flat(obj))
    content = safetensors_numpy.save(arrays(tensors), metadata)
    try:
        write_bytes(path, content)
    except OSError as problem:
        raise RequestError(said("save", f"cannot write {path}", got=problem.strerror)) from None


def _flat(obj: Any) -> Mapping[str, Any]:
    wrong = None
    if not isinstance(obj, Mapping):
        wrong = type(obj).__name__
    else:
        odd = [key for key, value in obj.items() if not isinstance(value, Tensor | np.ndarray)]
        wrong = f"{type(obj[odd[0]]).__name__} under {odd[0]!r}" if odd else None
    if wrong is not None:
        raise RequestError(
            said(
                "save", "this cannot be saved", expected="a module or a dict of tensors", got=wrong
            )
        )
    return obj


def arrays(tensors: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Tensors as arrays in row order, which is how they are written."""
    detached = {k: x.detach().numpy() if isinstance(x, Tensor) else x for k, x in tensors.items()}
    return {key: np.array(x, order="C") for key, x in detached.items()}


def load(path: str | os.PathLike) -> Any:
    """What was saved: a `Saved` with the model, or the dict of tensors.

    Args:
        path: a file that `save` wrote, a run folder, or any .safetensors file (a dict of tensors).

    Raises:
        RequestError: there is no such file, or it is damaged, or it is not a model.
    """
    path = Path(path)
    file = path / MODEL_FILE if path.is_dir() else path
    if not file.is_file():
        what = f"no {MODEL_FILE} in this folder" if path.is_dir() else "there is no such file"
        raise RequestError(said(f"load {path}", what, expected="a saved model or a run folder"))
    found, text = _read(file)
    tensors = {name: as_tensor(x) for name, x in found.items()}
    return tensors if text is None else _saved(file, text, tensors)


def _read(file: Path) -> tuple[dict[str, np.ndarray], str | None]:
    """The arrays, and the description where there is one."""
    try:
        with safetensors.safe_open(str(file), framework="numpy") as opened:
            found = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            return found, (opened.metadata() or {}).get(_KEY)
    except (safetensors.SafetensorError, OSError, ValueError) as problem:
        raise RequestError(
            said(
                f"load {file}",
                "the file is damaged, or not a saved model",
                expected="a .safetensors file",
                got=problem,
            )
        ) from None


def _saved(file: Path, text: str, tensors: dict[str, Tensor]) -> Saved:
    try:
        known = json.loads(text)
        model = nn.build(known["architecture"])
        model.load_state_dict(tensors)
        prepared = known["preparation"]
        preparation = None if prepared is None else Preparation.from_json(prepared)
    except (KeyError, TypeError, ValueError, RuntimeError) as problem:
        raise RequestError(
            said(f"load {file}", "the description of the model does not fit", got=problem)
        ) from None
    return Saved(model.eval(), preparation, known.get("extra", {}), str(file))
