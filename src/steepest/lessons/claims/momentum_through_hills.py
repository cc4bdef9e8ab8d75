"""Momentum through a local minimum and past a saddle, with its coefficient swept."""

from functools import partial
from typing import Any

import numpy as np

from steepest import optim
from steepest.explain import FUNCTIONS, descend
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict
from steepest.lessons.page import Page

__all__ = ["LESSON"]

_HILLS = FUNCTIONS["two-wells"]
_SADDLE, _LOCAL = 0.0755, 0.9599  # roots of the slope along x, 4x³ − 4x + 0.3
_SWEPT = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98)
_RATE = 0.01

EN = Text(
    title="Momentum through a local minimum and past a saddle",
    claim="Momentum carries descent through a local minimum in which plain descent stays, and "
    "speeds it away from a saddle.",
    method="On (x² − 1)² + 0.3x + 2y², which has a local minimum, a saddle and a deeper minimum "
    "behind it, {walkers} walkers start beyond the local minimum and walk {steps} steps, learning "
    "rate {rate}, with momentum from 0 to 0.98. Counted is which part of them ends in the deeper "
    "minimum. From beside the saddle, the steps are counted until a walker has left it.",
    result="Into the deeper minimum: {share 0:%} without momentum, {share 3:%} with 0.9, "
    "{share 4:%} with 0.95, {share 5:%} with 0.98. Away from the saddle: {leave 0} steps without, "
    "{leave 3} with 0.9.",
    words={
        "coefficient": "the coefficient of momentum",
        "share": "part in the deeper minimum (%)",
        "leave": "steps to leave the saddle",
        "sweep": "Through the local minimum",
        "away": "Away from the saddle",
        "x": "x (1)",
        "y": "y (1)",
        "map": "Two walkers from one point",
        "plain": "without momentum",
        "rolling": "momentum 0.95",
    },
)
ZH = Text(
    title="动量：穿过局部极小，离开鞍点",
    claim="普通下降会停在局部极小里，动量能带着它穿过去，并使它更快离开鞍点。",
    method="在 (x² − 1)² + 0.3x + 2y² 上（一个局部极小、一个鞍点，其后是更深的极小），"
    "{walkers} 个行走者从局部极小之外出发走 {steps} 步，学习率 {rate}，动量从 0 到 0.98；"
    "统计有多少走进更深的极小。再从鞍点旁出发，统计离开鞍点所需的步数。",
    result="走进更深极小的比例：无动量 {share 0:%}，0.9 时 {share 3:%}，0.95 时 {share 4:%}，"
    "0.98 时 {share 5:%}。离开鞍点：无动量 {leave 0} 步，0.9 时 {leave 3} 步。",
    words={
        "coefficient": "动量系数",
        "share": "走进更深极小的比例（%）",
        "leave": "离开鞍点的步数",
        "sweep": "穿过局部极小",
        "away": "离开鞍点",
        "x": "x（1）",
        "y": "y（1）",
        "map": "从同一点出发的两个行走者",
        "plain": "无动量",
        "rolling": "动量 0.95",
    },
)


def experiment(trial: Trial) -> dict[str, Any]:
    walkers, steps = trial.choose(200, 20), trial.choose(600, 50)
    random = trial.random("start")
    start = np.column_stack([random.uniform(1.2, 1.9, walkers), random.uniform(-1, 1, walkers)])
    beside = _SADDLE + random.choice([-1, 1], walkers) * random.uniform(1e-4, 1e-2, walkers)
    near = np.column_stack([beside, random.uniform(-1, 1, walkers)])
    found: dict[str, Any] = {"walkers": walkers, "steps": steps, "rate": _RATE}
    for i, momentum in enumerate(_SWEPT):
        rule = partial(optim.SGD, lr=_RATE, momentum=momentum)
        both = descend(_HILLS.value, np.concatenate([start, near]), rule, steps).path
        rolled, left = both[:, :walkers], both[:, walkers:]
        found[f"share {i}"] = np.mean(rolled[-1, :, 0] < _SADDLE)
        away = np.abs(left[:, :, 0] - _SADDLE) > 0.5
        found[f"leave {i}"] = np.where(away.any(0), away.argmax(0), steps).mean()
        found[f"path {i}"] = rolled[:, 0]
    return found


def judge(found: Found) -> Verdict:
    """Plain descent stays; whether momentum gets through may depend on its coefficient."""
    if found.below("share 0", 0.01).kind != "holds":
        return Verdict("fails")
    through = [found.above(f"share {i}", 0.5).kind for i in range(1, len(_SWEPT))]
    faster = [found[f"leave {i}"].high < found["leave 0"].low for i in range(1, len(_SWEPT))]
    if not any(faster) or "holds" not in through:
        return Verdict("fails" if set(through) == {"fails"} else "open")
    if all(faster) and set(through) == {"holds"}:
        return Verdict("holds")
    return Verdict("depends", on="coefficient")


def draw(found: Found, page: Page) -> None:
    hill, sweep, away = page.panels(3, width=10.2, height=3.6)
    across, up = (np.linspace(*ends, 90) for ends in _HILLS.ends)
    a, b = np.meshgrid(across, up)
    page.contours(hill, across, up, (a**2 - 1) ** 2 + 0.3 * a + 2 * b**2 + 0.32)
    page.path(hill, found.trials[0]["path 0"], 1, "plain", marks=False)
    page.path(hill, found.trials[0]["path 4"], 0, "rolling", marks=False)
    page.label(hill, "x", "y", "map")
    shares = [100 * found.curves(f"share {i}") for i in range(len(_SWEPT))]
    leaves = [found.curves(f"leave {i}") for i in range(len(_SWEPT))]
    for ax, runs, key, title in (
        (sweep, shares, "share", "sweep"),
        (away, leaves, "leave", "away"),
    ):
        page.band(ax, np.arange(len(_SWEPT)), np.transpose(runs), 2, key, marks=True)
        ax.set_xticks(range(len(_SWEPT)), [f"{m:g}" for m in _SWEPT])
        page.label(ax, "coefficient", key, title)
    away.set_ylim(bottom=0)
    page.legend(hill)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
