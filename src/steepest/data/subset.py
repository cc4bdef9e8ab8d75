"""Data sets made of others: a part of one, several in a row, random parts."""

import bisect
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import floor
from typing import Any

from steepest.core import said
from steepest.random import Generator, randperm

__all__ = ["ConcatDataset", "Subset", "random_split"]


class Subset:
    """The samples of a data set that `indices` lists."""

    def __init__(self, dataset: Any, indices: Sequence[int]):
        self.dataset, self.indices = dataset, indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]


class ConcatDataset:
    """Several data sets in a row.

    Raises:
        AssertionError: none at all.
    """

    def __init__(self, datasets: Iterable[Any]):
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError(said("ConcatDataset", "expected at least one data set"))
        self.cumulative_sizes = list(accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):  # PyTorch's classes
            wrong = ValueError if at < 0 else IndexError
            raise wrong(said("ConcatDataset", f"no sample {index}", expected=f"below {len(self)}"))
        which = bisect.bisect_right(self.cumulative_sizes, at)
        return self.datasets[which][at - (self.cumulative_sizes[which - 1] if which else 0)]


def random_split(
    dataset: Any, lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset]:
    """Random parts of a data set that do not overlap.

    Args:
        lengths: whole numbers that add up to the length, or shares that add up to 1; what rounding
            leaves over goes to the first parts, one sample each.
        generator: what the order is drawn from; the default generator when None.

    Raises:
        ValueError: lengths that do not add up.
    """
    count = len(dataset)
    if abs(sum(lengths) - 1) < 1e-6 and sum(lengths) <= 1:
        sizes = [floor(count * share) for share in lengths]
        for i in range(count - sum(sizes)):
            sizes[i % len(sizes)] += 1
    else:
        sizes = [int(n) for n in lengths]
    if sum(sizes) != count:
        what = "the lengths must add up to that of the data set"
        raise ValueError(said("random_split", what, expected=count, got=sum(sizes)))
    order = randperm(count, generator=generator).tolist()
    ends = list(accumulate(sizes))
    return [Subset(dataset, order[end - n : end]) for end, n in zip(ends, sizes, strict=True)]
