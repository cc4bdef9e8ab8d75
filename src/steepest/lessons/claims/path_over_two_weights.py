"""The path of training over two weights of the housing model, and how much such a picture shows."""

from typing import Any

import numpy as np

from steepest.data import load_data
from steepest.explain import Objective, followed, path_plane, surface, weights_plane
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict
from steepest.lessons.page import Page
from steepest.models import linear, mlp
from steepest.nn import MSELoss

__all__ = ["LESSON"]

_PAIR = ("RM", "LSTAT")  # rooms per home, and part of the population of lower status
_MODELS = ("two", "all", "mlp")
_SPLIT = (0.5, 0.25, 0.25)
_RATE = 0.05

EN = Text(
    title="The path over two weights of the housing model",
    claim="Drawn over two of its weights, the loss is a landscape, and the path across it shows "
    "how training came down.",
    method="House prices, mean 0 and variance 1: a linear model of two features, one of all "
    "{features}, and an MLP with {hidden} and {hidden} tanh units, {steps} steps of descent on "
    "{rows} rows each, learning rate {rate}. The loss is drawn over the two weights that moved "
    "most, all others as they are in the end, with the path on it. Compared is how far the loss "
    "fell in truth with how far it falls in the picture, and how far the path lies off the plane "
    "with how long the way was.",
    result="The picture shows {two seen:%} of the fall with two features, {all seen:%} with all of "
    "them, and {mlp seen:%} with the MLP, whose path begins {mlp off:%} of its way off the plane. "
    "On the plane closest to its path, which is no pair of weights, {mlp best:%} of the fall of "
    "the MLP are seen.",
    words={
        "count": "how many weights there are",
        "step": "step",
        "loss": "mean squared error (variances)",
        "first": "first weight (1)",
        "second": "second weight (1)",
        "two": "Linear, two features",
        "mlp": "MLP",
        "true": "loss on the path",
        "drawn": "loss in the picture",
        "path": "path",
        "trust": "MLP: what the picture shows",
    },
)
ZH = Text(
    title="房价模型在两个权重上的路径",
    claim="以两个权重为坐标画出损失，就是一片地形，画在上面的路径显示了训练是怎样走下来的。",
    method="房价数据（均值 0、方差 1）：两个特征的线性模型、全部 {features} 个特征的线性模型、"
    "两层各 {hidden} 个 tanh 单元的 MLP，各在 {rows} 行上下降 {steps} 步，学习率 {rate}。"
    "以移动最多的两个权重为坐标画损失，其余权重取训练结束时的值，并画上路径。比较损失实际下降多少与图上下降多少，"
    "以及路径偏离平面多远与路程多长。",
    result="两个特征时，图上显示了下降的 {two seen:%}，全部特征时 {all seen:%}，"
    "MLP 时 {mlp seen:%}；"
    "MLP 的路径起点偏离平面的距离是全程的 {mlp off:%}。在离路径最近的平面上"
    "（它不是任何一对权重），能看到 MLP 下降的 {mlp best:%}。",
    words={
        "count": "权重的数目",
        "step": "步",
        "loss": "均方误差（方差）",
        "first": "第一个权重（1）",
        "second": "第二个权重（1）",
        "two": "线性，两个特征",
        "mlp": "MLP",
        "true": "路径上的损失",
        "drawn": "图上的损失",
        "path": "路径",
        "trust": "MLP：图上能看到什么",
    },
)


def _walked(objective: Objective, steps: int) -> np.ndarray:
    """Gradient descent from where the objective is: the path, (steps + 1, P)."""
    path = [objective.weights]
    for _ in range(steps):
        path.append(path[-1] - _RATE * objective.gradient()[1])
        objective.move(path[-1])
    return np.array(path)


def _places(objective: Objective) -> list[str]:
    """Every weight by its name, such as "0.weight[0,5]"."""
    return [
        f"{name}[{','.join(map(str, at))}]"
        for name, shape in zip(objective.names, objective.shapes, strict=True)
        for at in np.ndindex(*shape)
    ]


def _fallen(losses: np.ndarray) -> float:
    return float(losses[0] - losses[-1])


def experiment(trial: Trial) -> dict[str, Any]:
    steps, hidden, points = trial.choose((500, 64, 51), (20, 8, 11))
    data = load_data("housing", split=_SPLIT, seed=trial.seed)
    part, names = data.train, data.feature_names
    pair = part.x * np.isin(names, _PAIR)  # the other features are 0, and their weights stay
    with trial.seeded():
        models = linear(len(names)), linear(len(names)), mlp(len(names), 1, (hidden, hidden))
    found: dict[str, Any] = {"rows": len(part), "features": len(names), "hidden": hidden}
    found |= {"steps": steps, "rate": _RATE}
    for name, model in zip(_MODELS, models, strict=True):
        x = pair if name == "two" else part.x
        objective = Objective(model, MSELoss(), x, part.y)
        path = _walked(objective, steps)
        first, second = np.argsort(-np.abs(path[-1] - path[0]))[:2]
        places = _places(objective)
        plane = weights_plane(objective, places[first], places[second]).around(path)
        seen, best = (followed(objective, p, path) for p in (plane, path_plane(path)))
        found[f"{name} seen"] = _fallen(seen.drawn) / _fallen(seen.true)
        found[f"{name} best"] = _fallen(best.drawn) / _fallen(best.true)
        found[f"{name} off"] = seen.off[0] / np.linalg.norm(path[-1] - path[0])
        land = surface(objective, plane, points)
        found |= {f"{name} across": land.across, f"{name} up": land.up}
        found |= {f"{name} land": land.losses, f"{name} places": seen.places}
        found |= {f"{name} true": seen.true, f"{name} drawn": seen.drawn}
    return found


def judge(found: Found) -> Verdict:
    """Most of the fall is seen with every model, with some, or with none."""
    kinds = {found.above(f"{name} seen", 0.5).kind for name in _MODELS}
    if kinds == {"holds"}:
        return Verdict("holds")
    return Verdict("depends", on="count") if "holds" in kinds else Verdict("fails")


def draw(found: Found, page: Page) -> None:
    *lands, trust = page.panels(3, width=10.2, height=3.8)
    first = found.trials[0]
    for ax, name in zip(lands, ("two", "mlp"), strict=True):
        page.contours(ax, *(first[f"{name} {part}"] for part in ("across", "up", "land")))
        page.path(ax, first[f"{name} places"], 1, "path", marks=False)
        page.label(ax, "first", "second", name)
    for series, name in ((1, "true"), (0, "drawn")):
        runs = found.curves(f"mlp {name}")
        page.band(trust, np.arange(runs.shape[1]), runs, series, name)
    trust.set_ylim(bottom=0)
    page.label(trust, "step", "loss", "trust")
    page.legend(trust)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
