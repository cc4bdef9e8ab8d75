"""Two threads against one: wall time, each number of threads in a process of its own.

The processes take turns, peer by peer, so that a slow minute of the machine hits both, and what
counts is the median of the ratios of times that were taken one after the other. In the same turns
stand multiply-adds in registers, which need nothing but the cores. Where two threads are not twice
as fast even at these, the second core has had other work, and no peer could have gained more.
"""

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.environment import cores, pinned
from benchmarks.measure import FEWEST, LONGEST, enough, seconds
from benchmarks.peers import BASE, CHANNELS_LAST, JAX, TORCH, peers_of
from benchmarks.roofline import multiply_adds
from benchmarks.workloads import Workload
from steepest import api as steepest

__all__ = ["CORES", "Turns", "threaded"]

CHOSEN = (BASE, TORCH, CHANNELS_LAST, JAX)
CORES = "multiply-adds in registers"
REPEATS = 7


@dataclass
class Turns:
    """Microseconds per step, by number of threads, in the order in which they were taken."""

    times: dict[int, list[float]] = field(default_factory=dict)

    def middle(self, threads: int) -> float | None:
        """The median; None where there are not so many cores."""
        return median(self.times[threads]) if threads in self.times else None

    @property
    def gain(self) -> float | None:
        """How many times faster two threads are than one."""
        if not {1, 2} <= set(self.times):
            return None
        return median(one / two for one, two in zip(self.times[1], self.times[2], strict=True))


def threaded(workload: Workload, peers: list[str]) -> dict[str, Turns]:
    """The times of the peers, and those of the cores alone."""
    names = [name for name in CHOSEN if name in peers]
    found = {name: Turns() for name in (*names, CORES)}
    spent = dict.fromkeys(found, 0.0)
    with TemporaryDirectory() as folder, ExitStack() as stack:
        file = Path(folder) / "workload"
        file.write_bytes(pickle.dumps((workload, names)))
        numbers = [threads for threads in (1, 2) if len(cores()) >= threads]
        processes = {n: stack.enter_context(_process(file, n)) for n in numbers}
        for number in range(REPEATS):
            for name, turns in found.items():
                if number >= FEWEST and spent[name] > LONGEST:
                    continue
                begin = time.perf_counter()
                for threads, process in processes.items():
                    turns.times.setdefault(threads, []).append(_asked(process, name))
                spent[name] += time.perf_counter() - begin
    return found


@contextmanager
def _process(file: Path, threads: int) -> Iterator[subprocess.Popen]:
    """A process that has everything compiled, and waits to be asked."""
    given = ",".join(map(str, cores()[-threads:]))
    command = [sys.executable, "-m", "benchmarks.threads", str(file), str(threads), given]
    pipe = subprocess.PIPE
    environment = pinned(threads)
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)
    with process:
        _asked(process, CORES)
        yield process


def _asked(process: subprocess.Popen, name: str) -> float:
    """Microseconds per step of a peer in a process."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{name}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def main() -> None:
    file, threads, given = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in given.split(",")})
    workload, names = pickle.loads(Path(file).read_bytes())
    steepest.set_num_threads(int(threads))
    prepare = peers_of(workload)
    peers = {name: prepare[name](workload) for name in names} | {CORES: multiply_adds(int(threads))}
    clock = time.perf_counter
    for peer in peers.values():
        peer.epoch()
    counts = {name: enough(peer, clock) for name, peer in peers.items()}
    steps = dict.fromkeys(names, len(workload.batches())) | {CORES: 1}
    for line in sys.stdin:
        name = line.strip()
        total = sum(seconds(peers[name], clock) for _ in range(counts[name]))
        print(total / (counts[name] * steps[name]) * 1e6, flush=True)


if __name__ == "__main__":
    main()
