"""Lengths, angles and distances of vectors along an axis."""

from typing import Any

from steepest.functional.math import clamp, where
from steepest.functional.reduction import norm, sum
from steepest.functional.shape import broadcast_tensors
from steepest.tensors import Tensor

__all__ = ["cosine_similarity", "normalize", "pairwise_distance"]


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Tensor:
    """x / max(‖x‖ₚ, eps) along `dim`: vectors of length 1, in the input's shape.

    Args:
        p: of the p-norm.
        dim: the axis, or axes, along which the vectors lie.
        eps: the smallest length that is divided by.
    """
    return input / clamp(norm(input, p, dim, keepdim=True), min=eps)


def _length(x: Tensor, dim: int, eps: float) -> Tensor:
    """‖x‖ kept above eps; its derivative is the norm's also below."""
    size = norm(x, 2, dim, keepdim=True)
    return where(size < eps, size - size.detach() + eps, size)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors, x · y / (max(‖x‖, eps) max(‖y‖, eps)).

    Args:
        x1, x2: broadcast to one shape; the result has it without axis `dim`.
        dim: the axis along which the vectors lie.
        eps: the smallest length that is divided by.
    """
    x1, x2 = broadcast_tensors(x1, x2)
    return sum((x1 / _length(x1, dim, eps)) * (x2 / _length(x2, dim, eps)), dim)


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """‖x − y + eps‖ₚ along the last axis: one distance per pair.

    Args:
        x1, x2: (*, features), broadcast to one shape; the result is (*).
        p: of the p-norm.
        eps: keeps the derivative finite where two vectors are equal.
        keepdim: leave the last axis, with length 1.
    """
    return norm(x1 - x2 + eps, p, -1, keepdim)
