"""Random numbers: PyTorch's own, so that the same seed starts the same training.

`manual_seed(s)` followed by rand, randn, randint, randperm or a layer's default initialisation
gives PyTorch's values on the CPU: a 32-bit Mersenne Twister, uniforms from its low 24 (float32) or
53 (float64) bits, normals by the Box–Muller transform in blocks of 16. Normals may differ in the
last digit, where PyTorch's vector logarithm rounds differently.

Inside a network (dropout) the bits come from the table's `uniform` row instead, whose key is an
ordinary tensor (`next_key`): a compiled program carries it along like a weight.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import DEFAULT_DTYPE, said, sizes
from steepest.tensors import Tensor, assign, broadcast_to, cast_to, method, no_grad

__all__ = [
    "Generator",
    "default_generator",
    "initial_seed",
    "manual_seed",
    "next_key",
    "normal",
    "normal_",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "seed",
    "uniform_",
]

# How many of the low bits of a draw become a uniform number, per dtype.
_BITS = {np.dtype(np.float32): 24, np.dtype(np.float64): 53}
_BLOCK = 1 << 13  # numbers that are made at a time, a multiple of 16: the words stay in the cache


def _check_float(name: str, dtype: np.dtype) -> None:
    if np.dtype(dtype) not in _BITS:
        raise RuntimeError(said(name, "wrong dtype", expected="float32 or float64", got=dtype))


class Generator:
    """A Mersenne Twister, seeded and read as PyTorch does.

    Source: Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8, 1998.
    """

    def __init__(self, seed: int = 67280421310721, device: Any = None):
        del device
        self.key = Tensor(np.zeros(2, np.uint32))
        self._twister = np.random.MT19937(0)
        self._lent = False  # the twister is to stay as it is: whoever draws takes a copy first
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> "Generator":
        self._seed = int(seed)
        self._take_twister()
        self._twister._legacy_seeding(self._seed & 0xFFFFFFFF)  # type: ignore[attr-defined]
        self._spare: float | None = None
        low, high = self._seed & 0xFFFFFFFF, (self._seed >> 32) & 0xFFFFFFFF
        self.key.value[:] = low ^ high, 0  # in its memory: compiled programs carry this tensor
        return self

    def initial_seed(self) -> int:
        return self._seed

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Seed and draw freely in this block: after it, the generator is where it was before."""
        before = self._seed, self._twister, self._spare, self.key, self._lent
        count = self.key.value.copy()
        self._lent = True
        try:
            yield
        finally:
            self._seed, self._twister, self._spare, self.key, self._lent = before
            with no_grad():
                assign(self.key, Tensor(count))

    def _take_twister(self) -> None:
        if self._lent:
            lent, self._twister = self._twister, np.random.MT19937(0)
            self._twister.state, self._lent = lent.state, False

    def words(self, count: int) -> np.ndarray:
        """The next 32-bit words, as uint64."""
        self._take_twister()
        return self._twister.random_raw(count)

    def uniform(self, count: int, dtype: np.dtype) -> np.ndarray:
        """Uniform on [0, 1)."""
        _check_float("rand", dtype)
        out, bits = np.empty(count, dtype), _BITS[np.dtype(dtype)]
        for part in _blocks(out):
            words = self.words(len(part) if bits == 24 else 2 * len(part))
            if bits == 53:
                words = (words[0::2] << np.uint64(32)) | words[1::2]
            part[...] = (words & np.uint64(2**bits - 1)).astype(np.float64) * 2.0**-bits
        return out

    def normal(
        self, count: int, dtype: np.dtype, mean: float = 0.0, std: float = 1.0
    ) -> np.ndarray:
        """Normal numbers of the given mean and standard deviation."""
        _check_float("randn", dtype)
        if count < 16:
            return np.array([self._one_normal() * std + mean for _ in range(count)], dtype)
        out = self.uniform(count, dtype)
        whole = count - count % 16
        for part in _blocks(out[:whole]):
            part[...] = _box_muller(part)
        if count % 16:
            # The last block of 16 is drawn anew and overlaps the one before it.
            out[-16:] = _box_muller(self.uniform(16, dtype))
        out *= out.dtype.type(std)
        out += out.dtype.type(mean)
        return out

    def _one_normal(self) -> float:
        if self._spare is not None:
            out, self._spare = self._spare, None
            return out
        u, v = self.uniform(2, np.dtype(np.float64))
        radius, angle = math.sqrt(-2 * math.log1p(-v)), 2 * math.pi * u
        self._spare = radius * math.sin(angle)
        return radius * math.cos(angle)

    def below(self, count: int, limit: int) -> np.ndarray:
        """Whole numbers in [0, limit)."""
        narrow = limit < 2**28  # PyTorch draws 64 bits from here on
        words = self.words(count if narrow else 2 * count)
        if not narrow:
            words = (words[0::2] << np.uint64(32)) | words[1::2]
        return (words % np.uint64(limit)).astype(np.int64)


def _blocks(x: np.ndarray) -> Iterator[np.ndarray]:
    """x in parts that can be written to."""
    return (x[start : start + _BLOCK] for start in range(0, len(x), _BLOCK))


def _box_muller(u: np.ndarray) -> np.ndarray:
    """Blocks of 16 uniforms become blocks of 16 normals: 8 radii, 8 angles."""
    blocks = u.reshape(-1, 2, 8)
    radius = np.sqrt(u.dtype.type(-2) * np.log(1 - blocks[:, 0]))
    angle = u.dtype.type(2 * np.pi) * blocks[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)


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


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Start the default generator from a seed."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default generator from the system's randomness; returns the seed."""
    fresh = int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    default_generator.manual_seed(fresh)
    return fresh


def initial_seed() -> int:
    """The seed from which the default generator started."""
    return default_generator.initial_seed()


def next_key(generator: Generator | None = None) -> Tensor:
    """A key for the `uniform` row, fresh at every call: (seed word, number of the call)."""
    generator = generator or default_generator
    state = generator.key
    key = P.cast(state, dtype=state.dtype)
    with no_grad():
        assign(state, P.add(state, Tensor(np.array([0, 1], np.uint32))))
    return key


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
    for part in _blocks(drawn.reshape(-1)):
        part[...] = _rounded_once(part, high - low, low)
    return assign(x, Tensor(drawn), "uniform_")


@method
def normal_(
    x: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fill x with normal numbers of the given mean and standard deviation."""
    return assign(x, normal(mean, std, x.shape, generator=generator, dtype=x.dtype), "normal_")
