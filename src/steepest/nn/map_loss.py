"""The loss of penalties: the true class's penalty down, the others' up."""

from steepest import functional as F
from steepest.nn.module import Module
from steepest.tensors import Tensor

__all__ = ["MAPLoss"]


class MAPLoss(Module):
    """mean( y_D + log(e⁻ʲ + Σ_i e^(−y_i)) ), y the penalties and y_D the true class's.

    For the layer `RBF`, whose penalties are small where a class fits. The first term alone pulls
    the true class's penalty down; the second, the competition, pushes the other penalties up, and
    makes the whole the negative log of a posterior probability (maximum a posteriori). e⁻ʲ stands
    for a class of rubbish: classes whose penalty is far above j are bad enough and left alone.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86(11), 1998, equations 8 (the first term) and 9.

    Args:
        j: the penalty of the class of rubbish, above 0. The paper does not say which it took; 20
            is less than half the smallest distance between two of its codes.
    """

    def __init__(self, j: float = 20.0):
        super().__init__()
        self.j = j

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of penalties (n, classes) and true classes (n,), whole numbers."""
        true = F.nll_loss(-input, target)
        # log(e⁻ʲ + eˢ) = softplus(s + j) − j, s = log Σ e^(−y_i)
        others = F.softplus(F.logsumexp(-input, 1) + self.j) - self.j
        return true + F.mean(others)

    def extra_repr(self) -> str:
        return f"j={self.j}"
