"""Edges, shapes, digits: what the layers of a LeNet see, measured before and after training."""

import functools
from typing import Any

import numpy as np

from steepest import autograd as autograd  # gives Tensor its backward()
from steepest import nn, optim
from steepest.compiler import Epochs
from steepest.data import Data, load_data
from steepest.explain import responses
from steepest.explain.layers import outputs_by_layer
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, all_of
from steepest.lessons.page import Page
from steepest.models import lenet5
from steepest.plot.mosaic import draw as draw_picture
from steepest.plot.mosaic import mosaic
from steepest.tensors import Tensor

__all__ = ["LESSON"]

_LAYERS = ("input", "c1", "s2", "c3", "s4", "c5", "f6", "output")
_STAGES = ("input", "s2", "s4", "f6")  # pixels, edges, shapes, digits
_BATCH = 50
_ANGLES = np.arange(24) * np.pi / 12
_UNITS, _PIECES = 5, 5

EN = Text(
    title="Edges, shapes, digits",
    claim="The first layer of a LeNet learns to see edges, the next shapes, the last digits: its "
    "filters turn into edges, and by learning, from stage to stage its units tell the digits "
    "better apart.",
    method="A LeNet is trained on {rows} digits, {epochs} epochs, and compared with itself before "
    "training, on {seen} other digits. Of each filter of the first layer the largest correlation "
    "with an edge or a line at any angle is measured; of each layer the part of its variance that "
    "lies between the digits, and how many digits are nearest to the mean of their own class.",
    result="Filters look like an edge or a line to {edge trained}, before training to {edge "
    "before}. Between the digits lie {variance input:%} of the variance of the pixels, "
    "{variance s2:%} after the first stage, {variance s4:%} after the second and {variance f6:%} "
    "at the last but one layer; before training {flat s2:%}, {flat s4:%} and {flat f6:%}, so "
    "filters drawn at random and pooling do most of the early part: training adds {gain s2:%}, "
    "{gain s4:%} and {gain f6:%}. Nearest to their mean are {nearest input:%}, {nearest s2:%}, "
    "{nearest s4:%} and {nearest f6:%}.",
    words={
        "filters": "six filters of c1, 5×5 pixels",
        "maps": "a digit after c1, six maps",
        "shapes": "what excites c3, a row per map",
        "digits": "what excites f6, a row per unit",
        "layer": "layer",
        "stage": "the stage",
        "variance": "variance between digits (%)",
        "nearest": "nearest to own mean (%)",
        "trained": "trained",
        "before": "before training",
    },
)
ZH = Text(
    title="从边缘到形状，再到数字",
    claim="LeNet 的第一层学会看边缘，下一层看形状，最后看数字：第一层的滤波器变成边缘，"
    "通过学习，一级一级往后，单元越来越能分清数字。",
    method="用 {rows} 个数字训练 LeNet {epochs} 轮，在另外 {seen} 个数字上与训练前的它相比。"
    "对第一层的每个滤波器，测量它与任意角度的边缘或线条的最大相关；对每一层，"
    "测量方差中有多少是数字之间的，以及有多少数字离本类的均值最近。",
    result="滤波器与边缘或线条的相关为 {edge trained}，训练前为 {edge before}。"
    "数字之间的方差：像素占 {variance input:%}，第一级之后占 {variance s2:%}，"
    "第二级之后占 {variance s4:%}，倒数第二层占 {variance f6:%}；训练之前，后三处依次为 "
    "{flat s2:%}、{flat s4:%}、{flat f6:%}，可见前面的进步大多来自随机的滤波器和汇聚："
    "训练分别增加 {gain s2:%}、{gain s4:%}、{gain f6:%}。离本类均值最近的数字依次占 "
    "{nearest input:%}、{nearest s2:%}、{nearest s4:%}、{nearest f6:%}。",
    words={
        "filters": "c1 的六个滤波器，5×5 像素",
        "maps": "一个数字经过 c1，六张图",
        "shapes": "使 c3 兴奋的图块，每行一张图",
        "digits": "使 f6 兴奋的图像，每行一个单元",
        "layer": "层",
        "stage": "在哪一级",
        "variance": "数字之间的方差（%）",
        "nearest": "离本类均值最近（%）",
        "trained": "训练后",
        "before": "训练前",
    },
)


@functools.cache
def _digits() -> Data:
    return load_data("mnist", scale="minmax", split=(0.75, 0.25, 0.0))


def _train(model: nn.Module, x: np.ndarray, y: np.ndarray, order: np.ndarray) -> None:
    loss = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    def step(images: Tensor, digits: Tensor) -> Tensor:
        value = loss(model(images), digits)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    Epochs(step).run([x, y], order, _BATCH)


def _like_an_edge(filters: np.ndarray) -> float:
    """The largest correlation of filters (n, 1, 5, 5) with an edge or a line, on average."""
    across, up = np.meshgrid(np.arange(-2.0, 3.0), np.arange(-2.0, 3.0))
    away = [np.cos(angle) * across + np.sin(angle) * up + at for angle in _ANGLES for at in (0, 1)]
    patterns = np.array([pattern for d in away for pattern in (np.tanh(2 * d), np.exp(-(d**2)))])
    return float(np.abs(_unit(filters) @ _unit(patterns).T).max(1).mean())


def _unit(pictures: np.ndarray) -> np.ndarray:
    """Pictures as vectors of mean 0 and length 1, so that their products are correlations."""
    flat = pictures.reshape(len(pictures), -1)
    flat = flat - flat.mean(1, keepdims=True)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def _apart(made: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The part of the variance that lies between the classes; and of every second sample, the part
    that is nearest to the mean of its class among the others."""
    points = made.reshape(len(made), -1).astype(np.float64)
    points -= points.mean(0)
    means = np.array([points[y == digit].mean(0) for digit in range(10)])
    between = (means[y] ** 2).sum() / (points**2).sum()
    first, other, theirs = points[::2], points[1::2], y[::2]
    centres = np.array([first[theirs == digit].mean(0) for digit in range(10)])
    far = (centres**2).sum(1) - 2 * other @ centres.T
    return float(between), float(np.mean(far.argmin(1) == y[1::2]))


def experiment(trial: Trial) -> dict[str, Any]:
    data, random = _digits(), trial.random("digits")
    rows, epochs, seen, shown = trial.choose((5000, 10, 1000, 300), (100, 1, 200, 20))
    chosen = random.permutation(len(data.train))[:rows]
    kept = random.permutation(len(data.val))[:seen]
    order = np.concatenate([random.permutation(chosen) for _ in range(epochs)])
    x, y = data.val.x[kept], data.val.y.reshape(-1)[kept]
    found: dict[str, Any] = {"rows": rows, "epochs": epochs, "seen": seen}
    with trial.seeded():
        model = lenet5(modern=True)
    for when, variance, nearest in (
        ("before", "flat", "plain"),
        ("trained", "variance", "nearest"),
    ):
        if when == "trained":
            _train(model, data.train.x, data.train.y, order)
        filters = model.get_submodule("c1").weight.detach().numpy()
        found[f"edge {when}"] = _like_an_edge(filters)
        for layer, made in {"input": x, **outputs_by_layer(model, x)}.items():
            found[f"{variance} {layer}"], found[f"{nearest} {layer}"] = _apart(made, y)
    found["more like edges"] = found["edge trained"] - found["edge before"]
    found["least rise"] = np.diff([found[f"variance {stage}"] for stage in _STAGES]).min()
    for stage in _STAGES[1:]:
        found[f"gain {stage}"] = found[f"variance {stage}"] - found[f"flat {stage}"]
    found |= {"filters": filters[:, 0].copy(), "maps": outputs_by_layer(model, x[:1])["c1"][0]}
    for layer in ("c3", "f6"):
        found[layer] = responses(model, x[:shown], layer, _PIECES).pieces[:_UNITS]
    return found


def judge(found: Found) -> Verdict:
    """The filters have become more like edges and each stage tells digits better apart than the
    one before; and training has made it so, not pooling alone, at all stages or at some."""
    seen = all_of(found.above("more like edges", 0), found.above("least rise", 0))
    learned = {found.above(f"gain {stage}", 0).kind for stage in _STAGES[1:]}
    if seen.kind != "holds" or learned == {"holds"}:
        return seen
    return Verdict("depends", on="stage") if "holds" in learned else Verdict("fails")


def draw(found: Found, page: Page) -> None:
    (filters, maps, variance), (shapes, digits, nearest) = page.panels(3, 2, width=10.2, height=6.4)
    first = found.trials[0]
    largest = np.abs(first["filters"]).max()
    for ax, key, picture, limits in (
        (filters, "filters", mosaic(first["filters"], 3), (-largest, largest)),
        (maps, "maps", mosaic(first["maps"], 3, gap=2), None),
        (shapes, "shapes", mosaic(np.concatenate(first["c3"]), _PIECES, gap=1), None),
        (digits, "digits", mosaic(np.concatenate(first["f6"]), _PIECES, gap=2), None),
    ):
        draw_picture(ax, picture, page.colours, limits)
        ax.set_facecolor(page.colours.rule)
        ax.set_xlabel(page.word(key))
    for ax, key, plain in ((variance, "variance", "flat"), (nearest, "nearest", "plain")):
        for i, (name, when) in enumerate(((key, "trained"), (plain, "before"))):
            runs = np.array([100 * found[f"{name} {layer}"].values for layer in _LAYERS]).T
            page.band(ax, np.arange(len(_LAYERS)), runs, i, when, marks=True)
        ax.set_xticks(range(len(_LAYERS)), _LAYERS, rotation=45, ha="right")
        ax.set_ylim(0, 104)
        page.label(ax, "layer", key)
    page.legend(variance)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
