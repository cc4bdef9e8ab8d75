"""Linear algebra under the name that PyTorch gives it: `steepest.linalg`."""

from typing import Any

from steepest.functional import diagonal, matmul
from steepest.functional import norm as _norm
from steepest.tensors import Tensor, cast_to

__all__ = ["diagonal", "matmul", "norm", "vector_norm"]


def vector_norm(
    x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """(Σ |x|ᵒ)^(1/ord) of all elements, or along axes; ord may be ±inf or 0."""
    return _norm(x if dtype is None else cast_to(x, dtype), ord, dim, keepdim)


def norm(
    x: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """`vector_norm`; without `ord` the root of the sum of squares, of matrices too ("fro")."""
    return vector_norm(x, 2 if ord in (None, "fro") else ord, dim, keepdim, dtype=dtype)
