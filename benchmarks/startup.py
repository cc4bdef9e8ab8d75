"""How long a person waits before anything happens: wall time of whole processes.

The last of them is the command that most people run first. It tells its epochs as they are
finished; what counts is the moment at which the first one is told. `python -m benchmarks.startup`
prints these times alone, in half a minute; `make bench` has them among its tables.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.environment import clean_environment, description

__all__ = ["FIRST_COLD", "FIRST_WARM", "HELP", "IMPORT", "IMPORT_TORCH", "startup"]

PYTHON = 'python -c "pass"'
IMPORT, HELP = "import steepest, first name used", "steepest --help"
IMPORT_TORCH = 'python -c "import torch"'
FIRST = "steepest train housing: first epoch finished, "
FIRST_COLD, FIRST_WARM = FIRST + "nothing cached", FIRST + "compiled before"

COMMAND = "import sys; sys.argv[1:] = {}; import steepest.cli as cli; cli.main()"
_DONE = b"epoch "  # a line that begins so tells a finished epoch


def startup(repeats: int = 5) -> dict[str, float]:
    """Milliseconds per job, medians of the repeats."""
    with TemporaryDirectory() as folder:
        caches = iter(Path(folder) / str(number) for number in range(repeats))
        warm = Path(folder) / "warm"
        jobs: dict[str, Callable[[], float]] = {
            PYTHON: lambda: _ended("pass"),
            IMPORT: lambda: _ended("import steepest; steepest.Tensor"),
            HELP: lambda: _ended(COMMAND.format(["--help"])),
            FIRST_COLD: lambda: _first_epoch(next(caches)),
            FIRST_WARM: lambda: _first_epoch(warm),
        }
        if find_spec("torch"):
            jobs[IMPORT_TORCH] = lambda: _ended("import torch")
        _first_epoch(warm)
        times: dict[str, list[float]] = {name: [] for name in jobs}
        for _ in range(repeats):
            for name, job in jobs.items():
                times[name].append(job())
    return {name: median(found) for name, found in times.items()}


def _ended(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return (time.perf_counter() - start) * 1000


def _first_epoch(cache: Path) -> float:
    """Until the line of the first epoch is there; the rest of the training is not waited for."""
    with TemporaryDirectory() as folder:
        out = str(Path(folder) / "run")
        code = COMMAND.format(["train", "housing", "--out", out])
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"STEEPEST_CACHE": str(cache)},
        )
        assert process.stdout is not None
        with process.stdout as told:
            finished = next((time.perf_counter() for line in told if line.startswith(_DONE)), None)
        process.kill()
        process.wait()
    if finished is None:
        raise RuntimeError("steepest train housing ended without an epoch")
    return (finished - start) * 1000


def main() -> None:
    clean_environment()
    print(description())
    for name, milliseconds in startup().items():
        print(f"{milliseconds:8,.0f} ms  {name}")


if __name__ == "__main__":
    main()
