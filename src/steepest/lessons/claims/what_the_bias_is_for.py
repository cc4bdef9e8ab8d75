"""What the bias is for: the same linear model with it and without, by how features are scaled."""

from typing import Any

import numpy as np

from steepest.data import load_data
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict
from steepest.lessons.page import Page

__all__ = ["LESSON"]

_WAYS = ("none", "minmax", "standard")

EN = Text(
    title="What the bias is for",
    claim="Without a bias a model has to pass through the origin, and fits data worse whose mean "
    "is elsewhere.",
    method="Linear regression on the house prices in closed form, on features as they are, scaled "
    "to 0–1, and to mean 0 and variance 1, with and without a bias. Measured is the root mean "
    "square error on the validation part, in thousands of dollars.",
    result="With a bias {with none}, however features are scaled. Without: {without none} on "
    "features as they are, {without minmax} on 0–1, {without standard} on features of mean 0.",
    words={
        "with": "with a bias",
        "without": "without",
        "scaling": "the scaling of the features",
        "error": "validation error (1,000 $)",
        "none": "as they are",
        "minmax": "0 to 1",
        "standard": "mean 0",
        "title": "One linear model, with and without a bias",
    },
)
ZH = Text(
    title="偏置有什么用",
    claim="没有偏置的模型必须经过原点，数据的均值若不在那里，就拟合得更差。",
    method="在房价数据上用闭式解做线性回归：特征不缩放、缩放到 0–1、均值 0 方差 1，"
    "各有偏置与无偏置；测量验证部分的均方根误差，单位千美元。",
    result="有偏置时为 {with none}，与缩放无关。无偏置时：不缩放 {without none}，"
    "0–1 {without minmax}，均值 0 {without standard}。",
    words={
        "with": "有偏置",
        "without": "无偏置",
        "scaling": "特征的缩放方式",
        "error": "验证误差（千美元）",
        "none": "不缩放",
        "minmax": "0 到 1",
        "standard": "均值 0",
        "title": "同一个线性模型，有偏置与无偏置",
    },
)


def experiment(trial: Trial) -> dict[str, Any]:
    found: dict[str, Any] = {}
    prices = load_data("housing", scale="none", seed=trial.seed)
    for way in _WAYS:
        data = load_data("housing", scale=way, seed=trial.seed)
        for name, one in (("with", 1.0), ("without", 0.0)):
            x, kept = (_features(part.x, one) for part in (data.train, data.val))
            weights = np.linalg.lstsq(x, prices.train.y[:, 0].astype(float))[0]
            wrong = kept @ weights - prices.val.y[:, 0]
            found[f"{name} {way}"] = np.sqrt(np.mean(wrong**2))
        found[f"cost {way}"] = found[f"without {way}"] / found[f"with {way}"]
    return found


def _features(x: np.ndarray, one: float) -> np.ndarray:
    """The features and a column for the bias, of ones or of zeros."""
    return np.column_stack([x.astype(float), np.full(len(x), one)])


def judge(found: Found) -> Verdict:
    """Worse without a bias on every scaling, or on some of them."""
    kinds = {found.above(f"cost {way}", 1).kind for way in _WAYS}
    if kinds == {"holds"}:
        return Verdict("holds")
    return Verdict("depends", on="scaling") if "holds" in kinds else Verdict("fails")


def draw(found: Found, page: Page) -> None:
    (ax,) = page.panels(1, width=6.0, height=3.8)
    for i, name in enumerate(("with", "without")):
        runs = np.array([found[f"{name} {way}"].values for way in _WAYS]).T
        page.band(ax, np.arange(len(_WAYS)), runs, i, name, marks=True)
    ax.set_xticks(range(len(_WAYS)), [page.word(way) for way in _WAYS])
    ax.set_ylim(bottom=0)
    page.label(ax, "scaling", "error", "title")
    page.legend(ax)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
