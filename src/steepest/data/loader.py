"""DataLoader, for training loops written by hand as in PyTorch.

    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    for x, y in loader: ...

After the same `manual_seed`, rows are visited in the same order as in PyTorch.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from steepest.core import said
from steepest.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from steepest.functional import stack
from steepest.random import Generator, default_generator
from steepest.tensors import Tensor, tensor

__all__ = ["DataLoader", "default_collate"]


class DataLoader:
    """Batches of a data set, in order or, each time it is iterated, in a new random order.

    Args:
        dataset: has a length and samples by index (a tensor, a number, or a tuple or dict of such).
        batch_size: samples per batch; the last batch may be smaller. None: samples one by one, not
            joined.
        shuffle: a new random order for every pass.
        sampler: which samples, in which order, instead of shuffle.
        batch_sampler: lists of indices, instead of all the above and drop_last.
        num_workers, pin_memory, timeout, worker_init_fn, multiprocessing_context, prefetch_factor,
            persistent_workers, pin_memory_device, in_order: accepted so that scripts run as they
            are; there is nothing to wait for and no other memory to copy to.
        collate_fn: a list of samples -> a batch, instead of stacking.
        drop_last: leave a smaller last batch out.
        generator: what the order is drawn from; the default generator when None.

    Raises:
        ValueError: a batch size that is not a positive whole number, or arguments that exclude each
            other.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ):
        if sampler is not None and shuffle:
            raise _excluded("sampler", "shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise _excluded("batch_sampler", "batch_size, shuffle, sampler and drop_last")
            batch_size = None
        elif batch_size is None and drop_last:
            raise _excluded("batch_size=None", "drop_last")
        if sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else None
            sampler = SequentialSampler(dataset) if sampler is None else sampler
        if batch_sampler is None and batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self.collate_fn, self.generator = collate_fn, generator

    def __len__(self) -> int:
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        # PyTorch draws a seed for its workers whether it has any or not; so do we, or every number
        # that a script draws after this line would differ from PyTorch's.
        (self.generator or default_generator).words(2)
        if self.batch_sampler is None:
            return (self._sample(index) for index in self.sampler)
        return map(self._batch, self.batch_sampler)

    def _sample(self, index: int) -> Any:
        sample = self.dataset[index]
        return sample if self.collate_fn is None else self.collate_fn(sample)

    def _batch(self, indices: list[int]) -> Any:
        if self.collate_fn is None and hasattr(self.dataset, "__getitems__"):
            return self.dataset.__getitems__(indices)
        return (self.collate_fn or default_collate)([self.dataset[i] for i in indices])


def default_collate(samples: list) -> Any:
    """Samples of one form joined along a new first axis, part by part."""
    first = samples[0]
    if isinstance(first, Tensor):
        return stack(samples)
    if isinstance(first, dict):
        return {key: default_collate([sample[key] for sample in samples]) for key in first}
    if isinstance(first, tuple | list):
        return [default_collate(list(part)) for part in zip(*samples, strict=True)]
    if isinstance(first, np.ndarray | np.generic):
        return Tensor(np.stack(samples))
    return samples if isinstance(first, str) else tensor(samples)


def _excluded(one: str, others: str) -> ValueError:
    what = f"{one} excludes {others}"
    return ValueError(said("DataLoader", what, write=f"{one} alone, or without it {others}"))
