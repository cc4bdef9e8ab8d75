"""New tensors: zeros, ones, ranges, identity, and tensors like another."""

from typing import Any

import numpy as np

from steepest.core import DEFAULT_DTYPE, said, sizes
from steepest.tensors import Tensor, method, tensor

__all__ = [
    "arange",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "linspace",
    "new_empty",
    "new_full",
    "new_ones",
    "new_zeros",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]


def full(
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """A tensor of one value. Its dtype follows the value: float32, int64 or bool."""
    del device
    if dtype is None:
        kinds = {bool: np.dtype(bool), int: np.dtype(np.int64)}
        dtype = kinds.get(type(fill_value), DEFAULT_DTYPE)
    return Tensor(np.full(_shape(size), fill_value, dtype)).requires_grad_(requires_grad)


def _shape(*size: Any) -> tuple[int, ...]:
    shape = sizes(size)
    if min(shape, default=0) < 0:
        raise RuntimeError(said("full", "a size cannot be negative", got=shape))
    return shape


def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A tensor of zeros, float32 unless said otherwise. It takes no memory before it is written
    to."""
    del device
    made = np.zeros(_shape(*size), dtype or DEFAULT_DTYPE)
    return Tensor(made).requires_grad_(requires_grad)


def ones(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A tensor of ones, float32 unless said otherwise."""
    return full(
        sizes(size), 1, dtype=dtype or DEFAULT_DTYPE, requires_grad=requires_grad, device=device
    )


empty = zeros  # memory with leftovers in it is a source of irreproducible runs


def full_like(
    x: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """A tensor of one value in the shape and dtype of x."""
    return full(
        x.shape, fill_value, dtype=dtype or x.dtype, requires_grad=requires_grad, device=device
    )


def zeros_like(
    x: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Zeros in the shape and dtype of x."""
    return zeros(x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad, device=device)


def ones_like(
    x: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Ones in the shape and dtype of x."""
    return full_like(x, 1, dtype=dtype, requires_grad=requires_grad, device=device)


empty_like = zeros_like


@method
def new_full(
    x: Tensor,
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """A tensor of one value with x's dtype."""
    return full(
        size, fill_value, dtype=dtype or x.dtype, requires_grad=requires_grad, device=device
    )


@method
def new_tensor(
    x: Tensor, data: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """A copy of data with x's dtype."""
    return tensor(data, dtype=dtype or x.dtype, requires_grad=requires_grad, device=device)


@method
def new_zeros(
    x: Tensor,
    *size: Any,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Zeros with x's dtype."""
    return zeros(*size, dtype=dtype or x.dtype, requires_grad=requires_grad, device=device)


@method
def new_ones(
    x: Tensor,
    *size: Any,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Ones with x's dtype."""
    return ones(*size, dtype=dtype or x.dtype, requires_grad=requires_grad, device=device)


new_empty = new_zeros
method(new_empty, "new_empty")


def arange(
    start: Any,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """start, start + step, … below end; int64 if all three are ints, else float32."""
    del device
    if end is None:
        start, end = 0, start
    if dtype is None:
        whole = all(isinstance(n, int) for n in (start, end, step))
        dtype = np.int64 if whole else DEFAULT_DTYPE
    if np.dtype(dtype) == np.int64:  # fractions are cut off before anything is counted
        start, end, step = int(start), int(end), int(step)
    if step == 0 or (end - start) * step < 0:
        raise RuntimeError(
            said("arange", "the steps do not lead to the end", got=(start, end, step))
        )
    count = int(np.ceil((end - start) / step))
    values = start + step * np.arange(count)
    return Tensor(values.astype(dtype)).requires_grad_(requires_grad)


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """`steps` numbers from start to end, both included, evenly spaced."""
    del device
    start, end = float(start), float(end)
    if steps < 0:
        raise RuntimeError(said("linspace", "the number of steps is negative", got=steps))
    values = np.linspace(start, end, steps)
    return Tensor(values.astype(dtype or DEFAULT_DTYPE)).requires_grad_(requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """The n × m matrix with ones on its diagonal."""
    del device
    return Tensor(np.eye(n, m, dtype=dtype or DEFAULT_DTYPE)).requires_grad_(requires_grad)
