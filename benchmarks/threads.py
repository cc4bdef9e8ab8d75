"""Two threads against one: `python -m benchmarks.threads W4`, for ours and for the cores alone.

Wall time, each number of threads in a process of its own. They take turns, peer by peer, so that a
slow minute of the machine hits both, and what counts is the median of the ratios of times that were
taken one after the other. In the same turns two programs of one thread each run at once, on a core
each. They share nothing and wait for nobody, so what they do together is what two threads can hope
for; where even they are not twice as fast, a core has had other work. Multiply-adds in registers,
which need nothing but the cores, say the same of arithmetic.

A virtual machine's second core that was idle may begin on the same physical one as the first, and
have half of it for some tenths of a second, until the host moves it. The question is what threads
gain on two free cores, so both are kept busy with multiply-adds before each of their timings, until
together they do twice as many as one.
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
from benchmarks.workloads import WORKLOADS, Workload
from steepest import api as steepest

__all__ = ["COLUMNS", "CORES", "Turns", "threaded"]

CHOSEN = (BASE, TORCH, CHANNELS_LAST, JAX)
CORES = "multiply-adds in registers"
FREE = "free"  # asks a process to wait for its cores
GAIN, PATIENCE = 0.9, 3.0  # of the number of cores; seconds after which they count as they are
COLUMNS = ("1 thread, µs", "2 threads, µs", "1 / 2", "two copies")
REPEATS = 7


@dataclass
class Turns:
    """Microseconds per step, by number of threads, in the order in which they were taken.

    copies  how many times as many steps two programs of one thread did at once, as one did alone
    """

    times: dict[int, list[float]] = field(default_factory=dict)
    copies: list[float] = field(default_factory=list)

    def middle(self, threads: int) -> float | None:
        """The median; None where there are not so many cores."""
        return median(self.times[threads]) if threads in self.times else None

    @property
    def gain(self) -> float | None:
        """How many times faster two threads are than one."""
        if not {1, 2} <= set(self.times):
            return None
        return median(one / two for one, two in zip(self.times[1], self.times[2], strict=True))

    @property
    def ceiling(self) -> float | None:
        """How many times faster two threads would be that share nothing and never wait."""
        return median(self.copies) if self.copies else None

    def cells(self) -> tuple[str, ...]:
        """As text."""
        times, gains = (self.middle(1), self.middle(2)), (self.gain, self.ceiling)
        shown = ["—" if time is None else f"{time:,.0f}" for time in times]
        return *shown, *("—" if gain is None else f"{gain:.2f}" for gain in gains)


def threaded(workload: Workload, peers: list[str]) -> dict[str, Turns]:
    """The times of the peers, and those of the cores alone."""
    names = [name for name in CHOSEN if name in peers]
    found = {name: Turns() for name in (*names, CORES)}
    spent = dict.fromkeys(found, 0.0)
    with TemporaryDirectory() as folder, ExitStack() as stack:
        file = Path(folder) / "workload"
        file.write_bytes(pickle.dumps(workload))

        def started(threads: int, given: list[int], names: list[str]) -> subprocess.Popen:
            return stack.enter_context(_process(file, threads, given, names))

        numbers = [threads for threads in (1, 2) if len(cores()) >= threads]
        processes = {n: started(n, cores()[-n:], names) for n in numbers}
        copy = started(1, cores()[-2:-1], [BASE]) if 2 in processes else None
        for number in range(REPEATS):
            for name, turns in found.items():
                if number >= FEWEST and spent[name] > LONGEST:
                    continue
                begin = time.perf_counter()
                for threads, process in processes.items():
                    _asked([process], FREE)
                    turns.times.setdefault(threads, []).extend(_asked([process], name))
                if copy and name in (BASE, CORES):
                    _asked([processes[2]], FREE)
                    both = _asked([processes[1], copy], name)
                    turns.copies.append(sum(turns.times[1][-1] / each for each in both))
                spent[name] += time.perf_counter() - begin
    return found


@contextmanager
def _process(
    file: Path, threads: int, given: list[int], names: list[str]
) -> Iterator[subprocess.Popen]:
    """A process on these cores that has everything compiled, and waits to be asked."""
    numbers = str(threads), ",".join(map(str, given))
    command = [sys.executable, "-m", "benchmarks.threads", "--answer", str(file), *numbers, *names]
    pipe = subprocess.PIPE
    environment = pinned(threads)
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)
    with process:
        _asked([process], CORES)
        yield process


def _asked(processes: list[subprocess.Popen], name: str) -> list[float]:
    """Microseconds per step of a peer in some processes, all at once."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(f"{name}\n")
        process.stdin.flush()
    return [float(process.stdout.readline()) for process in processes if process.stdout]


def _answer(file: str, threads: str, given: str, *names: str) -> None:
    """In such a process: the time of every peer that is asked for, in microseconds per step."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in given.split(",")})
    workload = pickle.loads(Path(file).read_bytes())
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
        if name == FREE:
            print(_waited(int(threads)), flush=True)
            continue
        total = sum(seconds(peers[name], clock) for _ in range(counts[name]))
        print(total / (counts[name] * steps[name]) * 1e6, flush=True)


def _waited(threads: int) -> float:
    """Seconds until so many cores multiply and add at once as fast as one alone, nearly."""
    clock = time.perf_counter
    alone, together = multiply_adds(1), multiply_adds(threads)
    least, start = min(seconds(alone, clock) for _ in range(3)), clock()
    while seconds(together, clock) * threads * GAIN > least and clock() - start < PATIENCE:
        pass
    return clock() - start


def main() -> None:
    if sys.argv[1:2] == ["--answer"]:
        _answer(*sys.argv[2:])
        return
    print(f"| workload | peer | {' | '.join(COLUMNS)} |")
    print("|---" * (len(COLUMNS) + 2) + "|")
    for name in sys.argv[1:] or ("W4", "W5"):
        for peer, turns in threaded(WORKLOADS[name](), [BASE]).items():
            print(f"| {name} | {peer} | {' | '.join(turns.cells())} |", flush=True)


if __name__ == "__main__":
    main()
