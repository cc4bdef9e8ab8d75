"""`python -m benchmarks.lenet`: LeNet-5 on handwritten digits, how well and how fast it learns.

Three forms: as published in 1998, the modern one, and the modern one with ReLU and max pooling,
each trained for 15 epochs from 5 seeds on the packaged 8,000 digits, split 80 / 10 / 10 and
stratified. The test part is never opened. Beside it, PyTorch's loop trains three epochs of the same
network. Names after the command choose forms; only a run of all writes benchmarks/lenet.md.
"""

import argparse
import os
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.environment import clean_environment, description
from benchmarks.lenet_torch import torch_epochs
from benchmarks.measure import AGREEMENT, FIRST
from steepest import models
from steepest.data import Part, load_data
from steepest.random import manual_seed
from steepest.training import fit

__all__ = ["FORMS", "Apart", "Form", "Study", "apart", "page", "study"]

PAGE = Path(__file__).parent / "lenet.md"
EPOCHS, SEEDS, THEIRS = 15, 5, 3
EXACT = 1e-9  # relative difference allowed between losses in float64
TRIED = (
    "Settings were chosen on the validation part. Tried was Adam with a cosine only: the published "
    "form at rate 0.001 and 16 images a step; the modern ones at 0.002 and 32 (97.6 and 98.1 %), "
    "0.002 and 16, 0.001 and 16 (97.6 and 98.1 %), each from the same 5 seeds."
)


@dataclass
class Form:
    """A form of the network, how its pixels are scaled, how it is trained, and what is wanted."""

    title: str
    make: Any
    scale: str
    lr: float
    batch: int
    wanted: float  # median of the best validation accuracies

    def settings(self, seed: int) -> dict[str, Any]:
        """What `fit` is given."""
        how = {"optimizer": "adam", "lr": self.lr, "schedule": "cosine", "epochs": EPOCHS}
        return how | {"batch_size": self.batch, "seed": seed, "compile": "auto"}


_LENET = partial(models.lenet5, size=(28, 28))
FORMS = {
    "published": Form("as published in 1998", _LENET, "lecun", 0.001, 16, 0.97),
    "modern": Form("modern", partial(_LENET, True), "lecun", 0.002, 16, 0.97),
    "relu": Form(
        "modern, ReLU and max pooling",
        partial(_LENET, True, activation="relu", pooling="max"),
        *("minmax", 0.002, 16, 0.977),
    ),
}


@dataclass
class Apart:
    """Losses of every step of the first epoch, as relative distances.

    single     ours from PyTorch's, in float32
    double     the same in float64, where rounding is too small to show
    yardstick  PyTorch's from PyTorch's in float32, with the rows of every batch in reverse order:
               the same sums, rounded in another order
    """

    single: np.ndarray
    double: np.ndarray
    yardstick: np.ndarray

    def lines(self) -> list[str]:
        """The largest, with the verdicts. Adam makes steps of a last digit near zero, so rounding
        grows from step to step: over a whole epoch only float64 can tell it from a fault."""
        early, exact = self.single[:FIRST].max(), self.double.max()
        return [
            f"the first {FIRST} losses lie at most {early:.1e} from PyTorch's, relative; "
            f"{AGREEMENT:g} allowed: {_verdict(early <= AGREEMENT)}",
            f"all {len(self.double)} of the first epoch, in float64: at most {exact:.1e}; "
            f"{EXACT:g} allowed: {_verdict(exact <= EXACT)}",
            f"in float32: at most {self.single.max():.1e}; PyTorch's own, with the rows of every "
            f"batch in reverse order: {self.yardstick.max():.1e}",
        ]


@dataclass
class Study:
    """What was found of a form. Seconds are wall time.

    accuracies  the best validation accuracy of each seed's epochs
    epoch       seconds of a later epoch, both looks at the accuracy included; median
    first       seconds of the first training of all: 15 epochs, compilation included
    theirs      seconds of PyTorch's three epochs
    apart       how far the losses lie from PyTorch's
    notes       what `fit` says that it did in another way
    """

    form: Form
    accuracies: list[float]
    epoch: float
    first: float
    theirs: float
    apart: Apart
    notes: list[str]

    def lines(self) -> list[str]:
        """The results in words, with the verdicts."""
        middle, wanted = median(self.accuracies), self.form.wanted
        sooner, once = _verdict(self.first < self.theirs), self.first - EPOCHS * self.epoch
        each = ", ".join(f"{accuracy:.2%}" for accuracy in self.accuracies)
        return [
            f"validation accuracy, best of {EPOCHS} epochs: median {middle:.2%} of {each}; "
            f"at least {wanted:.1%} wanted: {_verdict(middle >= wanted)}",
            f"one epoch: {self.epoch:.3f} s",
            f"{EPOCHS} epochs {self.first:.2f} s, of which {once:.2f} s once, for compiling; "
            f"{THEIRS} epochs in PyTorch's loop {self.theirs:.2f} s; sooner wanted: {sooner}",
            *self.apart.lines(),
            *self.notes,
        ]


def _verdict(met: bool) -> str:
    return "met" if met else "missed"


def study(form: Form, seeds: int = SEEDS) -> Study:
    """Train the form from every seed, and once in PyTorch."""
    data = load_data("mnist", split=(0.8, 0.1, 0.1), scale=form.scale)
    fits, seconds = [], []
    for seed in range(seeds):
        manual_seed(seed)
        model = form.make()
        if seed == 0:
            theirs, losses = torch_epochs(model, data, form.settings(seed), THEIRS, EPOCHS)
        began = time.perf_counter()
        fits.append(fit(model, data, progress="none", **form.settings(seed)))
        seconds.append(time.perf_counter() - began)
    return Study(
        form,
        [max(row["val_accuracy"] for row in run.history) for run in fits],
        median(row["seconds"] for run in fits for row in run.history[1:]),
        seconds[0],
        theirs,
        apart(form, data, fits[0].step_losses[0], losses),
        fits[0].notes,
    )


def apart(form: Form, data: Any, ours: np.ndarray, theirs: np.ndarray) -> Apart:
    """How far the losses of the first epoch lie apart, from these two in float32 on."""
    settings = form.settings(0)
    manual_seed(0)
    model = form.make()
    _, reverse = torch_epochs(model, data, settings, 1, EPOCHS, reverse=True)
    model.double()
    wide = replace(data, train=_wide(data.train), val=_wide(data.val))
    _, expected = torch_epochs(model, wide, settings, 1, EPOCHS)
    exact = fit(model, wide, progress="none", **settings | {"epochs": 1}).step_losses[0]
    pairs = (ours, theirs), (exact, expected), (reverse, theirs)
    return Apart(*(np.abs(x / y - 1) for x, y in pairs))


def _wide(part: Part) -> Part:
    return replace(part, x=part.x.astype(np.float64))


def page(studies: list[Study], circumstances: str) -> str:
    """The results as Markdown."""
    lines = ["# LeNet-5 on handwritten digits", "", "Written by `make lenet`.", ""]
    lines += [circumstances, "", _protocol(studies)]
    for found in studies:
        form = found.form
        lines += ["", f"## {form.title[0].upper()}{form.title[1:]}", ""]
        lines += [f"Pixels scaled by {form.scale!r}; Adam, learning rate {form.lr:g} falling as a"]
        lines += [f"cosine; {form.batch} images a step.", ""]
        lines += [f"- {line}" for line in found.lines()]
    return "\n".join(lines) + "\n"


def _protocol(studies: list[Study]) -> str:
    return (
        f"The packaged 8,000 digits, stratified: 6,400 to train on, 800 to validate, 800 never "
        f"opened. {EPOCHS} epochs, {len(studies[0].accuracies)} seeds. The best of {EPOCHS} looks "
        f"at the same 800 images is a hopeful figure. {TRIED} The time of our epochs holds a look "
        "at the training and the validation part after each, that of PyTorch's training alone."
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="make lenet", description=__doc__)
    parser.add_argument("forms", nargs="*", help=f"{', '.join(FORMS)} (all)")
    chosen = parser.parse_args().forms
    clean_environment()
    console, circumstances, studies = Console(), description("wall time"), []
    console.print(circumstances)
    with TemporaryDirectory() as folder:  # nothing is found that another run compiled
        os.environ["STEEPEST_CACHE"] = folder
        for name in chosen or FORMS:
            studies.append(study(FORMS[name]))
            console.print(FORMS[name].title, *studies[-1].lines(), sep="\n  ")
    if not chosen:
        PAGE.write_text(page(studies, circumstances), encoding="utf-8")
        console.print(f"written to {PAGE.name}")


if __name__ == "__main__":
    main()
