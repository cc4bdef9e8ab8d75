"""What every layer makes of a sample: the feature maps."""

from itertools import pairwise
from typing import Any

import numpy as np

from steepest import nn
from steepest.tensors import Tensor

__all__ = ["feature_maps", "outputs_by_layer"]


def outputs_by_layer(model: nn.Module, x: np.ndarray) -> dict[str, np.ndarray]:
    """The outputs of all layers by path, for samples x of shape (n, …).

    A layer without weights that keeps the shape, such as an activation, belongs to the layer before
    it, whose output it replaces; one that only makes vectors of maps, or a border, is left out.
    """
    found: dict[str, np.ndarray] = {}
    hooks = []
    for path, layer in model.named_modules():
        if layer._modules:
            continue

        def keep(layer: nn.Module, args: Any, made: Tensor, path: str = path) -> None:
            last = next(reversed(found), None)
            bends = not layer._parameters and not layer._buffers
            if isinstance(layer, nn.Flatten | nn.ConstantPad2d):
                return
            if bends and last is not None and found[last].shape == tuple(made.shape):
                path = last
            found[path] = np.array(made.numpy())

        hooks.append(layer.register_forward_hook(keep))
    try:
        with nn.watching(model):
            model(Tensor(x))
    finally:
        for hook in hooks:
            hook.remove()
    return found


def feature_maps(model: nn.Module, sample: np.ndarray) -> dict[str, np.ndarray]:
    """What every layer makes of one sample (channels, height, width): maps, or a vector.

    The units that a layer of codes looks at are a drawing of 12 by 7, as its codes are.
    """
    found = {path: made[0] for path, made in outputs_by_layer(model, sample[None]).items()}
    paths = list(found)
    for before, path in pairwise(paths):
        coded = isinstance(model.get_submodule(path), nn.RBF)
        if coded and found[before].shape == (84,):
            found[before] = found[before].reshape(1, 12, 7)
    return found
