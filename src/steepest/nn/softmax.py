"""Softmax and its kin as layers: scores become shares that add up to 1 along an axis."""

from steepest import functional as F
from steepest.nn.module import Module
from steepest.tensors import Tensor

__all__ = ["LogSoftmax", "Softmax", "Softmin"]


class Softmax(Module):
    """eˣ / Σ eˣ along an axis: shares that add up to 1; the shape stays.

    Not to be put before a cross entropy, which has it inside.

    Args:
        dim: the axis; None means axis 1, or 0 for tensors of 0, 1 or 3 axes.

    Raises:
        IndexError: when called, an axis that the input does not have.
    """

    def __init__(self, dim: int | None = None):
        super().__init__()
        self.dim = dim

    def axis(self, x: Tensor) -> int:
        """The axis along which the numbers add up to 1."""
        return (0 if x.ndim in (0, 1, 3) else 1) if self.dim is None else self.dim

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.axis(input))

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """log(eˣ / Σ eˣ) along an axis, exact where the softmax would round to 0; what NLLLoss wants.

    Args:
        dim: the axis; None as for `Softmax`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.axis(input))


class Softmin(Softmax):
    """e⁻ˣ / Σ e⁻ˣ along an axis: the smallest number gets the largest share.

    Args:
        dim: the axis; None as for `Softmax`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.axis(input))
