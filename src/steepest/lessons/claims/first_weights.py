"""How large the first weights are: signals that die, that explode, and that keep their strength."""

from functools import partial
from typing import Any

import numpy as np

from steepest import explain, models, nn, optim
from steepest.data import load_data
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, all_of
from steepest.lessons.page import Page
from steepest.lessons.practice import practise
from steepest.tensors import Tensor

__all__ = ["LESSON"]

_SMALL, _KAIMING, _LARGE = 0.5, nn.init.calculate_gain("relu"), 3.0
_KEPT = 0.1  # a signal keeps its strength where a layer changes it by less than this part
_RATE, _BATCH = 0.01, 32
_SEEN = 256  # rows through which the signals are measured

EN = Text(
    title="How large the first weights are",
    claim="In a deep network small first weights let the signal die out and large ones let it "
    "explode; with Kaiming's, it keeps its strength, and then the network learns.",
    method="Networks of {layers} layers of {width} units for the digits, weights normal with "
    "standard deviation gain/√inputs, biases 0; Kaiming's gain for ReLU is √2, Xavier's 1. "
    "Measured is by what factor a layer changes the root mean square of the signal, how many ReLUs "
    "are dead, closed for each of {seen} digits, and the accuracy on the training part after "
    "{steps} steps of descent with momentum, learning rate {rate}.",
    result="A ReLU layer multiplies the signal by {growth small} at gain {small}, by "
    "{growth kaiming} at Kaiming's, and by {growth large} at {large}. After training the "
    "accuracies are {learned small:%}, {learned kaiming:%} and {learned large:%}; tanh, which "
    "cannot explode, reaches {bounded small:%}, {bounded kaiming:%} and {bounded large:%}. Dead "
    "are {dead before:%} of the ReLUs at first, whatever the gain, and in the end "
    "{dead kaiming:%} at Kaiming's gain and {dead large:%} at {large}.",
    words={
        "small": "gain 0.5",
        "kaiming": "Kaiming's gain, 1.41",
        "large": "gain 3",
        "relu": "ReLU",
        "tanh": "tanh",
        "before": "before training",
        "after": "after training",
        "layer": "layer",
        "signal": "signal, root mean square (1)",
        "signals": "The signal on its way",
        "gain": "gain of the first weights (1)",
        "accuracy": "accuracy (%)",
        "learned": "What is learned",
        "dead": "dead ReLUs (%)",
        "asleep": "Who never wakes",
    },
)
ZH = Text(
    title="初始权重该多大",
    claim="在深的网络里，初始权重太小信号会消失，太大会爆炸；按 Kaiming 的大小，信号强度保持不变，"
    "网络才学得会。",
    method="识别手写数字的 {layers} 层网络，每层 {width} 个单元，权重服从正态分布，标准差为 "
    "增益/√输入数，偏置为 0；Kaiming 的增益（用于 ReLU）为 √2，Xavier 的为 1。"
    "测量每一层把信号的均方根放大多少倍，有多少 ReLU 死了（对 {seen} 个数字全都不开），"
    "以及用带动量的梯度下降（学习率 {rate}）走 {steps} 步之后在训练部分的准确率。",
    result="增益为 {small} 时，一层 ReLU 把信号乘以 {growth small}；Kaiming 增益时乘以 "
    "{growth kaiming}；增益为 {large} 时乘以 {growth large}。训练后准确率分别为 "
    "{learned small:%}、{learned kaiming:%}、{learned large:%}；不会爆炸的 tanh 则为 "
    "{bounded small:%}、{bounded kaiming:%}、{bounded large:%}。"
    "起初无论增益多大都有 {dead before:%} 的 ReLU 是死的；"
    "最后 Kaiming 增益时为 {dead kaiming:%}，增益为 {large} 时为 {dead large:%}。",
    words={
        "small": "增益 0.5",
        "kaiming": "Kaiming 增益 1.41",
        "large": "增益 3",
        "relu": "ReLU",
        "tanh": "tanh",
        "before": "训练前",
        "after": "训练后",
        "layer": "层",
        "signal": "信号的均方根（1）",
        "signals": "一路上的信号",
        "gain": "初始权重的增益（1）",
        "accuracy": "准确率（%）",
        "learned": "学到多少",
        "dead": "死掉的 ReLU（%）",
        "asleep": "再也醒不来的",
    },
)


def experiment(trial: Trial) -> dict[str, Any]:
    layers, width, epochs = trial.choose((15, 64, 20), (2, 16, 2))
    gains = trial.choose((_SMALL, 0.7, 1.0, _KAIMING, 2.0, _LARGE), (_SMALL, _KAIMING, _LARGE))
    part = load_data("digits", seed=trial.seed).train
    x, y = part.x.reshape(len(part), -1), part.y.reshape(-1)
    order = np.concatenate([trial.random("order", e).permutation(len(x)) for e in range(epochs)])
    steps = len(order) // _BATCH
    order = order[: steps * _BATCH]
    found: dict[str, Any] = {"layers": layers, "width": width, "seen": _SEEN, "steps": steps}
    found |= {"rate": _RATE, "gains": np.array(gains)}
    for kind in ("relu", "tanh"):
        tried = [
            _tried(_network(trial, kind, [width] * layers, gain), x, y, order) for gain in gains
        ]
        for name in tried[0]:
            found[f"{kind} {name}"] = np.array([one[name] for one in tried])
    for gain, name in ((_SMALL, "small"), (_KAIMING, "kaiming"), (_LARGE, "large")):
        at = gains.index(gain)
        signal = found["relu signal"][at]
        found |= {name: gain, f"growth {name}": (signal[-1] / signal[0]) ** (1 / (layers - 1))}
        found |= {f"learned {name}": found["relu learned"][at]}
        found |= {f"bounded {name}": found["tanh learned"][at]}
        found |= {f"dead {name}": found["relu after"][at], f"signal {name}": signal}
    found["dead before"] = found["relu before"].mean()
    found["changed"] = abs(found["growth kaiming"] - 1)
    for name in ("small", "large"):
        found[f"ahead of {name}"] = found["learned kaiming"] - found[f"learned {name}"]
    return found


def _network(trial: Trial, kind: str, widths: list[int], gain: float) -> nn.Module:
    with trial.seeded():
        model = models.mlp(64, 10, widths, kind)
        for layer in model.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, 0, gain / np.sqrt(layer.in_features))
                nn.init.zeros_(layer.bias)
    return model


def _tried(model: nn.Module, x: np.ndarray, y: np.ndarray, order: np.ndarray) -> dict[str, Any]:
    """The signal by layer, the share of dead units before and after training, the accuracy."""
    loss, rates = nn.CrossEntropyLoss(), np.full(len(order) // _BATCH, _RATE)
    before = _bends(model, x, y)
    practise(model, loss, partial(optim.SGD, momentum=0.9), rates, x, y, order, _BATCH)
    after = _bends(model, x, y)
    with nn.watching(model):
        learned = np.mean(model(Tensor(x)).numpy().argmax(1) == y)
    dead = [np.mean([layer.dead for layer in bends]) for bends in (before, after)]
    signal = np.array([layer.signal for layer in before])
    return {"signal": signal, "before": dead[0], "after": dead[1], "learned": learned}


def _bends(model: nn.Module, x: np.ndarray, y: np.ndarray) -> list[explain.LayerFlow]:
    """The activations among the layers: every second one."""
    return explain.flow(model, nn.CrossEntropyLoss(), x[:_SEEN], y[:_SEEN]).layers[1::2]


def judge(found: Found) -> Verdict:
    """The signal dies, explodes, and is kept; and where it is kept, more is learned."""
    return all_of(
        found.below("growth small", 1 - _KEPT),
        found.above("growth large", 1 + _KEPT),
        found.below("changed", _KEPT),
        found.above("ahead of small", 0),
        found.above("ahead of large", 0),
    )


def draw(found: Found, page: Page) -> None:
    signals, learned, asleep = page.panels(3, width=10.4, height=3.9)
    for i, name in enumerate(("small", "kaiming", "large")):
        runs = found.curves(f"signal {name}")
        page.band(signals, np.arange(1, runs.shape[1] + 1), runs, i, name)
    signals.set_xticks(np.arange(1, runs.shape[1] + 1, 2))
    page.logarithmic(signals)
    page.label(signals, "layer", "signal", "signals")
    page.legend(signals)
    gains = found.trials[0]["gains"]
    for ax, series, first in (
        (learned, {"relu": "relu learned", "tanh": "tanh learned"}, 3),
        (asleep, {"before": "relu before", "after": "relu after"}, 0),
    ):
        for i, (word, name) in enumerate(series.items(), first):
            page.band(ax, gains, 100 * found.curves(name), i, word, marks=True)
        ax.set_xscale("log")
        ax.set_xticks(gains, [f"{gain:.3g}" for gain in gains])
        ax.set_xticks([], minor=True)
        ax.set_ylim(0, 104)
        ax.legend()
    page.label(learned, "gain", "accuracy", "learned")
    page.label(asleep, "gain", "dead", "asleep")


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
