"""Layer, group and root-mean-square normalization: each sample by itself, the same in use."""

from typing import Any

from steepest import functional as F
from steepest.core import said, sizes
from steepest.nn import init
from steepest.nn.module import Module
from steepest.nn.parameter import Parameter
from steepest.tensors import Tensor

__all__ = ["GroupNorm", "LayerNorm", "RMSNorm"]


class _Scaled(Module):
    """A learnt scale and a learnt shift, or either, or neither."""

    def scale(self, shape: Any, weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        """Make those of both that are wanted."""
        for name, wanted in (("weight", weight), ("bias", bias)):
            value = Parameter(F.zeros(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale by 1, shift by 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class LayerNorm(_Scaled):
    """Each sample to mean 0 and variance 1 over its last axes; the shape stays.

        (x − x̄) / √(s² + eps) · weight + bias

    s² has divisor n; training and use are alike. `weight` and `bias` have the shape of those axes
    and start at 1 and 0. Source: Ba, Kiros and Hinton, "Layer normalization", 2016.

    Args:
        normalized_shape: the sizes of those axes, or the size of the last.
        eps: added to the variance before its root is taken.
        elementwise_affine: whether a learnt scale (and, with `bias`, a shift) follows.
        bias: False for a scale alone.
        device: accepted if it is "cpu".
        dtype: float32 unless said otherwise.

    Raises:
        RuntimeError: when called, an input with other last axes.
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        self.normalized_shape = sizes((normalized_shape,))
        self.eps, self.elementwise_affine = eps, elementwise_affine
        affine = elementwise_affine
        self.scale(self.normalized_shape, affine, affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class GroupNorm(_Scaled):
    """Each group of channels of each sample to mean 0 and variance 1: (N, C, *) keeps its shape.

        (x − x̄) / √(s² + eps) · weight + bias           x̄ and s² over channels and places

    Training and use are alike. `weight` and `bias` have shape (C,) and start at 1 and 0. Source: Wu
    and He, "Group normalization", ECCV 2018.

    Args:
        num_groups: into how many groups the channels are divided.
        num_channels: the number of channels C, axis 1 of the input.
        eps: added to the variance before its root is taken.
        affine: whether a learnt scale (and, with `bias`, a shift) per channel follows.
        device: accepted if it is "cpu".
        dtype: float32 unless said otherwise.
        bias: False for a scale alone.

    Raises:
        ValueError: groups that do not share the channels equally.
        RuntimeError: when called, an input with other channels.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ):
        super().__init__()
        if num_channels % num_groups:
            got = f"{num_channels} channels, {num_groups} groups"
            raise ValueError(said("GroupNorm", "groups share the channels equally", got=got))
        self.num_groups, self.num_channels = num_groups, num_channels
        self.eps, self.affine = eps, affine
        self.scale(num_channels, affine, affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Each sample to root mean square 1 over its last axes; the shape stays.

        x / √(mean x² + eps) · weight

    `weight` has the shape of those axes and starts at 1. Source: Zhang and Sennrich, "Root mean
    square layer normalization", NeurIPS 2019.

    Args:
        normalized_shape: the sizes of those axes, or the size of the last.
        eps: added to the mean square; the dtype's distance from 1 to the next number by default.
        elementwise_affine: whether a learnt scale follows.
        device: accepted if it is "cpu".
        dtype: float32 unless said otherwise.

    Raises:
        RuntimeError: when called, an input with other last axes.
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        self.normalized_shape = sizes((normalized_shape,))
        self.eps, self.elementwise_affine = eps, elementwise_affine
        like = {"device": device, "dtype": dtype}
        learnt = Parameter(F.zeros(self.normalized_shape, **like)) if elementwise_affine else None
        self.register_parameter("weight", learnt)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale by 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )
