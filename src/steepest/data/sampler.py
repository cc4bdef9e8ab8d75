"""In which order a loader visits the samples, in PyTorch's words and from its random numbers."""

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any

import numpy as np

from steepest.core import said
from steepest.functional import multinomial
from steepest.random import Generator, default_generator, randint, randperm
from steepest.tensors import as_tensor

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

_BLOCK = 32  # numbers that PyTorch draws at once when it draws with replacement


class Sampler:
    """Anything that yields the indices of samples: a base for one's own."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError("a Sampler defines __iter__")


class SequentialSampler(Sampler):
    """0, 1, …, in order."""

    def __init__(self, data_source: Sized):
        self.data_source = data_source

    def __len__(self) -> int:
        return len(self.data_source)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))


class RandomSampler(Sampler):
    """All samples in random order, or some drawn with replacement.

    Args:
        data_source: what has a length.
        replacement: a sample may come several times.
        num_samples: how many are drawn; as many as there are when None.
        generator: what they are drawn from; one seeded by the default generator when None.

    Raises:
        ValueError: num_samples that is not a positive whole number.
        TypeError: replacement that is not a truth value.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ):
        name = "RandomSampler"
        if not isinstance(replacement, bool):
            raise TypeError(said(name, "replacement is True or False", got=repr(replacement)))
        if num_samples is not None and (not isinstance(num_samples, int) or num_samples < 1):
            what = "num_samples is a positive whole number"
            raise ValueError(said(name, what, got=repr(num_samples)))
        self.data_source, self.replacement = data_source, replacement
        self._num_samples, self.generator = num_samples, generator

    @property
    def num_samples(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __len__(self) -> int:
        return self.num_samples

    def __iter__(self) -> Iterator[int]:
        rows, source = len(self.data_source), self.generator
        if source is None:
            high, low = (int(word) for word in default_generator.words(2))
            source = Generator((high << 32 | low) & (2**63 - 1))
        if self.replacement:
            whole, rest = divmod(self.num_samples, _BLOCK)
            for count in [_BLOCK] * whole + [rest]:
                yield from randint(0, rows, (count,), generator=source).tolist()
            return
        # one order more than is needed, as in PyTorch, where its rest may be empty
        whole, rest = divmod(self.num_samples, rows) if rows else (0, 0)
        for count in [rows] * whole + [rest]:
            yield from randperm(rows, generator=source).tolist()[:count]


class SubsetRandomSampler(Sampler):
    """The given indices in random order."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None):
        self.indices, self.generator = indices, generator

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[int]:
        order = randperm(len(self.indices), generator=self.generator)
        return iter([self.indices[i] for i in order.tolist()])


class WeightedRandomSampler(Sampler):
    """Samples drawn by weight: rare classes may be shown as often as common ones.

    Args:
        weights: one number, 0 or more, per sample.
        num_samples: how many are drawn for a pass.
        replacement: whether a sample may be drawn again.
        generator: what they are drawn from; the default generator when None.
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ):
        if num_samples < 1:
            raise ValueError(
                said("WeightedRandomSampler", "num_samples is positive", got=num_samples)
            )
        self.weights = as_tensor(np.asarray(weights, np.float64))
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        given = (self.weights, self.num_samples, self.replacement)
        return iter(multinomial(*given, generator=self.generator).tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of batch_size indices each; the last may be shorter, unless it is dropped.

    Raises:
        ValueError: a batch size that is not a positive whole number.
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool):
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1:
            what = "batch_size is a positive whole number"
            raise ValueError(said("BatchSampler", what, got=repr(batch_size)))
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __len__(self) -> int:
        assert isinstance(self.sampler, Sized), "the sampler has no length"
        whole, rest = divmod(len(self.sampler), self.batch_size)
        return whole + bool(rest and not self.drop_last)

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch
