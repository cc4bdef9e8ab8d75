"""The first epoch's extra time: tracing and compiling, in a process of its own.

`python -m benchmarks.first W2 "JAX scan"` prints it in milliseconds, as a person waits.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from benchmarks.peers import PEERS
from benchmarks.workloads import WORKLOADS

__all__ = ["First", "first_calls"]

COMPILING = ("steepest compiled", "JAX scan")


@dataclass
class First:
    """One peer on one workload; milliseconds of the first call beyond those of the second.

    cached: in a second process that finds the first one's cache; None where the peer has none.
    """

    workload: str
    peer: str
    cold: float
    cached: float | None


def first_calls(name: str, peers: list[str]) -> list[First]:
    """Measure the compiling peers among `peers` on the workload of that name."""
    found = []
    for peer in (p for p in COMPILING if p in peers):
        with tempfile.TemporaryDirectory() as folder:
            cold = _child(name, peer, folder)
            cached = _child(name, peer, folder) if peer.startswith("steepest") else None
        found.append(First(name, peer, cold, cached))
    return found


def _child(name: str, peer: str, cache: str) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.first", name, peer],
        env=os.environ | {"STEEPEST_CACHE": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def main() -> None:
    name, peer = sys.argv[1:]
    trained = PEERS[peer](WORKLOADS[name]())
    times = []
    for _ in range(3):
        trained.reset()
        start = time.perf_counter()
        trained.run()
        times.append(time.perf_counter() - start)
    print((times[0] - min(times)) * 1000)


if __name__ == "__main__":
    main()
