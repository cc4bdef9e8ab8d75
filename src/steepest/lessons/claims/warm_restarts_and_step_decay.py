"""SGDR, warm restarts along a cosine, against a learning rate that falls in steps."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from steepest import functional as F
from steepest import models, nn, optim
from steepest.data import Data, load_data
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, across, all_of
from steepest.lessons.page import Page
from steepest.tensors import Tensor, no_grad
from steepest.training import Callback, Fit, fit

__all__ = ["LESSON"]

_SCHEDULES = ("step", "sgdr")
_RATES = {"low": 0.01, "middle": 0.03, "high": 0.1}

EN = Text(
    title="Warm restarts and step decay",
    claim="SGDR, whose learning rate falls along a cosine and starts anew, reaches the validation "
    "loss of step decay in fewer epochs, and the networks at the ends of its cycles, averaged, are "
    "better than the last one alone.",
    method="A network learns handwritten digits for {epochs} epochs, {rows} rows at a time with "
    "momentum 0.9, with a rate that falls to a tenth after each third, and with three cycles, each "
    "twice as long as the one before; first rates from {low} to {high}. Counted are the epochs "
    "until the validation loss is as low as the higher of the two lowest losses. On the test part "
    "the last network is compared with the average of the three snapshots' probabilities.",
    result="From the rate {low}: step decay {step epochs low} epochs, SGDR {sgdr epochs low}; from "
    "{high}: {step epochs high} and {sgdr epochs high}. Test loss from {low}: step decay "
    "{step test low} nats, SGDR {sgdr test low}, three snapshots together {together test low}; "
    "from {high}: {step test high}, {sgdr test high} and {together test high}. Together, the "
    "snapshots have {together share low:%} and {together share high:%} of the last one's loss.",
    words={
        "step": "step decay",
        "sgdr": "SGDR",
        "together": "three snapshots",
        "epoch": "epoch",
        "part": "learning rate, part of the first (1)",
        "val": "validation loss (nats)",
        "test": "test loss (nats)",
        "first rate": "first learning rate (1)",
        "parts": "The schedules",
        "walk": "From the highest rate",
        "end": "At the end",
        "rate": "the first learning rate",
    },
)
ZH = Text(
    title="热重启与阶梯衰减",
    claim="SGDR 的学习率沿余弦下降后重新开始；它达到阶梯衰减的验证损失所需的轮数更少，"
    "而且各周期末尾的网络取平均，比单独最后一个更好。",
    method="用动量 0.9、每次 {rows} 个样本训练网络识别手写数字，共 {epochs} 轮：一种学习率"
    "每过三分之一降到十分之一，另一种分三个周期，每个周期是前一个的两倍长；"
    "初始学习率从 {low} 到 {high}。"
    "统计验证损失降到两者最低损失中较高的那个所需的轮数；再在测试部分上比较最后的网络，"
    "与三个快照的概率平均。",
    result="初始学习率 {low}：阶梯衰减需 {step epochs low} 轮，SGDR 需 {sgdr epochs low} 轮；"
    "{high}：{step epochs high} 轮和 {sgdr epochs high} 轮。测试损失，初始学习率 {low}：阶梯衰减 "
    "{step test low} 奈特，SGDR {sgdr test low}，三个快照合起来 {together test low}；{high}："
    "{step test high}、{sgdr test high}、{together test high}。三个快照合起来的损失是最后一个的 "
    "{together share low:%} 和 {together share high:%}。",
    words={
        "step": "阶梯衰减",
        "sgdr": "SGDR",
        "together": "三个快照",
        "epoch": "轮",
        "part": "学习率（与初始值之比）",
        "val": "验证损失（奈特）",
        "test": "测试损失（奈特）",
        "first rate": "初始学习率（1）",
        "parts": "两种安排",
        "walk": "从最高的学习率开始",
        "end": "最后",
        "rate": "初始学习率",
    },
)


class _Snapshots(Callback):
    """Keeps what the model says of the test part at the ends of some epochs."""

    def __init__(self, data: Data, ends: Sequence[int]):
        self.data, self.ends = data, ends
        self.said: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if epoch in self.ends:
            with nn.watching(self.fit.model), no_grad():
                outputs = self.fit.model(Tensor(self.data.test.x))
                self.said.append(F.softmax(outputs, 1).numpy())


def experiment(trial: Trial) -> dict[str, Any]:
    cycle, rows = trial.choose((3, 16), (1, 449))
    rates = trial.choose(_RATES, {"low": 0.01, "high": 0.1})
    source = trial.choose("mnist", "digits")
    data = load_data(source, split=(0.5, 0.25, 0.25), seed=trial.seed)
    found: dict[str, Any] = {"epochs": 7 * cycle, "rows": rows, **rates}
    found["rates"] = np.array([*rates.values()])
    for key, rate in rates.items():
        said, walks = {}, {}
        for name in _SCHEDULES:
            run, said[name] = _run(trial, data, name, rate, cycle, rows)
            walks[name] = np.array([row["val_loss"] for row in run.history])
            found[f"{name} part"] = np.array([row["lr"] / rate for row in run.history])
        target = max(walk.min() for walk in walks.values())
        for name, walk in walks.items():
            found[f"{name} walk {key}"] = walk
            found[f"{name} epochs {key}"] = 1 + int(np.argmax(walk <= target))
            found[f"{name} test {key}"] = _loss(said[name][-1], data.test.y)
        together = _loss(np.mean(said["sgdr"], axis=0), data.test.y)
        found[f"together test {key}"] = together
        found[f"together share {key}"] = together / found[f"sgdr test {key}"]
        found[f"epochs share {key}"] = found[f"sgdr epochs {key}"] / found[f"step epochs {key}"]
    return found


def _run(
    trial: Trial, data: Data, name: str, rate: float, cycle: int, rows: int
) -> tuple[Fit, list[np.ndarray]]:
    """A run of seven times `cycle` epochs, and what its snapshots say."""
    model = models.create("mlp", data, hidden=trial.choose([32], []), seed=trial.seed)
    descent = optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    schedules = {
        "sgdr": optim.lr_scheduler.CosineAnnealingWarmRestarts(descent, cycle, 2),
        "step": optim.lr_scheduler.StepLR(descent, -(-7 * cycle // 3)),
    }
    snapshots = _Snapshots(data, (cycle, 3 * cycle, 7 * cycle))
    run = fit(
        model,
        data,
        optimizer=descent,
        schedule=schedules[name],
        epochs=7 * cycle,
        batch_size=rows,
        seed=trial.seed,
        callbacks=[snapshots],
        progress="none",
    )
    return run, snapshots.said


def _loss(said: np.ndarray, labels: np.ndarray) -> float:
    """The cross entropy of probabilities (n, classes)."""
    return float(-np.log(said[np.arange(len(labels)), labels]).mean())


def judge(found: Found) -> Verdict:
    """Fewer epochs and better together, from every first rate or from some."""
    both = [
        all_of(found.below(f"epochs share {key}", 1), found.below(f"together share {key}", 1))
        for key in _RATES
        if key in found.trials[0]
    ]
    return across(both, on="rate")


def draw(found: Found, page: Page) -> None:
    parts, walk, end = page.panels(3, width=10.2, height=3.8)
    for i, name in enumerate(_SCHEDULES):
        for ax, what in ((parts, "part"), (walk, "walk high")):
            runs = found.curves(f"{name} {what}")
            page.band(ax, np.arange(1, runs.shape[1] + 1), runs, i, name)
    page.label(parts, "epoch", "part", "parts")
    page.label(walk, "epoch", "val", "walk")
    keys = [key for key in _RATES if key in found.trials[0]]
    for i, name in enumerate((*_SCHEDULES, "together")):
        runs = np.array([found[f"{name} test {key}"].values for key in keys]).T
        page.band(end, found.trials[0]["rates"], runs, i, name, marks=True)
    page.logarithmic(end, "x")
    page.label(end, "first rate", "test", "end")
    page.legend(end)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
