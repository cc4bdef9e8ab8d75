"""Convolutional layers: filters slid over signals and images, and the adjoint of that."""

import math
from typing import Any, ClassVar

from steepest import functional as F
from steepest.core import said
from steepest.functional.sliding import per_axis
from steepest.nn import init
from steepest.nn.module import Module
from steepest.nn.parameter import Parameter
from steepest.tensors import Tensor

__all__ = ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"]


class _Conv(Module):
    """Filters, one bias for each, and how they move."""

    axes: ClassVar[int]
    moved_by: ClassVar[tuple[str, ...]] = ("stride", "padding", "dilation", "groups")
    transposed: ClassVar[bool] = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        name = type(self).__name__
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = per_axis(name, "kernel_size", kernel_size, self.axes, 1)
        self.stride = per_axis(name, "stride", stride, self.axes, 1)
        self.padding = (
            padding
            if isinstance(padding, str)
            else per_axis(name, "padding", padding, self.axes, 0)
        )
        self.dilation = per_axis(name, "dilation", dilation, self.axes, 1)
        if groups < 1 or in_channels % groups or out_channels % groups:
            got = f"{in_channels} and {out_channels} in {groups} groups"
            raise ValueError(said(name, "groups must divide both numbers of channels", got=got))
        if padding_mode != "zeros":
            got = repr(padding_mode)
            raise ValueError(said(name, "no such padding mode", expected="'zeros'", got=got))
        ends = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        empty = {"device": device, "dtype": dtype}
        self.weight = Parameter(F.zeros(ends[0], ends[1] // groups, *self.kernel_size, **empty))
        if bias:
            self.bias = Parameter(F.zeros(out_channels, **empty))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        if self.in_channels == 0:
            return
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(init.fans(self.weight)[0])
            init.uniform_(self.bias, -bound, bound)

    def settings(self) -> dict[str, Any]:
        """How the filters move, as `functional` calls it."""
        return {name: getattr(self, name) for name in self.moved_by}

    def work(self, given: tuple[int, ...], made: tuple[int, ...]) -> tuple[int, int]:
        # each element of the result (of the input, where it is spread) meets one filter's weights
        places = math.prod((given if self.transposed else made)[-self.axes :])
        products = places * self.weight.shape.numel()
        return products + (math.prod(made) if self.bias is not None else 0), products

    def extra_repr(self) -> str:
        usual = {"padding": (0,) * self.axes, "dilation": (1,) * self.axes, "groups": 1}
        usual |= {"output_padding": (0,) * self.axes}
        shown = [f"{self.in_channels}, {self.out_channels}", f"kernel_size={self.kernel_size}"]
        shown += [
            f"{name}={value}" for name, value in self.settings().items() if usual.get(name) != value
        ]
        return ", ".join([*shown, *([] if self.bias is not None else ["bias=False"])])


class Conv1d(_Conv):
    """Filters slid along one axis, the same weights at every place.

        out[n, o, p] = b[o] + Σ_c Σ_q w[o, c, q] · x[n, c, stride·p + dilation·q]

    A signal of shape (n, in_channels, length), or one without n, becomes (n, out_channels,
    1 + ⌊(length + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋). `weight` has shape
    (out_channels, in_channels / groups, kernel_size).

    Source: Waibel et al., "Phoneme recognition using time-delay neural networks", IEEE Transactions
    on Acoustics, Speech and Signal Processing 37, 1989.

    Args: as for `Conv2d`, each size one number. Raises: as `Conv2d`.
    """

    axes = 1

    def forward(self, input: Tensor) -> Tensor:
        return F.conv1d(input, self.weight, self.bias, **self.settings())


class Conv2d(_Conv):
    """Filters slid over images, the same weights at every place.

        out[n, o, p] = b[o] + Σ_c Σ_q w[o, c, q] · x[n, c, stride·p + dilation·q]

    p is a place (row, column) and q one in the filter; x has zeros around it. An image of shape
    (n, in_channels, height, width), or one without n, becomes (n, out_channels, height', width'):

        height' = 1 + ⌊(height + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋

    `weight` has shape (out_channels, in_channels / groups, *kernel_size), `bias` (out_channels).
    Both start uniform on [−k, k), k = 1 / √(in_channels / groups · elements of a filter), with
    PyTorch's numbers for the same seed.

    Source: LeCun et al., "Backpropagation applied to handwritten zip code recognition", Neural
    Computation 1, 1989.

    Args:
        in_channels: of the input.
        out_channels: the number of filters.
        kernel_size: of a filter, one number or (height, width); likewise the next three.
        stride: by how many elements a filter moves.
        padding: zeros on either side; "valid" for none, "same" for as many as keep the size.
        dilation: the distance between the elements that a filter looks at.
        groups: channels and filters are cut into so many parts that do not see each other.
        bias: False for none.
        padding_mode: "zeros".
        device: accepted if it is "cpu".
        dtype: float32 unless said otherwise.

    Raises:
        ValueError: groups that do not divide both numbers of channels, or another padding mode.
        RuntimeError: a size that is too small, and, when called, an input that does not fit.
    """

    axes = 2

    def forward(self, input: Tensor) -> Tensor:
        return F.conv2d(input, self.weight, self.bias, **self.settings())


class _ConvTranspose(_Conv):
    """The adjoint of a convolution, which makes signals and images larger."""

    moved_by = ("stride", "padding", "dilation", "output_padding", "groups")
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ):
        how = (stride, padding, dilation, groups, bias, padding_mode, device, dtype)
        super().__init__(in_channels, out_channels, kernel_size, *how)
        name = type(self).__name__
        self.output_padding = per_axis(name, "output_padding", output_padding, self.axes, 0)


class ConvTranspose1d(_ConvTranspose):
    """The adjoint of `Conv1d`: every element of the input spreads the filters over the result.

    A signal of shape (n, in_channels, length), or one without n, becomes (n, out_channels,
    (length − 1)·stride − 2·padding + dilation·(kernel_size − 1) + 1 + output_padding). `weight` has
    shape (in_channels, out_channels / groups, kernel_size).

    Args: as for `ConvTranspose2d`, each size one number. Raises: as `Conv2d`.
    """

    axes = 1

    def forward(self, input: Tensor) -> Tensor:
        return F.conv_transpose1d(input, self.weight, self.bias, **self.settings())


class ConvTranspose2d(_ConvTranspose):
    """The adjoint of `Conv2d`: every element of the input spreads the filters over the result.

        out[n, o, stride·p + dilation·q] = b[o] + Σ w[c, o, q] · x[n, c, p]

    The sum goes over channels c and all pairs of places p and q that meet there. An image of shape
    (n, in_channels, height, width), or one without n, becomes (n, out_channels, height', width'):

        height' = (height − 1)·stride − 2·padding + dilation·(kernel_size − 1) + 1 + output_padding

    `weight` has shape (in_channels, out_channels / groups, *kernel_size), `bias` (out_channels).
    Both start uniform on [−k, k), k = 1 / √(out_channels / groups · elements of a filter), with
    PyTorch's numbers for the same seed.

    Source: Zeiler et al., "Deconvolutional networks", CVPR 2010.

    Args:
        in_channels: of the input.
        out_channels: of the result.
        kernel_size: of a filter, one number or (height, width); likewise the next three.
        stride: by how many elements of the result two neighbours of the input lie apart.
        padding: so many elements are cut off on either side.
        output_padding: so many are added at the end of each axis; less than stride or dilation.
        groups, bias, dilation, padding_mode, device, dtype: as for `Conv2d`.

    Raises: as `Conv2d`.
    """

    axes = 2

    def forward(self, input: Tensor) -> Tensor:
        return F.conv_transpose2d(input, self.weight, self.bias, **self.settings())
