"""Dropout as a layer: noise while training, nothing in use."""

from steepest import functional as F
from steepest.core import said
from steepest.nn.module import Module
from steepest.tensors import Tensor, assign

__all__ = ["Dropout"]


class Dropout(Module):
    """In training, sets each element to 0 with probability p and divides the others by 1 − p.

    So the mean of an element stays what it is. In use (after `eval()`) the result is the input.
    Any shape; each element is drawn by itself.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
    JMLR 15, 2014.

    Args:
        p: the probability of an element's being dropped.
        inplace: change the input itself.

    Raises:
        ValueError: p is not between 0 and 1.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(said("Dropout", "p is a probability", expected="0 to 1", got=p))
        self.p, self.inplace = p, inplace

    def forward(self, input: Tensor) -> Tensor:
        if self.inplace and self.training:
            return assign(input, F.dropout(F.clone(input), self.p), "dropout_")
        return F.dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
