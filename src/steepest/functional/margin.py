"""Losses with a margin: what is right by more than the margin costs nothing."""

from typing import Any

from steepest.core import said
from steepest.functional.activation import logsigmoid
from steepest.functional.distance import pairwise_distance
from steepest.functional.loss import reduced, same_shape
from steepest.functional.math import clamp, minimum, sqrt, where
from steepest.functional.reduction import mean, sum
from steepest.tensors import Tensor, neg

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
]


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, *, reduction: str = "mean"
) -> Tensor:
    """x where the target is 1, max(0, margin − x) where it is −1: distances of alike and unlike.

    Args:
        input, target: of one shape.
        margin: how far apart unlike ones should be.
        reduction: "mean", "sum", or "none" for the losses themselves.
    """
    unlike = where(target == 1, 0.0, clamp(margin - input, min=0))
    losses = unlike + where(target == -1, 0.0, input)
    return reduced("hinge_embedding_loss", losses, reduction)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, *, reduction: str = "mean"
) -> Tensor:
    """1 − cos where the target is 1, max(0, cos − margin) where it is −1.

    Args:
        input1, input2: (N, features), or one vector each; target: (N,), or one number.
        margin: the largest cosine that unlike vectors may have.
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        RuntimeError: shapes do not fit.
    """
    name = "cosine_embedding_loss"
    if input1.ndim != target.ndim + 1 or input2.ndim != target.ndim + 1 or target.ndim > 1:
        got = f"{input1.shape}, {input2.shape}, {target.shape}"
        raise RuntimeError(said(name, "one target per pair of vectors", got=got))
    tiny = 1e-12  # PyTorch's, added to both squares
    sizes = (sum(input1 * input1, -1) + tiny) * (sum(input2 * input2, -1) + tiny)
    cosine = sum(input1 * input2, -1) / sqrt(sizes)
    alike = where(target == 1, 1 - cosine, 0.0)
    unlike = where(target == -1, clamp(cosine - margin, min=0), 0.0)
    return reduced(name, alike + unlike, reduction)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, *, reduction: str = "mean"
) -> Tensor:
    """max(0, margin − t (x − y)): x should be the larger where t = 1, the smaller where t = −1.

    Args:
        input1, input2, target: x, y and t, with as many axes.
        margin: by how much it should be.
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        RuntimeError: other numbers of axes.
    """
    name = "margin_ranking_loss"
    if not input1.ndim == input2.ndim == target.ndim:
        got = f"{input1.shape}, {input2.shape}, {target.shape}"
        raise RuntimeError(said(name, "all inputs have the same number of axes", got=got))
    return reduced(name, clamp(margin - target * (input1 - input2), min=0), reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + d(a, p) − d(a, n)), d the distance along the last axis.

    Source: Balntas et al., BMVC 2016.

    Args:
        anchor, positive, negative: (N, features), or (features,).
        margin: by how much nearer the positive should be, above 0.
        p, eps: as in `pairwise_distance`.
        swap: the smaller of d(a, n) and d(p, n) counts.
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        ValueError: a margin that is not positive. RuntimeError: other numbers of axes.
    """
    name = "triplet_margin_loss"
    if margin <= 0:
        raise ValueError(said(name, "margin must be greater than 0", got=margin))
    if not anchor.ndim == positive.ndim == negative.ndim:
        got = f"{anchor.shape}, {positive.shape}, {negative.shape}"
        raise RuntimeError(said(name, "all inputs have the same number of axes", got=got))
    near, far = (
        pairwise_distance(anchor, positive, p, eps),
        pairwise_distance(anchor, negative, p, eps),
    )
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced(name, clamp(margin + near - far, min=0), reduction)


def soft_margin_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """log(1 + exp(−t x)), t = 1 or −1: the logistic loss.

    Args:
        input, target: x and t, of one shape.
        reduction: "mean", "sum", or "none" for the losses themselves.
    """
    return reduced("soft_margin_loss", neg(logsigmoid(target * input)), reduction)


def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Any = None, *, reduction: str = "mean"
) -> Tensor:
    """The mean over the classes of −(t log σ(x) + (1 − t) log σ(−x)): one loss per sample.

    Args:
        input, target: x and t, (N, C).
        weight: what each class counts, (C,).
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        ValueError: shapes that differ, or an unknown reduction.
    """
    name = "multilabel_soft_margin_loss"
    same_shape(name, input, target)
    losses = neg(target * logsigmoid(input) + (1 - target) * logsigmoid(neg(input)))
    return reduced(name, mean(losses if weight is None else losses * weight, -1), reduction)
