"""Losses: one number that says how wrong the output is. Lower is better.

Shapes are never broadcast here. Output (N, 1) against target (N,) would silently compare every row
with every other; it is refused with the line to write instead.
"""

from steepest.core import said
from steepest.functional.activation import logsigmoid
from steepest.functional.comparison import isnan, logical_or
from steepest.functional.math import abs, clamp, log, where
from steepest.functional.reduction import mean, sum
from steepest.tensors import Tensor, neg, occurs

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "huber_loss",
    "l1_loss",
    "mse_loss",
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
