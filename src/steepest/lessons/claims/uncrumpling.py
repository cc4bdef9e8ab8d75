"""Two sheets of paper, crumpled together: what the layers of a network make of them."""

from typing import Any

import numpy as np

from steepest import explain, models, nn, optim
from steepest.data.toy import crumple
from steepest.explain.layers import outputs_by_layer
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, all_of
from steepest.lessons.page import Page
from steepest.lessons.practice import cosine, practise

__all__ = ["LESSON"]

_WIDTH, _DEPTH = 24, 5
_RATE, _BATCH = 0.003, 32
_LINES, _POINTS = 40, 60
_SHOWN = (0, 2, 4, 6)  # of the seven stages: the input, five layers and the output
_MEASURES = {"separable": 100, "straight": 100, "rank": 1, "folds": 1}

EN = Text(
    title="The crumpled paper uncrumpling",
    claim="Layer by layer a trained network smooths its data out, as one smooths crumpled paper, "
    "until a plane separates the classes.",
    method="Two sheets of paper, one above the other, are crumpled together by six folds; a tanh "
    "network of {depth} layers of {width} learns which sheet a point is on. On new points is "
    "measured, after every layer, before and after {epochs} epochs: what part of them the best "
    "plane puts on the right side; and how straight lines drawn on the paper are, the distance of "
    "their ends as a part of their length.",
    result="A plane separates {separable first:%} of the crumpled points and {separable last:%} of "
    "the last layer's, {untrained last:%} of an untrained network's. But the paper does not become "
    "smooth: its lines, straight to {straight first:%} as crumpled, are so to {straight last:%} in "
    "the end. The sheets are pulled apart by folding them further: a straight line through the "
    "crumpled space comes out bent by {folds most} half turns.",
    words={
        "measure": "whether smooth means separable or straight",
        "sheet 0": "one sheet",
        "sheet 1": "the other",
        "stage 0": "Crumpled",
        "stage 2": "After layer 2",
        "stage 4": "After layer 4",
        "stage 6": "Output",
        "main": "main direction (1)",
        "second": "second direction (1)",
        "layer": "layer",
        "separable": "separable (%)",
        "straight": "straight on the paper (%)",
        "rank": "directions (1)",
        "folds": "bend of space (half turns)",
        "trained": "trained",
        "untrained": "untrained",
    },
)
ZH = Text(
    title="把揉皱的纸抚平",
    claim="训练好的网络一层一层地把数据抚平，就像抚平一张揉皱的纸，直到一个平面就能分开各类。",
    method="两张叠在一起的纸用六次折叠揉成一团；一个 {depth} 层、每层 {width} 个单元的 tanh 网络"
    "学习判断一个点在哪张纸上。训练 {epochs} 轮，训练前后都在新点上逐层测量："
    "最好的平面能把多大比例的点分对；画在纸上的直线还有多直，即两端的距离占线长的比例。",
    result="揉皱时平面能分对 {separable first:%}，最后一层能分对 {separable last:%}，"
    "未训练的网络为 {untrained last:%}。但纸并没有变平：纸上的线在揉皱时有 {straight first:%} 直，"
    "最后只有 {straight last:%}。网络是靠进一步折叠把两张纸扯开的：穿过空间的一条直线最多被弯了 "
    "{folds most} 个半圈。",
    words={
        "measure": "“平”是指可分开，还是指笔直",
        "sheet 0": "一张纸",
        "sheet 1": "另一张",
        "stage 0": "揉皱的纸",
        "stage 2": "第 2 层之后",
        "stage 4": "第 4 层之后",
        "stage 6": "输出",
        "main": "主方向（1）",
        "second": "第二方向（1）",
        "layer": "层",
        "separable": "可分开（%）",
        "straight": "纸上的线有多直（%）",
        "rank": "方向数（1）",
        "folds": "空间的弯折（半圈）",
        "trained": "训练后",
        "untrained": "训练前",
    },
)


def experiment(trial: Trial) -> dict[str, Any]:
    rows, epochs = trial.choose(2000, 500), trial.choose(500, 10)
    x, y, new, sheet, lines = _paper(trial, rows)
    with trial.seeded():
        model = models.mlp(3, 2, [_WIDTH] * _DEPTH, "tanh")
    found: dict[str, Any] = {"depth": _DEPTH, "width": _WIDTH, "epochs": epochs, "sheet": sheet}
    untrained = _measured(model, new, sheet, lines)
    order = np.concatenate([trial.random("order", e).permutation(rows) for e in range(epochs)])
    steps = len(order) // _BATCH
    order = order[: steps * _BATCH]
    loss = nn.CrossEntropyLoss()
    practise(model, loss, optim.Adam, cosine(_RATE, steps), x, y, order, _BATCH)
    trained = _measured(model, new, sheet, lines)
    for i, places in enumerate(trained.pop("places")):
        found[f"places {i}"] = places
    for name in _MEASURES:
        found[f"trained {name}"], found[f"untrained {name}"] = trained[name], untrained[name]
    separable, straight = trained["separable"], trained["straight"]
    found |= {"separable first": separable[0], "separable last": separable[-1]}
    found |= {"straight first": straight[0], "straight last": straight[-1]}
    found |= {"separated": separable[-1] - separable[0], "smoothed": straight[-1] - straight[0]}
    learned = separable[-1] - untrained["separable"][-1]
    found |= {"untrained last": untrained["separable"][-1], "learned": learned}
    return {**found, "folds most": trained["folds"].max()}


def _paper(trial: Trial, rows: int) -> tuple[np.ndarray, ...]:
    """Points and their sheets, to learn from and new ones; and lines on the paper, in one array."""
    random = trial.random("paper")
    sheets = random.integers(2, size=2 * rows)
    flat = np.column_stack([random.uniform(-1, 1, (2 * rows, 2)), 0.3 * sheets - 0.15])
    begin, end = flat[:_LINES], flat[_LINES : 2 * _LINES].copy()
    end[:, 2] = begin[:, 2]
    along = np.linspace(0, 1, _POINTS)[:, None, None]
    lines = ((1 - along) * begin + along * end).reshape(-1, 3)
    both = crumple(np.concatenate([flat, lines]), trial.random("folds"))
    both = ((both - both[:rows].mean(0)) / both[:rows].std(0)).astype(np.float32)
    x, new, lines = np.split(both, [rows, 2 * rows])
    return x, sheets[:rows], new, sheets[rows:], lines


def _measured(
    model: nn.Module, new: np.ndarray, sheet: np.ndarray, lines: np.ndarray
) -> dict[str, Any]:
    """What is measured, by name, each an array (stages,); and the places (stages, n, 2)."""
    stages = explain.unfolding(model, new, sheet)
    found: dict[str, Any] = {
        name: np.array([getattr(stage, name) for stage in stages])
        for name in ("separable", "rank", "folds", "places")
    }
    made = {"input": lines, **outputs_by_layer(model, lines)}
    found["straight"] = np.array([_straight(image) for image in made.values()])
    return found


def _straight(image: np.ndarray) -> float:
    """The distance of the ends of all lines, as a part of their lengths."""
    polygons = image.reshape(_POINTS, _LINES, -1).astype(np.float64)
    lengths = np.linalg.norm(np.diff(polygons, axis=0), axis=2).sum()
    return float(np.linalg.norm(polygons[-1] - polygons[0], axis=1).sum() / lengths)


def judge(found: Found) -> Verdict:
    """A plane separates the classes, by training; the paper may be none the smoother for it."""
    separated = all_of(found.above("separated", 0), found.above("learned", 0))
    smoothed = found.above("smoothed", 0)
    if separated.kind == "holds" and smoothed.kind == "fails":
        return Verdict("depends", on="measure")
    return all_of(separated, smoothed)


def draw(found: Found, page: Page) -> None:
    above, below = page.panels(4, 2, width=10.4, height=5.6)
    for ax, i in zip(above, _SHOWN, strict=True):
        _draw_points(ax, found, page, i)
    page.legend(above[0])
    for ax, (name, scale) in zip(below, _MEASURES.items(), strict=True):
        for i, when in enumerate(("trained", "untrained")):
            runs = scale * found.curves(f"{when} {name}")
            page.band(ax, np.arange(runs.shape[1]), runs, i, when, marks=True)
        page.label(ax, "layer", name)
    below[-1].legend()


def _draw_points(ax: Any, found: Found, page: Page, i: int) -> None:
    places, sheet = found.trials[0][f"places {i}"][:400], found.trials[0]["sheet"][:400]
    for kind, mark in enumerate("os"):
        colour = page.colours.series[kind]
        face = colour if kind == 0 else page.colours.paper
        looks = {"markerfacecolor": face, "markeredgecolor": colour, "label": f"sheet {kind}"}
        looks["label"] = page.word(looks["label"])
        ax.plot(*places[sheet == kind].T, linestyle="none", marker=mark, markersize=3, **looks)
    page.label(ax, "main", "second", f"stage {i}")


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
