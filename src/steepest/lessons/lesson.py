"""What a lesson is: a claim, an experiment that tries it, a figure, and a verdict from the data.

A lesson is one file in `claims/`; docs/lessons.md writes one, line by line.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steepest.core import Streams
from steepest.lessons.spread import Spread
from steepest.random import default_generator

__all__ = ["Found", "Lesson", "Text", "Trial", "Verdict", "across", "all_of"]


@dataclass(frozen=True)
class Text:
    """What a lesson says in one language.

    In `claim`, `method` and `result`, `{name}` is a number that the experiment gave, written by
    `Spread`; no number of a run stands in a text.

    Attributes:
        title: a few words.
        claim: what is said to be so.
        method: what is done to see whether it is.
        result: what came out.
        words: the words of the figure, and what a verdict may depend on, by key.
    """

    title: str
    claim: str
    method: str
    result: str
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What the data say of the claim: "holds", "fails", "depends" on a word of the text, or "open",
    where these seeds do not decide."""

    kind: str
    on: str = ""


def all_of(*verdicts: Verdict) -> Verdict:
    """The verdict on a claim of several parts: the one furthest from holding."""
    order = ("fails", "open", "depends", "holds")
    return min(verdicts, key=lambda verdict: order.index(verdict.kind))


def across(verdicts: Iterable[Verdict], on: str) -> Verdict:
    """The verdict on a claim tried in several settings, which the word `on` names: "depends" where
    it holds in one and fails in another, and the one furthest from holding otherwise."""
    verdicts = list(verdicts)
    mixed = {verdict.kind for verdict in verdicts} >= {"holds", "fails"}
    return Verdict("depends", on) if mixed else all_of(*verdicts)


@dataclass(frozen=True)
class Trial:
    """One run of an experiment, from one seed.

    Attributes:
        short: a small form, for a test that has a second or two.
    """

    seed: int
    short: bool = False

    def choose(self, full: Any, short: Any) -> Any:
        """A size: how it is meant, or for the short form."""
        return short if self.short else full

    def random(self, *name: object) -> np.random.Generator:
        """A generator of this trial's own; another one for each name."""
        return Streams(self.seed)("lesson", *name)

    @contextmanager
    def seeded(self) -> Iterator[None]:
        """In this block layers are initialised from the seed; afterwards nobody notices."""
        with default_generator.undisturbed():
            default_generator.manual_seed(self.seed)
            yield


class Found:
    """What the experiment gave with each seed.

    `found["x"]` is the Spread of a number; `found.curves("x")` are arrays of equal shape, one per
    seed, as (seeds, …).
    """

    def __init__(self, trials: Sequence[Mapping[str, Any]]):
        self.trials = trials

    def __getitem__(self, name: str) -> Spread:
        return Spread([float(trial[name]) for trial in self.trials])

    def curves(self, name: str) -> np.ndarray:
        return np.array([trial[name] for trial in self.trials])

    def numbers(self) -> dict[str, Spread]:
        """All measured numbers by name."""
        first = self.trials[0]
        measured = {name: self[name] for name, value in first.items() if not np.ndim(value)}
        return {"seeds": Spread([len(self.trials)]), **measured}

    # ---- verdicts --------------------------------------------------------------------------------

    def above(self, name: str, bound: float) -> Verdict:
        """Whether a number is above a bound: with its whole interval, or not at all, or open."""
        spread = self[name]
        if spread.low > bound:
            return Verdict("holds")
        return Verdict("fails") if spread.high < bound else Verdict("open")

    def below(self, name: str, bound: float) -> Verdict:
        """Whether a number is below a bound."""
        spread = self[name]
        if spread.high < bound:
            return Verdict("holds")
        return Verdict("fails") if spread.low > bound else Verdict("open")


@dataclass(frozen=True)
class Lesson:
    """A claim and its trial.

    Attributes:
        texts: "en" and "zh".
        experiment: from a Trial to numbers and arrays by name, the same names for every seed.
        judge: the verdict, from the data alone.
        draw: the figure, onto a Page.
        seconds: what the full form takes with five seeds, about, on two cores; only where that is
            more than a minute, so that it is said first.
    """

    texts: Mapping[str, Text]
    experiment: Callable[[Trial], Mapping[str, Any]]
    judge: Callable[[Found], Verdict]
    draw: Callable[[Found, Any], None]
    seconds: float = 0.0

    def run(self, seeds: int = 5, short: bool = False) -> Found:
        """The experiment with seeds 0, 1, …"""
        return Found([self.experiment(Trial(seed, short)) for seed in range(seeds)])
