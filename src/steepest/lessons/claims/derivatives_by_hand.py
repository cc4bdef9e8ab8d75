"""Derivatives by hand against automatic ones, and what one wrong term does."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from steepest.autograd import grad, numerical_gradient
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, all_of
from steepest.lessons.page import Page
from steepest.models import mlp
from steepest.nn import Module, MSELoss
from steepest.tensors import Tensor

__all__ = ["LESSON"]

_RATE = 0.03
_MISTAKES = ("factor", "bias", "layer", "bend")
_WAYS = ("right", *_MISTAKES)
_TOLERANCE = 1e-6  # of the largest derivative: differences are more exact than that

EN = Text(
    title="Derivatives by hand, and one wrong term",
    claim="Derivatives written by hand equal the automatic ones to rounding, for many times the "
    "work. One wrong term in them is not noticed in training, for the loss falls all the same; "
    "comparing with finite differences finds it.",
    method="An MLP 4-{hidden}-{hidden}-1 with tanh on {rows} rows, double precision. Its gradient "
    "is written in NumPy by hand, {hand lines} lines, and taken from the library, {auto lines} "
    "lines. Four mistakes are made, one at a time: the 2 of the square forgotten, biases averaged "
    "instead of summed, the slope of another layer's tanh taken, the slope of a tanh forgotten. "
    "With each, {steps} steps of descent are made, learning rate {rate}, and the gradient is "
    "compared with central differences.",
    result="By hand and automatic differ by {apart:mean} of the largest derivative. The check "
    "passes the right one and finds {found:%} of the mistakes. With them the loss still falls to "
    "{left factor:%}, {left bias:%}, {left layer:%} and {left bend:%} of its beginning, and to "
    "{left right:%} with the right gradient.",
    words={
        "kind": "the kind of mistake",
        "step": "step",
        "loss": "loss, as a part of the first (1)",
        "error": "relative difference (1)",
        "right": "right",
        "factor": "factor 2",
        "bias": "bias",
        "layer": "wrong layer",
        "bend": "no slope",
        "training": "What training shows",
        "check": "What the check shows",
    },
)
ZH = Text(
    title="手写导数，以及一处写错会怎样",
    claim="手写的导数与自动求出的只差舍入误差，却要多花许多工夫；其中写错一项，训练时看不出来，"
    "因为损失照样下降，与有限差分对比才能发现。",
    method="4-{hidden}-{hidden}-1 的 tanh MLP，{rows} 行数据，双精度。梯度一次用 NumPy 手写"
    "（{hand lines} 行），一次由库求出（{auto lines} 行）。每次故意犯一个错：漏掉平方的 2、"
    "偏置求平均而不是求和、用了另一层 tanh 的斜率、漏掉一层 tanh 的斜率。"
    "每种各下降 {steps} 步，学习率 {rate}，并把梯度与中心差分比较。",
    result="手写与自动之差是最大导数的 {apart:mean}。检查放过了正确的梯度，"
    "找出了 {found:%} 的错误。带着这些错误，损失仍降到开始时的 {left factor:%}、{left bias:%}、"
    "{left layer:%}、{left bend:%}；梯度正确时降到 {left right:%}。",
    words={
        "kind": "错误的种类",
        "step": "步",
        "loss": "损失（占开始时的比例）",
        "error": "相对差别（1）",
        "right": "正确",
        "factor": "漏掉 2",
        "bias": "偏置",
        "layer": "错层",
        "bend": "漏斜率",
        "training": "训练显示的",
        "check": "检查显示的",
    },
)

Arrays = Sequence[np.ndarray]


def _by_hand(w: Arrays, x: np.ndarray, y: np.ndarray, wrong: str = "") -> tuple[float, Arrays]:
    """The loss and its gradient, term by term; `wrong` is the mistake to make."""
    into, first, across, second, out, last = w
    a = np.tanh(x @ into.T + first)
    b = np.tanh(a @ across.T + second)
    miss = b @ out.T + last - y
    slope = (1 if wrong == "factor" else 2) * miss / len(x)
    at_b = slope @ out * (1 - b**2)
    bend = {"bend": 1, "layer": 1 - b**2}.get(wrong, 1 - a**2)
    at_a = at_b @ across * bend
    of_bias = np.mean if wrong == "bias" else np.sum
    biases = [of_bias(part, axis=0) for part in (at_a, at_b, slope)]
    weights = [at_a.T @ x, at_b.T @ a, slope.T @ b]
    gradient = [part for pair in zip(weights, biases, strict=True) for part in pair]
    return np.mean(miss**2), gradient


def _automatic(model: Module, x: np.ndarray, y: np.ndarray) -> Arrays:
    """The gradient as the library finds it."""
    loss = MSELoss()(model(Tensor(x)), Tensor(y))
    return [slope.numpy() for slope in grad(loss, list(model.parameters()))]


def _lines(function: Callable[..., Any]) -> int:
    """How many lines a function has, without its name and its docstring."""
    return len(inspect.getsource(function).splitlines()) - 2


def _apart(one: Arrays, other: Arrays) -> float:
    """The largest difference, as a part of the largest derivative."""
    first, second = (np.concatenate([part.ravel() for part in all_]) for all_ in (one, other))
    return float(np.abs(first - second).max() / np.abs(second).max())


def _descent(w: Arrays, x: np.ndarray, y: np.ndarray, wrong: str, steps: int) -> np.ndarray:
    """The loss before every step, as a part of the first."""
    losses = []
    for _ in range(steps):
        loss, gradient = _by_hand(w, x, y, wrong)
        losses.append(loss)
        w = [part - _RATE * slope for part, slope in zip(w, gradient, strict=True)]
    return np.array(losses) / losses[0]


def experiment(trial: Trial) -> dict[str, Any]:
    rows, hidden, steps = trial.choose((128, 16, 600), (32, 4, 200))
    x = trial.random("rows").standard_normal((rows, 4))
    y = np.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3]
    with trial.seeded():
        model = mlp(4, 1, (hidden, hidden)).double()
    w = [p.detach().numpy().copy() for p in model.parameters()]

    def loss() -> Tensor:
        return MSELoss()(model(Tensor(x)), Tensor(y))

    slow = [numerical_gradient(loss, p).numpy() for p in model.parameters()]
    found: dict[str, Any] = {"hidden": hidden, "rows": rows, "steps": steps, "rate": _RATE}
    found |= {"hand lines": _lines(_by_hand), "auto lines": _lines(_automatic)}
    found["apart"] = _apart(_by_hand(w, x, y)[1], _automatic(model, x, y))
    for way in _WAYS:
        found[f"check {way}"] = _apart(_by_hand(w, x, y, way)[1], slow)
        curve = _descent(w, x, y, way, steps)
        found |= {f"left {way}": curve[-1], f"{way} curve": curve}
    found["found"] = np.mean([found[f"check {way}"] > _TOLERANCE for way in _MISTAKES])
    found["work"] = found["hand lines"] / found["auto lines"]
    return found


def judge(found: Found) -> Verdict:
    """Equal, more work, every mistake found; and with which of them the loss still halves."""
    parts = all_of(
        found.below("apart", 1e-12),
        found.below("check right", _TOLERANCE),
        found.above("work", 1),
        Verdict("holds" if found["found"].low == 1 else "fails"),
    )
    unnoticed = {found.below(f"left {way}", 0.5).kind == "holds" for way in _MISTAKES}
    if parts.kind == "holds" and len(unnoticed) == 2:
        return Verdict("depends", on="kind")
    return parts if True in unnoticed else Verdict("fails")


def draw(found: Found, page: Page) -> None:
    training, check = page.panels(2, width=9.4, height=3.8)
    for i, way in enumerate(_WAYS):
        runs = found.curves(f"{way} curve")
        page.band(training, np.arange(runs.shape[1]), runs, i, way)
    page.logarithmic(training)
    page.label(training, "step", "loss", "training")
    page.legend(training, columns=5)
    for i, way in enumerate(_WAYS):
        values = found.curves(f"check {way}")
        looks = {"color": page.colours.series[i], "linestyle": "none", "marker": "osD^v"[i]}
        check.plot(i + np.linspace(-0.15, 0.15, len(values)), values, **looks)
    check.axhline(_TOLERANCE, color=page.colours.ink, linewidth=0.8)
    page.logarithmic(check)
    check.set_xticks(range(len(_WAYS)), [page.word(way) for way in _WAYS])
    page.label(check, "kind", "error", "check")


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
