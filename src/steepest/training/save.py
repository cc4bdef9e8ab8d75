"""Saving a model with everything needed to use it, or training as it stands: no code in the file.

A saved model is a .safetensors file: the weights bit for bit, and in its metadata, as JSON, the
architecture and the preparation of the data. A checkpoint of one's own making is the same kind of
file: all its tensors, and how they are nested. Other programs read the tensors with the safetensors
package. Loading builds only the library's own layers, so a file cannot run anything.
"""

import io
import json
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from steepest import nn
from steepest.core import RequestError, lazy, said
from steepest.data import Preparation
from steepest.tensors import as_tensor, on_processor
from steepest.training.atomic import write_bytes
from steepest.training.nesting import apart, together

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
    obj: Any, path: str | os.PathLike | IO[bytes], preparation: Any = None, **extra: Any
) -> None:
    """Write a model, or nested dicts, lists and tuples of tensors, to one .safetensors file.

    Args:
        obj: a module made of the library's layers; or anything put together of tensors, numbers,
            texts and None, such as `{"epoch": 5, "model": model.state_dict()}`.
        path: the file, which is replaced in one step; or a file that is open for writing bytes.
        preparation: goes with a model, so that it predicts from raw data.
        extra: JSON-able facts to keep with a model.

    Raises:
        RequestError: something else, whose place in the nesting is named; a class of the user's
            own; or a folder that is not there.
    """
    known: dict[str, Any]
    if isinstance(obj, nn.Module):
        known = description(obj, preparation, **extra)
        _, arrays = apart(obj.state_dict())
    elif preparation is None and not extra:
        nesting, arrays = apart(obj)
        known = {"nesting": nesting}
    else:
        given = ", ".join(extra) or "preparation"
        what = "facts beside what is saved go with a model alone"
        raise RequestError(said("save", what, got=given, write="put them into a dict"))
    content = safetensors_numpy.save(arrays, {_KEY: json.dumps(known, allow_nan=False)})
    try:
        if isinstance(path, str | os.PathLike):
            write_bytes(path, content)
        else:
            path.write(content)
    except OSError as problem:
        raise RequestError(said("save", f"cannot write {path}", got=problem.strerror)) from None


def load(
    path: str | os.PathLike | IO[bytes], map_location: Any = None, *, weights_only: bool = True
) -> Any:
    """What was saved: a `Saved` with the model, or the same dicts, lists, tuples and tensors.

    Args:
        path: what `save` wrote, a run folder, any .safetensors file (a dict of tensors), or a file
            that is open for reading bytes.
        map_location: the processor, by one of its names.
        weights_only: accepted so that scripts run as they are; a file never runs anything.

    Raises:
        RequestError: there is no such file, or it is damaged, or it is not a model.
        RuntimeError: another device.
    """
    del weights_only
    on_processor("load", map_location)
    where, content = _content(path)
    try:
        arrays = safetensors_numpy.load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (safetensors.SafetensorError, ValueError) as problem:
        ours = zipfile.is_zipfile(io.BytesIO(content))
        raise RequestError(
            said(
                f"load {where}",
                "the file is damaged, or not a saved model",
                expected="a .safetensors file",
                got="a file that PyTorch wrote" if ours else problem,
                write="steepest.interop.load_torch(path)" if ours else None,
            )
        ) from None
    text = header.get("__metadata__", {}).get(_KEY)
    if text is None:
        return {name: as_tensor(x) for name, x in arrays.items()}
    return _known(where, text, arrays)


def _content(path: str | os.PathLike | IO[bytes]) -> tuple[str, bytes]:
    """What to call the file, and all that is in it."""
    if not isinstance(path, str | os.PathLike):
        return getattr(path, "name", "the bytes"), path.read()
    file = Path(path)
    where = file / MODEL_FILE if file.is_dir() else file
    if not where.is_file():
        what = f"no {MODEL_FILE} in this folder" if file.is_dir() else "there is no such file"
        raise RequestError(said(f"load {path}", what, expected="a saved model or a run folder"))
    try:
        return str(where), where.read_bytes()
    except OSError as problem:
        raise RequestError(said(f"load {where}", "cannot be read", got=problem.strerror)) from None


def _known(where: str, text: str, arrays: dict[str, np.ndarray]) -> Any:
    """The model or the nesting that the text describes."""
    try:
        known = json.loads(text)
        if "nesting" in known:
            return together(known["nesting"], arrays)
        model = nn.build(known["architecture"])
        model.load_state_dict(arrays)
        prepared = known["preparation"]
        preparation = None if prepared is None else Preparation.from_json(prepared)
    except (KeyError, TypeError, ValueError, RuntimeError) as problem:
        raise RequestError(
            said(f"load {where}", "the description in the file does not fit", got=problem)
        ) from None
    return Saved(model.eval(), preparation, known.get("extra", {}), where)
