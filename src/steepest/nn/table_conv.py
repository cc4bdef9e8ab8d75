"""Convolution with a connection table: each filter sees only the maps that the table gives it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from steepest import functional as F
from steepest import primitives as P
from steepest.core import said
from steepest.functional.sliding import per_axis
from steepest.nn import init
from steepest.nn.module import Module
from steepest.nn.parameter import Parameter
from steepest.tensors import Tensor, as_tensor, no_grad

__all__ = ["TableConv2d"]


class TableConv2d(Module):
    """A Conv2d in which only the connections of a table exist, and only they are parameters.

    `weight` has shape (connections, *kernel_size): one small filter for each pair of a map that is
    made and a map that it sees, in the order of the table. What is kept from seeing the same maps
    must learn different things. For the convolution itself the filters are put into their places
    among zeros.

    Filters and biases of a map start uniform on [−k, k), k = 1 / √(its inputs).

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86(11), 1998, section II-B (layer C3, Table I).

    Args:
        in_channels: the number of maps that there are to see.
        table: for each map to make, the numbers of the maps that it sees, counted from 0.
        kernel_size: of a filter, one number or (height, width).

    Raises:
        ValueError: a map that sees none, one twice, or one that is not there.
    """

    def __init__(self, in_channels: int, table: Sequence[Sequence[int]], kernel_size: Any):
        super().__init__()
        self.in_channels, self.out_channels = in_channels, len(table)
        self.table = [[int(i) for i in seen] for seen in table]
        self.kernel_size = per_axis("TableConv2d", "kernel_size", kernel_size, 2, 1)
        self.stride, self.padding, self.dilation = (1, 1), (0, 0), (1, 1)
        for made, seen in enumerate(self.table):
            if not seen or len(set(seen)) < len(seen) or not set(seen) <= set(range(in_channels)):
                raise ValueError(
                    said(
                        "TableConv2d",
                        f"what map {made} sees is not a choice among {in_channels} maps",
                        expected=f"different numbers from 0 to {in_channels - 1}",
                        got=seen,
                    )
                )
        places = [made * in_channels + i for made, seen in enumerate(self.table) for i in seen]
        self.register_buffer("places", Tensor(np.array(places, np.int64)), persistent=False)
        self.weight = Parameter(F.zeros(len(places), *self.kernel_size))
        self.bias = Parameter(F.zeros(self.out_channels))
        self.reset_parameters()

    def inputs(self) -> np.ndarray:
        """How many weighted inputs a unit of each map has, (out_channels,)."""
        return np.array([len(seen) for seen in self.table]) * math.prod(self.kernel_size)

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        self.draw(1 / np.sqrt(self.inputs()))

    def draw(self, bounds: np.ndarray) -> None:
        """Weights and bias of each map uniform on [−bound, bound)."""
        per_filter = np.repeat(bounds, [len(seen) for seen in self.table])
        for x, bound in ((self.weight, per_filter[:, None, None]), (self.bias, bounds)):
            init.uniform_(x, -1.0, 1.0)
            with no_grad():
                x.mul_(as_tensor(bound.astype(x.dtype)))

    def filters(self) -> Tensor:
        """(out_channels, in_channels, *kernel_size): 0 where there is no connection."""
        rows = self.out_channels * self.in_channels
        spread = P.scatter_add(self.weight, self.places, rows=rows)
        return F.reshape(spread, (self.out_channels, self.in_channels, *self.kernel_size))

    def forward(self, input: Tensor) -> Tensor:
        return F.conv2d(input, self.filters(), self.bias)

    def work(self, given: tuple[int, ...], made: tuple[int, ...]) -> tuple[int, int]:
        products = self.weight.shape.numel() * math.prod(made[1:])
        return products + math.prod(made), products

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"{len(self.places)} of {self.in_channels * self.out_channels} connections"
        )
