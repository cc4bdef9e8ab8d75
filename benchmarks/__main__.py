"""`python -m benchmarks`: the training step of small networks, side by side, in one run.

Every peer trains the same network on the same batches from the same weights. Before anything is
timed, the losses are compared; a peer that computes something else is not timed. Names after the
command choose workloads, and are shown only; a run of all of them writes benchmarks/results.md.
"""

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.alone import alone, llvm_load
from benchmarks.environment import clean_environment, description
from benchmarks.measure import agreeing, timings
from benchmarks.peers import peers_of
from benchmarks.profile import profile
from benchmarks.results import Results, Row
from benchmarks.roofline import Roofline, measure_roofline, share
from benchmarks.startup import startup
from benchmarks.table import as_markdown, show
from benchmarks.targets import targets
from benchmarks.threads import threaded
from benchmarks.workloads import WORKLOADS, Workload

PAGE = Path(__file__).parent / "results.md"
REPEATS = 5
THREADED = ("W4", "W5", "W6", "W8", "W9", "W10", "W11")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("workloads", nargs="*", help=f"{', '.join(WORKLOADS)} (all)")
    chosen = parser.parse_args().workloads
    clean_environment()
    console, results = Console(), Results(description())
    console.print(results.circumstances)
    roofline = measure_roofline()
    results.circumstances += f" One core: {roofline}."
    with TemporaryDirectory() as folder:  # nothing is found that another run compiled
        os.environ |= {"STEEPEST_CACHE": folder, "TORCHINDUCTOR_CACHE_DIR": folder}
        for name in chosen or WORKLOADS:
            console.print(f"{name} …")
            _measure(WORKLOADS[name](), roofline, results, console)
        for target in targets(results):
            name, threads = target.step
            if target.verdict == "missed" and name:
                results.profiles[target.step] = profile(WORKLOADS[name](), roofline, threads)
    results.llvm = llvm_load()
    if not chosen:
        results.waits = startup()
    show(results, console)
    if not chosen:
        PAGE.write_text(as_markdown(results), encoding="utf-8")
        console.print(f"written to {os.path.relpath(PAGE)}")


def _measure(workload: Workload, roofline: Roofline, results: Results, console: Console) -> None:
    """Everything about one workload, added to the results."""

    def say(line: str) -> None:
        console.print(line, soft_wrap=True)
        results.left_out.append(line)

    peers = agreeing(workload, peers_of(workload), say)
    times = timings(peers, len(workload.batches()), REPEATS)
    processes = alone(workload, list(peers))
    floor = roofline.floor(workload)
    for name, time in times.items():
        row = Row(workload.name, workload.title, name, time, share(floor, time.middle))
        row.alone = processes.get(name, row.alone)
        results.rows.append(row)
    if workload.name in THREADED:
        results.threads[workload.name] = threaded(workload, list(peers))


if __name__ == "__main__":
    main()
