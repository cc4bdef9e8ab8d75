"""LeNet-5: the network that read cheques, as published in 1998, and in the form used since.

Published, for images of 32×32 (parameters and connections are the paper's own numbers):

    C1  6 maps of 28×28   each sees 5×5 pixels                               156     122,304
    S2  6 maps of 14×14   trainable sub-sampling of 2×2                       12       5,880
    C3  16 maps of 10×10  each sees 5×5 of some of the six maps            1,516     151,600
    S4  16 maps of 5×5    trainable sub-sampling of 2×2                       32       2,000
    C5  120 units         each sees all maps                              48,120      48,120
    F6  84 units          each sees all units                             10,164      10,164
        10 penalties      distances from codes that are not learned            –         840
                                                                          60,000     340,908

The total holds the output's 840; C1 to F6 alone have 340,068 connections, and `summary` shows both.
After every layer but the last stands the squashing function 1.7159 tanh(2x/3).

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86(11), 1998, section II-B.
"""

from collections import OrderedDict
from itertools import pairwise

import numpy as np

from steepest import nn
from steepest.core import RequestError, closest, said
from steepest.models.digit_codes import digit_codes
from steepest.models.mlp import ACTIVATIONS

__all__ = ["POOLINGS", "SEEN_BY_C3", "lenet5"]

# Table I: the maps of S2 that each map of C3 sees. Three neighbours, four neighbours, two pairs of
# neighbours, and all: no two maps of C3 can learn the same.
SEEN_BY_C3 = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)

POOLINGS = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}

_SIDE = 32  # of the published network's image


def lenet5(
    modern: bool = False,
    *,
    size: tuple[int, int] | None = None,
    channels: int = 1,
    outputs: int = 10,
    background: float = -0.1,
    activation: str = "tanh",
    pooling: str = "average",
) -> nn.Module:
    """LeNet-5 as published, or in its modern form.

    Args:
        modern: full connections instead of a table, pooling without weights, scores of a linear
            layer instead of penalties: 6@5×5, pool, 16@5×5, pool, 120-84-outputs. It is trained
            with the cross entropy; the published form, whose outputs are penalties, with `MAPLoss`.
        size: (height, width) of the images. Smaller ones than 32×32 get a border: of `background`
            in the published form, of zeros inside the first convolution in the modern one. By
            default 32×32, or 28×28 where modern.
        channels: of the images.
        outputs: the number of classes; the published codes are those of ten digits.
        background: what a pixel of the background is; the paper scales it to −0.1 and ink to 1.175.
        activation, pooling: of the modern form; "tanh" and "average", or such as "relu" and "max".

    Returns:
        A Sequential, its layers named as in the paper: c1, s2, c3, s4, c5, f6, output.

    Raises:
        RequestError: images of a size that cannot be read, or another number of classes than 10.
    """
    height, width = size or ((28, 28) if modern else (_SIDE, _SIDE))
    if not (28 <= height <= _SIDE and 28 <= width <= _SIDE):
        raise RequestError(
            said(
                "lenet5",
                "the network is made for images of another size",
                expected=f"28×28 to {_SIDE}×{_SIDE} pixels",
                got=f"{height}×{width}",
                write="the images resized to 28×28, or the model mlp, which takes any size",
            )
        )
    border = (_SIDE - height, _SIDE - width)
    if modern:
        return _modern(border, channels, outputs, activation, pooling)
    if outputs != 10:
        raise RequestError(
            said(
                "lenet5",
                "the published output layer has codes for ten digits",
                expected="10 classes",
                got=outputs,
                write="lenet5(modern=True), on the command line --model lenet5-modern",
            )
        )
    return _published(border, channels, background)


def _published(border: tuple[int, int], channels: int, background: float) -> nn.Module:
    layers: dict[str, nn.Module] = OrderedDict()
    if any(border):
        layers["border"] = nn.ConstantPad2d(_around(border), background)
    layers["c1"] = nn.Conv2d(channels, 6, 5)
    layers["c1_squash"] = nn.ScaledTanh()
    layers["s2"] = nn.SubSampling(6)
    layers["s2_squash"] = nn.ScaledTanh()
    layers["c3"] = nn.TableConv2d(6, SEEN_BY_C3, 5)
    layers["c3_squash"] = nn.ScaledTanh()
    layers["s4"] = nn.SubSampling(16)
    layers["s4_squash"] = nn.ScaledTanh()
    layers["c5"] = nn.Conv2d(16, 120, 5)
    layers["c5_squash"] = nn.ScaledTanh()
    layers["flat"] = nn.Flatten()
    layers["f6"] = nn.Linear(120, 84)
    layers["f6_squash"] = nn.ScaledTanh()
    layers["output"] = nn.RBF(digit_codes())
    for layer in layers.values():
        _draw(layer)
    return nn.Sequential(layers)


def _draw(layer: nn.Module) -> None:
    """Weights as the paper starts them: uniform within ±2.4 / inputs of a unit (section II-B)."""
    if isinstance(layer, nn.TableConv2d):
        layer.draw(2.4 / layer.inputs())
    elif isinstance(layer, nn.Conv2d | nn.Linear | nn.SubSampling):
        window = layer.kernel_size if isinstance(layer, nn.SubSampling) else layer.weight.shape[1:]
        bound = 2.4 / int(np.prod(window))
        nn.init.uniform_(layer.weight, -bound, bound)
        nn.init.uniform_(layer.bias, -bound, bound)


def _modern(
    border: tuple[int, int], channels: int, outputs: int, activation: str, pooling: str
) -> nn.Module:
    for given, known, what in (
        (activation, ACTIVATIONS, "activation"),
        (pooling, POOLINGS, "pooling"),
    ):
        if given not in known:
            raise RequestError(
                said("lenet5", f"unknown {what} {given!r}{closest(str(given), known)}")
            )
    layers: dict[str, nn.Module] = OrderedDict()
    sides = _around(border)
    even = sides[0] == sides[1] and sides[2] == sides[3]
    if not even:
        layers["border"] = nn.ZeroPad2d(sides)
    layers["c1"] = nn.Conv2d(channels, 6, 5, padding=(sides[2], sides[0]) if even else 0)
    layers["c1_bend"] = ACTIVATIONS[activation]()
    layers["s2"] = POOLINGS[pooling](2)
    layers["c3"] = nn.Conv2d(6, 16, 5)
    layers["c3_bend"] = ACTIVATIONS[activation]()
    layers["s4"] = POOLINGS[pooling](2)
    layers["flat"] = nn.Flatten()
    widths = list(pairwise((400, 120, 84, outputs)))
    for name, (before, after) in zip(("c5", "f6", "output"), widths, strict=True):
        layers[name] = nn.Linear(before, after)
        if name != "output":
            layers[f"{name}_bend"] = ACTIVATIONS[activation]()
    return nn.Sequential(layers)


def _around(border: tuple[int, int]) -> tuple[int, int, int, int]:
    """(left, right, top, bottom) of a border that puts the image into the middle."""
    tall, wide = border
    return wide // 2, wide - wide // 2, tall // 2, tall - tall // 2
