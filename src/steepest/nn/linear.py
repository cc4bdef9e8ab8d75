"""Linear layers, and layers that only change the shape."""

import math
from typing import Any

from steepest import functional as F
from steepest.core import said
from steepest.nn import init
from steepest.nn.module import Module
from steepest.nn.parameter import Parameter
from steepest.tensors import Tensor

__all__ = ["Bilinear", "Flatten", "Identity", "Linear", "Unflatten"]


class Linear(Module):
    """x Wᵀ + b: (*, in_features) becomes (*, out_features).

    `weight` has shape (out_features, in_features), `bias` (out_features); both start uniform on
    [−k, k), k = 1 / √in_features, with PyTorch's numbers for the same seed.

    Args:
        in_features: the length of the input's last axis.
        out_features: the length of the result's last axis.
        bias: False for x Wᵀ alone.
        device: accepted if it is "cpu".
        dtype: float32 unless said otherwise.

    Raises:
        RuntimeError: when called, an input whose last axis has another length.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        empty = {"device": device, "dtype": dtype}
        self.weight = Parameter(F.zeros(out_features, in_features, **empty))
        if bias:
            self.bias = Parameter(F.zeros(out_features, **empty))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        if self.in_features == 0:
            return
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features)
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def work(self, given: tuple[int, ...], made: tuple[int, ...]) -> tuple[int, int]:
        products = math.prod(made) * self.in_features
        return products + (math.prod(made) if self.bias is not None else 0), products

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Bilinear(Module):
    """xᵀ W y + b per output: (*, in1_features) and (*, in2_features) become (*, out_features).

    `weight` has shape (out, in1, in2), `bias` (out); both start uniform on [−k, k), k = 1 / √in1.

    Args:
        in1_features, in2_features: the lengths of the inputs' last axes.
        out_features: the length of the result's last axis.
        bias: False for xᵀ W y alone.
        device: accepted if it is "cpu".
        dtype: float32 unless said otherwise.

    Raises:
        ValueError: in1_features is not positive.
        RuntimeError: when called, inputs that do not fit.
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        if in1_features <= 0:
            raise ValueError(said("Bilinear", "in1_features must be > 0", got=in1_features))
        self.in1_features, self.in2_features = in1_features, in2_features
        self.out_features = out_features
        empty = {"device": device, "dtype": dtype}
        self.weight = Parameter(F.zeros(out_features, in1_features, in2_features, **empty))
        self.register_parameter("bias", Parameter(F.zeros(out_features, **empty)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        bound = 1 / math.sqrt(self.in1_features)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class Identity(Module):
    """Gives back what it is given; any arguments are accepted, so it can stand in for any layer."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Flatten(Module):
    """Makes one axis of the axes start_dim to end_dim: (n, c, h, w) becomes (n, c·h·w).

    Args:
        start_dim: the first of them; 1, so that the samples stay apart, unless said otherwise.
        end_dim: the last of them, included.

    Raises:
        IndexError: when called, an axis that the input does not have.
        RuntimeError: when called, an end before the start.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        return F.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Makes several axes of one, undoing `Flatten`: (n, c·h·w) becomes (n, c, h, w).

    Args:
        dim: the axis.
        unflattened_size: the sizes that it becomes, whose product is its own; one may be -1.

    Raises:
        RuntimeError: when called, sizes with another product.
    """

    def __init__(self, dim: int, unflattened_size: tuple[int, ...] | list[int]):
        super().__init__()
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        return F.unflatten(input, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
