"""Plain descent, heavy-ball momentum and Nesterov's, with the coefficient swept."""

from functools import partial
from typing import Any

import numpy as np

from steepest import functional as F
from steepest import models, optim
from steepest.core import Problem
from steepest.data import Data, load_data
from steepest.explain import descend
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, across
from steepest.lessons.page import Page
from steepest.tensors import Tensor
from steepest.training import Callback, fit

__all__ = ["LESSON"]

_KINDS = ("heavy", "nesterov")
_CONDITION, _CLOSE, _TARGET = 300, 1e-3, 0.15
_SHOWN = 300  # steps in the figure
_RATES = (0.05, 0.1, 0.2, 0.5, 1.0)

EN = Text(
    title="Nesterov against heavy-ball momentum",
    claim="Momentum needs fewer steps than plain descent, and Nesterov's, which looks ahead, "
    "fewer than the heavy ball's.",
    method="Coefficients from 0 (plain) to 0.99, each method and coefficient with the fastest "
    "learning rate for it. A bowl {condition} times as curved in one direction as in another: "
    "steps until {close:%} of the height is left, {steps} at most. A small network on the house "
    "prices: epochs until the training loss is below {target}, {epochs} at most.",
    result="Steps in the bowl: plain {bowl plain}; heavy ball {bowl heavy 90} with 0.9 and "
    "{bowl heavy 99} with 0.99; Nesterov {bowl nesterov 90} and {bowl nesterov 99}. Epochs of the "
    "network: plain {network plain}; heavy ball {network heavy 90} and {network heavy 99}; "
    "Nesterov {network nesterov 90} and {network nesterov 99}. The heavy ball bears a larger rate; "
    "looking ahead calms the swinging that a large coefficient brings.",
    words={
        "heavy": "heavy ball",
        "nesterov": "Nesterov",
        "coefficient": "the coefficient of momentum",
        "steps": "steps until arrival",
        "epochs": "epochs until arrival",
        "step": "step",
        "loss": "height left (1)",
        "plain": "plain descent",
        "bowl": "In the long bowl",
        "network": "A network",
        "swing": "In the bowl, with 0.99",
    },
)
ZH = Text(
    title="Nesterov 动量与重球动量",
    claim="动量所需的步数少于普通下降；会先看一步的 Nesterov 动量又少于重球动量。",
    method="动量系数从 0（普通下降）到 0.99，每种方法、每个系数各取最快的学习率。先是一个碗，"
    "最陡方向的曲率是最平方向的 {condition} 倍：统计高度只剩 {close:%} 所需的步数，"
    "最多 {steps} 步；再是用小网络拟合房价：统计训练损失降到 {target} 以下所需的轮数，"
    "最多 {epochs} 轮。",
    result="碗中的步数：普通下降 {bowl plain}；重球系数 0.9 时 {bowl heavy 90}，0.99 时 "
    "{bowl heavy 99}；Nesterov 为 {bowl nesterov 90} 和 {bowl nesterov 99}。网络的轮数：普通下降 "
    "{network plain}；重球 {network heavy 90} 和 {network heavy 99}；Nesterov "
    "{network nesterov 90} 和 {network nesterov 99}。重球承受得住更大的学习率；"
    "先看一步则能压住大系数带来的摆动。",
    words={
        "heavy": "重球",
        "nesterov": "Nesterov",
        "coefficient": "动量系数",
        "steps": "到达所需的步数",
        "epochs": "到达所需的轮数",
        "step": "步",
        "loss": "剩下的高度（1）",
        "plain": "普通下降",
        "bowl": "长碗之中",
        "network": "一个网络",
        "swing": "碗中，系数 0.99",
    },
)


class _Arrival(Callback):
    """Ends training below the target."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs and logs["loss"] < _TARGET:
            self.fit.stop("arrived")


def experiment(trial: Trial) -> dict[str, Any]:
    swept = trial.choose((50, 80, 90, 95, 99), (90, 99))  # in hundredths
    steps, epochs = trial.choose((1500, 60), (60, 1))
    found: dict[str, Any] = {"swept": np.array(swept) / 100, "steps": steps, "epochs": epochs}
    found |= {"condition": _CONDITION, "close": _CLOSE, "target": _TARGET}
    data = load_data("housing", seed=trial.seed)
    found["bowl plain"], _ = _bowl(trial, {}, steps)
    found["network plain"] = _network(trial, data, {}, epochs)
    for percent in swept:
        for name in _KINDS:
            rule = {"momentum": percent / 100, "nesterov": name == "nesterov"}
            key = f"{name} {percent}"
            found[f"bowl {key}"], found[f"walk {key}"] = _bowl(trial, rule, steps)
            found[f"network {key}"] = _network(trial, data, rule, epochs)
    for problem in ("bowl", "network"):
        for percent in swept:
            heavy, ahead = (found[f"{problem} {name} {percent}"] for name in _KINDS)
            found[f"{problem} ratio {percent}"] = heavy / ahead
        fewest = min(found[f"{problem} heavy {percent}"] for percent in swept)
        found[f"{problem} gain"] = found[f"{problem} plain"] / fewest
    return found


def _bowl(trial: Trial, rule: dict[str, Any], steps: int) -> tuple[int, np.ndarray]:
    """The steps to arrive with the fastest rate, and the height that is left at each."""
    rates = np.geomspace(0.1, 4, trial.choose(24, 8))[:, None]
    curvature = np.geomspace(1 / _CONDITION, 1, 20)
    start = trial.random("start").standard_normal(len(curvature))

    def scaled(x: Tensor) -> Tensor:
        # with rate 1 on the bowl times r a walker does what it does with rate r on the bowl
        return F.sum(Tensor(rates * curvature / 2) * x**2, 1)

    starts = np.tile(start, (len(rates), 1))
    values = descend(scaled, starts, partial(optim.SGD, lr=1.0, **rule), steps).values
    with np.errstate(over="ignore", invalid="ignore"):  # too fast a rate climbs for ever
        left = values / values[0]
    arrived = np.where((left < _CLOSE).any(0), (left < _CLOSE).argmax(0), steps)
    return int(arrived.min()), left[:, arrived.argmin()]


def _network(trial: Trial, data: Data, rule: dict[str, Any], epochs: int) -> int:
    """The epochs to arrive with the fastest rate."""
    fewest = epochs
    # with a coefficient of m a step is in the end 1/(1 − m) times as long
    for rate in (1 - rule.get("momentum", 0)) * np.array(trial.choose(_RATES, _RATES[:1])):
        model = models.create("mlp", data, hidden=trial.choose([16], []), seed=trial.seed)
        try:
            run = fit(
                model,
                data,
                optimizer=optim.SGD(model.parameters(), lr=rate, **rule),
                epochs=epochs,
                batch_size=59,  # a sixth of the rows
                seed=trial.seed,
                callbacks=[_Arrival()],
                progress="none",
            )
        except Problem:  # too fast a rate climbs for ever
            continue
        fewest = min(fewest, len(run.history))
    return fewest


def judge(found: Found) -> Verdict:
    """Momentum gains, and looking ahead gains: for all coefficients and problems, or for some."""
    compared = [n for n in found.numbers() if n.endswith(" gain") or " ratio " in n]
    return across([found.above(name, 1) for name in compared], on="coefficient")


def draw(found: Found, page: Page) -> None:
    bowl, network, swing = page.panels(3, width=10.2, height=3.8)
    swept = found.trials[0]["swept"]
    for ax, problem, unit in ((bowl, "bowl", "steps"), (network, "network", "epochs")):
        for i, name in enumerate(_KINDS):
            keys = [f"{problem} {name} {round(100 * momentum)}" for momentum in swept]
            runs = np.array([found[key].values for key in keys]).T
            page.band(ax, np.arange(len(swept)), runs, i, name, marks=True)
        plain = found.curves(f"{problem} plain")[:, None].repeat(len(swept), 1)
        page.band(ax, np.arange(len(swept)), plain, 2, "plain")
        ax.set_xticks(range(len(swept)), [f"{momentum:g}" for momentum in swept])
        page.label(ax, "coefficient", unit, problem)
    page.logarithmic(bowl)
    network.set_ylim(bottom=0)
    for i, name in enumerate(_KINDS):
        runs = found.curves(f"walk {name} 99")[:, :_SHOWN]
        page.band(swing, np.arange(runs.shape[1]), runs, i, name)
    page.logarithmic(swing)
    page.label(swing, "step", "loss", "swing")
    page.legend(bowl)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
