"""The results as pages: the same tables for the terminal and in Markdown."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.pace import THERE, pace
from benchmarks.profile import COLUMNS, Profile
from benchmarks.results import Results
from benchmarks.targets import Target, targets
from benchmarks.threads import COLUMNS as THREADS
from benchmarks.threads import CORES

__all__ = ["Page", "as_markdown", "pages", "show"]

LARGEST = 5  # lines of a profile


@dataclass
class Page:
    """A table under a title, with what must be known to read it."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def pages(results: Results) -> list[Page]:
    """All tables of a run that have something in them."""
    made = [_targets(results), _steps(results), _alone(results), _threads(results), _waits(results)]
    made += [_profile(*step, found) for step, found in results.profiles.items()]
    return [page for page in made if page.rows]


def _targets(results: Results) -> Page:
    found = targets(results)
    met = sum(target.verdict == "met" for target in found)
    note = f"{met} of {len(found)} are met. Cold compilation counts loading LLVM "
    note += f"({results.llvm:.0f} ms here) unless it says otherwise."
    slower = pace(results)
    if slower is not None:
        there = ", ".join(f"{name} {time:.0f}" for name, time in THERE.items())
        note += " The limits of compiling were set on a processor on which PyTorch's eager steps "
        note += f"took, in µs, {there}; here they take {slower:.1f} times as long. The last column "
        note += "divides by that; the verdict does not."
    columns = ("target", "wanted", "measured", "", "at the pace there")
    return Page("Targets", note, columns, [(*t.cells(), _there(t, slower)) for t in found])


def _there(target: Target, slower: float | None) -> str:
    """What compiling would take on the processor on which its limit was set."""
    if slower is None or target.measured is None or "compiling" not in target.what:
        return ""
    return f"{target.measured / slower:,.0f} ms"


def _steps(results: Results) -> Page:
    note = (
        "One thread on one core, process CPU time, median of the repeats. The ratio is the peer's "
        "time divided by ours that was taken just before, the median again: above 1, we are "
        "faster. The roofline share is the least time that the step's matrix products and memory "
        "traffic take on this core, divided by the measured time. Eager mode is NumPy and not the "
        "fast path. "
    )
    titles = dict.fromkeys(f"{r.workload} {r.title}" for r in results.rows)
    note += f"Workloads: {'; '.join(titles)}."
    columns = ("workload", "peer", "µs per step", "min–max", "time / ours", "roofline")
    rows = [
        (
            r.workload,
            r.peer,
            f"{r.time.middle:,.2f}",
            f"{r.time.low:,.2f}–{r.time.high:,.2f}",
            f"{r.ratio:.2f}",
            r.share,
        )
        for r in results.rows
    ]
    return Page("One training step", note, columns, rows)


def _alone(results: Results) -> Page:
    note = (
        "Each peer in a process of its own, which may use all cores. Compiling is the first call's "
        "wall time beyond that of a later one, each an epoch of one step; before: in a second "
        "process that finds the first one's cache. Memory is the largest resident size of the "
        "process, in MB: with the library just imported, at the end, and at the end of a process "
        "that found a cache."
    )
    columns = ("workload", "peer", "cold, ms", "before, ms", "imported", "peak", "peak, before")
    rows = []
    for r in results.rows:
        a = r.alone
        numbers = (a.first, a.cached, a.imports, a.peak, a.cached_peak)
        if any(number is not None for number in numbers):
            rows.append((r.workload, r.peer, *map(_whole, numbers)))
    return Page("Compiling and memory", note, columns, rows)


def _threads(results: Results) -> Page:
    note = (
        "Wall time, medians; each number of threads in a process of its own, on as many cores. "
        "The two take turns, and the ratio is the median of the ratios of neighbouring times. "
        "Two copies are programs of one thread at once, each on its own core, beside one alone: "
        "they share nothing and wait for nobody, so that is what two threads can hope for. "
        f"{CORES.capitalize()} need nothing but the cores: where two threads are not twice as fast "
        "at these, one of the cores had other work meanwhile."
    )
    rows = [
        (workload, peer, *turns.cells())
        for workload, peers in results.threads.items()
        for peer, turns in peers.items()
    ]
    return Page("Two threads", note, ("workload", "peer", *THREADS), rows)


def _waits(results: Results) -> Page:
    note = "Wall time of whole processes, medians of 5; epochs count when the command tells them."
    rows = [(what, _whole(milliseconds)) for what, milliseconds in results.waits.items()]
    return Page("Waiting", note, ("until", "ms"), rows)


def _profile(name: str, threads: int, found: Profile) -> Page:
    note = (
        f"A target is missed: the {LARGEST} largest parts of a step, in order. {found.summary()} "
    )
    note += "Nests are numbered as `explain` prints them; bytes count once. The roofline share is "
    note += "the least time that the operations or the bytes take, divided by the time taken."
    title = f"Where the time goes: {name}{', on two threads' * (threads == 2)}"
    return Page(title, note, COLUMNS, found.rows(found.largest(LARGEST)))


def _whole(number: float | None) -> str:
    return "—" if number is None else f"{number:,.0f}"


def show(results: Results, console: Console) -> None:
    """All tables on the terminal; the targets last, where they are read."""
    targets_page, *others = pages(results)
    for page in (*others, targets_page):
        table = Table(*page.columns, title=page.title)
        for row in page.rows:
            table.add_row(*row)
        console.print(table)
        console.print(page.note)
    console.print(results.circumstances)


def as_markdown(results: Results) -> str:
    """The same as a page."""
    lines = ["# Training steps, side by side", "", "Written by `make bench`."]
    lines += ["", results.circumstances]
    if results.left_out:
        lines += ["", "Left out:", "", *(f"- {line}" for line in results.left_out)]
    for page in pages(results):
        lines += ["", f"## {page.title}", "", page.note, "", f"| {' | '.join(page.columns)} |"]
        lines += ["|---" * len(page.columns) + "|"]
        lines += [f"| {' | '.join(row)} |" for row in page.rows]
    return "\n".join(lines) + "\n"
