"""Pooling layers: every window becomes its largest element or its mean; nothing is learned."""

from typing import Any

from steepest import functional as F
from steepest.functional.sliding import per_axis
from steepest.nn.module import Module
from steepest.tensors import Tensor

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "MaxPool1d",
    "MaxPool2d",
]


class _Pool(Module):
    """Windows and how they move."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0):
        super().__init__()
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def windows(self) -> tuple[Any, Any, Any]:
        """Size, step and padding."""
        return self.kernel_size, self.stride, self.padding

    def extra_repr(self) -> str:
        size, stride, padding = self.windows()
        return f"kernel_size={size}, stride={stride}, padding={padding}"


class _MaxPool(_Pool):
    """The largest of every window."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ):
        super().__init__(kernel_size, stride, padding)
        self.dilation, self.return_indices, self.ceil_mode = dilation, return_indices, ceil_mode

    def choices(self) -> tuple[Any, bool, bool]:
        """The arguments that follow those of the windows."""
        return self.dilation, self.ceil_mode, self.return_indices

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, dilation={self.dilation}, ceil_mode={self.ceil_mode}"


class MaxPool1d(_MaxPool):
    """The largest of every window along the last axis: (n, channels, length), or one signal.

    The result has 1 + ⌊(length + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ elements
    along it. Args and Raises: as for `MaxPool2d`.
    """

    def forward(self, input: Tensor) -> Any:
        return F.max_pool1d(input, *self.windows(), *self.choices())


class MaxPool2d(_MaxPool):
    """The largest of every window over the last two axes: the strongest answer, wherever it is.

    An image of shape (n, channels, height, width), or one without n, becomes (n, channels, height',
    width'). Of elements that tie, the first gets the gradient.

        height' = 1 + ⌊(height + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋

    Source: Scherer, Müller and Behnke, "Evaluation of pooling operations in convolutional
    architectures for object recognition", ICANN 2010.

    Args:
        kernel_size: of a window, one number or (height, width); likewise the next three.
        stride: by how many elements windows lie apart; the size of a window by default.
        padding: −∞ on either side, at most half a window.
        dilation: the distance between the elements of a window.
        return_indices: give the pair of the largest and where they are, as numbers of the elements
            of an image counted row by row.
        ceil_mode: also windows that reach over the end, as long as they begin before it.

    Raises:
        RuntimeError: when called, sizes that do not fit together.
    """

    def forward(self, input: Tensor) -> Any:
        return F.max_pool2d(input, *self.windows(), *self.choices())


class _AvgPool(_Pool):
    """The mean of every window."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ):
        super().__init__(kernel_size, stride, padding)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad


class AvgPool1d(_AvgPool):
    """The mean of every window along the last axis: (n, channels, length), or one signal.

    The result has 1 + ⌊(length + 2·padding − kernel_size) / stride⌋ elements along it. Args: as for
    `AvgPool2d`, each size one number, without `divisor_override`. Raises: as `AvgPool2d`.
    """

    def windows(self) -> tuple[Any, Any, Any]:
        size, stride, padding = (
            per_axis("AvgPool1d", "a size", n, 1, 0) for n in super().windows()
        )
        return size, stride, padding

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, *self.windows(), self.ceil_mode, self.count_include_pad)


class AvgPool2d(_AvgPool):
    """The mean of every window over the last two axes.

    An image of shape (n, channels, height, width), or one without n, becomes (n, channels, height',
    width'):

        height' = 1 + ⌊(height + 2·padding − kernel_size) / stride⌋

    Args:
        kernel_size: of a window, one number or (height, width); likewise the next two.
        stride: by how many elements windows lie apart; the size of a window by default.
        padding: zeros on either side, at most half a window.
        ceil_mode: also windows that reach over the end, as long as they begin before it.
        count_include_pad: whether the zeros of the padding count as elements.
        divisor_override: divide the sum by this number instead of the number of elements.

    Raises:
        RuntimeError: when called, sizes that do not fit together, or a divisor of 0.
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ):
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        counted = (self.ceil_mode, self.count_include_pad, self.divisor_override)
        return F.avg_pool2d(input, *self.windows(), *counted)


class _AdaptiveAvgPool(Module):
    """As many means as wanted, whatever the size of the input."""

    def __init__(self, output_size: Any):
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """`output_size` means along the last axis: (n, channels, length) becomes (n, channels, means).

    The i-th is the mean of the elements from ⌊i·length / output_size⌋ up to, and without,
    ⌈(i + 1)·length / output_size⌉. A signal without n is one, too.

    Args:
        output_size: the number of means, as a number or a sequence of one.

    Raises:
        RuntimeError: when called, an input of another shape, or with nothing to take a mean of.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """As many means as wanted along each of the last two axes, whatever the size of the image.

    (n, channels, height, width), or one image without n, becomes (n, channels, *output_size). Along
    an axis of length l with m means, the i-th is that of the elements from ⌊i·l / m⌋ up to, and
    without, ⌈(i + 1)·l / m⌉. With output_size=1 each channel becomes its mean.

    Source: for output_size=1, Lin, Chen and Yan, "Network in network", ICLR 2014.

    Args:
        output_size: the number of means, one number or (height, width); None keeps an axis.

    Raises:
        RuntimeError: when called, an input of another shape, or with nothing to take a mean of.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)
