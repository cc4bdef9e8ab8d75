"""Gradients kept within bounds, and parameters as one long vector: nn.utils."""

import math
from collections.abc import Iterable
from typing import Any

from steepest import functional as F
from steepest.core import said
from steepest.tensors import Tensor, no_grad

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "get_total_norm",
    "parameters_to_vector",
    "vector_to_parameters",
]

_SMALL = 1e-6  # keeps the quotient finite where the gradient is zero


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: Any = None,
) -> Tensor:
    """The norm of all tensors together, as if they were one vector.

    Args:
        tensors: one tensor, or several of any shapes.
        norm_type: p of the p-norm; `inf` for the largest absolute value.
        error_if_nonfinite: refuse a norm that is infinite or NaN.
        foreach: PyTorch's choice among implementations; there is one here.

    Raises:
        RuntimeError: the norm is not finite, and error_if_nonfinite asks for that.
    """
    held = _listed(tensors)
    if not held:
        return F.zeros(())
    norms = F.stack([F.norm(x, float(norm_type)) for x in held])
    total = F.norm(norms, float(norm_type))
    if error_if_nonfinite and not math.isfinite(total.item()):
        what = f"the total norm of order {norm_type} is {total.item()}, so it cannot be clipped"
        write = "error_if_nonfinite=False to scale the gradients by it nevertheless"
        raise RuntimeError(said("get_total_norm", what, expected="a finite norm", write=write))
    return total


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: Any = None,
) -> Tensor:
    """Shrink the gradients in place, all by one factor, so that their norm is at most max_norm.

        g ← g · min(1, max_norm / (‖g‖ + 1e-6))

    Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks",
    2013.

    Args:
        parameters: tensors; those without a gradient are passed over.
        max_norm: the largest norm that is left as it is.
        norm_type, error_if_nonfinite, foreach: as in `get_total_norm`.

    Returns:
        The norm before clipping, shape ().
    """
    with no_grad():
        gradients = _gradients(parameters)
        total = get_total_norm(gradients, norm_type, error_if_nonfinite)
        factor = (max_norm / (total + _SMALL)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(factor.to(gradient.dtype))
    return total


def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: Any = None
) -> None:
    """Clamp every element of the gradients in place to [−clip_value, clip_value].

    Args:
        parameters: tensors; those without a gradient are passed over.
        clip_value: the largest absolute value that is left as it is.
        foreach: as in `get_total_norm`.
    """
    with no_grad():
        for gradient in _gradients(parameters):
            gradient.clamp_(-float(clip_value), float(clip_value))


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters, flattened, one after the other: shape (number of weights,)."""
    return F.cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write a vector made by `parameters_to_vector` back into the parameters, in place.

    Raises:
        RuntimeError: the vector has fewer or more elements than the parameters together.
    """
    held = list(parameters)
    wanted = sum(parameter.numel() for parameter in held)
    if vec.numel() != wanted:
        what = "the vector does not fit the parameters"
        raise RuntimeError(
            said("vector_to_parameters", what, expected=f"{wanted} elements", got=vec.numel())
        )
    at = 0
    with no_grad():
        for parameter in held:
            parameter.copy_(vec[at : at + parameter.numel()].reshape(parameter.shape))
            at += parameter.numel()


def _listed(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [p.grad for p in _listed(parameters) if p.grad is not None]
