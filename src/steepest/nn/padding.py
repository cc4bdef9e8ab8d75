"""Layers that put a border around images."""

from steepest import functional as F
from steepest.functional.sliding import per_axis
from steepest.nn.module import Module
from steepest.tensors import Tensor

__all__ = ["ConstantPad2d", "ZeroPad2d"]


class ConstantPad2d(Module):
    """Images with a border: (*, height, width) becomes (*, top + height + bottom, …).

    Args:
        padding: the width of the border, or (left, right, top, bottom); a negative width cuts off.
        value: what stands in the border.

    Raises:
        RuntimeError: padding of another length, or, when called, more cut off than there is.
    """

    def __init__(self, padding: int | tuple[int, int, int, int], value: float):
        super().__init__()
        self.padding = per_axis(type(self).__name__, "padding", padding, 4, -(2**31))
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, value=self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ZeroPad2d(ConstantPad2d):
    """Images with a border of zeros. Shapes, `padding` and errors are those of `ConstantPad2d`."""

    def __init__(self, padding: int | tuple[int, int, int, int]):
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"
