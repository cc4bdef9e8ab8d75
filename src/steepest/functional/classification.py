"""Losses of classifiers: what the true class is given, against what all of them are given.

Targets are class numbers, one per row of scores; a number that is no class is refused, and so is a
target that has an axis too many.
"""

from typing import Any

import numpy as np

from steepest.core import is_float, said
from steepest.functional.activation import log_softmax
from steepest.functional.comparison import logical_and
from steepest.functional.loss import reduced
from steepest.functional.math import where
from steepest.functional.reduction import mean, sum
from steepest.functional.select import is_class, outside
from steepest.functional.shape import movedim
from steepest.tensors import Tensor, neg, occurs

__all__ = ["cross_entropy", "nll_loss"]


def _class_scores(name: str, output: Tensor, target: Tensor) -> Tensor:
    """The scores with classes last, checked against targets that are class numbers."""
    if not output.ndim:
        raise RuntimeError(said(name, "expected scores of shape (N, C)", got=output.shape))
    axis = 1 if output.ndim > 1 else 0
    scores = movedim(output, axis, -1)
    if target.shape != scores.shape[:-1]:
        raise ValueError(
            said(
                name,
                "one class number per row of scores",
                expected=f"target {tuple(scores.shape[:-1])}",
                got=f"target {target.shape}",
                write="target.reshape(-1)" if target.shape == (*scores.shape[:-1], 1) else None,
            )
        )
    if is_float(target.dtype):
        raise RuntimeError(
            said(name, "class numbers must be integers", got=target.dtype, write="target.long()")
        )
    return scores


def _check_labels(name: str, target: Tensor, classes: int, counted: Tensor) -> None:
    wrong = logical_and(outside(target, classes), counted)
    if occurs(wrong):
        row = tuple(map(int, np.argwhere(wrong.value)[0]))
        raise IndexError(
            said(
                name,
                f"the target of row {row[0] if row else 0} is not a class",
                expected=f"0 to {classes - 1}",
                got=int(target.value[wrong.value].flat[0]),
            )
        )


def _check_weight(name: str, weight: Tensor | None, classes: int) -> None:
    if weight is not None and weight.shape != (classes,):
        raise RuntimeError(
            said(name, "weight holds one number per class", expected=(classes,), got=weight.shape)
        )


def nll_loss(
    output: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """−log-probability of the true class, weighted if there are weights.

    Args:
        output: log-probabilities of shape (N, C), (C,) or (N, C, d₁, …).
        target: class numbers of the shape without C.
        weight: one weight per class; the mean is a weighted one.
        ignore_index: the class number of rows that count for nothing.
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        ValueError: not one target per row, or an unknown reduction.
        IndexError: a target that is not a class.
        RuntimeError: targets that are not whole numbers, or a weight of another shape.
    """
    scores = _class_scores("nll_loss", output, target)
    return _picked("nll_loss", neg(scores), target, weight, ignore_index, reduction)


def _picked(
    name: str,
    costs: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
) -> Tensor:
    """The cost of the true class in each row, weighted, reduced."""
    classes = costs.shape[-1]
    _check_weight(name, weight, classes)
    counted = target != ignore_index
    _check_labels(name, target, classes, counted)
    # Where, not a product with 0 and 1: the cost of another class may be infinite.
    true_class = is_class(target, classes)
    losses = sum(where(true_class, costs, 0.0), -1)
    if weight is not None:
        row_weight = sum(where(true_class, weight, 0.0), -1)
        losses = losses * row_weight
        total = sum(where(counted, row_weight, 0.0))
    else:
        total = sum(counted.to(costs.dtype))  # type: ignore[attr-defined]
    losses = where(counted, losses, 0.0)
    return sum(losses) / total if reduction == "mean" else reduced(name, losses, reduction)


def cross_entropy(
    output: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−log softmax(output) at the true class: scores in, one number out.

    Args:
        output: scores of shape (N, C), (C,) or (N, C, d₁, …), before any softmax.
        target: class numbers of the shape without C, or probabilities of output's shape.
        weight: one weight per class.
        ignore_index: the class number of rows that count for nothing.
        reduction: "mean", "sum", or "none" for the losses themselves.
        label_smoothing: how much of each target is spread evenly over all classes, 0 to 1.

    Raises: as `nll_loss`; RuntimeError: a label_smoothing outside 0 to 1.
    """
    name = "cross_entropy"
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(said(name, "label_smoothing is 0 to 1", got=label_smoothing))
    if is_float(target.dtype) and target.shape == output.shape:
        return _against_probabilities(output, target, weight, reduction, label_smoothing)
    scores = _class_scores(name, output, target)
    costs = neg(log_softmax(scores, -1))
    if not label_smoothing:
        return _picked(name, costs, target, weight, ignore_index, reduction)
    hard = _picked(name, costs, target, weight, ignore_index, reduction)
    weighted = costs if weight is None else costs * weight
    counted = target != ignore_index
    spread = where(counted, sum(weighted, -1), 0.0)
    if reduction == "mean":
        row_weight: Any = counted.to(costs.dtype)  # type: ignore[attr-defined]
        if weight is not None:
            row_weight = sum(where(is_class(target, costs.shape[-1]), weight, 0.0), -1) * row_weight
        smooth = sum(spread) / sum(row_weight)
    else:
        smooth = reduced(name, spread, reduction)
    return (1 - label_smoothing) * hard + (label_smoothing / costs.shape[-1]) * smooth


def _against_probabilities(
    output: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float
) -> Tensor:
    axis = 1 if output.ndim > 1 else 0
    scores, wanted = movedim(output, axis, -1), movedim(target, axis, -1)
    if label_smoothing:
        wanted = wanted * (1 - label_smoothing) + label_smoothing / scores.shape[-1]
    _check_weight("cross_entropy", weight, scores.shape[-1])
    costs = neg(log_softmax(scores, -1)) * wanted
    losses = sum(costs if weight is None else costs * weight, -1)
    return mean(losses) if reduction == "mean" else reduced("cross_entropy", losses, reduction)
