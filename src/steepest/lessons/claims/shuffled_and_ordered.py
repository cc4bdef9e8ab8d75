"""Shuffled data against data in the order of their labels, and of their target."""

from dataclasses import replace
from typing import Any

import numpy as np

from steepest import models
from steepest.data import Data, Part, load_data
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, across
from steepest.lessons.page import Page
from steepest.training import fit

__all__ = ["LESSON"]

_WAYS = ("sorted", "once", "anew")

# rows at a time: what divides the training rows
_SIZES = {"digits": (2, 74), "housing": (6, 177)}
_MORE = 0.1  # as a part of the loss: what counts as worse

EN = Text(
    title="Shuffled and ordered data",
    claim="Mini-batches from data in order teach a network worse than mini-batches from shuffled "
    "data.",
    method="The same network, with the same first weights, learns for {epochs} epochs from rows "
    "sorted by what is to be learned, from rows shuffled once, and from rows shuffled anew for "
    "every epoch: the digits, sorted by label, {digits few} or {digits many} at a time, and the "
    "house prices, sorted by price, {housing few} or {housing many} at a time; learning rate "
    "{rate}. Measured is the validation loss after the last epoch; {more:%} more counts as worse.",
    result="Few at a time: the digits' loss is {digits sorted few} nats sorted, {digits once few} "
    "shuffled once, {digits anew few} shuffled anew; that of the prices, as a part of their "
    "variance, {housing sorted few}, {housing once few} and {housing anew few}. Sorted costs "
    "{digits cost few} and {housing cost few} times the loss of shuffling anew; many at a time, "
    "{digits cost many} and {housing cost many} times.",
    words={
        "sorted": "sorted",
        "once": "shuffled once",
        "anew": "shuffled anew",
        "epoch": "epoch",
        "digits loss": "validation loss (nats)",
        "housing loss": "validation loss (part of the variance)",
        "digits": "Digits, few at a time",
        "housing": "Prices, few at a time",
        "size": "the size of the mini-batch",
    },
)
ZH = Text(
    title="打乱的数据与有序的数据",
    claim="从有序数据里取的小批量，教出来的网络不如从打乱的数据里取的。",
    method="同一个网络、同样的初始权重，分别用三种次序的数据学习 {epochs} 轮：按要学的东西排好序、"
    "只打乱一次、每轮重新打乱。数据是按类别排序的手写数字，每次取 {digits few} 个或 {digits many} "
    "个；以及按价格排序的房价，每次取 {housing few} 行或 {housing many} 行；学习率 {rate}。"
    "测量最后一轮之后的验证损失，高出 {more:%} 才算更差。",
    result="每次取得少时，手写数字的损失：排序 {digits sorted few} 奈特，只打乱一次 "
    "{digits once few}，每轮打乱 {digits anew few}；房价的损失（占方差的比例）依次为 "
    "{housing sorted few}、{housing once few}、{housing anew few}。排序的损失是每轮打乱的 "
    "{digits cost few} 倍和 {housing cost few} 倍；每次取得多时，是 {digits cost many} 倍和 "
    "{housing cost many} 倍。",
    words={
        "sorted": "排序",
        "once": "只打乱一次",
        "anew": "每轮打乱",
        "epoch": "轮",
        "digits loss": "验证损失（奈特）",
        "housing loss": "验证损失（占方差的比例）",
        "digits": "手写数字，每次取得少",
        "housing": "房价，每次取得少",
        "size": "小批量的大小",
    },
)


def experiment(trial: Trial) -> dict[str, Any]:
    epochs, rate = trial.choose(30, 1), 0.05
    found: dict[str, Any] = {"epochs": epochs, "rate": rate, "more": _MORE}
    for name, sizes in _SIZES.items():
        data = load_data(name, seed=trial.seed)
        for size, rows in zip(("few", "many"), sizes, strict=True):
            found[f"{name} {size}"] = rows
            for way in _WAYS:
                run = fit(
                    models.create("mlp", data, hidden=trial.choose([32], []), seed=trial.seed),
                    _arranged(data, way, trial),
                    optimizer="sgd",
                    lr=rate,
                    epochs=epochs,
                    batch_size=rows,
                    shuffle=way == "anew",
                    seed=trial.seed,
                    progress="none",
                )
                losses = np.array([row["val_loss"] for row in run.history])
                found[f"{name} {way} {size}"] = losses[-1]
                found[f"{name} {way} {size} walk"] = losses
            ordered, anew = (found[f"{name} {way} {size}"] for way in ("sorted", "anew"))
            found[f"{name} cost {size}"] = ordered / anew
    return found


def _arranged(data: Data, way: str, trial: Trial) -> Data:
    """The data with their training rows sorted by target, or in random order."""
    part = data.train
    shuffled = trial.random("order").permutation(len(part))
    order = np.argsort(part.y.ravel(), kind="stable") if way == "sorted" else shuffled
    return replace(data, train=Part(part.x[order], part.y[order], part.rows[order]))


def judge(found: Found) -> Verdict:
    """Sorted is worse than shuffled anew, for all data and sizes or for some."""
    costs = [name for name in found.numbers() if " cost " in name]
    return across([found.above(name, 1 + _MORE) for name in costs], on="size")


def draw(found: Found, page: Page) -> None:
    panels = page.panels(2, width=9.0, height=3.8)
    for ax, name in zip(panels, _SIZES, strict=True):
        for i, way in enumerate(_WAYS):
            runs = found.curves(f"{name} {way} few walk")
            page.band(ax, np.arange(1, runs.shape[1] + 1), runs, i, way)
        page.logarithmic(ax)
        page.label(ax, "epoch", f"{name} loss", name)
    page.legend(panels[0])


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
