"""One peer in a process of its own: how long its first call takes, and how much memory it needs.

It may use all cores: compiling is a wait of a person, and compilers work on several at once.

The first call is an epoch of one step, because longer ones vary by more than some calls take. The
harness itself (NumPy, and the workload read from a file) is in every peer's figures.
"""

import importlib
import json
import os
import pickle
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.environment import cores, on_cores
from benchmarks.peers import BASE, IMPORTS, TORCH, peers_of
from benchmarks.workloads import Workload

__all__ = ["Alone", "alone", "first_call", "llvm_load"]

REPEATS = 3
FEWEST, CALLS = 4, 0.2  # later calls, and seconds for which they are repeated
COMPILING = {BASE, "torch.compile", "JAX scan", "JAX jit per step", "tinygrad"}
STATUS = Path("/proc/self/status")


@dataclass
class Alone:
    """Milliseconds and megabytes of one peer on one workload.

    first     the first call's wall time beyond that of a later one: tracing and compiling; None
              for what does not compile
    cached    the same in a second process that finds the first one's cache; only ours has one
    imports   resident memory once the library is imported
    peak      the largest resident memory of the whole process; None where it cannot be read
    cached_peak  the same in the process that found a cache
    """

    first: float | None = None
    cached: float | None = None
    imports: float | None = None
    peak: float | None = None
    cached_peak: float | None = None


def alone(workload: Workload, peers: list[str]) -> dict[str, Alone]:
    """Run each peer on the workload in processes of its own."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "workload"
        file.write_bytes(pickle.dumps(workload))
        return {name: _measured(name, file) for name in peers if name in (*COMPILING, TORCH)}


def _measured(name: str, file: Path) -> Alone:
    repeats = REPEATS if name == BASE else 1
    cold, cached = [], []
    for number in range(repeats):
        folder = file.with_name(f"{name}{number}")
        cold.append(_child(name, file, folder))
        if name == BASE:
            cached.append(_child(name, file, folder))
    found = Alone(imports=cold[0].imports, peak=cold[0].peak)
    if name in COMPILING:
        found.first = median(one.first for one in cold if one.first is not None)
    if cached:
        found.cached = median(one.first for one in cached if one.first is not None)
        found.cached_peak = cached[0].peak
    return found


def _child(name: str, file: Path, cache: Path) -> Alone:
    caches = {"STEEPEST_CACHE": str(cache), "TORCHINDUCTOR_CACHE_DIR": str(cache)}
    command = [sys.executable, "-m", "benchmarks.alone", name, str(file)]
    with on_cores(len(cores())):
        done = subprocess.run(command, env=os.environ | caches, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name} alone: {done.stderr}")
    return Alone(**json.loads(done.stdout.splitlines()[-1]))


def first_call(workload: Workload, name: str) -> tuple[float, float]:
    """How much longer than a later epoch the first one of this process takes, in milliseconds, and
    how long a later one, in microseconds; all of one step."""
    batch = workload.batch
    job = replace(workload, x=workload.x[:batch], y=workload.y[:batch], epochs=1)
    peer, times = peers_of(job)[name](job), list[float]()
    while len(times) <= FEWEST or sum(times[1:]) < CALLS:
        peer.reset()
        start = time.perf_counter()
        peer.run()
        times.append(time.perf_counter() - start)
    call = median(times[1:])
    return (times[0] - call) * 1e3, call * 1e6


def llvm_load() -> float:
    """Milliseconds that loading LLVM takes where the library is imported; median."""
    code = "import time, benchmarks.peers; from steepest.compiler.machine import llvm; "
    code += "t = time.perf_counter(); llvm.library(); print(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    outputs = [subprocess.check_output(command, text=True) for _ in range(REPEATS)]
    return median(float(text) for text in outputs) * 1000


def _resident() -> float | None:
    """The process's largest resident memory so far, in megabytes.

    Not getrusage's figure, which a new process inherits from the one that started it.
    """
    if not STATUS.exists():
        return None
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines() if ":" in line)
    return int(lines["VmHWM"].split()[0]) / 1024


def main() -> None:
    name, file = sys.argv[1:]
    workload = pickle.loads(Path(file).read_bytes())
    importlib.import_module(IMPORTS[name])
    imports = _resident()
    first, _ = first_call(workload, name)
    peers_of(workload)[name](workload).epoch()
    print(json.dumps(asdict(Alone(first, imports=imports, peak=_resident()))))


if __name__ == "__main__":
    main()
