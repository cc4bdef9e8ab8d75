"""Losses with a margin, and distances, as modules: the functions with their settings."""

from steepest import functional as F
from steepest.nn.loss import _Loss
from steepest.nn.module import Module
from steepest.tensors import Tensor

__all__ = [
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "MultiLabelSoftMarginLoss",
    "PairwiseDistance",
    "SoftMarginLoss",
    "TripletMarginLoss",
]


class _MarginLoss(_Loss):
    """A loss with a margin."""

    def __init__(self, margin: float, reduction: str):
        super().__init__(reduction)
        self.margin = margin


class HingeEmbeddingLoss(_MarginLoss):
    """x where the target is 1, max(0, margin − x) where it is −1: x is how unlike a pair is.

    Output and target have one shape, any.

    Args:
        margin: how unlike pairs with target −1 should be at least.
        reduction: "mean", "sum", or "none" for the losses themselves.
    """

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean"):
        super().__init__(margin, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.hinge_embedding_loss(input, target, self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(_MarginLoss):
    """1 − cos of pairs whose target is 1, max(0, cos − margin) of those whose target is −1.

    Pairs of vectors (n, features) have targets (n,); a pair (features,) has one number.

    Args:
        margin: the largest cosine that pairs with target −1 may have, −1 to 1.
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        RuntimeError: when called, shapes that do not fit.
    """

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean"):
        super().__init__(margin, reduction)

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.cosine_embedding_loss(
            input1, input2, target, self.margin, reduction=self.reduction
        )


class MarginRankingLoss(_MarginLoss):
    """max(0, margin − t (x − y)): x should be larger than y where t = 1, smaller where t = −1.

    Both inputs and the target have as many axes.

    Args:
        margin: by how much it should be.
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        RuntimeError: when called, other numbers of axes.
    """

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean"):
        super().__init__(margin, reduction)

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, self.margin, reduction=self.reduction)


class TripletMarginLoss(_MarginLoss):
    """max(0, margin + d(a, p) − d(a, n)): the positive nearer to the anchor than the negative.

    d(x, y) = ‖x − y + eps‖ₚ along the last axis; anchor, positive and negative are (n, features),
    or (features,), and each triple has one loss.

    Source: Balntas et al., "Learning local feature descriptors with triplets and shallow
    convolutional neural networks", BMVC 2016.

    Args:
        margin: by how much nearer, above 0.
        p: of the p-norm.
        eps: keeps the derivative finite where two vectors are equal.
        swap: the smaller of d(a, n) and d(p, n) counts.
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        ValueError: when called, a margin that is not positive.
        RuntimeError: when called, other numbers of axes.
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        *,
        reduction: str = "mean",
    ):
        super().__init__(margin, reduction)
        self.p, self.eps, self.swap = p, eps, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        how = (self.margin, self.p, self.eps, self.swap)
        return F.triplet_margin_loss(anchor, positive, negative, *how, reduction=self.reduction)


class SoftMarginLoss(_Loss):
    """log(1 + exp(−t x)) of scores x and targets t = 1 or −1, of one shape: the logistic loss.

    Args:
        reduction: "mean", "sum", or "none" for the losses themselves.
    """

    def __init__(self, *, reduction: str = "mean"):
        super().__init__(reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_Loss):
    """Binary cross entropy of σ(output), averaged over the classes of each sample.

        −mean over classes of (t log σ(x) + (1 − t) log σ(−x))

    Output x and target t have shape (n, classes); the losses themselves have shape (n,).

    Args:
        weight: what each class counts, (classes,).
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        ValueError: when called, shapes that differ, or an unknown reduction.
    """

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean"):
        super().__init__(reduction)
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_soft_margin_loss(input, target, self.weight, reduction=self.reduction)


class CosineSimilarity(Module):
    """The cosine of the angle between vectors, x · y / (max(‖x‖, eps) max(‖y‖, eps)).

    Both inputs are broadcast to one shape; the result has it without axis `dim`.

    Args:
        dim: the axis along which the vectors lie.
        eps: the smallest length that is divided by.
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8):
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of x − y + eps along the last axis: (n, features) twice becomes (n,).

    Args:
        p: of the p-norm.
        eps: keeps the derivative finite where two vectors are equal.
        keepdim: leave the last axis, with length 1.
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False):
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
