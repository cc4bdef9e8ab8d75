"""The mean squared error's bowl against the absolute error's wedge."""

from functools import partial
from typing import Any

import numpy as np

from steepest import functional as F
from steepest import optim
from steepest.explain import descend
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict
from steepest.lessons.page import Page
from steepest.tensors import Tensor

__all__ = ["LESSON"]

_LAST = 20  # steps over which the walk is measured at its end
_RESTLESS = 0.05  # of the first step: a walk whose last steps are longer has not come to rest

EN = Text(
    title="The squared error's bowl and the absolute error's wedge",
    claim="The slope of the mean squared error fades toward the minimum, so descent with one "
    "learning rate comes to rest there. The absolute error is a wedge: its slope does not fade, "
    "and descent jumps over the minimum for ever.",
    method="A line is fitted to {points} points by {steps} steps of gradient descent, learning "
    "rate {rate}: points exactly on a line, and points scattered around it. Measured is how long "
    "the last steps are, as a part of the first.",
    result="Last steps of the squared error: {bowl:mean} of the first. Of the absolute error: "
    "{wedge} where the points lie on the line, and {rounded} where they are scattered: an average "
    "over many scattered kinks is round again.",
    words={
        "noise": "how far the points scatter",
        "slope": "slope of the line (1)",
        "loss": "loss above its minimum (1)",
        "step": "step",
        "length": "length of a step, logarithmic",
        "bowl": "squared error",
        "wedge": "absolute error, points on the line",
        "rounded": "absolute error, scattered points",
        "shape": "The loss over the slope",
        "walk": "The steps of the walk",
    },
)
ZH = Text(
    title="平方误差的碗与绝对误差的楔",
    claim="均方误差的坡度在接近最小值时逐渐变缓，因此用固定学习率下降会在那里停下来；"
    "绝对误差像一个楔子，坡度不会变缓，下降会永远在最小值两侧来回跳。",
    method="用 {steps} 步梯度下降（学习率 {rate}）把一条直线拟合到 {points} 个点："
    "一次点恰好在直线上，一次点散布在直线周围。测量最后几步的长度相对于第一步的比例。",
    result="平方误差的最后几步是第一步的 {bowl:mean}；绝对误差：点在直线上时为 {wedge}，"
    "点散布时为 {rounded}：许多分散的折点平均之后又变圆了。",
    words={
        "noise": "点散布的程度",
        "slope": "直线的斜率（1）",
        "loss": "高于最小值的损失（1）",
        "step": "步",
        "length": "步长（对数）",
        "bowl": "平方误差",
        "wedge": "绝对误差，点在直线上",
        "rounded": "绝对误差，点散布",
        "shape": "损失随斜率的变化",
        "walk": "下降的每一步",
    },
)


def _squared(w: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return F.mean((w[:, :1] * x + w[:, 1:] - y) ** 2, 1)


def _absolute(w: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return F.mean(F.abs(w[:, :1] * x + w[:, 1:] - y), 1)


def experiment(trial: Trial) -> dict[str, Any]:
    points, steps, rate = 100, trial.choose(300, 120), 0.1
    random = trial.random("points")
    x, noise = random.standard_normal((2, points))
    start = random.uniform(-2, 0, (1, 2))
    found: dict[str, Any] = {"points": points, "steps": steps, "rate": rate}
    slopes = found["slopes"] = np.linspace(0, 4, 81)
    for name, loss, scatter in (
        ("bowl", _squared, 1.0),
        ("wedge", _absolute, 0.0),
        ("rounded", _absolute, 1.0),
    ):
        y = 2 * x + 1 + scatter * noise
        of = partial(loss, x=Tensor(x[None]), y=Tensor(y[None]))
        path = descend(of, start, partial(optim.SGD, lr=rate), steps).path[:, 0]
        lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
        found[name] = lengths[-_LAST:].mean() / lengths[0]
        found[f"{name} steps"] = lengths
        heights = of(Tensor(np.column_stack([slopes, np.ones_like(slopes)]))).numpy()
        found[f"{name} shape"] = heights - heights.min()
    return found


def judge(found: Found) -> Verdict:
    """The bowl comes to rest and the wedge does not; with scattered points it may."""
    rests = found.below("bowl", _RESTLESS)
    clean, scattered = found.above("wedge", _RESTLESS), found.above("rounded", _RESTLESS)
    if rests.kind != "holds" or clean.kind == scattered.kind:
        return clean if rests.kind == "holds" else rests
    return Verdict("depends", on="noise")


def draw(found: Found, page: Page) -> None:
    left, right = page.panels(2)
    slopes = found.trials[0]["slopes"]
    for i, name in enumerate(("bowl", "wedge", "rounded")):
        page.band(left, slopes, found.curves(f"{name} shape"), i, name)
        runs = found.curves(f"{name} steps")
        page.band(right, np.arange(1, runs.shape[1] + 1), np.maximum(runs, 1e-9), i, name)
    left.set_ylim(0, 3)
    page.logarithmic(right)
    page.label(left, "slope", "loss", "shape")
    page.label(right, "step", "length", "walk")
    page.legend(left)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
