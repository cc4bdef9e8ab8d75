"""Adagrad, RMSprop and Adam against plain descent, by how ill-scaled the problem is."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from steepest import functional as F
from steepest import optim
from steepest.explain import descend
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, across
from steepest.lessons.page import Page
from steepest.tensors import Tensor

__all__ = ["LESSON"]

_METHODS: Mapping[str, Callable[..., optim.Optimizer]] = {
    "plain": optim.SGD,
    "adagrad": optim.Adagrad,
    "rmsprop": optim.RMSprop,
    "adam": optim.Adam,
}
_CONDITIONS = (1, 10, 100, 1000)
_WAYS = ("along", "turned")
_CLOSE = 0.01

EN = Text(
    title="Adaptive rates on ill-scaled problems",
    claim="Adagrad, RMSprop and Adam give every weight a rate of its own, and where directions are "
    "differently steep they arrive sooner than plain descent.",
    method="Bowls of {directions} directions, of which the steepest is 1 to 1,000 times as curved "
    "as the flattest and each holds as much of the height at the start; the axes of the bowl lie "
    "along the weights, or are turned at random. Counted are the steps until {close:%} of the "
    "height is left, {steps} at most, each method with the fastest of {rates} rates that never "
    "climbs above the start.",
    result="In the round bowl: plain descent {plain along 1}, Adagrad {adagrad along 1}, RMSprop "
    "{rmsprop along 1}, Adam {adam along 1}. 1,000 times as curved, along the weights: "
    "{plain along 1000}; {adagrad along 1000}, {rmsprop along 1000}, {adam along 1000}. Turned: "
    "{plain turned 1000}; {adagrad turned 1000}, {rmsprop turned 1000}, {adam turned 1000}. A rate "
    "for every weight helps where steep and flat belong to different weights.",
    words={
        "plain": "plain descent",
        "adagrad": "Adagrad",
        "rmsprop": "RMSprop",
        "adam": "Adam",
        "setting": "how differently steep the directions are, and whether they lie along the "
        "weights",
        "condition": "condition number (1)",
        "steps": "steps until arrival",
        "along": "The bowl along the weights",
        "turned": "The same bowl, turned",
    },
)
ZH = Text(
    title="病态问题上的自适应学习率",
    claim="Adagrad、RMSprop 和 Adam 让每个权重有自己的学习率，因此在各方向陡缓不一时，"
    "比普通下降到得更早。",
    method="有 {directions} 个方向的碗，最陡方向的曲率是最平方向的 1 到 1,000 倍，"
    "开始时各方向占的高度相同；碗轴与权重方向一致，或随机转过一个角度。统计高度只剩 "
    "{close:%} 所需的步数，最多 {steps} 步，每种方法取 {rates} 种学习率中从不升到起点以上、"
    "而且最快的。",
    result="圆碗：普通下降 {plain along 1}，Adagrad {adagrad along 1}，RMSprop "
    "{rmsprop along 1}，Adam {adam along 1}。曲率相差 1,000 倍、与权重方向一致时依次为 "
    "{plain along 1000}、{adagrad along 1000}、{rmsprop along 1000}、{adam along 1000}；转过之后为 "
    "{plain turned 1000}、{adagrad turned 1000}、{rmsprop turned 1000}、{adam turned 1000}。"
    "陡与平分属不同的权重时，每个权重一个学习率才有用。",
    words={
        "plain": "普通下降",
        "adagrad": "Adagrad",
        "rmsprop": "RMSprop",
        "adam": "Adam",
        "setting": "各方向陡缓相差多少，以及是否与权重方向一致",
        "condition": "条件数（1）",
        "steps": "到达所需的步数",
        "along": "碗轴与权重方向一致",
        "turned": "同一个碗，转过之后",
    },
)


def experiment(trial: Trial) -> dict[str, Any]:
    directions, steps, rates = 10, trial.choose(2000, 100), trial.choose(20, 6)
    random = trial.random("bowl")
    bowls, starts = [], []
    turn = np.linalg.qr(random.standard_normal((directions, directions)))[0]
    signs = random.choice([-1.0, 1.0], directions)
    for axes in (np.eye(directions), turn):
        for condition in _CONDITIONS:
            curvature = np.geomspace(1 / condition, 1, directions)
            bowls.append(axes.T * curvature @ axes)
            starts.append(signs / np.sqrt(curvature) @ axes)
    found: dict[str, Any] = {"directions": directions, "close": _CLOSE, "steps": steps}
    found["rates"] = rates
    settings = [f"{way} {condition}" for way in _WAYS for condition in _CONDITIONS]
    for name, method in _METHODS.items():
        arrived = _arrival(np.array(bowls), np.array(starts), method, rates, steps)
        found |= {f"{name} {setting}": n for setting, n in zip(settings, arrived, strict=True)}
    for setting in settings:
        for name in list(_METHODS)[1:]:
            found[f"gain {name} {setting}"] = found[f"plain {setting}"] / found[f"{name} {setting}"]
    return found


def _arrival(
    bowls: np.ndarray, starts: np.ndarray, method: Any, rates: int, steps: int
) -> np.ndarray:
    """The steps that the fastest rate that never climbs above its start (n, d) needs in each bowl
    (n, d, d)."""
    plain = method is optim.SGD
    lengths = np.geomspace(1e-3, 2, rates) if plain else np.geomspace(1e-3, 30, rates)
    # A walker on axes stretched by s walks as with s times the rate, with s² times for plain
    # descent; so all rates and all bowls are one walk.
    stretch = np.repeat(np.sqrt(lengths) if plain else lengths, len(bowls))[:, None]
    curved = Tensor(np.tile(bowls, (rates, 1, 1)))

    def height(u: Tensor) -> Tensor:
        x = Tensor(stretch) * u
        return F.sum(x * (curved @ x[:, :, None])[:, :, 0], 1) / 2

    start = np.tile(starts, (rates, 1)) / stretch
    values = descend(height, start, partial(method, lr=1.0), steps).values
    near = (values < _CLOSE * values[0]) & (values.max(0) <= values[0])
    below = near.reshape(steps + 1, rates, len(bowls))
    return np.where(below.any(0), below.argmax(0), steps).min(0)


def judge(found: Found) -> Verdict:
    """Every method gains in every bowl, or in some."""
    gains = [name for name in found.numbers() if name.startswith("gain")]
    return across([found.above(name, 1) for name in gains], on="setting")


def draw(found: Found, page: Page) -> None:
    panels = page.panels(2, width=9.0, height=3.8)
    for ax, way in zip(panels, _WAYS, strict=True):
        for i, name in enumerate(_METHODS):
            runs = np.array([found[f"{name} {way} {c}"].values for c in _CONDITIONS]).T
            page.band(ax, _CONDITIONS, runs, i, name, marks=True)
        ax.set_ylim(1, found["steps"].mean)
        page.logarithmic(ax)
        page.logarithmic(ax, "x")
        page.label(ax, "condition", "steps", way)
    page.legend(panels[0], columns=4)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
