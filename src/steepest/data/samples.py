"""Data sets whose samples are found by index, in PyTorch's words, and ways to cut and join them."""

import math
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from steepest.core import said
from steepest.random import Generator, randperm
from steepest.tensors import Tensor

__all__ = ["ConcatDataset", "Dataset", "Subset", "TensorDataset", "random_split"]


class Dataset:
    """Anything with a length whose samples are found by index."""

    def __len__(self) -> int:
        raise NotImplementedError("a Dataset defines __len__ and __getitem__")

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError("a Dataset defines __len__ and __getitem__")

    def __add__(self, other: "Dataset") -> "ConcatDataset":
        return ConcatDataset([self, other])


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

    def __getitems__(self, rows: Sequence[int]) -> list[Tensor]:
        """A whole batch at once, already joined."""
        at = np.asarray(rows, np.int64)
        return [x[at] for x in self.tensors]


class Subset(Dataset):
    """The samples of a data set at some indices."""

    def __init__(self, dataset: Any, indices: Sequence[int]):
        self.dataset, self.indices = dataset, indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]


class ConcatDataset(Dataset):
    """Data sets one after the other, as one.

    Raises:
        AssertionError: there is none, as in PyTorch.
    """

    def __init__(self, datasets: Iterable[Any]):
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError(said("ConcatDataset", "there is no data set to join"))
        self.cumulative_sizes = list(accumulate(len(dataset) for dataset in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        if index < -len(self):
            raise ValueError(said("ConcatDataset", f"there are {len(self)} samples", got=index))
        index += len(self) if index < 0 else 0
        which = bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]


def random_split(
    dataset: Any, lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset]:
    """Cut a data set at random into parts that share no sample; PyTorch's own for the same seed.

    Args:
        dataset: has a length and samples by index.
        lengths: samples per part, or fractions that add up to 1; what fractions leave over goes to
            the first parts, one sample each.
        generator: what the order is drawn from; the default generator when None.

    Raises:
        ValueError: lengths that do not add up to that of the data set.
    """
    total = len(dataset)
    sizes: Sequence[float] = list(lengths)
    if math.isclose(sum(sizes), 1) and sum(sizes) <= 1:
        sizes = _whole(total, sizes)
    if sum(sizes) != total:
        what = "the lengths must add up to the number of samples"
        raise ValueError(said("random_split", what, expected=total, got=list(lengths)))
    order = randperm(total, generator=generator).tolist()
    ends = [0, *accumulate(int(size) for size in sizes)]
    return [Subset(dataset, order[start:end]) for start, end in pairwise(ends)]


def _whole(total: int, fractions: Sequence[float]) -> list[int]:
    """Fractions of a total as whole numbers."""
    if wrong := [fraction for fraction in fractions if not 0 <= fraction <= 1]:
        raise ValueError(said("random_split", "a fraction lies between 0 and 1", got=wrong[0]))
    sizes = [math.floor(total * fraction) for fraction in fractions]
    for i in range(total - sum(sizes)):
        sizes[i % len(sizes)] += 1
    if 0 in sizes:
        warnings.warn(f"random_split: part {sizes.index(0)} has no sample", stacklevel=3)
    return sizes
