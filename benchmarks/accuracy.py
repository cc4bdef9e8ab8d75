"""`python -m benchmarks.accuracy`: errors of the compiled functions, written to docs/accuracy.md.

Each function is compiled and applied to float32 numbers of every size: a fixed stride through all
bit patterns, every edge case, and a dense sample where the functions bend. The exact values are
NumPy's in double precision, and the C library's erf.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import steepest
from steepest.core import Streams

__all__ = ["Accuracy", "accuracy", "errors", "page"]

PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
STRIDE = 1021  # a prime: every exponent, and all low bits of the significand
DENSE, REACH = 4_000_000, 16.0
SMALLEST = np.finfo(np.float32).tiny  # the smallest number that is not subnormal
BLOCK = 1 << 20
EDGES = np.array([-np.inf, np.inf, np.nan, -0.0, 0.0], np.float32)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, 1) / (1 + small)


EXACT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "sin": np.sin,
    "cos": np.cos,
    "erf": np.vectorize(math.erf, otypes=[np.float64]),
    "sqrt": np.sqrt,
}


@dataclass
class Worst:
    """The largest error of a range, in units in the last place, and the number it is at."""

    error: float = 0.0
    at: float = math.nan

    def meet(self, x: np.ndarray, wrong: np.ndarray) -> None:
        """Take another block of the range into account."""
        if len(x) and wrong.max() > self.error:
            worst = int(np.argmax(wrong))
            self.error, self.at = float(wrong[worst]), float(x[worst])


@dataclass
class Accuracy:
    """One function: the worst of three ranges, the share rounded correctly, and the edge cases."""

    name: str
    everywhere: Worst
    near: Worst
    subnormal: Worst
    rounded: float
    edges: list[float]


def samples() -> Iterator[np.ndarray]:
    """Blocks of equal length, so that one program serves them all."""
    patterns = np.arange(0, 2**32, STRIDE, dtype=np.uint64).astype(np.uint32).view(np.float32)
    dense = Streams(0)("accuracy").uniform(-REACH, REACH, DENSE).astype(np.float32)
    every = np.concatenate([EDGES, patterns, dense])
    every = np.concatenate([every, np.ones(-len(every) % BLOCK, np.float32)])
    yield from every.reshape(-1, BLOCK)


def errors(got: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Errors in units in the last place of float32; infinite where inf or NaN is not as it must be.

    Args:
        got: float32 results.
        exact: the same in float64, good to far more digits than float32 has.
    """
    with np.errstate(all="ignore"):
        rounded = exact.astype(np.float32)
        unit = np.spacing(np.abs(rounded)).astype(np.float64)
        wrong = np.abs(got.astype(np.float64) - exact) / unit
    same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    return np.where(np.isfinite(rounded) & np.isfinite(got), wrong, np.where(same, 0, np.inf))


def accuracy(name: str) -> Accuracy:
    """Compile one function and compare it with the exact one, block by block.

    Raises:
        ArithmeticError: an infinity, NaN or zero is not what it must be.
    """
    function = getattr(steepest, name)
    compiled = steepest.compile(lambda x: function(x))
    found = Accuracy(name, Worst(), Worst(), Worst(), 0.0, [])
    right = total = 0
    for x in samples():
        got = compiled(x).numpy()
        with np.errstate(all="ignore"):
            exact = EXACT[name](x.astype(np.float64))
            correct = exact.astype(np.float32)
        wrong = errors(got, exact)
        small = (np.abs(x) < SMALLEST) | (np.abs(exact) < SMALLEST)
        near = np.abs(x) <= REACH
        found.everywhere.meet(x, wrong)
        found.near.meet(x[near], wrong[near])
        found.subnormal.meet(x[small], wrong[small])
        number = ~np.isnan(correct)
        right, total = right + int((got == correct)[number].sum()), total + int(number.sum())
        found.edges = found.edges or _edges(name, got, correct)
    found.rounded = right / total
    return found


def _edges(name: str, got: np.ndarray, correct: np.ndarray) -> list[float]:
    """The results at EDGES, which a block begins with."""
    got, correct = got[: len(EDGES)], correct[: len(EDGES)]
    number = ~np.isnan(correct)  # the sign of a NaN means nothing
    signs = (np.signbit(got) == np.signbit(correct))[number].all()
    if not (np.array_equal(got, correct, equal_nan=True) and signs):
        raise ArithmeticError(f"{name} of {EDGES} is {got}, not {correct}")
    return [float(value) for value in got]


def page(found: list[Accuracy]) -> str:
    """The page for the documentation."""
    lines = [
        "# How exact the compiled functions are",
        "",
        "Written by `python -m benchmarks.accuracy`. Functions of float32 numbers, as",
        "`steepest.compile` makes them for the vectors of the processor at hand, against double",
        "precision. Errors are in units in the last place (ulp) of the exact result; a perfectly",
        f"rounded function has 0.5. Sampled: every {STRIDE}st of the 2³² bit patterns, and",
        f"{DENSE:,} numbers of [-{REACH:.0f}, {REACH:.0f}]. An infinity or NaN that is not what it",
        "must be counts as an infinite error; results overflow where the exact one rounds to it.",
        "",
        f"| function | all float32: error | at | abs(x) ≤ {REACH:.0f}: error | at "
        "| x or result subnormal: error | correctly rounded |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {f.name} | {f.everywhere.error:.3f} | {f.everywhere.at:.7g} | {f.near.error:.3f} "
        f"| {f.near.at:.7g} | {f.subnormal.error:.3f} | {100 * f.rounded:.1f} % |"
        for f in found
    ]
    lines += [
        "",
        "## Infinities, NaN and signed zeros",
        "",
        "What the compiled functions return; the page is only written when all are what C has for",
        "them, with their signs. Subnormal numbers are not flushed to zero, neither as arguments",
        "nor as results: their errors are a column above. A program that goes through the rows of",
        "data, as `fit` runs it, takes them for 0, because processors are slow with them.",
        "",
        "| function | -inf | inf | NaN | -0 | 0 |",
        "|---|---|---|---|---|---|",
    ]
    lines += [f"| {f.name} | {' | '.join(_shown(v) for v in f.edges)} |" for f in found]
    return "\n".join(lines) + "\n"


def _shown(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:g}"


def main() -> None:
    found = []
    for name in EXACT:
        found.append(accuracy(name))
        worst = found[-1].everywhere
        print(f"{name:8} {worst.error:.3f} ulp at {worst.at:.7g}")
    PAGE.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
