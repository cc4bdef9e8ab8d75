"""1,500 steps of a two-layer sigmoid network on four rows: does the loss fall at every one?"""

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

_X = np.array([[0.0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])  # the ones stand for a bias
_Y = np.array([[0.0], [1], [1], [0]])
_HIDDEN = 4
_RATES = (0.25, 1.0, 4.0, 16.0)
_ROUNDING = 1e-14  # a loss is around 1: what rises by less has not risen

EN = Text(
    title="1,500 steps of a small network: does the loss fall at every one?",
    claim="Gradient descent goes downhill: the loss of a two-layer sigmoid network on four rows "
    "falls at each of its 1,500 steps.",
    method="{networks} networks for each seed, 3-4-1 with sigmoids, weights drawn from 0 to 1, "
    "learn exclusive or by {steps} steps of descent on the sum of squared errors, in double "
    "precision, with learning rates 0.25, 1, 4 and 16. Counted are the steps at which the loss "
    "rises, and the networks in which it never does.",
    result="The loss never rises in {never 0:%} of the networks with rate 0.25, {never 1:%} with "
    "1, {never 2:%} with 4, {never 3:%} with 16; with 4 it rises at {rises 2:mean} steps on "
    "average. In the end {learned 0:%}, {learned 1:%}, {learned 2:%} and {learned 3:%} of them get "
    "all four rows right. A slope tells of its own place only: a longer step lands beyond the "
    "valley, and a much longer one where the sigmoids are flat.",
    words={
        "rate": "the learning rate",
        "step": "step, logarithmic",
        "loss": "loss, sum of four squares (1)",
        "rate 0": "rate 0.25",
        "rate 1": "rate 1",
        "rate 2": "rate 4",
        "rate 3": "rate 16",
        "one": "One network, four rates",
        "across": "learning rate (1)",
        "share": "part of the networks (%)",
        "never": "loss never rises",
        "learned": "all four rows right",
        "all": "All networks",
    },
)
ZH = Text(
    title="小网络的 1,500 步：损失每一步都下降吗？",
    claim="梯度下降就是走下坡路：两层 sigmoid 网络在四行数据上训练 1,500 步，损失每一步都下降。",
    method="每个种子有 {networks} 个 3-4-1 的 sigmoid 网络，权重取自 0 到 1，用双精度、"
    "对平方误差之和做 {steps} 步下降来学习异或，学习率为 0.25、1、4、16；"
    "统计损失上升的步数，以及损失从不上升的网络所占的比例。",
    result="损失从不上升的网络：学习率 0.25 时占 {never 0:%}，1 时 {never 1:%}，4 时 {never 2:%}，"
    "16 时 {never 3:%}；学习率 4 时平均有 {rises 2:mean} 步上升。最后四行全对的网络依次占 "
    "{learned 0:%}、{learned 1:%}、{learned 2:%}、{learned 3:%}。坡度只说明脚下那一点："
    "步子大一些，就越过谷底落到对面；再大，就落到 sigmoid 平坦的地方。",
    words={
        "rate": "学习率",
        "step": "步（对数）",
        "loss": "损失：四个平方之和（1）",
        "rate 0": "学习率 0.25",
        "rate 1": "学习率 1",
        "rate 2": "学习率 4",
        "rate 3": "学习率 16",
        "one": "同一个网络，四种学习率",
        "across": "学习率（1）",
        "share": "网络的比例（%）",
        "never": "损失从不上升",
        "learned": "四行全对",
        "all": "所有网络",
    },
)


def _outputs(weights: Tensor) -> Tensor:
    """What networks of weights (n, 16) say of the four rows, (n, 4, 1)."""
    first = F.reshape(weights[:, : 3 * _HIDDEN], (-1, 3, _HIDDEN))
    second = F.reshape(weights[:, 3 * _HIDDEN :], (-1, _HIDDEN, 1))
    return F.sigmoid(F.sigmoid(Tensor(_X) @ first) @ second)


def _loss(weights: Tensor) -> Tensor:
    return F.sum((_outputs(weights) - Tensor(_Y)) ** 2, (1, 2))


def experiment(trial: Trial) -> dict[str, Any]:
    networks, steps = trial.choose(200, 10), 1500
    start = trial.random("weights").random((networks, 4 * _HIDDEN))
    rates = np.repeat(_RATES, networks)

    def scaled(weights: Tensor) -> Tensor:
        """A step of rate r down a loss is one of rate 1 down r times the loss."""
        return _loss(weights) * Tensor(rates)

    walked = descend(scaled, np.tile(start, (len(_RATES), 1)), partial(optim.SGD, lr=1.0), steps)
    right = (_outputs(Tensor(walked.path[-1])).numpy() > 0.5) == (_Y > 0.5)
    losses = np.split(walked.values / rates, len(_RATES), axis=1)
    learned = np.split(right.all((1, 2)), len(_RATES))
    found: dict[str, Any] = {"networks": networks, "steps": steps}
    for i, values in enumerate(losses):
        rising = np.diff(values, axis=0) > _ROUNDING
        found[f"rises {i}"] = rising.sum(0).mean()
        found[f"never {i}"] = np.mean(~rising.any(0))
        found[f"learned {i}"] = learned[i].mean()
        found[f"curve {i}"] = values[:, 0]
    return found


def judge(found: Found) -> Verdict:
    """Never a rise at any rate, at some, or at none."""
    never = [found[f"never {i}"].values.min() == 1 for i in range(len(_RATES))]
    if all(never):
        return Verdict("holds")
    return Verdict("depends", on="rate") if any(never) else Verdict("fails")


def draw(found: Found, page: Page) -> None:
    one, every = page.panels(2, width=9.0, height=3.8)
    steps = np.arange(1, len(found.trials[0]["curve 0"]))
    for i in range(len(_RATES)):
        page.band(one, steps, found.curves(f"curve {i}")[:1, 1:], i, f"rate {i}")
    page.logarithmic(one, "x")
    page.label(one, "step", "loss", "one")
    for series, name in ((4, "never"), (5, "learned")):
        runs = [100 * found.curves(f"{name} {i}") for i in range(len(_RATES))]
        page.band(every, np.arange(len(_RATES)), np.transpose(runs), series, name, marks=True)
    every.set_xticks(range(len(_RATES)), [f"{rate:g}" for rate in _RATES])
    every.set_ylim(-4, 104)
    every.legend(loc="lower left")
    page.label(every, "across", "share", "all")
    page.legend(one, columns=4)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
