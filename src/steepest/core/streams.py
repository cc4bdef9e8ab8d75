"""Named random streams: the same seed and the same name give the same numbers, whatever else ran.

A run draws from `streams("shuffle", epoch)`, `streams("split")`, `streams("dropout", step)`.
Because every name has a generator of its own, looking at a run (validating, plotting, saving)
cannot change it, and a run that resumes at epoch 7 needs no history: it asks for ("shuffle", 7).
Streams are counter-based (Philox).

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

import hashlib

import numpy as np

__all__ = ["Streams"]


class Streams:
    """All random streams of one seed.

    >>> streams = Streams(0)
    >>> order = streams("shuffle", 3).permutation(5)
    >>> bool((order == Streams(0)("shuffle", 3).permutation(5)).all())
    True
    """

    def __init__(self, seed: int):
        self.seed = int(seed)

    def _digest(self, name: tuple[object, ...]) -> bytes:
        text = "\x1f".join([str(self.seed), *(str(part) for part in name)])
        return hashlib.blake2b(text.encode(), digest_size=16).digest()

    def __call__(self, *name: object) -> np.random.Generator:
        """A fresh generator at the start of the stream called `name`."""
        key = np.frombuffer(self._digest(name), np.uint64)
        return np.random.Generator(np.random.Philox(key=key))

    def key(self, *name: object) -> np.ndarray:
        """The (2,) uint32 key of the stream, for the table's `uniform` row."""
        return np.frombuffer(self._digest(name)[:8], np.uint32).copy()
