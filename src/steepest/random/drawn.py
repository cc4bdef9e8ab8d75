"""Tensors of random numbers, by PyTorch's names."""

from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import DEFAULT_DTYPE, said, sizes
from steepest.random.generator import Generator, default_generator, parts_of
from steepest.tensors import Tensor, assign, broadcast_to, cast_to, method

__all__ = [
    "normal",
    "normal_",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "uniform_",
]


def _asked(size: tuple) -> tuple[tuple[int, ...], int]:
    """The shape, and how many numbers it takes."""
    shape = sizes(size)
    if min(shape, default=0) < 0:
        raise RuntimeError(said("random", "a size cannot be negative", got=shape))
    return shape, int(np.prod(shape, dtype=np.int64))


def _made(array: np.ndarray, shape: tuple[int, ...], requires_grad: bool) -> Tensor:
    return Tensor(array.reshape(shape)).requires_grad_(requires_grad)


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Uniform numbers on [0, 1)."""
    del device
    shape, count = _asked(size)
    drawn = (generator or default_generator).uniform(count, np.dtype(dtype or DEFAULT_DTYPE))
    return _made(drawn, shape, requires_grad)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Normal numbers of mean 0 and variance 1."""
    del device
    shape, count = _asked(size)
    drawn = (generator or default_generator).normal(count, np.dtype(dtype or DEFAULT_DTYPE))
    return _made(drawn, shape, requires_grad)


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = np.int64,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Whole numbers in [low, high): randint(10, (3,)) or randint(5, 10, (3,))."""
    del device
    if size is None:
        low, high, size = 0, low, high
    if low >= high:
        raise RuntimeError(said("randint", "low must be below high", got=f"{low} and {high}"))
    shape, count = _asked((size,))
    drawn = (generator or default_generator).below(count, high - low) + low
    return _made(drawn.astype(dtype), shape, requires_grad)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = np.int64) -> Tensor:
    """The numbers 0 … n−1 in random order (Fisher–Yates from the front)."""
    if n < 0:
        raise RuntimeError(said("randperm", "n cannot be negative", got=n))
    order = list(range(n))
    draws = (generator or default_generator).words(max(n - 1, 0)).tolist()
    for i, draw in enumerate(draws):
        j = i + draw % (n - i)
        order[i], order[j] = order[j], order[i]
    return Tensor(np.array(order, dtype))


def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Normal numbers of the given mean and standard deviation.

    Args:
        mean, std: numbers, or one of them or both tensors that say it for every element; the
            gradient that flows to those is 0.
        size: the shape; that of the tensors where there are any.
    """
    del device, layout, pin_memory
    source = generator or default_generator
    given = [x for x in (mean, std) if isinstance(x, Tensor)]
    if not given:
        shape, count = _asked((size,))
        drawn = source.normal(count, np.dtype(dtype or DEFAULT_DTYPE), mean, std)
        return _made(drawn, shape, requires_grad)
    shape, count = _asked((np.broadcast_shapes(*(x.shape for x in given)),))
    spread = std.numbers("normal") if isinstance(std, Tensor) else std
    if np.any(np.less(spread, 0)):
        raise RuntimeError(said("normal", "a standard deviation is 0 or more", got=spread))
    centre = mean.numbers("normal") if isinstance(mean, Tensor) else mean
    drawn = source.normal(count, given[0].dtype).reshape(shape)
    out = Tensor(np.asarray(drawn * spread + centre, drawn.dtype))
    never = Tensor(np.zeros(shape, bool))
    for x in given:
        out = P.where(never, broadcast_to(cast_to(x, out.dtype), shape), out)
    return out


def rand_like(
    x: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Uniform numbers in the shape and dtype of x."""
    return rand(x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad, device=device)


def randn_like(
    x: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Normal numbers in the shape and dtype of x."""
    return randn(x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad, device=device)


def randint_like(
    x: Tensor,
    low: int,
    high: int | None = None,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Whole numbers in [low, high), or in [0, low), in the shape and dtype of x."""
    low, high = (0, low) if high is None else (low, high)
    return randint(
        low, high, x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad, device=device
    )


@method
def uniform_(
    x: Tensor, a: float = 0.0, b: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill x with uniform numbers on [a, b)."""
    drawn = rand(x.shape, generator=generator, dtype=x.dtype).value
    low, high = x.dtype.type(a), x.dtype.type(b)
    for part in parts_of(drawn.reshape(-1)):
        part[...] = _rounded_once(part, high - low, low)
    return assign(x, Tensor(drawn), "uniform_")


@method
def normal_(
    x: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill x with normal numbers of the given mean and standard deviation."""
    return assign(x, normal(mean, std, x.shape, generator=generator, dtype=x.dtype), "normal_")


def _rounded_once(x: np.ndarray, scale: Any, shift: Any) -> np.ndarray:
    """x · scale + shift with a single rounding, as processors fuse it and PyTorch's kernels do."""
    if x.dtype == np.float32:  # the product is exact in float64
        return (x.astype(np.float64) * scale + np.float64(shift)).astype(np.float32)
    product = x * scale
    (a, b), (c, d) = _halves(x), _halves(scale)
    lost = ((a * c - product) + a * d + b * c) + b * d  # what rounding took from the product
    total = product + shift
    part = total - product
    return total + (((product - (total - part)) + (shift - part)) + lost)


def _halves(x: Any) -> tuple[Any, Any]:
    """Two numbers of 26 bits whose sum is x. Source: Dekker, Numerische Mathematik 18, 1971."""
    high = x * (2.0**27 + 1)
    high = high - (high - x)
    return high, x - high
