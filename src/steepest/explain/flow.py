"""How a signal goes through a network and its gradient comes back; and units that no longer learn.

A unit is dead where its slope is 0 for every sample, as a ReLU's that never opens: no gradient
passes it, so nothing can wake it. It is saturated where its slope is less than a twentieth of what
the activation's can be, for nearly all samples: a tanh or a sigmoid far from its middle.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest import nn
from steepest.autograd import grad
from steepest.nn import activation, rectifier
from steepest.tensors import Tensor

__all__ = ["Flow", "LayerFlow", "flow"]

_SATURATED = 0.05  # of the steepest slope
_NEARLY_ALL = 0.95  # of the samples
_ALARM = 1e-3  # the smallest mean gradient beside the largest, and how much of a layer may be dead
_MANY = 0.25

_PAGES = (activation, rectifier)
_ACTIVATIONS = tuple(getattr(page, name) for page in _PAGES for name in page.__all__)


@dataclass(frozen=True)
class LayerFlow:
    """One layer.

    Attributes:
        layer: its path.
        signal: the root mean square of what it makes.
        gradient: the root mean square of ∂loss/∂(what it makes), over samples and units.
        dead, saturated: the share of its units, 0 where it is no activation.
    """

    layer: str
    signal: float
    gradient: float
    dead: float = 0.0
    saturated: float = 0.0


@dataclass(frozen=True)
class Flow:
    """All layers, in the order in which the signal meets them."""

    layers: list[LayerFlow]

    @property
    def alarms(self) -> list[str]:
        """What keeps layers from learning, one sentence each; nothing where all is well."""
        found = [
            f"{layer.layer}: {share:.0%} of the units are {what}"
            for layer in self.layers
            for what, share in (("dead", layer.dead), ("saturated", layer.saturated))
            if share > _MANY
        ]
        first, last = self.layers[0].gradient, self.layers[-1].gradient
        if first < _ALARM * last:
            found.append(f"the gradient vanishes: {first / last:.1g} of it reaches the first layer")
        if last < _ALARM * first:
            found.append(f"the gradient explodes: {first / last:.1g} times it at the first layer")
        return found


def flow(model: nn.Module, loss: Callable[..., Tensor], x: Any, y: Any) -> Flow:
    """Send samples through a model, in use, and the gradient of their loss back.

    Args:
        model, loss: as in training; the model is not changed.
        x, y: some hundred samples and their targets.
    """
    seen: dict[str, tuple[nn.Module, Tensor, Tensor]] = {}
    watched = copy.deepcopy(model).eval()
    for path, layer in watched.named_modules():
        if layer._modules:
            continue

        def keep(layer: nn.Module, given: Any, made: Tensor, path: str = path) -> None:
            if made.requires_grad and made.node is not given[0].node:
                seen[path] = (layer, given[0], made)

        layer.register_forward_hook(keep)
    value = loss(watched(Tensor(x)), Tensor(y))
    made = [out for _, _, out in seen.values()]
    slopes = grad(value, made, retain_graph=True, materialize_grads=True)
    layers = []
    for (path, (layer, given, out)), slope in zip(seen.items(), slopes, strict=True):
        asleep = _asleep(layer, given, out) if isinstance(layer, _ACTIVATIONS) else (0.0, 0.0)
        size = float(len(x))  # the loss is an average: a sample's own gradient is n times as large
        strength = size * float(np.sqrt(np.mean(slope.numpy().astype(np.float64) ** 2)))
        signal = float(np.sqrt(np.mean(out.detach().numpy().astype(np.float64) ** 2)))
        layers.append(LayerFlow(path, signal, strength, *asleep))
    return Flow(layers)


def _asleep(layer: nn.Module, given: Tensor, made: Tensor) -> tuple[float, float]:
    """The shares of an activation's units that are dead, and that are saturated."""
    if made.shape != given.shape:  # GLU
        return 0.0, 0.0
    (slope,) = grad(made.sum(), given, retain_graph=True)  # type: ignore[attr-defined]
    units = np.moveaxis(np.abs(slope.numpy()), 1, 0).reshape(made.shape[1], -1)
    probe = Tensor(np.linspace(-3, 3, 121, dtype=given.dtype)[:, None]).requires_grad_()
    (usual,) = grad(layer(probe).sum(), probe)
    flat = (units < _SATURATED * np.abs(usual.numpy()).max()).mean(1) >= _NEARLY_ALL
    dead = (units == 0).all(1)
    return float(dead.mean()), float((flat & ~dead).mean())
