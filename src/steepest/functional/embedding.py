"""Embedding: rows of a matrix, looked up by number."""

import numpy as np

from steepest import primitives as P
from steepest.core import said
from steepest.functional.math import where
from steepest.functional.reduction import norm
from steepest.functional.select import check_index
from steepest.functional.shape import unsqueeze
from steepest.tensors import Tensor, cast_to, no_grad

__all__ = ["embedding"]


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` that `input` lists: shape (*input, features).

    Args:
        padding_idx: a row that gets no gradient.
        max_norm: rows that are looked up and longer than this are shortened to it, in place.
        norm_type: the p of the p-norm that `max_norm` bounds.
        scale_grad_by_freq: divide each row's gradient by how often it is listed.
        sparse: gradients are dense; True is refused.

    Raises:
        IndexError: a number that is not a row's. RuntimeError: weight is not a matrix.
    """
    name = "embedding"
    if sparse:
        raise NotImplementedError(said(name, "gradients are dense", write="sparse=False"))
    if weight.ndim != 2:
        raise RuntimeError(said(name, "'weight' must be 2-D", got=weight.shape))
    rows = weight.shape[0]
    if padding_idx is not None and not -rows <= padding_idx < rows:
        got = f"padding_idx {padding_idx}"
        raise AssertionError(said(name, "padding_idx is a row", expected=f"below {rows}", got=got))
    check_index(name, input, rows, IndexError)
    if max_norm is not None:
        _shorten(weight, _times_listed(input, weight), max_norm, norm_type)
    out = P.take(weight, input)
    if scale_grad_by_freq:
        share = out / P.take(unsqueeze(_times_listed(input, weight), 1), input)
        out = out.detach() + (share - share.detach())
    if padding_idx is None:
        return out
    return where(unsqueeze(input == padding_idx % rows, -1), out.detach(), out)


def _times_listed(index: Tensor, weight: Tensor) -> Tensor:
    """How often each row of `weight` is listed."""
    ones = Tensor(np.ones(index.shape, weight.dtype))
    return P.scatter_add(ones, index, rows=weight.shape[0])


def _shorten(weight: Tensor, listed: Tensor, max_norm: float, p: float) -> None:
    """Bring rows that are listed and longer than max_norm to that length, in place."""
    with no_grad():
        length = norm(weight, p, 1)
        # PyTorch adds 1e-7 to the length that it divides by
        long = where(listed > 0, length, 0.0) > max_norm
        scale = where(long, max_norm / (length + 1e-7), 1.0)
        weight.copy_(weight * unsqueeze(cast_to(scale, weight.dtype), 1))
