"""Learning rate too small, right, too large: descent stays below twice the inverse curvature."""

from typing import Any

import numpy as np

from steepest.data import load_data
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, all_of
from steepest.lessons.page import Page

__all__ = ["LESSON"]

_RATES = {"small": 0.02, "right": 1.0, "large": 2.1}  # as multiples of 1/λ
_BOUND = 2.0
_SHOWN = (1e-9, 1e9)  # of the loss, as a part of the first

EN = Text(
    title="Learning rate too small, right, too large",
    claim="On a bowl of largest curvature λ, gradient descent comes down with any learning rate "
    "below 2/λ and is thrown out with any above it; far below, it crawls.",
    method="Linear regression on the house prices, mean 0 and variance 1, λ the largest eigenvalue "
    "of the squared error's second derivatives. The learning rate at which {steps} steps change "
    "from falling to rising is found by halving an interval, without use of λ, and given as a "
    "multiple of 1/λ. Three rates are walked: {small}/λ, {right}/λ and {large}/λ.",
    result="The measured limit is {limit}/λ. After {steps} steps the loss above its minimum is "
    "{small left:%} of the first with the small rate, {right left:%} with the right one, and "
    "{large grown:mean} times the first with the large one.",
    words={
        "small": "too small",
        "right": "right",
        "large": "too large",
        "step": "step",
        "loss": "loss above its minimum / at first (1)",
        "walks": "Three learning rates",
        "rate": "learning rate · λ (1)",
        "left": "left after the last step (1)",
        "limit": "Where it turns",
        "all": "all rates",
    },
)
ZH = Text(
    title="学习率：太小、合适、太大",
    claim="碗的最大曲率为 λ 时，学习率低于 2/λ 梯度下降总会下来，高于 2/λ 就被甩出去；"
    "远低于它则爬得很慢。",
    method="在房价数据（均值 0、方差 1）上做线性回归，λ 是平方误差二阶导数的最大特征值。"
    "用二分法（不用 λ）找出 {steps} 步后由降变升的学习率，以 1/λ 的倍数表示；"
    "再走三种学习率：{small}/λ、{right}/λ、{large}/λ。",
    result="测得的界限为 {limit}/λ。{steps} 步后，高于最小值的损失与开始相比：太小的学习率剩 "
    "{small left:%}，合适的剩 {right left:%}，太大的变为 {large grown:mean} 倍。",
    words={
        "small": "太小",
        "right": "合适",
        "large": "太大",
        "step": "步",
        "loss": "高于最小值的损失 / 开始时（1）",
        "walks": "三种学习率",
        "rate": "学习率 · λ（1）",
        "left": "最后一步之后剩下的（1）",
        "limit": "转折之处",
        "all": "所有学习率",
    },
)


def experiment(trial: Trial) -> dict[str, Any]:
    steps = trial.choose(400, 200)
    data = load_data("housing", scale="standard", seed=trial.seed)
    x = np.column_stack([data.train.x.astype(float), np.ones(len(data.train))])
    values, axes = np.linalg.eigh(2 * x.T @ x / len(x))
    # along an eigenvector descent multiplies the distance by 1 − rate · its eigenvalue
    away = axes.T @ trial.random("start").standard_normal(len(values))

    def walk(multiple: float) -> np.ndarray:
        shrink = 1 - multiple * values / values[-1]
        with np.errstate(over="ignore"):  # thrown out further than a number can say
            lengths = shrink ** (2 * np.arange(steps + 1)[:, None]) * away**2
            excess = lengths @ values
        return excess / excess[0]

    low, high = 0.01, 10.0
    for _ in range(40):
        middle = (low + high) / 2
        last = walk(middle)[-2:]
        low, high = (middle, high) if last[1] < last[0] else (low, middle)
    across = np.linspace(0.05, 2.2, 44)
    walks = {name: walk(multiple) for name, multiple in _RATES.items()}
    return {
        "steps": steps,
        "limit": low,
        **_RATES,
        "small left": walks["small"][-1],
        "right left": walks["right"][-1],
        "large grown": walks["large"][-1],
        "across": across,
        "ends": np.array([walk(multiple)[-1] for multiple in across]),
        **{f"{name} walk": walked for name, walked in walks.items()},
    }


def judge(found: Found) -> Verdict:
    """The limit lies within 2 % of 2/λ, the small rate is behind, the large one goes up."""
    near = max(abs(value / _BOUND - 1) for value in found["limit"].values)
    return all_of(
        Verdict("holds" if near < 0.02 else "fails"),
        found.above("large grown", 1),
        Verdict("holds" if found["small left"].low > found["right left"].high else "open"),
    )


def draw(found: Found, page: Page) -> None:
    walks, limit = page.panels(2, width=9.0, height=3.8)
    for i, name in enumerate(_RATES):
        runs = found.curves(f"{name} walk")
        page.band(walks, np.arange(runs.shape[1]), runs, i, name)
    walks.set_ylim(*_SHOWN)
    page.logarithmic(walks)
    page.label(walks, "step", "loss", "walks")
    page.band(limit, found.trials[0]["across"], found.curves("ends"), 3, "all")
    limit.set_ylim(*_SHOWN)
    limit.axvline(_BOUND, color=page.colours.ink, linewidth=0.8)
    page.logarithmic(limit)
    page.label(limit, "rate", "left", "limit")
    page.legend(walks)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
