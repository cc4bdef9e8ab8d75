"""The initial parameters of a layer: shapes in PyTorch's order, and what they are drawn from."""

from typing import Any

import numpy as np

from benchmarks.sequences import RECURRENT

__all__ = ["NORMS", "parameters"]

NORMS = ("BatchNorm1d", "BatchNorm2d", "LayerNorm")
Drawn = tuple[tuple[int, ...], float, float]  # shape, and the bounds of a uniform distribution


def parameters(kind: str, *sizes: Any) -> list[Drawn]:
    """Weights lie within 1/√inputs, their biases too; what scales lies around one."""
    if kind == "Linear":
        return _linear(*sizes)
    if kind == "Conv2d":
        inputs, outputs, kernel, *_ = sizes
        return _linear(inputs * kernel**2, outputs, (outputs, inputs, kernel, kernel))
    if kind in RECURRENT:
        inputs, state = sizes
        bound, rows = 1 / np.sqrt(state), RECURRENT[kind] * state
        shapes = ((rows, inputs), (rows, state), (rows,), (rows,))
        return [(shape, -bound, bound) for shape in shapes]
    if kind == "TransformerEncoderLayer":
        width, _, inner, *_ = sizes
        layers = ((width, 3 * width), (width, width), (width, inner), (inner, width))
        made = [drawn for layer in layers for drawn in _linear(*layer)]
        return made + 2 * parameters("LayerNorm", width)
    if kind == "Places":
        return [(sizes, -0.1, 0.1)]
    if kind in NORMS:
        return [((sizes[0],), 0.5, 1.5), ((sizes[0],), -0.5, 0.5)]
    return [((1,), 0.25, 0.25)] if kind == "PReLU" else []


def _linear(inputs: int, outputs: int, shape: tuple[int, ...] = ()) -> list[Drawn]:
    bound = 1 / np.sqrt(inputs)
    return [(shape or (outputs, inputs), -bound, bound), ((outputs,), -bound, bound)]
