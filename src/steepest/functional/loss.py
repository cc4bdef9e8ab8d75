"""Losses: one number that says how wrong the output is. Lower is better.

Shapes are never broadcast here. Output (N, 1) against target (N,) would silently compare every row
with every other; it is refused with the line to write instead.
"""

from typing import Any

import numpy as np

from steepest.core import is_float, said
from steepest.functional.activation import log_softmax, logsigmoid
from steepest.functional.comparison import isnan, logical_and, logical_or
from steepest.functional.math import abs, clamp, log, where
from steepest.functional.reduction import mean, sum
from steepest.functional.select import is_class, outside
from steepest.functional.shape import movedim
from steepest.tensors import Tensor, neg, occurs

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "nll_loss",
    "smooth_l1_loss",
    "sum_squares_loss",
]


def same_shape(name: str, output: Tensor, target: Tensor) -> None:
    if output.shape == target.shape:
        return
    same_count = output.shape.numel() == target.shape.numel()
    raise ValueError(
        said(
            name,
            "output and target must have one shape",
            expected=f"target {output.shape}",
            got=f"target {target.shape}",
            write=f"target.reshape({', '.join(map(str, output.shape))})" if same_count else None,
        )
    )


def reduced(name: str, losses: Tensor, reduction: str) -> Tensor:
    """The mean, the sum, or all of the elements' losses."""
    if reduction == "mean":
        return mean(losses)
    if reduction == "sum":
        return sum(losses)
    if reduction == "none":
        return losses
    raise ValueError(said(name, "reduction is mean, sum or none", got=repr(reduction)))


def mse_loss(output: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """The mean squared error, mean((output − target)²), of two tensors of one shape.

    Args:
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        ValueError: shapes that differ, or an unknown reduction.
    """
    same_shape("mse_loss", output, target)
    error = output - target
    return reduced("mse_loss", error * error, reduction)


def sum_squares_loss(output: Tensor, target: Tensor) -> Tensor:
    """The sum of squares, Σ(output − target)², of two tensors of one shape.

    Raises:
        ValueError: shapes that differ.
    """
    return mse_loss(output, target, reduction="sum")


def l1_loss(output: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """The mean absolute error, mean|output − target|, of two tensors of one shape.

    Args:
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        ValueError: shapes that differ, or an unknown reduction.
    """
    same_shape("l1_loss", output, target)
    return reduced("l1_loss", abs(output - target), reduction)


def huber_loss(
    output: Tensor, target: Tensor, *, reduction: str = "mean", delta: float = 1.0
) -> Tensor:
    """½e² where |e| < delta, delta·(|e| − ½delta) beyond. Source: Huber, 1964.

    Args:
        output, target: of one shape; e is their difference.
        reduction: "mean", "sum", or "none" for the losses themselves.
        delta: where the straight part begins.

    Raises:
        ValueError: shapes that differ, or an unknown reduction.
        RuntimeError: a delta that is not positive.
    """
    same_shape("huber_loss", output, target)
    if delta <= 0:
        raise RuntimeError(said("huber_loss", "delta must be positive", got=delta))
    error = output - target
    size = abs(error)  # its slope at 0 is 0, so e², not |e|²: the second derivative there is 1
    losses = where(size < delta, 0.5 * error * error, delta * (size - 0.5 * delta))
    return reduced("huber_loss", losses, reduction)


def smooth_l1_loss(
    output: Tensor, target: Tensor, *, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """½e²/beta where |e| < beta, |e| − ½beta beyond: the Huber loss divided by beta.

    Source: Girshick, "Fast R-CNN", ICCV 2015.

    Args:
        output, target: of one shape; e is their difference.
        reduction: "mean", "sum", or "none" for the losses themselves.
        beta: where the straight part begins; with 0 this is `l1_loss`.

    Raises:
        ValueError: shapes that differ, or an unknown reduction.
        RuntimeError: a negative beta.
    """
    if beta < 0:
        raise RuntimeError(said("smooth_l1_loss", "beta must not be negative", got=beta))
    if beta == 0:
        return l1_loss(output, target, reduction=reduction)
    losses = huber_loss(output, target, reduction="none", delta=beta) / beta
    return reduced("smooth_l1_loss", losses, reduction)


def _bounded_log(p: Tensor) -> Tensor:
    """log p kept above −100, and its slope below 10¹²: neither is infinite at 0, as in PyTorch."""
    tiny = p < 1e-12
    fixed = p.detach()
    line = clamp(log(fixed), min=-100) + (p - fixed) * 1e12
    return where(tiny, line, log(where(tiny, 1.0, p)))


def binary_cross_entropy(
    output: Tensor, target: Tensor, weight: Tensor | None = None, *, reduction: str = "mean"
) -> Tensor:
    """−(t log p + (1 − t) log(1 − p)) of probabilities p; logarithms are kept above −100.

    Args:
        output, target: p and t, of one shape.
        weight: what each element counts, broadcast to the target.
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        ValueError: shapes that differ, or an unknown reduction.
        RuntimeError: an output that is no probability.
    """
    name = "binary_cross_entropy"
    same_shape(name, output, target)
    if occurs(logical_or(isnan(output), logical_or(output < 0, output > 1))):
        raise RuntimeError(
            said(
                name,
                "the output must be probabilities",
                expected="0 to 1",
                got=f"{output.value.min():.4g} to {output.value.max():.4g}",
                write="binary_cross_entropy_with_logits(output, target)",
            )
        )
    losses = neg(target * _bounded_log(output) + (1 - target) * _bounded_log(1 - output))
    return reduced(name, losses if weight is None else losses * weight, reduction)


def binary_cross_entropy_with_logits(
    output: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Binary cross entropy of σ(output), exact for outputs of any size.

    Args:
        output, target: of one shape.
        weight: what each element counts, broadcast to the target.
        reduction: "mean", "sum", or "none" for the losses themselves.
        pos_weight: what a 1 in the target counts against a 0, broadcast to the target.

    Raises:
        ValueError: shapes that differ, or an unknown reduction.
    """
    name = "binary_cross_entropy_with_logits"
    same_shape(name, output, target)
    hit = logsigmoid(output)
    weighted = 1.0 if pos_weight is None else 1 + (pos_weight - 1) * target
    losses = (1 - target) * output - weighted * hit
    return reduced(name, losses if weight is None else losses * weight, reduction)


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
