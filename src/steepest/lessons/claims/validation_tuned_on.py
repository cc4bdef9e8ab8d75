"""A validation set that one tunes on becomes training data: optimism by the number of tries."""

from typing import Any

import numpy as np

from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, all_of
from steepest.lessons.page import Page

__all__ = ["LESSON"]

EN = Text(
    title="Validation turned into training",
    claim="Whoever chooses the best of many models on a validation set sees a score there that no "
    "new data will give, and the more tries, the further off.",
    method="{rows} rows with labels thrown by a coin, to validate on, and {rows} more to test on. "
    "Up to {tries} models that guess, all worth 50 %, are tried; the one with the best validation "
    "accuracy is kept and tested once. Repeated {worlds} times for each seed.",
    result="After {tries} tries the best model shows {shown:%} on the validation set and has "
    "{true:%} on the test set, opened once. With ten tries it shows {ten:%}.",
    words={
        "shown": "validation, best so far",
        "true": "test, of that model",
        "tries": "models tried",
        "accuracy": "accuracy (%)",
        "title": "What one sees, and what one has",
    },
)
ZH = Text(
    title="验证集变成了训练集",
    claim="在验证集上从许多模型里挑最好的，看到的分数是新数据给不出的；试得越多，差得越远。",
    method="{rows} 行用硬币掷出标签的数据用于验证，另有 {rows} 行用于测试。"
    "最多试 {tries} 个瞎猜的模型（真实水平都是 50 %），留下验证准确率最高的，"
    "测试一次；每个种子重复 {worlds} 次。",
    result="试过 {tries} 个之后，最好的模型在验证集上显示 {shown:%}，"
    "在只打开一次的测试集上是 {true:%}。试十个时显示 {ten:%}。",
    words={
        "shown": "验证（目前最好）",
        "true": "测试（该模型）",
        "tries": "试过的模型数",
        "accuracy": "准确率（%）",
        "title": "看到的，与真正拥有的",
    },
)


def experiment(trial: Trial) -> dict[str, Any]:
    rows, tries, worlds = 100, trial.choose(1000, 100), trial.choose(200, 40)
    random = trial.random("guesses")
    # a guess is right on each row with probability one half, whatever the label
    validated = random.binomial(rows, 0.5, (worlds, tries)) / rows
    tested = random.binomial(rows, 0.5, (worlds, tries)) / rows
    at = np.unique(np.geomspace(1, tries, 25).astype(int))
    best = np.array([validated[:, :count].argmax(axis=1) for count in at])
    each = np.arange(worlds)
    shown = validated[each, best].mean(axis=1)
    true = tested[each, best].mean(axis=1)
    return {
        "rows": rows,
        "tries": tries,
        "worlds": worlds,
        "shown": shown[-1],
        "true": true[-1],
        "ten": shown[np.searchsorted(at, 10)],
        "off": shown[-1] - true[-1],
        "further": shown[-1] - shown[np.searchsorted(at, 10)],
        "at": at,
        "shown curve": shown,
        "true curve": true,
    }


def judge(found: Found) -> Verdict:
    """The score shown is above the one had, and rises with the tries."""
    return all_of(found.above("off", 0), found.above("further", 0))


def draw(found: Found, page: Page) -> None:
    (ax,) = page.panels(1, width=6.0, height=3.8)
    for i, name in enumerate(("shown", "true")):
        page.band(ax, found.trials[0]["at"], 100 * found.curves(f"{name} curve"), i, name)
    page.logarithmic(ax, "x")
    page.label(ax, "tries", "accuracy", "title")
    page.legend(ax)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
