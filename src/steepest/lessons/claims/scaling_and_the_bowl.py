"""Scaling the features, the shape of the bowl, and how many steps descent needs."""

from typing import Any

import numpy as np

from steepest.data import load_data
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict
from steepest.lessons.page import Page

__all__ = ["LESSON"]

_WAYS = ("none", "minmax", "mean", "standard")
_CLOSE = 0.01  # of the minimum: where a walk is counted as having arrived
_PAIR = ("RM", "TAX")  # rooms per home and tax rate: a hundred times as large

EN = Text(
    title="Scaling and the shape of the bowl",
    claim="Features of different sizes make the bowl of the squared error long and narrow; scaled "
    "features make it round, and gradient descent needs far fewer steps.",
    method="Linear regression on the house prices, features as they are and scaled in three ways, "
    "each with the fastest learning rate that its bowl allows, 2/(λ₁ + λₙ). Counted are the steps "
    "until the loss is within {close:%} of its minimum, {limit} at most. The condition number "
    "λ₁/λₙ says how much longer the bowl is than wide.",
    result="Steps: {none} unscaled; {minmax} with 0–1, {mean} with (x − mean)/(max − min), "
    "{standard} with mean 0 and variance 1. Condition numbers: {none condition:mean}; "
    "{minmax condition:mean}, {mean condition:mean}, {standard condition:mean}.",
    words={
        "none": "unscaled",
        "minmax": "0 to 1",
        "mean": "by mean and range",
        "standard": "mean 0, variance 1",
        "step": "step, logarithmic",
        "loss": "loss above its minimum, as a part of it",
        "walk": "How fast descent arrives",
        "raw": "Unscaled",
        "round": "Mean 0, variance 1",
        "rooms": "weight of RM (1)",
        "tax": "weight of TAX (1)",
    },
)
ZH = Text(
    title="缩放与碗的形状",
    claim="大小悬殊的特征使平方误差的碗又长又窄；缩放后的特征使碗变圆，梯度下降所需的步数少得多。",
    method="在房价数据上做线性回归：特征不缩放，以及用三种方法缩放；每种都用其碗所允许的最快学习率 "
    "2/(λ₁ + λₙ)。统计损失与最小值相差不到 {close:%} 所需的步数，最多 {limit} 步。"
    "条件数 λ₁/λₙ 表示碗的长宽之别。",
    result="步数：不缩放 {none}；缩放到 0–1 {minmax}，(x − 均值)/(最大 − 最小) {mean}，"
    "均值 0 方差 1 {standard}。条件数：{none condition:mean}；{minmax condition:mean}、"
    "{mean condition:mean}、{standard condition:mean}。",
    words={
        "none": "不缩放",
        "minmax": "0 到 1",
        "mean": "按均值与范围",
        "standard": "均值 0，方差 1",
        "step": "步（对数）",
        "loss": "高于最小值的损失（占最小值的比例）",
        "walk": "下降多快到达",
        "raw": "不缩放",
        "round": "均值 0，方差 1",
        "rooms": "RM 的权重（1）",
        "tax": "TAX 的权重（1）",
    },
)


def experiment(trial: Trial) -> dict[str, Any]:
    limit = trial.choose(20_000, 2_000)
    at = np.unique(np.geomspace(1, limit, 60).astype(int))
    found: dict[str, Any] = {"limit": limit, "close": _CLOSE, "at": at}
    for way in _WAYS:
        data = load_data("housing", scale=way, seed=trial.seed)
        x = np.column_stack([data.train.x.astype(float), np.ones(len(data.train))])
        y = data.train.y.astype(float)[:, 0]
        curvature = 2 * x.T @ x / len(x)
        values = np.linalg.eigvalsh(curvature)
        excess = _descent(x, y, 2 / (values[-1] + values[0]), limit)
        arrived = np.flatnonzero(excess < _CLOSE)
        found[way] = arrived[0] if len(arrived) else limit
        found[f"{way} condition"] = values[-1] / values[0]
        found[f"{way} curve"] = excess[at]
        pair = [data.feature_names.index(name) for name in _PAIR]
        found[f"{way} bowl"] = curvature[np.ix_(pair, pair)]
    found["saved"] = min(found["none"] / found[way] for way in _WAYS[1:])
    return found


def _descent(x: np.ndarray, y: np.ndarray, rate: float, steps: int) -> np.ndarray:
    """The loss above its minimum, as a part of it, before and after each step of descent from 0.

    The slope is that of the squared error, 2/n · Xᵀ(Xw − y), with XᵀX and Xᵀy computed once.
    """
    lowest = np.linalg.lstsq(x, y)[0]
    minimum = np.mean((x @ lowest - y) ** 2)
    curvature = 2 * x.T @ x / len(x)
    away, excess = -lowest, np.empty(steps + 1)
    for step in range(steps + 1):
        slope = curvature @ away
        excess[step] = away @ slope / 2
        away = away - rate * slope
    return excess / minimum


def judge(found: Found) -> Verdict:
    """Even the worst way of scaling needs fewer steps."""
    return found.above("saved", 1)


def draw(found: Found, page: Page) -> None:
    raw, rounded, walk = page.panels(3, width=10.2, height=3.8)
    for ax, way, title in ((raw, "none", "raw"), (rounded, "standard", "round")):
        bowl = found.trials[0][f"{way} bowl"]
        # as far as the flattest direction of the pair rises by 1
        ends = np.linspace(-1, 1, 81) / np.sqrt(np.linalg.eigvalsh(bowl)[0])
        a, b = np.meshgrid(ends, ends)
        heights = (bowl[0, 0] * a**2 + 2 * bowl[0, 1] * a * b + bowl[1, 1] * b**2) / 2
        page.contours(ax, ends, ends, heights)
        page.label(ax, "rooms", "tax", title)
    for i, way in enumerate(_WAYS):
        page.band(walk, found.trials[0]["at"], found.curves(f"{way} curve"), i, way)
    walk.set_ylim(_CLOSE / 10, None)
    page.logarithmic(walk)
    page.logarithmic(walk, "x")
    page.label(walk, "step", "loss", "walk")
    page.legend(walk, columns=4)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
