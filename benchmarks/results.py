"""What a run of the benchmarks found; `table` shows it, `targets` judges it."""

from dataclasses import dataclass, field

from benchmarks.alone import Alone
from benchmarks.measure import Timing
from benchmarks.profile import Profile
from benchmarks.threads import Turns

__all__ = ["Results", "Row"]


@dataclass
class Row:
    """One peer on one workload.

    share   of the time that no program can go below
    """

    workload: str
    title: str
    peer: str
    time: Timing
    share: str
    alone: Alone = field(default_factory=Alone)

    @property
    def ratio(self) -> float:
        """Its time divided by ours: above 1, we are faster."""
        return self.time.ratio


@dataclass
class Results:
    """A whole run.

    threads   on one thread and on two, by workload and peer
    llvm      milliseconds that loading it takes
    waits     milliseconds by what is waited for
    profiles  of the steps that missed a target, by workload and threads
    """

    circumstances: str
    rows: list[Row] = field(default_factory=list)
    threads: dict[str, dict[str, Turns]] = field(default_factory=dict)
    llvm: float = 0.0
    waits: dict[str, float] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    profiles: dict[tuple[str, int], Profile] = field(default_factory=dict)
