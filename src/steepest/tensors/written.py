"""Tensors as text, as PyTorch prints them: four decimals, aligned columns, long ones shortened."""

from collections.abc import Callable
from typing import Any

import numpy as np

from steepest.core import is_float

__all__ = ["written"]

WIDTH = 80
LONG = 1000  # elements from which on only the ends of every axis are shown
ENDS = 3


def written(value: np.ndarray, prefix: str, notes: list[str]) -> str:
    """`prefix`, the numbers, and the notes, in lines of at most 80 characters."""
    indent = len(prefix)
    short = value.size > LONG
    if value.size:
        text = _nested(value, _formatter(_ends(value) if short else value), indent, short)
    else:
        text = "[]"
        notes = notes if value.ndim == 1 else [f"size={value.shape}", *notes]
    lines = prefix + text
    last = len(lines) - lines.rfind("\n") + 1
    for note in notes:
        if last + len(note) + 2 > WIDTH:
            lines, last = f"{lines},\n{' ' * indent}{note}", indent + len(note)
        else:
            lines, last = f"{lines}, {note}", last + len(note) + 2
    return lines + ")"


def _formatter(shown: np.ndarray) -> Callable[[Any], str]:
    """How each number is written, so that all (but inf and NaN among short ones) are as wide."""
    form = _number(shown)
    wide = shown[np.isfinite(shown) & (shown != 0)] if is_float(shown.dtype) else shown.reshape(-1)
    width = max((len(form(x)) for x in wide), default=0) if shown.ndim else 0
    return lambda x: form(x).rjust(width)


def _number(shown: np.ndarray) -> Callable[[Any], str]:
    if not is_float(shown.dtype):
        return str
    finite = shown[np.isfinite(shown) & (shown != 0)].astype(np.float64)
    sizes = np.abs(finite)
    whole = bool((finite == np.floor(finite)).all())
    spread = bool(sizes.size) and (sizes.max() / sizes.min() > 1000 or sizes.max() > 1e8)
    if spread or (not whole and sizes.min() < 1e-4):
        return lambda x: f"{x:.4e}"
    if whole:
        return lambda x: f"{x:.0f}." if np.isfinite(x) else str(float(x))
    return lambda x: f"{x:.4f}"


def _ends(value: np.ndarray) -> np.ndarray:
    """The first and last three of every axis."""
    for axis, n in enumerate(value.shape):
        if n > 2 * ENDS:
            value = value.take([*range(ENDS), *range(n - ENDS, n)], axis)
    return value


def _nested(value: np.ndarray, form: Callable[[Any], str], indent: int, short: bool) -> str:
    if not value.ndim:
        return form(value[()])
    cut = short and len(value) > 2 * ENDS
    parts = [*value[:ENDS], *value[-ENDS:]] if cut else list(value)
    if value.ndim == 1:
        numbers = [form(x) for x in parts]
        if cut:
            numbers.insert(ENDS, " ...")
        count = max(1, (WIDTH - indent) // (len(form(parts[0])) + 2))
        rows = [", ".join(numbers[i : i + count]) for i in range(0, len(numbers), count)]
        return "[" + (",\n" + " " * (indent + 1)).join(rows) + "]"
    blocks = [_nested(part, form, indent + 1, short) for part in parts]
    if cut:
        blocks.insert(ENDS, "...")
    return "[" + ("," + "\n" * (value.ndim - 1) + " " * (indent + 1)).join(blocks) + "]"
