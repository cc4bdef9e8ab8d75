"""Batch, mini-batch and true SGD: against updates, against samples, and against time."""

from typing import Any

import numpy as np

from steepest import models
from steepest.data import load_data
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, all_of
from steepest.lessons.page import Page
from steepest.lessons.stretches import Stretches

__all__ = ["LESSON"]

_SIZES = ("batch", "mini", "one")

EN = Text(
    title="Batch, mini-batch and true SGD",
    claim="Batch gradient descent goes down smoothly. True SGD, one sample at a time, needs the "
    "fewest samples but oscillates. Mini-batches oscillate less and need the least time.",
    method="A network with one hidden layer learns the digits with plain descent on all {rows} "
    "samples at once, on {mini size} and on one, each with the learning rate from {low} to "
    "{high} that is fastest for it. Counted is what it takes until the loss over all rows is "
    "below {target}; from there, {looked} more updates are looked at one by one: how much those "
    "that go uphill climb, for each time through the data.",
    result="Times through the data: batch {epochs batch}, mini-batch {epochs mini}, one sample "
    "{epochs one}. Milliseconds: {time batch}, {time mini}, {time one}. Climbed in one time "
    "through the data: {climb batch}, {climb mini}, {climb one} nats. Uphill go {uphill batch:%} "
    "of the updates, {uphill mini:%} and {uphill one:%}. A sample costs {cost one:mean} µs as a "
    "step of its own and {cost mini:mean} µs in a mini-batch, in a compiled loop.",
    words={
        "batch": "all samples",
        "mini": "mini-batch",
        "one": "one sample",
        "loss": "loss over all rows (nats)",
        "updates": "updates",
        "epochs": "times through the data",
        "time": "time (ms)",
        "more": "updates after the target",
        "by updates": "Against updates",
        "by epochs": "Against samples",
        "by time": "Against time",
        "near": "The way, looked at closely",
    },
)
ZH = Text(
    title="批量、小批量与真正的随机梯度下降",
    claim="批量梯度下降平稳地下降；真正的随机梯度下降每次只看一个样本，所需样本最少，却会振荡；"
    "小批量振荡较小，而且用时最短。",
    method="用普通的梯度下降训练一个单隐层网络识别手写数字：每次用全部 {rows} 个样本、"
    "{mini size} 个样本、一个样本，学习率各取 {low} 到 {high} 中最快的那个。统计全体样本上的"
    "损失降到 {target} 以下的代价；再逐一细看其后的 {looked} 步："
    "上坡的步子在每遍历一次数据中共爬升多少。",
    result="遍历数据的次数：批量 {epochs batch}，小批量 {epochs mini}，单样本 {epochs one}。"
    "毫秒数依次为 {time batch}、{time mini}、{time one}。每遍历一次数据爬升 {climb batch}、"
    "{climb mini}、{climb one} 奈特；上坡的更新占 {uphill batch:%}、{uphill mini:%}、"
    "{uphill one:%}。在编译后的循环里，一个样本单独成步要 {cost one:mean} 微秒，在小批量里平均 "
    "{cost mini:mean} 微秒。",
    words={
        "batch": "全部样本",
        "mini": "小批量",
        "one": "单样本",
        "loss": "全体样本上的损失（奈特）",
        "updates": "更新次数",
        "epochs": "遍历数据的次数",
        "time": "时间（毫秒）",
        "more": "达到目标之后的更新次数",
        "by updates": "按更新次数",
        "by epochs": "按样本数",
        "by time": "按时间",
        "near": "近看这条路",
    },
)


def experiment(trial: Trial) -> dict[str, Any]:
    epochs, target, looked = trial.choose((60, 0.1, 200), (2, 1.5, 5))
    rates = trial.choose((0.01, 0.03, 0.1, 0.3, 1.0), (0.1,))
    found: dict[str, Any] = {"target": target, "looked": looked, "mini size": 32}
    found |= {"low": rates[0], "high": rates[-1]}
    data = load_data("digits", seed=trial.seed)
    rows = found["rows"] = len(data.train)
    for name, size in zip(_SIZES, (rows, 32, 1), strict=True):
        model = models.create("mlp", data, hidden=trial.choose([32], []), seed=trial.seed)
        training = Stretches(model, data.train, size, trial.random("order", size))
        at = np.unique(np.geomspace(1, epochs * rows // size, 40).astype(int))
        walks = {rate: _walk(training, at, rate) for rate in rates}
        arrived = {rate: _arrival(at, losses, target) for rate, (losses, _) in walks.items()}
        rate = min(arrived, key=lambda rate: arrived[rate])
        losses, seconds = walks[rate]
        found |= {
            f"epochs {name}": arrived[rate] * size / rows,
            f"time {name}": 1e3 * arrived[rate] * seconds,
            f"cost {name}": 1e6 * seconds / size,
            f"{name} at": at,
            f"{name} loss": losses,
        }
        near, _ = _walk(training, arrived[rate] + np.arange(looked + 1), rate)
        rises = np.maximum(np.diff(near), 0)
        found[f"{name} near"], found[f"uphill {name}"] = near, np.mean(rises > 0)
        found[f"climb {name}"] = rises.mean() * rows / size
    found["samples saved"] = min(
        found["epochs batch"] / found["epochs mini"], found["epochs mini"] / found["epochs one"]
    )
    others = min(found["time batch"], found["time one"])
    found["time saved"] = others / found["time mini"]
    found["calmer"] = found["climb one"] - found["climb mini"]
    return found


def _walk(training: Stretches, at: np.ndarray, rate: float) -> tuple[np.ndarray, float]:
    """From the start: the loss after so many updates, (n,), and the seconds that one took in the
    fastest stretch, in which the processor did the least besides."""
    training.restart()
    losses, seconds = [], []
    for updates in np.diff(at, prepend=0):
        seconds.append(training.go(updates, rate))
        losses.append(training.loss())
    return np.array(losses), min(seconds)


def _arrival(at: np.ndarray, losses: np.ndarray, target: float) -> int:
    """The updates until the loss is below the target, between those looked at; or all of them."""
    below = np.flatnonzero(losses < target)
    if not len(below) or not below[0]:
        return int(at[below[0] if len(below) else -1])
    ends = slice(below[0] - 1, below[0] + 1)
    return int(np.exp(np.interp(-target, -losses[ends], np.log(at[ends]))))


def judge(found: Found) -> Verdict:
    return all_of(
        found.below("uphill batch", 0.05),
        found.above("calmer", 0),
        found.above("samples saved", 1),
        found.above("time saved", 1),
    )


def draw(found: Found, page: Page) -> None:
    (updates, samples), (times, near) = page.panels(2, 2, width=9.2, height=6.8)
    for i, name in enumerate(_SIZES):
        at, losses = found.trials[0][f"{name} at"], found.curves(f"{name} loss")
        size = {"batch": found["rows"].mean, "mini": found["mini size"].mean, "one": 1}[name]
        page.band(updates, at, losses, i, name)
        page.band(samples, at * size / found["rows"].mean, losses, i, name)
        page.band(times, at * size * found[f"cost {name}"].mean / 1e3, losses, i, name)
        runs = found.curves(f"{name} near")
        page.band(near, np.arange(runs.shape[1]), runs, i, name)
    for ax, key in ((updates, "updates"), (samples, "epochs"), (times, "time")):
        page.logarithmic(ax)
        page.logarithmic(ax, "x")
        page.label(ax, key, "loss", f"by {key}")
    page.label(near, "more", "loss", "near")
    page.legend(updates)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
