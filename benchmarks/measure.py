"""Agreement first, time second: the losses of the peers are compared before any of them is timed.

Times are process CPU time of one thread, in microseconds per training step. The peers alternate, so
that a disturbance hits all of them, and weights are reset before every epoch, outside the timing.
"""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.peer import Peer
from benchmarks.workloads import Workload

__all__ = ["AGREEMENT", "Timing", "agreeing", "disagreement", "timings"]

AGREEMENT = 1e-4  # relative difference allowed between losses
FIRST = 10  # steps compared where the optimizer divides by the size of the gradient
SHORTEST = 0.05  # seconds that one timing takes at least

Preparation = Callable[[Workload], Peer]


@dataclass
class Timing:
    """Microseconds per training step of one peer: median, smallest and largest of the repeats."""

    middle: float
    low: float
    high: float


def agreeing(
    workload: Workload,
    peers: dict[str, Preparation],
    base: str,
    reference: str,
    say: Callable[[str], None],
) -> dict[str, Peer]:
    """The peers that are installed and have the reference's losses, ready to be timed.

    Peers draw dropout's noise each in their own way. Where there is dropout, the losses are
    compared without it.

    Args:
        base: ours, without which there is nothing to compare.
        reference: the peer whose losses the others must have.
        say: what is told of the peers that are left out.

    Raises:
        ArithmeticError: ours computes something else.
    """
    compared = workload.without_dropout()
    random = compared.layers != workload.layers
    ready: dict[str, Peer] = {}
    losses: dict[str, np.ndarray] = {}
    for name, prepare in peers.items():
        try:
            peer = prepare(compared)
            losses[name] = peer.epoch()
            ready[name] = prepare(workload) if random else peer
        except ModuleNotFoundError as missing:
            say(f"{workload.name}: {name} left out, {missing.name} is not installed")
    for name in list(ready):
        away = disagreement(workload, losses[name], losses[reference])
        if not away <= AGREEMENT:
            wrong = f"{workload.name}: {name} left out, its losses are {away:.1e} away"
            if name == base:
                raise ArithmeticError(wrong)
            say(wrong)
            del ready[name]
    return ready


def disagreement(workload: Workload, losses: np.ndarray, expected: np.ndarray) -> float:
    """The relative distance between two epochs' losses.

    Where updates are multiples of the gradient it is that of the epochs' means. Where they are
    divided by the gradient's size, a last digit near zero becomes a step of full length, so that
    rounding shows after some dozens of steps: there it is the largest of the first steps.
    """
    if workload.optimizer == "SGD":
        return float(abs(losses.mean() / expected.mean() - 1))
    return float(np.max(np.abs(losses[:FIRST] / expected[:FIRST] - 1)))


def timings(peers: dict[str, Peer], steps: int, repeats: int) -> dict[str, Timing]:
    """Time every peer; an epoch has that many steps."""
    counts = {name: _enough(peer) for name, peer in peers.items()}
    times: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(repeats):
        for name, peer in peers.items():
            taken = sum(_seconds(peer) for _ in range(counts[name]))
            times[name].append(taken / (steps * counts[name]) * 1e6)
    return {name: _summary(found) for name, found in times.items()}


def _seconds(peer: Peer) -> float:
    peer.reset()
    start = time.process_time()
    peer.run()
    return time.process_time() - start


def _enough(peer: Peer) -> int:
    """How many epochs make a time that the clock measures well."""
    return math.ceil(SHORTEST / max(_seconds(peer), 1e-6))


def _summary(times: Iterable[float]) -> Timing:
    times = list(times)
    return Timing(median(times), min(times), max(times))
