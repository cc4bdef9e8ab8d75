"""What must be true of the process before a timing means anything.

Two variables that some environments export halve OpenBLAS's speed, and an unpinned BLAS on a busy
machine measures the neighbours. Both are read when the library loads, so the process starts anew.
"""

import os
import platform
import sys
from importlib import metadata

from steepest.training import processor

__all__ = ["clean_environment", "description"]

_HARMFUL = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_PINNED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
QUIET = 0.5  # load average above which timings are worth little

_HAS_LOAD = hasattr(os, "getloadavg")


def clean_environment() -> None:
    """Start this process again with harmful variables gone and threads pinned, on one core."""
    wrong = any(name in os.environ for name in _HARMFUL) or any(
        os.environ.get(name) != value for name, value in _PINNED.items()
    )
    if wrong:
        environment = {k: v for k, v in os.environ.items() if k not in _HARMFUL} | _PINNED
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def description() -> str:
    """One paragraph: machine, versions, threads, and how busy the machine is with other work."""
    versions = []
    for package in ("steepest", "numpy", "torch", "jax", "scikit-learn", "tinygrad"):
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    return (
        f"{processor()}, Python {platform.python_version()}, {', '.join(versions)}; "
        f"one thread on one core; process CPU time; {_load()}."
    )


def _load() -> str:
    if not _HAS_LOAD:
        return "load average unknown"
    load = os.getloadavg()[0]
    busy = "; THE MACHINE WAS BUSY: ratios only, and with care" if load > QUIET else ""
    return f"load average at the start {load:.1f}{busy}"
