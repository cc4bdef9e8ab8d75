"""How long a person waits before anything happens: the import, and `steepest --help`."""

import re
import subprocess
import sys
from statistics import median

__all__ = ["startup"]

_JOBS = {
    # the first name used loads the whole namespace; `import steepest` alone does next to nothing
    "import steepest, first name used": ["-c", "import steepest; steepest.Tensor"],
    "steepest --help": [
        "-c",
        "import sys; sys.argv[1:] = ['--help']; import steepest.cli as c; c.main()",
    ],
}
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|")


def startup(repeats: int = 5) -> dict[str, float]:
    """Milliseconds spent importing, per job: the sum of `-X importtime`, median of repeats."""
    found = {}
    for name, arguments in _JOBS.items():
        times = []
        for _ in range(repeats):
            command = [sys.executable, "-X", "importtime", *arguments]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            times.append(sum(int(own) for own in _LINE.findall(done.stderr)) / 1000)
        found[name] = median(times)
    return found
