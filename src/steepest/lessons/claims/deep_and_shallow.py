"""Deep against shallow at equal parameters, on functions of three kinds."""

from typing import Any

import numpy as np

from steepest import models, nn, optim
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, across
from steepest.lessons.page import Page
from steepest.lessons.practice import cosine, practise
from steepest.tensors import Tensor

__all__ = ["LESSON"]

_DEEP = (13, 13, 13, 13)
_SHALLOW = {1: (195,), 4: (104,)}  # by inputs: exactly as many parameters as the deep network
_FOLDS = 4
_RATE, _BATCH = 0.01, 32

EN = Text(
    title="Deep against shallow at equal parameters",
    claim="Of two networks with equally many parameters, the deep one fits a function better than "
    "the one with a single hidden layer.",
    method="Three functions: waves of waves, sin 3(sin 3ab − sin 3cd); a sawtooth of {teeth} "
    "teeth, made by folding a line {folds} times; and one wave for each of four inputs, added up. "
    "ReLU networks, one layer or four, {small} parameters for the sawtooth and {large} for the "
    "others, {steps} steps of Adam on {rows} points. Measured is the root mean square error on new "
    "points, as a part of the function's own spread. A deep sawtooth is also written by hand.",
    result="Waves of waves: {shallow nested} shallow, {deep nested} deep. Sawtooth: {shallow saw} "
    "shallow, {deep saw} deep, although {hand size} parameters, written by hand into {folds} "
    "layers, leave an error of {hand}: what a deep network can do, training need not find. "
    "Sum of waves: {shallow sum} shallow, {deep sum} deep.",
    words={
        "shallow": "one hidden layer",
        "deep": "four hidden layers",
        "target": "the sawtooth",
        "function": "the function",
        "nested": "waves of waves",
        "saw": "sawtooth",
        "sum": "sum of waves",
        "error": "error / spread of the function (%)",
        "errors": "Errors on new points",
        "x": "x (1)",
        "y": "y (1)",
        "fits": "What training made of the sawtooth",
    },
)
ZH = Text(
    title="参数一样多：深与浅",
    claim="两个网络参数一样多时，深的比只有一个隐藏层的拟合得更好。",
    method="三个函数：波的波 sin 3(sin 3ab − sin 3cd)；把直线对折 {folds} 次得到的 {teeth} 齿锯齿；"
    "四个输入各取一个波，再相加。ReLU 网络，一层或四层，锯齿用 {small} 个参数，其余用 {large} 个，"
    "在 {rows} 个点上用 Adam 训练 {steps} 步；测量新点上的均方根误差，相对于函数自身的标准差。"
    "另外手写一个深的锯齿网络。",
    result="波的波：浅 {shallow nested}，深 {deep nested}。锯齿：浅 {shallow saw}，深 {deep saw}；"
    "然而手写的 {folds} 层网络只用 {hand size} 个参数，误差为 {hand}："
    "深的网络表示得了，训练未必找得到。波之和：浅 {shallow sum}，深 {deep sum}。",
    words={
        "shallow": "一个隐藏层",
        "deep": "四个隐藏层",
        "target": "锯齿",
        "function": "所拟合的函数",
        "nested": "波的波",
        "saw": "锯齿",
        "sum": "波之和",
        "error": "误差 / 函数的标准差（%）",
        "errors": "新点上的误差",
        "x": "x（1）",
        "y": "y（1）",
        "fits": "训练出的锯齿",
    },
)


def _nested(x: np.ndarray) -> np.ndarray:
    a, b, c, d = x.T
    return np.sin(3 * (np.sin(3 * a * b) - np.sin(3 * c * d)))[:, None]


def _saw(x: np.ndarray) -> np.ndarray:
    for _ in range(_FOLDS):
        x = 1 - 2 * np.abs(x)
    return x


def _sum(x: np.ndarray) -> np.ndarray:
    return np.sin(np.pi * x).sum(1, keepdims=True)


_FUNCTIONS = {"nested": (4, _nested), "saw": (1, _saw), "sum": (4, _sum)}


def experiment(trial: Trial) -> dict[str, Any]:
    rows, epochs = 2048, trial.choose(600, 20)
    steps = epochs * rows // _BATCH
    found: dict[str, Any] = {"rows": rows, "steps": steps, "folds": _FOLDS}
    found["teeth"] = 2 ** (_FOLDS - 1)
    across = found["across"] = np.linspace(-1, 1, 401, dtype=np.float32)
    order = np.concatenate([trial.random("order", e).permutation(rows) for e in range(epochs)])
    for name, (inputs, function) in _FUNCTIONS.items():
        x, new = trial.random(name).uniform(-1, 1, (2, rows, inputs)).astype(np.float32)
        y = function(x).astype(np.float32)
        for form, widths in (("shallow", _SHALLOW[inputs]), ("deep", _DEEP)):
            model = _network(trial, inputs, widths)
            practise(model, nn.MSELoss(), optim.Adam, cosine(_RATE, steps), x, y, order, _BATCH)
            found[f"{form} {name}"] = _error(model, function, new)
            if name == "saw":
                found[f"{form} fit"] = _values(model, across[:, None])[:, 0]
        found["small" if inputs == 1 else "large"] = _size(model)
        found[f"ahead {name}"] = found[f"shallow {name}"] - found[f"deep {name}"]
    hand = _by_hand()
    return {**found, "hand": _error(hand, _saw, across[:, None]), "hand size": _size(hand)}


def _network(trial: Trial, inputs: int, widths: tuple[int, ...]) -> nn.Module:
    with trial.seeded():
        model = models.mlp(inputs, 1, widths, "relu")
        for layer in model.modules():
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return model


def _by_hand() -> nn.Module:
    """A fold, 1 − 2|x| = 1 − 2·relu(x) − 2·relu(−x), for each of the hidden layers."""
    model = models.mlp(1, 1, [2] * _FOLDS, "relu")
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    sides, fold = np.array([[1.0], [-1.0]]), np.array([[-2.0, -2.0]])
    layers[0].weight.value[...], layers[0].bias.value[...] = sides, 0
    for layer in layers[1:-1]:
        layer.weight.value[...], layer.bias.value[...] = sides @ fold, sides[:, 0]
    layers[-1].weight.value[...], layers[-1].bias.value[...] = fold, 1
    return model


def _values(model: nn.Module, x: np.ndarray) -> np.ndarray:
    with nn.watching(model):
        values: np.ndarray = model(Tensor(x)).numpy()
    return values


def _error(model: nn.Module, function: Any, x: np.ndarray) -> float:
    wanted = function(x)
    return float(np.sqrt(np.mean((_values(model, x) - wanted) ** 2)) / wanted.std())


def _size(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())


def judge(found: Found) -> Verdict:
    """Whether the deep network is ahead may depend on the function."""
    return across([found.above(f"ahead {name}", 0) for name in _FUNCTIONS], on="function")


def draw(found: Found, page: Page) -> None:
    errors, fits = page.panels(2, width=9.6, height=3.9)
    for i, form in enumerate(("shallow", "deep")):
        runs = 100 * np.array([found[f"{form} {name}"].values for name in _FUNCTIONS]).T
        page.ranges(errors, np.arange(len(_FUNCTIONS)) + 0.2 * (i - 0.5), runs, i, form)
    errors.set_xticks(range(len(_FUNCTIONS)), [page.word(name) for name in _FUNCTIONS])
    page.logarithmic(errors)
    errors.legend(loc="lower left")
    page.label(errors, "function", "error", "errors")
    across = found.trials[0]["across"]
    for i, form in enumerate(("shallow", "deep")):
        page.band(fits, across, found.curves(f"{form} fit"), i, form)
    fits.plot(
        across, _saw(across), color=page.colours.ink, linewidth=0.7, label=page.word("target")
    )
    page.label(fits, "x", "y", "fits")
    page.legend(fits)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
