"""TensorDataset and DataLoader, for training loops written by hand as in PyTorch.

    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    for x, y in loader: ...

After the same `manual_seed`, rows are visited in the same order as in PyTorch.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from steepest.core import said
from steepest.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from steepest.functional import stack
from steepest.random import Generator, default_generator
from steepest.tensors import Tensor, tensor

__all__ = ["DataLoader", "Dataset", "TensorDataset"]


class Dataset:
    """Anything with a length whose samples are found by index."""

    def __len__(self) -> int:
        raise NotImplementedError("a Dataset defines __len__ and __getitem__")

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError("a Dataset defines __len__ and __getitem__")


class TensorDataset(Dataset):
    """Tensors of one length; sample i is the tuple of their i-th rows.

    Raises:
        ValueError: no tensors, or tensors of different lengths.
    """

    def __init__(self, *tensors: Tensor):
        if len({x.shape[0] for x in tensors}) != 1:
            got = ", ".join(str(tuple(x.shape)) for x in tensors) or "no tensors"
            raise ValueError(
                said("TensorDataset", "expected tensors with the same number of rows", got=got)
            )
        self.tensors = tensors

    def __len__(self) -> int:
        return self.tensors[0].shape[0]

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(x[index] for x in self.tensors)

    def __getitems__(self, rows: np.ndarray) -> list[Tensor]:
        """A whole batch at once, already joined."""
        return [x[rows] for x in self.tensors]


class DataLoader:
    """Batches of a data set, in order or, each time it is iterated, in a new random order.

    Args:
        dataset: has a length and samples by index (a tensor, a number, or a tuple or dict of such).
        batch_size: samples per batch; the last batch may be smaller.
        shuffle: a new random order for every pass.
        sampler: gives the numbers of the samples instead.
        batch_sampler: gives lists of numbers, one list per batch, instead.
        num_workers, pin_memory, timeout, worker_init_fn, prefetch_factor, persistent_workers:
            accepted so that scripts run as they are; there is nothing to wait for and no other
            memory to copy to.
        collate_fn: a list of samples -> a batch, instead of stacking.
        drop_last: leave a smaller last batch out.
        generator: what the order is drawn from; the default generator when None.

    Raises:
        ValueError: a batch size that is not a positive whole number, or options that exclude each
            other.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[list], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        *,
        generator: Generator | None = None,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
    ):
        del num_workers, pin_memory, timeout, worker_init_fn, prefetch_factor, persistent_workers
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(
                said("DataLoader", "batch_size is a positive whole number", got=repr(batch_size))
            )
        if sampler is not None and shuffle:
            raise ValueError(said("DataLoader", "sampler and shuffle exclude each other"))
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler or drop_last):
            what = "batch_sampler excludes batch_size, shuffle, sampler and drop_last"
            raise ValueError(said("DataLoader", what))
        self.dataset, self.generator, self.collate_fn = dataset, generator, collate_fn
        if sampler is None:
            in_order = SequentialSampler(dataset)
            sampler = RandomSampler(dataset, generator=generator) if shuffle else in_order
        self.batch_size, self.drop_last, self.sampler = batch_size, drop_last, sampler
        self.batch_sampler = batch_sampler or BatchSampler(sampler, batch_size, drop_last)

    def __len__(self) -> int:
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[Any]:
        # PyTorch draws a seed for its workers whether it has any or not; so do we, or every number
        # that a script draws after this line would differ from PyTorch's.
        (self.generator or default_generator).words(2)
        return (self._batch(np.asarray(rows, np.int64)) for rows in self.batch_sampler)

    def _batch(self, rows: np.ndarray) -> Any:
        if self.collate_fn is None and hasattr(self.dataset, "__getitems__"):
            return self.dataset.__getitems__(rows)
        return (self.collate_fn or collate)([self.dataset[i] for i in rows.tolist()])


def collate(samples: list) -> Any:
    """Samples of one form joined along a new first axis, part by part."""
    first = samples[0]
    if isinstance(first, Tensor):
        return stack(samples)
    if isinstance(first, dict):
        return {key: collate([sample[key] for sample in samples]) for key in first}
    if isinstance(first, tuple | list):
        return [collate(list(part)) for part in zip(*samples, strict=True)]
    if isinstance(first, np.ndarray | np.generic):
        return Tensor(np.stack(samples))
    return samples if isinstance(first, str) else tensor(samples)
