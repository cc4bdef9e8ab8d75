"""What the library has promised, beside what was measured in this run."""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.peers import BASE, CHANNELS_LAST, TORCH
from benchmarks.results import Results, Row
from benchmarks.startup import FIRST_COLD, FIRST_WARM, HELP, IMPORT, IMPORT_TORCH
from benchmarks.threads import Turns

__all__ = ["Target", "targets"]

JAX_FORMS = ("JAX scan", "JAX jit per step")
TORCH_FORMS = {TORCH: "PyTorch eager", CHANNELS_LAST: "PyTorch's better format"}
# per workload: at least so many times faster than JAX's best form and than PyTorch; ms to compile;
# None where nothing is promised
STEPS: dict[str, tuple[float | None, float, float | None]] = {
    "W1": (15.0, 1500.0, 100.0),
    "W2": (2.5, 50.0, 150.0),
    "W3": (15.0, 1500.0, 100.0),
    "W4": (1.35, 4.0, 200.0),
    "W5": (10.0, 6.0, 400.0),
    "W6": (1.1, 2.0, 400.0),
    "W7": (2.5, 50.0, 150.0),
    "W8": (None, 1.0, None),
    "W9": (1.0, 1.0, 1000.0),
    "W10": (1.0, 1.0, 1000.0),
    "W11": (1.0, 1.0, 1000.0),
}
AIMS = {"W8": 1.2}  # beside the promise against PyTorch, what is aimed at
CACHED, MEMORY = 15.0, 1 / 3
WAITS = {IMPORT: 250.0, HELP: 200.0}
THREADS = {"W4": 1.6, "W5": 1.8}
NEVER_SLOWER = 1.0


@dataclass
class Target:
    """A promise: `measured` must be at least, or at most, `wanted`; None where it could not be.

    step  the workload, and the threads, whose time per step is promised; "" where none is
    """

    what: str
    wanted: float
    measured: float | None
    unit: str
    at_least: bool
    step: tuple[str, int] = ("", 1)

    @property
    def verdict(self) -> str:
        """met, missed, or not measured."""
        if self.measured is None:
            return "not measured"
        better = self.measured >= self.wanted if self.at_least else self.measured <= self.wanted
        return "met" if better else "missed"

    def cells(self) -> tuple[str, ...]:
        """What, wanted, measured, verdict."""
        sign = "≥" if self.at_least else "≤"
        measured = "—" if self.measured is None else f"{self.measured:,.4g} {self.unit}"
        return self.what, f"{sign} {self.wanted:,.4g} {self.unit}", measured, self.verdict


def targets(results: Results) -> list[Target]:
    """All promises about the workloads that were run."""
    found: list[Target] = []
    for name in dict.fromkeys(row.workload for row in results.rows):
        rows = {row.peer: row for row in results.rows if row.workload == name}
        found += _step(name, rows, results.llvm)
    for name, threads in results.threads.items():
        found += _threads(name, threads)
    found += [
        Target(what, most, results.waits[what], "ms", False)
        for what, most in WAITS.items()
        if what in results.waits
    ]
    if IMPORT_TORCH in results.waits:
        most = results.waits[IMPORT_TORCH]
        for what in (FIRST_COLD, FIRST_WARM):
            before = f"{what}, before import torch has returned"
            found.append(Target(before, most, results.waits[what], "ms", False))
    return found


def _step(name: str, rows: dict[str, Row], llvm: float) -> Iterable[Target]:
    jax, torch, cold = STEPS[name]
    if jax is not None:
        forms = [rows[form].ratio for form in JAX_FORMS if form in rows]
        nearest = min(forms, default=None)
        yield Target(f"{name} against JAX's best form", jax, nearest, "×", True, (name, 1))
    formats = {form: rows[form].ratio for form in TORCH_FORMS if form in rows}
    against = f"{name} against {TORCH_FORMS[[TORCH, *formats][-1]]}"
    nearest = min(formats.values(), default=None)
    yield Target(against, torch, nearest, "×", True, (name, 1))
    if name in AIMS:
        yield Target(f"{against}, aimed at", AIMS[name], nearest, "×", True, (name, 1))
    ours, theirs = rows[BASE].alone, rows[TORCH].alone if TORCH in rows else None
    if cold is not None:
        yield Target(f"{name} compiling, cold", cold, ours.first, "ms", False)
        less = None if ours.first is None else ours.first - llvm
        what = f"{name} compiling, cold, without loading LLVM"
        yield Target(what, cold, less, "ms", False)
    yield Target(f"{name} compiling, compiled before", CACHED, ours.cached, "ms", False)
    for what, peak in (("cold", ours.peak), ("compiled before", ours.cached_peak)):
        known = peak is not None and theirs is not None and theirs.peak is not None
        part = peak / theirs.peak if known else None  # type: ignore[operator, union-attr]
        yield Target(f"{name} peak memory against PyTorch, {what}", MEMORY, part, "×", False)


def _threads(name: str, turns: dict[str, Turns]) -> Iterable[Target]:
    wanted, gain = THREADS.get(name, NEVER_SLOWER), turns[BASE].gain
    yield Target(f"{name} two threads against one", wanted, gain, "×", True, (name, 2))
