"""IDX, the format of MNIST: big-endian arrays, one per file, in a folder of files.

    train-images-idx3-ubyte   train-labels-idx1-ubyte
    t10k-images-idx3-ubyte    t10k-labels-idx1-ubyte

each plain or gzipped (.gz). Where the t10k files exist they are the test part.
Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", on file formats.
"""

import gzip
import zlib
from pathlib import Path

import numpy as np

from steepest.core import RequestError, lazy, said
from steepest.data.source import Source

__all__ = ["read_idx", "read_idx_folder"]

polars = lazy("polars")

# The third byte of the file says what the numbers are.
_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: Path) -> np.ndarray:
    """One IDX file: two zero bytes, the dtype, the number of axes, their sizes, the numbers."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error):
        raise RequestError(said(path.name, "not a readable gzip file")) from None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _DTYPES:
        raise RequestError(
            said(
                path.name,
                "not an IDX file",
                expected="two zero bytes, a dtype, a number of axes",
                got=content[:4].hex(" ") or "an empty file",
            )
        )
    dtype, axes = np.dtype(_DTYPES[content[2]]), content[3]
    start = 4 + 4 * axes
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    expected = start + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if len(content) != expected:
        raise RequestError(
            said(
                path.name,
                f"the file is cut short or too long for shape {shape}",
                expected=f"{expected} bytes",
                got=len(content),
            )
        )
    numbers = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return numbers.astype(dtype.newbyteorder("="))


def read_idx_folder(folder: Path) -> Source:
    """A folder of images and labels, with a test part of its own where the t10k files exist."""
    train = _pair(folder, "train")
    if train is None:
        raise RequestError(
            said(
                folder.name,
                "no pictures and no IDX images in this folder",
                expected="a folder of PNG files for each class, or train-images-idx3-ubyte and "
                "train-labels-idx1-ubyte, plain or .gz",
                got=", ".join(sorted(p.name for p in folder.iterdir())[:6]) or "an empty folder",
            )
        )
    test = _pair(folder, "t10k")
    files = [*train, *(test or ())]
    arrays = [read_idx(path) for path in files]
    for path, images, labels in zip(files[::2], arrays[::2], arrays[1::2], strict=True):
        _check(path, images, labels, arrays[0].shape[1:])
    return Source(
        folder.name,
        images=np.concatenate(arrays[::2])[:, None],
        labels=polars.Series("labels", np.concatenate(arrays[1::2])),
        target="labels",
        task="classification",
        test_from=None if test is None else len(arrays[0]),
        provenance=f"folder {folder.name}",
        files=tuple(files),
    )


def _pair(folder: Path, part: str) -> tuple[Path, Path] | None:
    """The files of images and labels of one part, or None where there are no images."""
    images, labels = (
        next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)
        for name in (f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte")
    )
    if images is None:
        return None
    if labels is None:
        raise RequestError(
            said(
                folder.name,
                f"{images.name} has no labels beside it",
                expected=f"{part}-labels-idx1-ubyte, plain or .gz",
            )
        )
    return images, labels


def _check(path: Path, images: np.ndarray, labels: np.ndarray, size: tuple[int, ...]) -> None:
    """Images of one size, and a label for each."""
    if images.ndim != 3 or images.shape[1:] != size or labels.shape != images.shape[:1]:
        raise RequestError(
            said(
                path.name,
                "images and labels do not fit together",
                expected="images of shape (n, height, width) and n labels",
                got=f"shapes {images.shape} and {labels.shape}",
            )
        )
