"""Pooling layers: every window becomes its largest element or its mean. Nothing in them is learned.

Formulas, shapes and errors are on the page of the same name in `functional`.
"""

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
    """Windows and how they move.

    Args:
        kernel_size: of a window, one number or one per axis; likewise the next two.
        stride: by how many elements windows lie apart; the size of a window by default.
        padding: elements added on either side, at most half a window.
    """

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
    """The largest of every window.

    Args:
        dilation: the distance between the elements of a window.
        return_indices: give the pair of the largest and where in the image they are.
        ceil_mode: also windows that reach over the end.
    """

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
    """The largest of every window along the last axis."""

    def forward(self, input: Tensor) -> Any:
        return F.max_pool1d(input, *self.windows(), *self.choices())


class MaxPool2d(_MaxPool):
    """The largest of every window over the last two axes."""

    def forward(self, input: Tensor) -> Any:
        return F.max_pool2d(input, *self.windows(), *self.choices())


class _AvgPool(_Pool):
    """The mean of every window.

    Args:
        ceil_mode: also windows that reach over the end.
        count_include_pad: whether the zeros of the padding count as elements.
    """

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
    """The mean of every window along the last axis."""

    def windows(self) -> tuple[Any, Any, Any]:
        size, stride, padding = (
            per_axis("AvgPool1d", "a size", n, 1, 0) for n in super().windows()
        )
        return size, stride, padding

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, *self.windows(), self.ceil_mode, self.count_include_pad)


class AvgPool2d(_AvgPool):
    """The mean of every window over the last two axes.

    Args:
        divisor_override: divide the sum by this number instead of the number of elements.
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
    """As many means as wanted, whatever the size of the input.

    Args:
        output_size: the number of results, one number or one per axis; None keeps an axis.
    """

    def __init__(self, output_size: Any):
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """`output_size` means along the last axis."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """`output_size` means along each of the last two axes."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)
