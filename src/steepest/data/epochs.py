"""The order of an epoch and its batches: pure functions of the seed and the epoch's number.

A run that resumes at epoch 7 asks for epoch 7 and needs no history; nothing that looks at a run in
between can change what it visits next.
"""

import numpy as np

from steepest.core import RequestError, Streams, said

__all__ = ["batches", "epoch_order"]


def epoch_order(rows: int, seed: int, epoch: int, shuffle: bool = True) -> np.ndarray:
    """(rows,) int64: the order in which epoch `epoch` visits the rows; 0, 1, … without shuffling.

    The numbers are those of the seed's stream ("shuffle", epoch).
    """
    return Streams(seed)("shuffle", epoch).permutation(rows) if shuffle else np.arange(rows)


def batches(order: np.ndarray, batch_size: int, drop_last: bool = False) -> list[np.ndarray]:
    """The order cut into batches. The last may be smaller: it is kept unless `drop_last`.

    >>> [batch.tolist() for batch in batches(np.arange(5), 2)]
    [[0, 1], [2, 3], [4]]
    """
    if batch_size < 1:
        raise RequestError(said("batch_size", "a batch has at least one row", got=batch_size))
    cut = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    return cut[:-1] if drop_last and cut and len(cut[-1]) < batch_size else cut
