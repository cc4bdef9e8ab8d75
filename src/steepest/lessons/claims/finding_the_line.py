"""The linear classifier finding its line, and how long that takes by the width of the gap."""

from collections.abc import Callable
from typing import Any

import numpy as np

from steepest import autograd as autograd  # gives Tensor its backward()
from steepest import functional as F
from steepest import nn, optim
from steepest.compiler import Epochs
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, all_of
from steepest.lessons.page import Page
from steepest.tensors import Tensor

__all__ = ["LESSON"]

_MARGINS = (0.02, 0.05, 0.1, 0.2, 0.4)
_SHOWN = 2  # whose margin's lines are drawn
_MOMENTS = (1, 10, 100, 1000)  # steps after which a line is drawn
_RATE = 0.1
_PASSES, _PIECE = 20, 2000  # epochs and steps of one native call

EN = Text(
    title="The linear classifier finding its line",
    claim="Where a line separates two classes, a linear classifier finds one: the perceptron after "
    "at most (R/γ)² mistakes, logistic regression by descent; the wider the gap, the sooner.",
    method="{rows} points in a square, none closer than γ to a line through the middle drawn at "
    "random, γ from 0.02 to 0.4, {worlds} times each. The perceptron takes one row after the "
    "other, and its mistakes are counted; logistic regression takes all rows at each step, "
    "learning rate {rate}, and its steps are counted until no row is on the wrong side. Counts are "
    "geometric means. R is the length of the longest row.",
    result="Perceptron: {mistakes 0} mistakes with γ = 0.02, where {bound 0:mean} are allowed, and "
    "{mistakes 4} with 0.4 of {bound 4:mean}; at most {spent:%} of the bound are ever used. "
    "Logistic regression: {steps 0} steps with 0.02 and {steps 4} with 0.4. With a tenth of γ "
    "there are {mistakes growth} times as many mistakes and {steps growth} times as many steps; "
    "the bound, made for the worst of all data, grows a hundred times.",
    words={
        "x": "first feature (1)",
        "y": "second feature (1)",
        "gap": "half of the gap, γ (1)",
        "count": "mistakes, or steps",
        "bound": "bound (R/γ)² of the perceptron",
        "mistakes": "mistakes of the perceptron",
        "steps": "steps of logistic regression",
        "lines": "The line after so many steps",
        "race": "Until the classes are apart",
        "step 0": "1",
        "step 1": "10",
        "step 2": "100",
        "step 3": "1,000",
    },
)
ZH = Text(
    title="线性分类器怎样找到那条线",
    claim="两类若能被一条直线分开，线性分类器就能找到这样的直线：感知机至多犯 (R/γ)² 次错，"
    "逻辑回归靠下降；间隔越宽，找得越快。",
    method="正方形内 {rows} 个点，离一条过中心的随机直线都不小于 γ，γ 从 0.02 到 0.4，"
    "每种重复 {worlds} 次。感知机逐行学习，统计犯错次数；逻辑回归每步用全部数据，"
    "学习率 {rate}，统计到没有一行站错边为止的步数。次数取几何平均，R 是最长一行的长度。",
    result="感知机：γ = 0.02 时犯错 {mistakes 0} 次（上限 {bound 0:mean}），0.4 时 {mistakes 4} 次"
    "（上限 {bound 4:mean}），最多只用到上限的 {spent:%}。逻辑回归：0.02 时 {steps 0} 步，"
    "0.4 时 {steps 4} 步。γ 缩小到十分之一，犯错次数变为 {mistakes growth} 倍，"
    "步数变为 {steps growth} 倍；上限是为最坏的数据设的，变为一百倍。",
    words={
        "x": "第一个特征（1）",
        "y": "第二个特征（1）",
        "gap": "间隔的一半 γ（1）",
        "count": "犯错次数或步数",
        "bound": "感知机的上限 (R/γ)²",
        "mistakes": "感知机的犯错次数",
        "steps": "逻辑回归的步数",
        "lines": "若干步之后的直线",
        "race": "直到两类分开",
        "step 0": "1",
        "step 1": "10",
        "step 2": "100",
        "step 3": "1,000",
    },
)


def _points(random: np.random.Generator, rows: int, margin: float) -> tuple[np.ndarray, ...]:
    """Rows (n, 3), the last feature 1 for the bias, and their classes −1 and 1, (n, 1)."""
    angle = random.uniform(0, 2 * np.pi)
    across = np.array([np.cos(angle), np.sin(angle)])
    x = random.uniform(-1, 1, (20 * rows, 2))
    x = x[np.abs(x @ across) >= margin][:rows]
    return np.column_stack([x, np.ones(rows)]), np.sign(x @ across)[:, None]


class _Line:
    """A line that learns, in native calls; `smallest` is how right the worst row of a step is."""

    def __init__(self, loss: Callable[[Tensor], Tensor], rate: float):
        layer = nn.Linear(3, 1, bias=False).double()
        optimizer = optim.SGD(layer.parameters(), lr=rate)

        def step(rows: Tensor, sides: Tensor) -> Tensor:
            right = sides * layer(rows)
            optimizer.zero_grad()
            loss(right).backward()
            optimizer.step()
            return F.amin(right.detach())

        self.weights, self._walk = layer.weight.value, Epochs(step)

    def smallest(self, x: np.ndarray, y: np.ndarray, batch: int, epochs: int) -> np.ndarray:
        return self._walk.run([x, y], np.tile(np.arange(len(x)), epochs), batch)


def _mistakes(line: _Line, x: np.ndarray, y: np.ndarray) -> int:
    """How often the perceptron is wrong before it goes through all rows without a mistake."""
    line.weights[...], mistakes = 0, 0
    while True:
        wrong = line.smallest(x, y, 1, _PASSES).reshape(_PASSES, -1) <= 0
        mistakes += int(wrong.sum())
        if not wrong[-1].any():
            return mistakes


def _steps(line: _Line, x: np.ndarray, y: np.ndarray, start: np.ndarray) -> int:
    """How many steps logistic regression makes before every row is on its side."""
    line.weights[...], done = start, 0
    while True:
        apart = line.smallest(x, y, len(x), _PIECE) > 0
        if apart.any():
            return done + int(apart.argmax())
        done += _PIECE


def _lines(line: _Line, x: np.ndarray, y: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The weights of logistic regression at the moments, (moments, 3)."""
    line.weights[...], found = start, []
    for steps in np.diff([0, *_MOMENTS]):
        line.smallest(x, y, len(x), steps)
        found.append(line.weights[0].copy())
    return np.array(found)


def experiment(trial: Trial) -> dict[str, Any]:
    rows, worlds = trial.choose((200, 20), (60, 2))
    random = trial.random("points")
    perceptron = _Line(lambda right: -F.sum(right * (right <= 0)), 1.0)
    logistic = _Line(lambda right: F.mean(F.softplus(-right)), _RATE)
    counts = np.zeros((3, len(_MARGINS), worlds))
    found: dict[str, Any] = {"rows": rows, "worlds": worlds, "rate": _RATE}
    for i, margin in enumerate(_MARGINS):
        for world in range(worlds):
            x, y = _points(random, rows, margin)
            start = random.standard_normal(3)
            bound, mistakes = (x**2).sum(1).max() / margin**2, _mistakes(perceptron, x, y)
            counts[:, i, world] = bound, mistakes, _steps(logistic, x, y, start)
        if i == _SHOWN:
            found |= {"x": x, "y": y[:, 0], "lines": _lines(logistic, x, y, start)}
    found["spent"] = (counts[1] / counts[0]).max()
    # some worlds need a hundred times as many steps as others: their logarithms are averaged
    usual = np.exp(np.log(np.maximum(counts, 1)).mean(2))
    for name, each in zip(("bound", "mistakes", "steps"), usual, strict=True):
        found |= {f"{name} {i}": count for i, count in enumerate(each)}
        found[f"{name} growth"] = 10 ** -np.polyfit(np.log10(_MARGINS), np.log10(each), 1)[0]
    return found


def judge(found: Found) -> Verdict:
    """Never more mistakes than the bound, and fewer of both where the gap is wider."""
    return all_of(
        Verdict("holds" if found["spent"].values.max() <= 1 else "fails"),
        found.above("mistakes growth", 1),
        found.above("steps growth", 1),
    )


def draw(found: Found, page: Page) -> None:
    plane, race = page.panels(2, width=9.2, height=4.2)
    first = found.trials[0]
    for side, marker, series in ((-1, "o", 4), (1, "^", 5)):
        points = first["x"][first["y"] == side]
        looks = {"markersize": 3, "color": page.colours.series[series]}
        plane.plot(*points[:, :2].T, linestyle="none", marker=marker, **looks)
    ends = np.array([-1.0, 1.0])
    for i, (a, b, c) in enumerate(first["lines"]):
        page.band(plane, ends, [-(a * ends + c) / b], i, f"step {i}")
    plane.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal")
    plane.legend(loc="lower left", bbox_to_anchor=(0, -0.34), ncols=4, handlelength=2.6)
    page.label(plane, "x", "y", "lines")
    for i, name in enumerate(("bound", "mistakes", "steps")):
        runs = np.array([found[f"{name} {j}"].values for j in range(len(_MARGINS))]).T
        page.band(race, _MARGINS, runs, i, name, marks=True)
    page.logarithmic(race)
    page.logarithmic(race, "x")
    page.label(race, "gap", "count", "race")
    page.legend(race)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
