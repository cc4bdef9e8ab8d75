"""Losses that compare distributions: Kullback–Leibler, and Poisson's and Gauss's likelihood."""

import math
from typing import Any

import numpy as np

from steepest.core import said
from steepest.functional.loss import reduced
from steepest.functional.math import clamp, exp, log, where
from steepest.functional.reduction import sum
from steepest.functional.shape import unsqueeze
from steepest.tensors import Tensor, occurs

__all__ = ["gaussian_nll_loss", "kl_div", "poisson_nll_loss"]


def kl_div(
    input: Tensor, target: Tensor, *, reduction: str = "mean", log_target: bool = False
) -> Tensor:
    """t · (log t − x), x the logarithms of what the model thinks probable.

    Source: Kullback and Leibler, 1951.

    Args:
        input, target: x and t, of one shape.
        reduction: "batchmean" divides the sum by the length of axis 0: the divergence itself;
            "mean", "sum" and "none" as in other losses.
        log_target: the target holds logarithms too.
    """
    if log_target:
        losses = exp(target) * (target - input)
    else:
        nought = target == 0
        losses = where(nought, 0.0, target * log(where(nought, 1.0, target))) - target * input
    if reduction == "batchmean":
        return sum(losses) / (len(input) if input.ndim else 1)
    return reduced("kl_div", losses, reduction)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    *,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """eˣ − t x for the logarithm x of an expected count; without log_input x − t log(x + eps).

    Args:
        input, target: x and t, of one shape.
        log_input: whether x is a logarithm.
        full: add Stirling's t log t − t + ½ log(2πt) where t > 1.
        eps: keeps the logarithm finite.
        reduction: "mean", "sum", or "none" for the losses themselves.
    """
    losses = exp(input) - target * input if log_input else input - target * log(input + eps)
    if full:
        large = target > 1
        t = where(large, target, 1.0)
        losses = losses + where(large, t * log(t) - t + 0.5 * log(2 * math.pi * t), 0.0)
    return reduced("poisson_nll_loss", losses, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """½ (log v + (x − t)² / v), v the variance kept above eps.

    Args:
        input, target: x and t, of one shape.
        var: a number, or one per element, or per row (without the last axis, or with length 1).
        full: add ½ log 2π.
        eps: the smallest variance.
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        ValueError: a negative variance, or one of another shape.
    """
    name = "gaussian_nll_loss"
    if isinstance(var, int | float):
        var = Tensor(np.full(input.shape, var, input.dtype))
    if occurs(var < 0):
        raise ValueError(said(name, "var has negative entry/entries", got=var.value.min()))
    if var.shape != input.shape:
        var = _per_row(name, var, input)
    # below eps the derivative is that of the variance itself, as in PyTorch
    kept = var + (clamp(var.detach(), min=eps) - var.detach())
    error = input - target
    losses = 0.5 * (log(kept) + error * error / kept)
    return reduced(name, losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def _per_row(name: str, var: Tensor, input: Tensor) -> Tensor:
    """A variance per row, shaped so that it meets the input."""
    if input.shape[:-1] == var.shape:
        return unsqueeze(var, -1)
    sizes = zip(input.shape, var.shape, strict=False)
    if input.ndim != var.ndim or [n for m, n in sizes if m != n] != [1]:
        got = f"{var.shape} for {input.shape}"
        raise ValueError(said(name, "var is of incorrect size", got=got))
    return var
