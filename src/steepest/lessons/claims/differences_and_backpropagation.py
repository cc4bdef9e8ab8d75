"""Finite differences against backpropagation, as the coefficients grow in number."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from steepest import functional as F
from steepest.autograd import grad
from steepest.compiler import Epochs
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, all_of
from steepest.lessons.page import Page
from steepest.tensors import Tensor, no_grad

__all__ = ["LESSON"]

_ROWS, _INPUTS = 32, 8
_STEPS = np.logspace(-11, -1, 21)

EN = Text(
    title="Finite differences against backpropagation",
    claim="Backpropagation gives all derivatives for the price of a few evaluations of the loss, "
    "however many coefficients there are; differences need two evaluations for each of them.",
    method="The mean squared error of MLPs with one hidden layer of tanh on {rows} rows, "
    "{smallest} to {largest} coefficients, double precision. The gradient is computed by central "
    "differences and by backpropagation, both as native functions, and both times are divided by "
    "that of one evaluation of the loss. Powers are fitted to how these multiples grow with the "
    "coefficients. Then the step of the differences is varied at {wide} coefficients, in single "
    "and double precision, and the largest error is compared with the largest derivative.",
    result="The multiple grows with the power {differences power} of the number of coefficients "
    "for differences, and {backpropagation power} for backpropagation. With {largest} coefficients "
    "differences take {differences most:mean} evaluations and backpropagation "
    "{backpropagation most}: {ratio:mean} times less. The best step leaves a relative error of "
    "{double best:mean} in double precision, and {single best:mean} in single.",
    words={
        "coefficients": "coefficients",
        "multiple": "time of a gradient (evaluations)",
        "differences": "central differences",
        "backpropagation": "backpropagation",
        "times": "Time",
        "step": "step h (1)",
        "error": "largest relative error (1)",
        "double": "double precision",
        "single": "single precision",
        "errors": "Error of differences",
    },
)
ZH = Text(
    title="有限差分与反向传播",
    claim="不论有多少系数，反向传播只花几次损失计算的代价就得到全部导数；"
    "有限差分对每个系数都要计算两次。",
    method="单隐层 tanh 的 MLP 在 {rows} 行数据上的均方误差，系数从 {smallest} 到 {largest} 个，"
    "双精度。分别用中心差分和反向传播求梯度，二者都是本机函数，时间都除以计算一次损失的时间，"
    "再对这些倍数随系数增长的情况拟合幂次。然后在 {wide} 个系数时改变差分的步长，"
    "用单精度和双精度，比较最大误差与最大的导数。",
    result="倍数随系数个数增长的幂次：差分为 {differences power}，"
    "反向传播为 {backpropagation power}。系数为 {largest} 个时，"
    "差分相当于 {differences most:mean} 次计算，反向传播相当于 {backpropagation most} 次，"
    "快 {ratio:mean} 倍。步长最合适时，相对误差在双精度下为 {double best:mean}，"
    "单精度下为 {single best:mean}。",
    words={
        "coefficients": "系数个数",
        "multiple": "求一次梯度的时间（损失计算次数）",
        "differences": "中心差分",
        "backpropagation": "反向传播",
        "times": "时间",
        "step": "步长 h（1）",
        "error": "最大相对误差（1）",
        "double": "双精度",
        "single": "单精度",
        "errors": "差分的误差",
    },
)


class _Network:
    """The loss of an MLP on random rows, and its gradient in two ways, all in native calls."""

    def __init__(self, random: np.random.Generator, hidden: int, dtype: type):
        self.count = count = (_INPUTS + 2) * hidden + 1
        x, y = (Tensor(random.standard_normal((_ROWS, n)).astype(dtype)) for n in (_INPUTS, 1))
        weights = Tensor((random.standard_normal(count) / np.sqrt(hidden)).astype(dtype))
        numbers, self.slopes = Tensor(np.arange(count)), Tensor(np.zeros(count, dtype))

        def loss(at: Tensor) -> Tensor:
            into, bias, out, last = F.split(at, [_INPUTS * hidden, hidden, hidden, 1])
            first = F.tanh(x @ F.reshape(into, (_INPUTS, hidden)) + bias)
            return F.mse_loss(first @ F.reshape(out, (hidden, 1)) + last, y)

        def evaluate(number: Tensor, step: Tensor) -> Tensor:
            with no_grad():
                return loss(weights + step[0] * (numbers == number[0]))

        def differentiate(step: Tensor) -> Tensor:
            at = (weights + step[0]).requires_grad_()
            value = loss(at)
            self.slopes.copy_(grad(value, at)[0])
            return value.detach()

        self.dtype = dtype
        self._evaluate, self._differentiate = Epochs(evaluate), Epochs(differentiate)

    def values(self, times: int) -> np.ndarray:
        """The loss, so many times."""
        return self._at(np.zeros(times, int), np.zeros(times))

    def _at(self, numbers: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """The loss with one weight changed, (n,)."""
        steps = steps.astype(self.dtype)
        return self._evaluate.run([numbers, steps], np.arange(len(steps)), 1)

    def differences(self, times: int, step: float = 1e-5) -> np.ndarray:
        """The gradient from two evaluations per weight, so many times."""
        numbers = np.tile(np.repeat(np.arange(self.count), 2), times)
        steps = np.tile([step, -step], self.count * times)
        up, down = self._at(numbers, steps).reshape(-1, 2)[-self.count :].T
        return (up - down) / (2 * step)

    def backpropagation(self, times: int) -> np.ndarray:
        """The gradient, so many times."""
        self._differentiate.run([np.zeros(times, self.dtype)], np.arange(times), 1)
        return self.slopes.numpy()


def _seconds(act: Callable[[int], Any], times: int) -> float:
    """What one of so many takes; the shorter of two runs."""
    runs = []
    for _ in range(2):
        began = time.perf_counter()
        act(times)
        runs.append((time.perf_counter() - began) / times)
    return min(runs)


def experiment(trial: Trial) -> dict[str, Any]:
    widths, evaluations = trial.choose(((4, 16, 64, 256, 512), 5_000), ((16, 32), 1000))
    networks = [_Network(trial.random("rows"), hidden, np.float64) for hidden in widths]
    counts = np.array([network.count for network in networks])
    found: dict[str, Any] = {"rows": _ROWS, "smallest": counts[0], "largest": counts[-1]}
    found |= {"wide": counts[1], "counts": counts}
    curves = np.transpose([_multiples(network, evaluations) for network in networks])
    for name, curve in zip(("differences", "backpropagation"), curves, strict=True):
        found[f"{name} power"] = np.polyfit(np.log(counts), np.log(curve), 1)[0]
        found |= {f"{name} most": curve[-1], f"{name} curve": curve}
    found["ratio"] = found["differences most"] / found["backpropagation most"]
    single = _Network(trial.random("rows"), widths[1], np.float32)  # of the same numbers
    exact = networks[1].backpropagation(1)
    for name, network in (("double", networks[1]), ("single", single)):
        wrong = [np.abs(network.differences(1, step) - exact).max() for step in _STEPS]
        curve = np.array(wrong) / np.abs(exact).max()
        found |= {f"{name} best": curve.min(), f"{name} errors": curve}
    return found


def _multiples(network: _Network, evaluations: int) -> list[float]:
    """What a gradient takes by differences and by backpropagation, in evaluations of the loss."""
    network.values(1), network.backpropagation(1)  # compiled now
    value = _seconds(network.values, evaluations)
    gradients = max(1, evaluations // (2 * network.count))
    ways = (network.differences, gradients), (network.backpropagation, evaluations // 10)
    return [_seconds(act, times) / value for act, times in ways]


def judge(found: Found) -> Verdict:
    """One grows about in proportion to the coefficients, the other hardly, and stays small."""
    return all_of(
        found.above("differences power", 0.8),
        found.below("backpropagation power", 0.2),
        found.below("backpropagation most", 10),
    )


def draw(found: Found, page: Page) -> None:
    times, errors = page.panels(2, width=9.2, height=3.8)
    counts = found.trials[0]["counts"]
    for i, name in enumerate(("differences", "backpropagation")):
        page.band(times, counts, found.curves(f"{name} curve"), i, name, marks=True)
    for i, name in enumerate(("double", "single")):
        page.band(errors, _STEPS, found.curves(f"{name} errors"), 2 + i, name)
    for ax in (times, errors):
        page.logarithmic(ax)
        page.logarithmic(ax, "x")
    errors.legend(loc="lower left")
    page.label(times, "coefficients", "multiple", "times")
    page.label(errors, "step", "error", "errors")
    page.legend(times)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
