"""Closed form against iteration: time and memory of a linear regression, by the features."""

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from steepest import autograd as autograd  # gives Tensor its backward()
from steepest import nn, optim
from steepest.compiler import Epochs
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, all_of
from steepest.lessons.page import Page
from steepest.tensors import Tensor

__all__ = ["LESSON"]

_ROWS = 4  # per feature
_BATCH = 32
_NOISE = 0.5
_CLOSE = 0.05  # above the least loss, as a part of it: where iteration may end
_MOST = 100  # epochs
_HOUR, _ROOM = 3600.0, 16e9  # seconds, bytes

EN = Text(
    title="Closed form and iteration, and where the closed form gives up",
    claim="With few features the closed form of linear regression is faster than iteration; its "
    "time grows with their cube and its memory with their square, so there is a size from which "
    "iteration is faster, and one at which the closed form gives up.",
    method="Linear regression on {smallest} to {largest} random features, {per} rows for each, "
    "single precision. The closed form solves XᵀX w = Xᵀy; iteration takes mini-batches of "
    "{batch} in native epochs, momentum 0.5, learning rate 2 / features, until its loss is within "
    "{close:%} of the least one. Measured is the time, the shorter of two and without compiling, "
    "and the memory that arrays take beyond the data.",
    result="Both are equally fast at {crossing} features. With {largest} features the closed form "
    "takes {time ratio} times as long and {memory ratio:mean} times as much memory; iteration "
    "makes {epochs} epochs. Over the last two sizes the time of the closed form grows with the "
    "power {time power}. Carried on with the cube, it takes an hour at {hour} features, and its "
    "matrix alone fills 16 GB at {room:mean}.",
    words={
        "features": "features",
        "seconds": "time (s)",
        "bytes": "memory beyond the data (kB)",
        "closed": "closed form",
        "iteration": "iteration",
        "time": "Time",
        "memory": "Memory",
    },
)
ZH = Text(
    title="闭式解与迭代，以及闭式解在哪里力不从心",
    claim="特征少时，线性回归的闭式解比迭代快；它的时间按特征数的立方增长，内存按平方增长，"
    "所以特征多到一定程度时迭代更快，再多，闭式解就无能为力了。",
    method="线性回归，随机特征 {smallest} 到 {largest} 个，每个特征 {per} 行数据，单精度。"
    "闭式解求解 XᵀX w = Xᵀy；迭代用每批 {batch} 行的本机训练轮，动量 0.5，学习率为 2 / 特征数，"
    "直到损失与最小值相差不到 {close:%}。测量时间（两次取短，不含编译），"
    "以及数据之外数组所占的内存。",
    result="特征为 {crossing} 个时两者一样快。特征为 {largest} 个时，闭式解的时间是迭代的 "
    "{time ratio} 倍，内存是 {memory ratio:mean} 倍；迭代用了 {epochs} 轮。"
    "在最后两种大小之间，闭式解的时间按 {time power} 次幂增长。照立方推算，"
    "特征为 {hour} 个时要花一小时；特征为 {room:mean} 个时，仅矩阵就占满 16 GB。",
    words={
        "features": "特征数",
        "seconds": "时间（秒）",
        "bytes": "数据之外的内存（kB）",
        "closed": "闭式解",
        "iteration": "迭代",
        "time": "时间",
        "memory": "内存",
    },
)


def _measured(act: Callable[[], Any]) -> tuple[Any, float, float]:
    """What an act gives, its seconds, and the most bytes that its arrays had at one time."""
    tracemalloc.start()
    began = time.perf_counter()
    made = act()
    seconds = time.perf_counter() - began
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return made, seconds, most


def _closed_form(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.linalg.solve(x.T @ x, x.T @ y)


class _Iteration:
    """A linear model that goes through its rows epoch by epoch."""

    def __init__(self, x: np.ndarray, y: np.ndarray, random: np.random.Generator):
        self.x, self.y, self.random = x, y, random
        self.layer = nn.Linear(x.shape[1], 1, bias=False)
        optimizer = optim.SGD(self.layer.parameters(), lr=2 / x.shape[1], momentum=0.5)

        def step(rows: Tensor, targets: Tensor) -> Tensor:
            loss = nn.functional.mse_loss(self.layer(rows), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        self.epochs = Epochs(step)
        self.epoch()  # compiles
        self.layer.weight.value[...] = 0

    def epoch(self) -> None:
        self.epochs.run([self.x, self.y], self.random.permutation(len(self.x)), _BATCH)

    def loss(self) -> float:
        return float(np.mean((self.x @ self.layer.weight.value.T - self.y) ** 2))


def _raced(random: np.random.Generator, features: int) -> tuple[list[float], list[float], int]:
    """Seconds and bytes of the closed form and of iteration, and the epochs of the latter."""
    x = random.standard_normal((_ROWS * features, features), np.float32)
    y = x @ random.standard_normal((features, 1), np.float32) / np.float32(np.sqrt(features))
    y += np.float32(_NOISE) * random.standard_normal(y.shape, np.float32)
    weights, closed, matrix = _measured(lambda: _closed_form(x, y))
    least = np.mean((x @ weights - y) ** 2)
    iteration, spent, most, epochs = _Iteration(x, y, random), 0.0, 0.0, 0
    while epochs < _MOST and iteration.loss() > (1 + _CLOSE) * least:
        _, seconds, held = _measured(iteration.epoch)
        spent, most, epochs = spent + seconds, max(most, held), epochs + 1
    return [closed, spent], [matrix, most], epochs


def experiment(trial: Trial) -> dict[str, Any]:
    sizes = np.array(trial.choose((16, 64, 256, 1024, 2048), (32, 256)))
    random = trial.random("rows")
    _raced(random, 16)  # the first time of everything
    raced = [[_raced(random, int(features)) for features in sizes] for _ in range(2)]
    times, bytes_ = (np.min([[race[i] for race in once] for once in raced], 0).T for i in (0, 1))
    slower = np.log(times[0] / times[1])
    found: dict[str, Any] = {"smallest": sizes[0], "largest": sizes[-1], "per": _ROWS}
    found |= {"batch": _BATCH, "close": _CLOSE, "epochs": raced[0][-1][2], "sizes": sizes}
    # times of small sizes are not in order: the crossing is on the rising whole of them
    rising = np.maximum.accumulate(slower)
    found["crossing"] = np.exp(np.interp(0, rising, np.log(sizes)))
    found["small ratio"], found["time ratio"] = np.exp(slower[[0, -1]])
    found["memory ratio"] = bytes_[0, -1] / bytes_[1, -1]
    found["time power"] = np.log(times[0, -1] / times[0, -2]) / np.log(sizes[-1] / sizes[-2])
    found["hour"] = sizes[-1] * (_HOUR / times[0, -1]) ** (1 / 3)
    found["room"] = np.sqrt(_ROOM / np.dtype(np.float32).itemsize)
    for i, name in enumerate(("closed", "iteration")):
        found |= {f"{name} times": times[i], f"{name} bytes": bytes_[i]}
    return found


def judge(found: Found) -> Verdict:
    """Faster where it is small, slower and larger where it is large."""
    return all_of(
        found.below("small ratio", 1),
        found.above("time ratio", 1),
        found.above("memory ratio", 1),
    )


def draw(found: Found, page: Page) -> None:
    times, memory = page.panels(2, width=9.2, height=3.8)
    for i, name in enumerate(("closed", "iteration")):
        sizes = found.trials[0]["sizes"]
        page.band(times, sizes, found.curves(f"{name} times"), i, name, marks=True)
        page.band(memory, sizes, found.curves(f"{name} bytes") / 1000, i, name, marks=True)
    for ax, y, title in ((times, "seconds", "time"), (memory, "bytes", "memory")):
        page.logarithmic(ax)
        page.logarithmic(ax, "x")
        page.label(ax, "features", y, title)
    page.legend(times)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
