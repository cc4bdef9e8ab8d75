"""Samplers: in which order a DataLoader visits the samples of a data set."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from steepest.core import said
from steepest.functional import multinomial
from steepest.random import Generator, default_generator, randperm
from steepest.tensors import as_tensor

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]


class Sampler:
    """Base of samplers: iterating one gives the numbers of samples."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError("a Sampler defines __iter__")

    def __len__(self) -> int:
        raise NotImplementedError("this Sampler does not say how long it is")


class SequentialSampler(Sampler):
    """The samples in order."""

    def __init__(self, data_source: Any):
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """The samples in a new random order for every pass.

    Args:
        data_source: has a length.
        generator: what the order is drawn from; one seeded by the default generator when None.
    """

    def __init__(self, data_source: Any, *, generator: Generator | None = None):
        self.data_source, self.generator = data_source, generator

    def __iter__(self) -> Iterator[int]:
        source = self.generator
        if source is None:
            high, low = (int(word) for word in default_generator.words(2))
            source = Generator((high << 32 | low) & (2**63 - 1))
        yield from randperm(len(self.data_source), generator=source).tolist()
        randperm(len(self.data_source), generator=source)  # PyTorch draws an order more at the end

    def __len__(self) -> int:
        return len(self.data_source)


class SubsetRandomSampler(Sampler):
    """The samples listed, in a new random order for every pass."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None):
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        order = randperm(len(self.indices), generator=self.generator).tolist()
        return iter([self.indices[i] for i in order])

    def __len__(self) -> int:
        return len(self.indices)


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
    """Another sampler's numbers in lists of `batch_size`."""

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool):
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        batch: list[int] = []
        for i in self.sampler:
            batch.append(i)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)
        return whole + bool(rest and not self.drop_last)
