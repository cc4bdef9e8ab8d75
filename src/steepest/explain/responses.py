"""What a unit responds to most: the pieces of the images that excite it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest import nn
from steepest.core import RequestError, closest, said
from steepest.explain.layers import outputs_by_layer

__all__ = ["Responses", "receptive_field", "responses"]

_ROWS = 500  # samples per forward pass: the maps of all layers are held at once


@dataclass(frozen=True)
class Responses:
    """What excites the units of one layer.

    Attributes:
        layer: its path.
        pieces: for each map or unit the pieces of images, (maps, count, height, width), the most
            exciting first; NaN where the unit looks beyond the edge of the image.
        values: (maps, count) what the unit answered.
    """

    layer: str
    pieces: np.ndarray
    values: np.ndarray


def responses(model: nn.Module, x: np.ndarray, layer: str, count: int = 9) -> Responses:
    """The pieces of images x (n, channels, height, width) that excite each unit of a layer most.

    Of one image each map gives its most excited place only, so that one image cannot fill a row.

    Raises:
        RequestError: there is no such layer.
    """
    best: list[tuple[np.ndarray, np.ndarray]] = []
    for start in range(0, len(x), _ROWS):
        made = outputs_by_layer(model, x[start : start + _ROWS])
        if layer not in made:
            hint = closest(layer, made)
            raise RequestError(said("responses", f"the model has no layer {layer!r}{hint}"))
        flat = made[layer].reshape(*made[layer].shape[:2], -1)
        best.append((flat.max(2), flat.argmax(2)))
    peaks, places = (np.concatenate([b[i] for b in best]) for i in (0, 1))
    width = made[layer].shape[3] if made[layer].ndim == 4 else 1
    field = receptive_field(model, layer, x.shape[2:])
    order = np.argsort(-peaks, axis=0, kind="stable")[:count]
    pieces = [
        [_piece(x[i].mean(0), field, divmod(int(places[i, m]), width)) for i in order[:, m]]
        for m in range(peaks.shape[1])
    ]
    return Responses(layer, np.array(pieces), np.take_along_axis(peaks, order, 0).T)


Field = tuple[tuple[int, int, int], ...]


def receptive_field(model: nn.Module, layer: str, size: tuple[int, ...]) -> Field:
    """(length, step, start) per axis: unit i of the layer sees `length` pixels from i·step + start.

    Args:
        model: its layers are run in the order in which they are listed.
        layer: the path of the layer.
        size: (height, width) of the images.
    """
    field = [(1, 1, 0), (1, 1, 0)]
    for path, module in model.named_modules():
        if module._modules:
            continue
        if isinstance(module, nn.Flatten | nn.Linear):  # from here on, every unit sees all
            return tuple((n, 1, 0) for n in size)
        field = [_grown(field[axis], module, axis) for axis in (0, 1)]
        if path == layer:
            break
    return tuple(field)


def _grown(seen: tuple[int, int, int], module: Any, axis: int) -> tuple[int, int, int]:
    """What a unit sees through one more layer."""
    length, step, start = seen
    if isinstance(module, nn.ConstantPad2d):
        return length, step, start - module.padding[2 - 2 * axis] * step
    if not hasattr(module, "kernel_size"):
        return seen
    size, stride, padding, gap = (
        _on(getattr(module, name, usual), axis)
        for name, usual in (("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1))
    )
    return length + (size - 1) * gap * step, step * stride, start - padding * step


def _on(value: Any, axis: int) -> int:
    return value if isinstance(value, int) else value[axis]


def _piece(image: np.ndarray, field: Field, place: tuple[int, int]) -> np.ndarray:
    """The part of an image that the unit at a place sees, NaN beyond the edge."""
    starts = [step * p + start for (_, step, start), p in zip(field, place, strict=True)]
    lengths = [length for length, *_ in field]
    out = np.full(lengths, np.nan, np.float32)
    low = [max(0, s) for s in starts]
    high = [min(n, s + k) for n, s, k in zip(image.shape, starts, lengths, strict=True)]
    inside = tuple(slice(a - s, b - s) for a, b, s in zip(low, high, starts, strict=True))
    out[inside] = image[low[0] : high[0], low[1] : high[1]]
    return out
