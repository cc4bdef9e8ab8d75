"""Trainable sub-sampling: what convolutional networks had before pooling."""

import math
from typing import Any

from steepest import functional as F
from steepest.functional.sliding import per_axis
from steepest.nn import init
from steepest.nn.module import Module
from steepest.nn.parameter import Parameter
from steepest.tensors import Tensor

__all__ = ["SubSampling"]


class SubSampling(Module):
    """w_c · Σ window + b_c: one coefficient and one bias for each map, windows side by side.

    (n, channels, height, width) becomes (n, channels, height / kernel_size, width / kernel_size). A
    map whose coefficient is small stays where its squashing function is straight, and is merely
    blurred; with a large one it answers like an "or" or an "and" of its window, by its bias.

    Both start uniform on [−k, k), k = 1 / √(elements of a window).

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86(11), 1998, section II-B (layers S2 and S4).

    Args:
        channels: the number of maps.
        kernel_size: of a window, one number or (height, width).

    Raises:
        RuntimeError: a size below 1, or, when called, images smaller than a window.
    """

    def __init__(self, channels: int, kernel_size: Any = 2):
        super().__init__()
        self.channels = channels
        self.kernel_size = per_axis("SubSampling", "kernel_size", kernel_size, 2, 1)
        self.stride = self.kernel_size
        self.weight = Parameter(F.zeros(channels))
        self.bias = Parameter(F.zeros(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the coefficients and biases anew."""
        bound = 1 / math.sqrt(math.prod(self.kernel_size))
        init.uniform_(self.weight, -bound, bound)
        init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        total = F.avg_pool2d(input, self.kernel_size, divisor_override=1)
        shape = (self.channels, 1, 1)
        return total * F.reshape(self.weight, shape) + F.reshape(self.bias, shape)

    def work(self, given: tuple[int, ...], made: tuple[int, ...]) -> tuple[int, int]:
        # the elements of a window and the bias are connected; the sum is multiplied once
        units = math.prod(made)
        return units * (math.prod(self.kernel_size) + 1), units

    def extra_repr(self) -> str:
        return f"{self.channels}, kernel_size={self.kernel_size}"
