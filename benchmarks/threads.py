"""Two threads against one: wall time, each number of threads in a process of its own."""

import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.environment import cores, pinned
from benchmarks.measure import timings
from benchmarks.peers import BASE, CHANNELS_LAST, JAX, TORCH, peers_of
from benchmarks.workloads import Workload
from steepest import api as steepest

__all__ = ["threaded"]

CHOSEN = (BASE, TORCH, CHANNELS_LAST, JAX)


def threaded(workload: Workload, peers: list[str]) -> dict[str, dict[int, float]]:
    """Microseconds of wall time per step, by peer and number of threads."""
    found: dict[str, dict[int, float]] = {name: {} for name in CHOSEN if name in peers}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "workload"
        file.write_bytes(pickle.dumps((workload, list(found))))
        for threads in (1, 2):
            if len(cores()) >= threads:
                command = [sys.executable, "-m", "benchmarks.threads", file, str(threads)]
                given = ",".join(map(str, cores()[-threads:]))
                environment = pinned(threads)
                text = subprocess.check_output([*command, given], text=True, env=environment)
                for name, microseconds in json.loads(text).items():
                    found[name][threads] = microseconds
    return found


def main() -> None:
    file, threads, given = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in given.split(",")})
    workload, names = pickle.loads(Path(file).read_bytes())
    steepest.set_num_threads(int(threads))
    prepare = peers_of(workload)
    peers = {name: prepare[name](workload) for name in names}
    for peer in peers.values():
        peer.epoch()
    times = timings(peers, len(workload.batches()), 5, time.perf_counter)
    print(json.dumps({name: timing.middle for name, timing in times.items()}))


if __name__ == "__main__":
    main()
