"""Random numbers of other distributions, from the same stream as PyTorch's."""

from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import is_float, said
from steepest.functional.reduction import argmax
from steepest.functional.scan import topk
from steepest.random import Generator, default_generator
from steepest.tensors import Tensor, assign, method

__all__ = ["bernoulli", "multinomial"]

F64 = np.dtype(np.float64)


@method
def bernoulli(x: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that x holds for an element (with p everywhere, if given), else 0.

    Raises:
        RuntimeError: a probability outside [0, 1].
    """
    source = generator or default_generator
    chances = x.numbers("bernoulli") if p is None else np.full(x.shape, p)
    if not ((chances >= 0) & (chances <= 1)).all():
        raise RuntimeError(said("bernoulli", "a probability is a number from 0 to 1", got=p))
    drawn = source.uniform(chances.size, x.dtype if p is None else F64).reshape(chances.shape)
    hits = Tensor((drawn < chances).astype(x.dtype))
    return P.where(Tensor(np.zeros(x.shape, bool)), x, hits)  # x is never chosen: its gradient is 0


@method
def bernoulli_(x: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill x with 1 (with probability p, a number or a tensor of them) and 0."""
    if not isinstance(p, Tensor):
        return assign(x, bernoulli(x, p, generator=generator), "bernoulli_")
    chances = p.to(x.dtype if is_float(x.dtype) else p.dtype).expand(x.shape)
    return assign(x, bernoulli(chances, generator=generator).to(x.dtype), "bernoulli_")


@method
def exponential_(x: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill x with waiting times of mean 1 / lambd: −log(1 − u) / lambd for uniform u."""
    u = (generator or default_generator).uniform(x.shape.numel(), F64)
    times = (-np.log1p(-u) / lambd).astype(x.dtype)
    return assign(x, Tensor(times.reshape(x.shape)), "exponential_")


@method
def multinomial(
    x: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Numbers of categories, drawn by the weights in a row: (…, categories) gives (…, num_samples).

    Without replacement the draw is a race: each category has an exponential waiting time of mean
    1 / weight, and the first to come win.

    Args:
        x: weights that need not add up to 1, one row or a matrix of rows.
        replacement: whether a category may be drawn again.

    Raises:
        RuntimeError: wrong weights or dtype, or more samples than categories without replacement.
    """
    weights = x.numbers("multinomial")
    if not is_float(x.dtype) or x.ndim not in (1, 2):
        raise RuntimeError(said("multinomial", "one row or a matrix of floats", got=x))
    if not (np.isfinite(weights) & (weights >= 0)).all() or not (weights.sum(-1) > 0).all():
        raise RuntimeError(said("multinomial", "weights are 0 or more, and not all 0"))
    if num_samples < 1 or (not replacement and num_samples > x.shape[-1]):
        got = f"{num_samples} of {x.shape[-1]}"
        raise RuntimeError(said("multinomial", "cannot draw so many", got=got))
    if replacement and num_samples > 1:
        return _with_replacement(weights, num_samples, generator or default_generator)
    first = x.detach() / exponential_(Tensor(np.empty_like(weights)), generator=generator)
    if num_samples == 1:
        return argmax(first, -1, True)
    return topk(first, num_samples, -1).indices


def _with_replacement(weights: np.ndarray, count: int, source: Generator) -> Tensor:
    rows = weights.reshape(-1, weights.shape[-1])
    reached = np.cumsum(rows, 1)
    reached /= reached[:, -1:]
    u = source.uniform(len(rows) * count, F64).reshape(len(rows), count)
    found = [np.searchsorted(ends, row) for ends, row in zip(reached, u, strict=True)]
    return Tensor(np.array(found).reshape(*weights.shape[:-1], count))
