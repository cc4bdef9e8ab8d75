"""Files of `torch.save`: read and written without PyTorch, and without running what is in them.

Such a file is a zip archive: a pickle that says how dicts, lists and tensors are put together, and
one entry of bare numbers per storage. A pickle can name any function of any module to be called.
This reader knows the few that tensors are made of and refuses every other name; the writer uses no
others.
"""

import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from steepest.core import RequestError, said
from steepest.tensors import Tensor

__all__ = ["load_torch", "save_torch"]

STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
_STORAGE_OF = {np.dtype(dtype): name for name, dtype in STORAGES.items()}


# ---- reading -------------------------------------------------------------------------------------


def load_torch(path: str | os.PathLike) -> Any:
    """What `torch.save` wrote: nested dicts and lists, with this library's tensors in them.

    Args:
        path: a file of PyTorch 1.6 or later.

    Raises:
        RequestError: no such file, or a damaged one, or one that holds more than tensors, numbers,
            texts, lists and dicts (a whole module, for instance: save its `state_dict()`).
    """
    where = f"load_torch {path}"
    if not Path(path).is_file():
        raise RequestError(said(where, "there is no such file"))
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            if len(names) != 1:
                raise RequestError(said(where, "not a file of torch.save", got="no data.pkl"))
            return _Reader(where, archive, names[0]).load()
    except (zipfile.BadZipFile, pickle.UnpicklingError, KeyError, EOFError, ValueError) as problem:
        if isinstance(problem, RequestError):
            raise
        raise RequestError(said(where, "the file is damaged", got=problem)) from None


class _Reader(pickle.Unpickler):
    """A pickle reader that can make nothing but dicts and tensors."""

    def __init__(self, where: str, archive: zipfile.ZipFile, entry: str):
        super().__init__(io.BytesIO(archive.read(entry)))
        self.where, self.archive, self.folder = where, archive, entry.removesuffix("data.pkl")

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in STORAGES:
            return np.dtype(STORAGES[name])
        if (module, name) not in _KNOWN:
            raise RequestError(
                said(
                    self.where,
                    "the file wants code to be run, which this library never does",
                    expected="tensors, numbers, texts, lists and dicts",
                    got=f"{module}.{name}",
                    write="torch.save(model.state_dict(), path) where the file is made",
                )
            )
        return _KNOWN[module, name]

    def persistent_load(self, pid: Any) -> np.ndarray:
        _, dtype, key, _, count = pid
        return np.frombuffer(self.archive.read(f"{self.folder}data/{key}"), dtype, count)


def _tensor(
    storage: np.ndarray, offset: int, shape: tuple, strides: tuple, gradient: bool, *rest: Any
) -> Tensor:
    """A tensor as PyTorch pickles it: where in a storage its elements are."""
    last = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    if 0 in shape:
        return Tensor(np.zeros(shape, storage.dtype))
    if offset < 0 or min(shape, default=1) < 0 or min(strides, default=0) < 0:
        raise ValueError("a tensor with negative sizes")
    if last >= storage.size:
        raise ValueError("a tensor larger than its storage")
    steps = [s * storage.itemsize for s in strides]
    view = np.lib.stride_tricks.as_strided(storage[offset:], shape, steps, writeable=False)
    return Tensor(np.array(view, order="C")).requires_grad_(bool(gradient))


_KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch", "Size"): tuple,
    ("torch._utils", "_rebuild_parameter"): lambda data, gradient, hooks: data,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
}


# ---- writing -------------------------------------------------------------------------------------


def save_torch(obj: Any, path: str | os.PathLike) -> None:
    """Write nested dicts, lists and tensors so that `torch.load` reads them, weights_only or not.

    Raises:
        RequestError: something else is among them.
    """
    writer = _Writer()
    writer.write(obj)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", bytes(writer.out) + pickle.STOP)
        archive.writestr("archive/byteorder", "little")
        for key, array in enumerate(writer.storages):
            archive.writestr(f"archive/data/{key}", array.tobytes())
        archive.writestr("archive/version", "3\n")


class _Writer:
    """Writes the opcodes of a pickle; Python's own pickler could name PyTorch's functions only in a
    process that has PyTorch."""

    def __init__(self) -> None:
        self.out = bytearray(pickle.PROTO + b"\x02")
        self.storages: list[np.ndarray] = []

    def write(self, x: Any) -> None:
        if x is None:
            self.out += pickle.NONE
        elif isinstance(x, bool):
            self.out += pickle.NEWTRUE if x else pickle.NEWFALSE
        elif isinstance(x, int):
            number = x.to_bytes(x.bit_length() // 8 + 1, "little", signed=True)
            self.out += pickle.LONG1 + bytes([len(number)]) + number
        elif isinstance(x, float):
            self.out += pickle.BINFLOAT + struct.pack(">d", x)
        elif isinstance(x, str):
            text = x.encode()
            self.out += pickle.BINUNICODE + struct.pack("<I", len(text)) + text
        elif isinstance(x, Mapping):
            self._several(pickle.EMPTY_DICT, [y for pair in x.items() for y in pair], b"u")
        elif isinstance(x, list):
            self._several(pickle.EMPTY_LIST, x, b"e")
        elif isinstance(x, tuple):
            self._several(b"", x, pickle.TUPLE)
        else:
            self._tensor(x)

    def _several(self, before: bytes, parts: Any, after: bytes) -> None:
        self.out += before + pickle.MARK
        for part in parts:
            self.write(part)
        self.out += after

    def _name(self, module: str, name: str) -> None:
        self.out += pickle.GLOBAL + f"{module}\n{name}\n".encode()

    def _tensor(self, x: Any) -> None:
        """The call that makes the tensor of its storage, offset, shape, strides and hooks."""
        array = x.detach().numpy() if isinstance(x, Tensor) else np.asarray(x)
        if array.dtype not in _STORAGE_OF:
            got = type(x).__name__
            raise RequestError(said("save_torch", "this is no tensor, number or text", got=got))
        array = np.array(array, order="C")
        self._name("torch._utils", "_rebuild_tensor_v2")
        self.out += pickle.MARK + pickle.MARK
        self.write("storage")
        self._name("torch", _STORAGE_OF[array.dtype])
        for part in (str(len(self.storages)), "cpu", array.size):
            self.write(part)
        self.out += pickle.TUPLE + pickle.BINPERSID
        strides = tuple(s // array.itemsize for s in array.strides)
        for number in (0, array.shape, strides, False):
            self.write(number)
        self._name("collections", "OrderedDict")
        self.out += pickle.EMPTY_TUPLE + pickle.REDUCE + pickle.TUPLE + pickle.REDUCE
        self.storages.append(array)
