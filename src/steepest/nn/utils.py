"""Gradients kept within limits, and all parameters as one vector."""

from collections.abc import Iterable
from typing import Any

from steepest.core import said
from steepest.functional import cat, clamp, norm, stack, zeros
from steepest.tensors import Tensor, no_grad

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "parameters_to_vector",
    "vector_to_parameters",
]


def _gradients(parameters: Any) -> list[Tensor]:
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p.grad for p in listed if p.grad is not None]


@no_grad()
def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Shrink all gradients by one factor until the norm of all of them is at most max_norm.

    Returns:
        The norm before.

    Raises:
        RuntimeError: the norm is not finite, and `error_if_nonfinite` is set.
    """
    gradients = _gradients(parameters)
    if not gradients:
        return zeros(())
    total = norm(stack([norm(g, norm_type) for g in gradients]), norm_type)
    if error_if_nonfinite and not total.isfinite().item():
        raise RuntimeError(said("clip_grad_norm_", "the norm of the gradients is not finite"))
    factor = clamp(max_norm / (total + 1e-6), max=1.0)
    for g in gradients:
        g *= factor
    return total


@no_grad()
def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Keep every element of the gradients between −clip_value and clip_value, in place."""
    for g in _gradients(parameters):
        g.copy_(clamp(g, -clip_value, clip_value))


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of all parameters in one vector."""
    return cat([p.reshape(-1) for p in parameters])


@no_grad()
def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give the parameters the elements of a vector, in order."""
    start = 0
    for p in parameters:
        stop = start + p.shape.numel()
        p.copy_(vec[start:stop].reshape(p.shape))
        start = stop
