"""What must be true of the process before a timing means anything.

Two variables that some environments export halve OpenBLAS's speed, a third makes Python translate
our sources anew at every start (peers come with theirs translated), and an unpinned BLAS on a busy
machine measures the neighbours. All are read when something loads, so the process starts anew.
"""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata

from steepest.training import processor

__all__ = ["QUIET", "clean_environment", "cores", "description", "on_cores", "pinned"]

QUIET = 0.5  # load average above which timings are worth little

_HARMFUL = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_ONE_CORE = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
_CAN_PIN = hasattr(os, "sched_setaffinity")
_CORES = sorted(os.sched_getaffinity(0)) if _CAN_PIN else list(range(os.cpu_count() or 1))
_HAS_LOAD = hasattr(os, "getloadavg")


def cores() -> list[int]:
    """The cores that this process could use when it started."""
    return _CORES


def pinned(threads: int) -> dict[str, str]:
    """This process's environment without what harms, and with that many threads per library."""
    environment = {key: value for key, value in os.environ.items() if key not in _HARMFUL}
    environment |= dict.fromkeys(_THREADS, str(threads))
    # torch.compile's workers would outlive the compilation and disturb what is timed after it
    environment |= {
        "XLA_FLAGS": _ONE_CORE if threads == 1 else "",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }
    return environment


def clean_environment() -> None:
    """Start this process again with harmful variables gone and threads pinned, on one core."""
    wanted = pinned(1)
    if wanted != dict(os.environ):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], wanted)
    if _CAN_PIN:
        os.sched_setaffinity(0, {_CORES[-1]})


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Inside, this process may use so many cores, and threads that it starts there too."""
    if not _CAN_PIN:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _CORES[-count:])
    yield
    os.sched_setaffinity(0, before)


def description(clock: str = "process CPU time") -> str:
    """One paragraph: machine, versions, threads, what clock, and how busy the machine is with other
    work."""
    versions = []
    for package in ("steepest", "numpy", "torch", "jax", "scikit-learn", "tinygrad"):
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    return (
        f"{processor()}, Python {platform.python_version()}, {', '.join(versions)}; "
        f"one thread on one core; {clock}; {_load()}."
    )


def _load() -> str:
    if not _HAS_LOAD:
        return "load average unknown"
    load = os.getloadavg()[0]
    busy = "; THE MACHINE WAS BUSY: ratios only, and with care" if load > QUIET else ""
    return f"load average at the start {load:.1f}{busy}"
