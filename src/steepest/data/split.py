"""Splits: which rows train, which validate, and which are kept for the one test.

    random       the default; for classes stratified: every part has each in proportion
    in order     shuffle=False: the past trains, the future tests
    by group     rows of one group (a patient, a machine) stay together in one part

Every split is a function of the seed's stream ("split"), and the parts keep the order of the rows.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from steepest.core import RequestError, said

__all__ = ["Rows", "check_fractions", "cut_sizes", "split_groups", "split_rows"]

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def check_fractions(split: Sequence[float]) -> tuple[float, float, float]:
    """Three fractions, training first, that add up to 1; validation and test may be 0."""
    try:
        train, val, test = (float(part) for part in split)
    except (TypeError, ValueError):
        train = val = test = -1.0
    if not (train > 0 and val >= 0 and test >= 0 and abs(train + val + test - 1) < 1e-6):
        raise RequestError(
            said(
                "split",
                "expected the fractions of training, validation and test rows, adding up to 1",
                got=split,
                write="split=(0.7, 0.15, 0.15)",
            )
        )
    return train, val, test


def cut_sizes(rows: int, split: tuple[float, float, float], of: str = "rows") -> list[int]:
    """How many rows each part gets: rounded, and at least one where the fraction is not 0."""
    parts = sum(part > 0 for part in split)
    if rows < parts:
        raise RequestError(
            said(
                "split",
                f"there are fewer {of} than parts",
                expected=f"at least {parts} {of}",
                got=rows,
                write="split=(1, 0, 0) to train on everything" if rows else None,
            )
        )
    ends = [0, *(round(rows * sum(split[:part])) for part in (1, 2)), rows]
    sizes = [end - start for start, end in pairwise(ends)]
    for part in range(3):
        if split[part] and not sizes[part]:
            sizes[sizes.index(max(sizes))] -= 1
            sizes[part] = 1
    return sizes


def split_rows(
    rows: int,
    split: tuple[float, float, float],
    random: np.random.Generator | None,
    labels: np.ndarray | None = None,
) -> Rows:
    """Row indices of the three parts.

    Args:
        rows: how many there are.
        split: fractions, from `check_fractions`.
        random: the stream to draw from; None splits in order.
        labels: (rows,) class of each row, to stratify by.
    """
    sizes = cut_sizes(rows, split)
    if random is None:
        order = np.arange(rows)
    elif labels is None:
        order = random.permutation(rows)
    else:
        order = _interleaved(labels, random)
    return _cut(order, sizes)


def _interleaved(labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """An order in which every stretch has the classes in proportion: cut anywhere, it stratifies.

    The i-th of a class's m rows stands at (i + ½)/m of the way; a class's first row stands at the
    very front, so that every class is in the training part.
    """
    order = random.permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        mine = np.flatnonzero(labels[order] == label)
        place[mine] = (np.arange(mine.size) + 0.5) / mine.size
        place[mine[0]] = 0
    return order[np.argsort(place, kind="stable")]


def split_groups(
    groups: np.ndarray,
    split: tuple[float, float, float],
    random: np.random.Generator | None,
) -> Rows:
    """Row indices of three parts that no group straddles, as near to the fractions as groups allow.

    Args:
        groups: (rows,) group of each row; without `random` they are taken as they first appear.
    """
    names, first, member = np.unique(groups, return_index=True, return_inverse=True)
    order = np.argsort(first) if random is None else random.permutation(len(names))
    counts = cut_sizes(len(names), split, of="groups")
    ends = np.concatenate([[0], np.cumsum(np.bincount(member)[order])])
    cuts, at = [], 0
    for part in range(2):
        later = sum(count > 0 for count in counts[part + 1 :])  # parts that still need a group
        wanted = sum(split[: part + 1]) * len(groups)
        if counts[part]:
            low, high = at + 1, len(names) - later
            at = low + int(np.argmin(np.abs(ends[low : high + 1] - wanted)))
        cuts.append(at)
    position = np.empty(len(names), np.int64)
    position[order] = np.arange(len(names))
    part_of = np.searchsorted(cuts, position[member], side="right")
    return tuple(np.flatnonzero(part_of == part) for part in range(3))  # type: ignore[return-value]


def _cut(order: np.ndarray, sizes: list[int]) -> Rows:
    train, val, test = np.split(order, np.cumsum(sizes)[:2])
    return np.sort(train), np.sort(val), np.sort(test)
