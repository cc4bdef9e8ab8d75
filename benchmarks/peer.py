"""What every library must offer to be timed: go back to the start, and train one epoch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["DoesNotApply", "Peer"]


class DoesNotApply(Exception):
    """A library has no such network; the message says what it lacks."""


@dataclass
class Peer:
    """A workload in one library.

    reset   puts weights, averages and running statistics back to the beginning; not timed
    run     trains one epoch and gives the loss of every step; timed
    """

    reset: Callable[[], None]
    run: Callable[[], np.ndarray]

    def epoch(self) -> np.ndarray:
        """An epoch from the beginning."""
        self.reset()
        return self.run()
