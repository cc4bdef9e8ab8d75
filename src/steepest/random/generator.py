"""The generator: PyTorch's bits, and the numbers that are made of them.

A 32-bit Mersenne Twister, uniforms from its low 24 (float32) or 53 (float64) bits, normals by the
Box–Muller transform in blocks of 16. Normals may differ in the last digit, where PyTorch's vector
logarithm rounds differently.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import said
from steepest.tensors import Tensor, assign, no_grad

__all__ = [
    "Generator",
    "default_generator",
    "initial_seed",
    "manual_seed",
    "next_key",
    "parts_of",
    "seed",
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
        for part in parts_of(out):
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
        for part in parts_of(out[:whole]):
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


def parts_of(x: np.ndarray) -> Iterator[np.ndarray]:
    """x in parts that can be written to, each so small that it stays in the cache."""
    return (x[start : start + _BLOCK] for start in range(0, len(x), _BLOCK))


def _box_muller(u: np.ndarray) -> np.ndarray:
    """Blocks of 16 uniforms become blocks of 16 normals: 8 radii, 8 angles."""
    blocks = u.reshape(-1, 2, 8)
    radius = np.sqrt(u.dtype.type(-2) * np.log(1 - blocks[:, 0]))
    angle = u.dtype.type(2 * np.pi) * blocks[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)


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
