"""Dropout: noise during training that keeps units from relying on each other."""

from steepest import primitives as P
from steepest.core import said
from steepest.random import next_key
from steepest.tensors import Tensor, cast_to, where

__all__ = ["dropout"]


def dropout(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Each element set to 0 with probability p, the others divided by 1 − p; x when not training.

    Source: Srivastava et al., "Dropout", JMLR 15, 2014. The bits come from the default generator's
    counter-based stream, so compiled and eager runs drop the same elements.

    Raises:
        ValueError: p is not between 0 and 1.
    """
    if not 0 <= p <= 1:
        raise ValueError(said("dropout", "p is a probability", expected="0 to 1", got=p))
    if not training or p == 0:
        return x
    drawn = cast_to(P.uniform(next_key(), shape=tuple(x.shape)), x.dtype)
    return where(drawn < p, 0.0, x / (1 - p) if p < 1 else x * 0)
