"""Batch size and learning rate, the sharpness of where they end, and what that says of new data."""

from copy import deepcopy
from typing import Any

import numpy as np

from steepest import models, nn
from steepest.data import Part, load_data
from steepest.explain import Objective, eigenvalues
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, all_of
from steepest.lessons.page import Page
from steepest.lessons.stretches import Stretches
from steepest.tensors import Tensor, no_grad

__all__ = ["LESSON"]

_SIZES = {"small": 16, "middle": 64, "large": 256}
_RATES = {"slow": 0.05, "usual": 0.2, "fast": 0.8}
_MOST = 50_000  # updates
_STAGES = ("early", "late")

EN = Text(
    title="Sharp minima, batch size and learning rate",
    claim="Large batches and small learning rates end in sharp minima, and sharp minima "
    "generalise worse.",
    method="A network learns {rows} of the digits with plain descent, with mini-batches of "
    "{small} to {large}, each with learning rates from {slow} to {fast}, until the training loss "
    "is {early} and on until it is {late}, so that equally well trained networks are compared, and "
    "each with itself, trained longer. "
    "Measured there are the sharpness, which is the largest eigenvalue of the Hessian of the "
    "training loss, and the gap, by which the validation loss is above the training loss.",
    result="At a training loss of {early} batches of {large} are {batch early} times as sharp as "
    "batches of {small}, and the rate {slow} {rate early} times as sharp as {fast}; at {late}, "
    "{batch late} and {rate late} times. Sharpness and gap of equally well trained networks, put "
    "in order, have a rank correlation of {rank early}, and of {rank late}. Trained on from "
    "{early} to {late}, a network becomes {sharper} times as sharp, its gap {wider} times as wide: "
    "in {agree:%} of cases the sharper of the two states had the wider gap.",
    words={
        "small": "16 rows",
        "middle": "64 rows",
        "large": "256 rows",
        "early": "Trained",
        "late": "Trained longer",
        "rate": "learning rate (1)",
        "sharpness": "sharpness, largest eigenvalue (1)",
        "gap": "validation − training loss (nats)",
        "cloud": "Sharpness and gap",
    },
)
ZH = Text(
    title="尖锐的极小值：批量大小与学习率",
    claim="大批量和小学习率会停在尖锐的极小值里，而尖锐的极小值泛化更差。",
    method="用普通的梯度下降在 {rows} 个手写数字上训练网络，批量从 {small} 到 {large}，"
    "学习率各从 {slow} 到 {fast}，先训练到训练损失为 {early}，再训练到 {late}，"
    "既比较训练得一样好的网络，也比较同一个网络训练更久的前后。在两处测量尖锐度（训练损失的黑塞矩阵的最大特征值）与泛化差距"
    "（验证损失比训练损失高出多少）。",
    result="训练损失为 {early} 时，批量 {large} 的尖锐度是批量 {small} 的 {batch early} 倍，学习率 "
    "{slow} 的是 {fast} 的 {rate early} 倍；训练损失为 {late} 时分别是 {batch late} 倍和 "
    "{rate late} 倍。训练得一样好的网络，尖锐度与泛化差距的秩相关系数是 {rank early}，后来是 "
    "{rank late}。从 {early} 继续训练到 {late}，网络的尖锐度变为原来的 {sharper} 倍，"
    "泛化差距变为原来的 {wider} 倍：前后两个状态中，较尖锐的那个差距也较大的，占 {agree:%}。",
    words={
        "small": "批量 16",
        "middle": "批量 64",
        "large": "批量 256",
        "early": "训练之后",
        "late": "训练更久之后",
        "rate": "学习率（1）",
        "sharpness": "尖锐度：最大特征值（1）",
        "gap": "验证损失 − 训练损失（奈特）",
        "cloud": "尖锐度与泛化差距",
    },
)


def experiment(trial: Trial) -> dict[str, Any]:
    sizes = trial.choose(_SIZES, {"small": 16, "large": 256})
    rates = trial.choose(_RATES, {"slow": 0.2, "fast": 0.8})
    losses = trial.choose((0.1, 0.01), (1.8, 1.5))
    data = load_data("digits", split=(0.285, 0.715, 0), seed=trial.seed)
    first = models.create("mlp", data, hidden=trial.choose([32], []), seed=trial.seed)
    objective = Objective(first, nn.CrossEntropyLoss(), data.train.x, data.train.y)
    sharp, gap = np.zeros((2, len(losses), len(sizes), len(rates)))
    for i, rows in enumerate(sizes.values()):
        training = Stretches(deepcopy(first), data.train, rows, trial.random("order", rows))
        for j, rate in enumerate(rates.values()):
            training.restart()
            for stage, loss in enumerate(losses):
                reached = _train(training, rate, loss)
                model = training.model
                objective.move(
                    np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
                )
                sharp[stage, i, j] = eigenvalues(objective, tolerance=1e-3).values[0]
                gap[stage, i, j] = _loss(model, data.val) - reached
    found: dict[str, Any] = {"rows": len(data.train), **sizes, **rates}
    found["rates"] = np.array([*rates.values()])
    for stage, name in enumerate(_STAGES):
        found |= {name: losses[stage], f"sharp {name}": sharp[stage], f"gap {name}": gap[stage]}
        height = np.log(sharp[stage])
        found[f"batch {name}"] = np.exp(np.mean(height[-1] - height[0]))
        found[f"rate {name}"] = np.exp(np.mean(height[:, 0] - height[:, -1]))
        found[f"rank {name}"] = _rank_correlation(sharp[stage], gap[stage])
    found["sharper"] = np.exp(np.mean(np.log(sharp[1] / sharp[0])))
    found["agree"] = np.mean((sharp[1] > sharp[0]) == (gap[1] > gap[0]))
    return found | {"wider": gap[1].mean() / gap[0].mean()}


def _train(training: Stretches, rate: float, loss: float) -> float:
    """Train on until the loss is as low as that; the loss reached."""
    updates, reached = 0, training.loss()
    while reached > loss and updates < _MOST:
        stretch = max(1, updates // 50)  # so that it does not end far below
        training.go(stretch, rate)
        updates, reached = updates + stretch, training.loss()
    return reached


def _loss(model: nn.Module, part: Part) -> float:
    with nn.watching(model), no_grad():
        return nn.CrossEntropyLoss()(model(Tensor(part.x)), Tensor(part.y)).item()


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's: the correlation of the places that the numbers have in order of size."""
    x, y = (np.argsort(np.argsort(values.ravel())).astype(float) for values in (a, b))
    return float(np.corrcoef(x, y)[0, 1])


def judge(found: Found) -> Verdict:
    """Both parts of the claim at both losses, the second also of each network trained longer."""
    equally = [
        verdict
        for stage in _STAGES
        for verdict in (
            found.above(f"batch {stage}", 1),
            found.above(f"rate {stage}", 1),
            found.above(f"rank {stage}", 0),
        )
    ]
    return all_of(*equally, found.above("agree", 0.5))


def draw(found: Found, page: Page) -> None:
    *panels, cloud = page.panels(3, width=10.2, height=3.8)
    for ax, stage in zip(panels, _STAGES, strict=True):
        runs = found.curves(f"sharp {stage}")
        for i, size in enumerate(size for size in _SIZES if size in found.trials[0]):
            page.band(ax, found.trials[0]["rates"], runs[:, i], i, size, marks=True)
        page.logarithmic(ax)
        page.logarithmic(ax, "x")
        page.label(ax, "rate", "sharpness", stage)
    for stage, face in zip(_STAGES, (page.colours.paper, page.colours.series[3]), strict=True):
        across_, up = (found.curves(f"{what} {stage}").ravel() for what in ("sharp", "gap"))
        looks = {"markerfacecolor": face, "markeredgecolor": page.colours.series[3]}
        cloud.plot(across_, up, "o", label=page.word(stage), **looks)
    page.logarithmic(cloud, "x")
    page.label(cloud, "sharpness", "gap", "cloud")
    cloud.legend(loc="upper right", borderpad=0)
    page.legend(panels[0])


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
