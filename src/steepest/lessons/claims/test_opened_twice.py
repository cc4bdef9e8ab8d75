"""The test set opened twice: what choosing by it costs, with models that were really trained."""

from typing import Any

import numpy as np

from steepest import models, nn, optim
from steepest.data import load_data
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, all_of
from steepest.lessons.page import Page
from steepest.lessons.practice import practise
from steepest.tensors import Tensor

__all__ = ["LESSON"]

_HIDDEN, _RATE, _BATCH = 16, 0.1, 16
_LEARNED = 160  # rows
_TWICE = 1  # where the second model is, counted from 0

EN = Text(
    title="The test set opened twice",
    claim="The second look at the test set already spoils it: whoever tests two models and reports "
    "the better score reports what new data will not give.",
    method="{tries} networks that differ in their first weights only learn {learned} of the "
    "digits. {worlds} times, {rows} other digits are drawn as a test set, the networks come to it "
    "one after the other, and the best score so far is reported; what that network is worth is "
    "measured on the {rest} digits left.",
    result="Opened once, the test set shows {shown once:%} and the network is worth "
    "{worth once:%}. Opened twice, it shows {off twice:%} too much, and {off all:%} after {tries} "
    "looks. The choice itself brings {gained twice:%} and {gained all:%}. With {many} test digits "
    "the second look costs {off large:%}.",
    words={
        "shown": "shown by the test set",
        "worth": "worth on new digits",
        "looks": "times the test set was opened",
        "accuracy": "accuracy (%)",
        "title": "What is reported, and what one has",
        "size": "digits in the test set",
        "off": "shown too much (percentage points)",
        "twice": "opened twice",
        "all": "opened by all networks",
        "sizes": "What larger test sets forgive",
    },
)
ZH = Text(
    title="测试集打开了两次",
    claim="第二次看测试集就已经污染了它：测试两个模型、报告较好的分数，而新数据给不出这样的分数。",
    method="{tries} 个只有初始权重不同的网络学习 {learned} 个手写数字。重复 {worlds} 次："
    "另取 {rows} 个数字作测试集，让网络一个接一个地测试，报告目前最好的分数；"
    "再用剩下的 {rest} 个数字测量该网络的真实水平。",
    result="只打开一次时，测试集显示 {shown once:%}，网络的真实水平为 {worth once:%}。"
    "打开两次就多显示了 {off twice:%}，看 {tries} 次则多显示 {off all:%}；"
    "而选择本身只带来 {gained twice:%} 和 {gained all:%} 的提高。"
    "测试集有 {many} 个数字时，第二次打开的代价是 {off large:%}。",
    words={
        "shown": "测试集显示的",
        "worth": "在新数字上的真实水平",
        "looks": "测试集打开的次数",
        "accuracy": "准确率（%）",
        "title": "报告的，与真正拥有的",
        "size": "测试集的数字个数",
        "off": "多显示的部分（百分点）",
        "twice": "打开两次",
        "all": "每个网络都打开一次",
        "sizes": "测试集越大越宽容",
    },
)


def experiment(trial: Trial) -> dict[str, Any]:
    tries, worlds = trial.choose(20, 4), trial.choose(2000, 200)
    sizes = (50, 100, 200, 400, 800)
    right = _answers(trial, tries, trial.choose(60, 10))
    found: dict[str, Any] = {"tries": tries, "worlds": worlds, "learned": _LEARNED, "sizes": sizes}
    found |= {"rows": sizes[1], "rest": right.shape[1] - sizes[1], "many": sizes[-1]}
    off = []
    for size in sizes:
        shown, worth = _worlds(trial, right, size, worlds)
        off.append(shown - worth)
        if size == found["rows"]:
            found |= {"shown": shown, "worth": worth}
    shown, worth = found["shown"], found["worth"]
    found |= {"shown once": shown[0], "worth once": worth[0]}
    for name, look in (("twice", _TWICE), ("all", -1)):
        found |= {
            f"off {name}": shown[look] - worth[look],
            f"gained {name}": worth[look] - worth[0],
        }
        found[f"sizes {name}"] = np.array([row[look] for row in off])
    return {**found, "off large": off[-1][_TWICE]}


def _answers(trial: Trial, tries: int, epochs: int) -> np.ndarray:
    """Which networks are right on which new digits, (tries, digits)."""
    data = load_data("digits", split=(0.1, 0.1, 0.8), seed=trial.seed)
    x, y = (part.reshape(len(data.train), -1) for part in (data.train.x, data.train.y))
    x, y = x[:_LEARNED], y[:_LEARNED, 0]
    new, answers = data.test.x.reshape(len(data.test), -1), data.test.y.reshape(-1)
    order = np.concatenate([trial.random("order", e).permutation(len(x)) for e in range(epochs)])
    rates = np.full(len(order) // _BATCH, _RATE)
    right = []
    with trial.seeded():
        for _ in range(tries):
            model = models.mlp(64, 10, [_HIDDEN])
            practise(model, nn.CrossEntropyLoss(), optim.SGD, rates, x, y, order, _BATCH)
            with nn.watching(model):
                right.append(model(Tensor(new)).numpy().argmax(1) == answers)
    return np.array(right)


def _worlds(
    trial: Trial, right: np.ndarray, size: int, worlds: int
) -> tuple[np.ndarray, np.ndarray]:
    """What is shown after each look, and what the network shown is worth; both (tries,)."""
    random = trial.random("worlds", size)
    shown, worth = np.empty((2, worlds, len(right)))
    for world in range(worlds):
        came = right[random.permutation(len(right))]
        tested = random.permutation(right.shape[1])[:size]
        score = came[:, tested].mean(1)
        left = (came.sum(1) - size * score) / (right.shape[1] - size)
        best = [score[: look + 1].argmax() for look in range(len(right))]
        shown[world], worth[world] = score[best], left[best]
    return shown.mean(0), worth.mean(0)


def judge(found: Found) -> Verdict:
    """Two looks show too much already, and many do."""
    return all_of(found.above("off twice", 0), found.above("off all", 0))


def draw(found: Found, page: Page) -> None:
    reported, forgiven = page.panels(2, width=9.4, height=3.9)
    looks = np.arange(1, found.curves("shown").shape[1] + 1)
    for i, name in enumerate(("shown", "worth")):
        page.band(reported, looks, 100 * found.curves(name), i, name)
    reported.set_xticks([look for look in (1, 2, 5, 10, 20) if look <= looks[-1]])
    page.label(reported, "looks", "accuracy", "title")
    page.legend(reported)
    sizes = found.trials[0]["sizes"]
    for i, name in enumerate(("twice", "all"), 2):
        page.band(forgiven, sizes, 100 * found.curves(f"sizes {name}"), i, name, marks=True)
    forgiven.set_xscale("log")
    forgiven.set_xticks(sizes, [str(size) for size in sizes])
    forgiven.set_xticks([], minor=True)
    forgiven.set_ylim(bottom=0)
    forgiven.legend()
    page.label(forgiven, "size", "off", "sizes")


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
