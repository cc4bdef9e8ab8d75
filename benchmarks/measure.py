"""Agreement first, time second: the losses of the peers are compared before any of them is timed.

Times are process CPU time of one thread, in microseconds per training step. The peers alternate,
and each is timed just after ours: a processor that is slow for some seconds is slow for both, and
what counts is the median of the ratios of such neighbours. Weights are reset before every epoch,
outside the timing.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.peer import DoesNotApply, Peer
from benchmarks.workloads import Workload

__all__ = [
    "AGREEMENT",
    "FEWEST",
    "FIRST",
    "LONGEST",
    "Timing",
    "agreeing",
    "disagreement",
    "enough",
    "seconds",
    "timings",
]

AGREEMENT = 1e-4  # relative difference allowed between losses
FIRST = 10  # steps compared where the optimizer divides by the size of the gradient
SHORTEST = 0.05  # seconds that one timing takes at least
FEWEST, LONGEST = 3, 8.0  # timings that every peer gets; seconds after which it gets no more

Clock = Callable[[], float]
Preparation = Callable[[Workload], Peer]


@dataclass
class Timing:
    """Microseconds per training step of one peer: median, smallest and largest of the repeats.

    ratio   the median of its times divided by those of the first peer that were taken just before
    """

    middle: float
    low: float
    high: float
    ratio: float


def agreeing(
    workload: Workload, peers: dict[str, Preparation], say: Callable[[str], None]
) -> dict[str, Peer]:
    """The peers that can do the workload and agree on its losses, ready to be timed.

    The first peer is ours; the reference is the next one that runs, which shares no line with it.
    Peers draw dropout's noise each in their own way. Where there is dropout, the losses are
    compared without it.

    Args:
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
        except Exception as problem:
            if not ready:
                raise
            say(f"{workload.name}: {name} left out, {_reason(problem)}")
    ours, *others = ready
    for name in others:
        away = disagreement(workload, losses[name], losses[others[0]])
        if not away <= AGREEMENT:
            say(f"{workload.name}: {name} left out, its losses are {away:.1e} away")
            del ready[name]
    away = disagreement(workload, losses[ours], losses[others[0]]) if others else 0.0
    if not away <= AGREEMENT:
        raise ArithmeticError(f"{workload.name}: {ours}: its losses are {away:.1e} away")
    return ready


def _reason(problem: Exception) -> str:
    """Why a peer is left out, in a few words."""
    if isinstance(problem, ModuleNotFoundError):
        return f"{problem.name} is not installed"
    if isinstance(problem, FileNotFoundError):
        return f"it needs {problem.filename}"
    if isinstance(problem, DoesNotApply):
        return str(problem)
    return f"{type(problem).__name__}: {str(problem).partition(chr(10))[0]}"


def disagreement(workload: Workload, losses: np.ndarray, expected: np.ndarray) -> float:
    """The relative distance between two epochs' losses.

    Where updates are multiples of the gradient it is that of the epochs' means. Where they are
    divided by the gradient's size, a last digit near zero becomes a step of full length, so that
    rounding shows after some dozens of steps: there it is the largest of the first steps.
    """
    if workload.optimizer == "SGD":
        return float(abs(losses.mean() / expected.mean() - 1))
    return float(np.max(np.abs(losses[:FIRST] / expected[:FIRST] - 1)))


def timings(
    peers: dict[str, Peer], steps: int, repeats: int, clock: Clock = time.process_time
) -> dict[str, Timing]:
    """Time every peer, each after the first one; an epoch has that many steps.

    What takes seconds is repeated less often.
    """
    first = next(iter(peers))
    counts = {name: enough(peer, clock) for name, peer in peers.items()}
    times: dict[str, list[float]] = {name: [] for name in peers}
    ratios: dict[str, list[float]] = {name: [] for name in peers}

    def timed(name: str) -> float:
        total = sum(seconds(peers[name], clock) for _ in range(counts[name]))
        times[name].append(total / (steps * counts[name]) * 1e6)
        return times[name][-1]

    for number in range(repeats):
        for name, taken in times.items():
            if number < FEWEST or sum(taken) * steps * counts[name] < LONGEST * 1e6:
                before = timed(first)
                ratios[name].append(1.0 if name == first else timed(name) / before)
    return {
        name: Timing(median(taken), min(taken), max(taken), median(ratios[name]))
        for name, taken in times.items()
    }


def seconds(peer: Peer, clock: Clock) -> float:
    """What an epoch takes."""
    peer.reset()
    start = clock()
    peer.run()
    return clock() - start


def enough(peer: Peer, clock: Clock) -> int:
    """How many epochs make a time that the clock measures well."""
    return math.ceil(SHORTEST / max(seconds(peer, clock), 1e-6))
