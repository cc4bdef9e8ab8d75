"""Losses that compare distributions, as modules: the functions with their settings."""

from typing import Any

from steepest import functional as F
from steepest.nn.loss import _Loss
from steepest.tensors import Tensor

__all__ = ["GaussianNLLLoss", "KLDivLoss", "PoissonNLLLoss"]


class KLDivLoss(_Loss):
    """t · (log t − output), the output in logarithms: how far the model's guess is from the target.

    Output and target have one shape, any. Source: Kullback and Leibler, "On information and
    sufficiency", Annals of Mathematical Statistics 22, 1951.

    Args:
        reduction: "batchmean" divides the sum by the length of axis 0 and is the divergence itself;
            "mean" by the number of elements; "sum" and "none" as for other losses.
        log_target: the target holds logarithms too.

    Raises:
        ValueError: when called, an unknown reduction.
    """

    def __init__(self, *, reduction: str = "mean", log_target: bool = False):
        super().__init__(reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(_Loss):
    """Minus the log-likelihood of counts whose expectation is exp(output), or the output itself.

        exp(x) − t x            log_input=False: x − t log(x + eps)

    Output x and target t have one shape, any. What depends on the target alone is left out.

    Args:
        log_input: whether the output is the logarithm of the expectation.
        full: add Stirling's t log t − t + ½ log(2πt) where t > 1.
        eps: keeps the logarithm finite.
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        ValueError: when called, an unknown reduction.
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        *,
        eps: float = 1e-8,
        reduction: str = "mean",
    ):
        super().__init__(reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        how: dict[str, Any] = {"eps": self.eps, "reduction": self.reduction}
        return F.poisson_nll_loss(log_input, target, self.log_input, self.full, **how)


class GaussianNLLLoss(_Loss):
    """Minus the log-likelihood of the target under a normal distribution of given variance.

        ½ (log v + (x − t)² / v)

    It is called with output x, target t and the variance v, kept above eps: a number, one per
    element, or one per row.

    Source: Nix and Weigend, "Estimating the mean and variance of the target probability
    distribution", ICNN 1994.

    Args:
        full: add the constant ½ log 2π.
        eps: the smallest variance.
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        ValueError: when called, a negative variance, or one of another shape.
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean"):
        super().__init__(reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Tensor, target: Tensor, var: Any) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)
