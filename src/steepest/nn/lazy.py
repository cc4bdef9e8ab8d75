"""Layers that learn the size of their input from the first one they are given.

    net = nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.LazyLinear(1))
    net(x)          # from here on two Linear layers

Until then their weights hold no elements; an optimizer may already have been given them.
"""

from typing import Any

from steepest import functional as F
from steepest.core import said
from steepest.nn.conv import Conv2d
from steepest.nn.linear import Linear
from steepest.tensors import Tensor

__all__ = ["LazyConv2d", "LazyLinear"]


class LazyLinear(Linear):
    """A `Linear` whose `in_features` is the length of the first input's last axis.

    From that input on it is a `Linear`, with weights drawn then. (*, n) becomes (*, out_features).

    Args:
        out_features, bias, device, dtype: as for `Linear`.
    """

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None):
        super().__init__(0, out_features, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        self.in_features = input.shape[-1]
        size = (self.out_features, self.in_features)
        self.weight.data = F.zeros(size, dtype=self.weight.dtype)
        args, kwargs = self._made_with
        self._made_with = ((self.in_features, *args), kwargs)
        self.__class__ = Linear  # type: ignore[assignment]
        self.reset_parameters()
        return self.forward(input)


class LazyConv2d(Conv2d):
    """A `Conv2d` whose `in_channels` is the number of channels of the first input.

    From that input on it is a `Conv2d`, with weights drawn then; shapes are those of `Conv2d`.

    Args:
        out_channels and the others: as for `Conv2d`.

    Raises:
        RuntimeError: the first input is not a batch of images, or an image.
    """

    def __init__(self, out_channels: int, kernel_size: Any, *args: Any, **kwargs: Any):
        super().__init__(0, out_channels, kernel_size, *args, **kwargs)

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise RuntimeError(said("LazyConv2d", "expected 3 or 4 axes", got=input.shape))
        self.in_channels = input.shape[-3]
        size = (self.out_channels, self.in_channels // self.groups, *self.kernel_size)
        self.weight.data = F.zeros(size, dtype=self.weight.dtype)
        args, kwargs = self._made_with
        self._made_with = ((self.in_channels, *args), kwargs)
        self.__class__ = Conv2d  # type: ignore[assignment]
        self.reset_parameters()
        return self.forward(input)
