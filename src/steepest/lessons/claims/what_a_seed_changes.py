"""How much a score changes with the seed alone, and with a typical change of a hyper-parameter."""

import functools
from typing import Any

import numpy as np

from steepest import models
from steepest.data import Data, load_data
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, across
from steepest.lessons.page import Page
from steepest.training import fit

__all__ = ["LESSON"]

_SOURCES = ("shuffle", "start", "split")
_CHANGES: dict[str, dict[str, Any]] = {
    "wider": {"hidden": [32]},
    "bent": {"activation": "relu"},
    "faster": {"lr": 0.02},
}

EN = Text(
    title="Why a seed matters, and how much",
    claim="Another seed changes the score as much as a typical change of a hyper-parameter: of two "
    "runs, the better one may just have been luckier.",
    method="A network with 16 hidden units learns the house prices, {epochs} epochs with Adam, "
    "learning rate 0.01; its score is the best root mean square error on the validation part. It "
    "is trained {repeats} times with another seed of the shuffling alone, of the first weights "
    "alone, of the split alone; then {repeats} times, with other first weights, with one setting "
    "changed. Compared is by how much two runs of different seeds differ, root mean square, with "
    "what the largest of the changes brings on average.",
    result="Two runs differ by {shuffle} thousand dollars with another shuffling, {start} with "
    "other first weights, {split} with another split. 32 hidden units change the error by {wider}, "
    "ReLU instead of tanh by {bent}, twice the learning rate by {faster}. A seed does "
    "{shuffle ratio}, {start ratio} and {split ratio} times what the largest change does.",
    words={
        "shuffle": "shuffling",
        "start": "first weights",
        "split": "split",
        "wider": "32 units",
        "bent": "ReLU",
        "faster": "rate doubled",
        "difference": "difference of two runs (1,000 $)",
        "change": "change of the mean error (1,000 $)",
        "seeds": "Another seed",
        "settings": "Another setting",
        "which": "what the seed is of",
    },
)
ZH = Text(
    title="随机种子为什么重要，有多重要",
    claim="换一个随机种子，分数的变化不亚于一次寻常的超参数改动：两次运行里较好的那次，"
    "也许只是运气好。",
    method="用 16 个隐藏单元的网络学习房价，Adam，学习率 0.01，{epochs} 轮；分数是验证部分上最好的"
    "均方根误差。只换打乱次序的种子、只换初始权重的种子、只换数据划分的种子，各训练 {repeats} 次；"
    "再改动一项设置，换 {repeats} 组初始权重各训练一次。比较不同种子的两次运行相差多少（均方根），"
    "与几种改动中平均效果最大的那一种。",
    result="两次运行相差：换打乱次序 {shuffle} 千美元，换初始权重 {start}，换数据划分 {split}。"
    "改用 32 个隐藏单元使误差变化 {wider}，用 ReLU 代替 tanh 变化 {bent}，学习率加倍变化 {faster}。"
    "三种种子的影响分别是最大改动的 {shuffle ratio}、{start ratio}、{split ratio} 倍。",
    words={
        "shuffle": "打乱次序",
        "start": "初始权重",
        "split": "数据划分",
        "wider": "32 单元",
        "bent": "ReLU",
        "faster": "学习率加倍",
        "difference": "两次运行之差（千美元）",
        "change": "平均误差的变化（千美元）",
        "seeds": "换一个种子",
        "settings": "换一项设置",
        "which": "种子管的是什么",
    },
)


def experiment(trial: Trial) -> dict[str, Any]:
    repeats, epochs = trial.choose((10, 40), (2, 1))
    found: dict[str, Any] = {"repeats": repeats, "epochs": epochs}
    first = 1000 * trial.seed  # so that no two trials share a run
    scores = {}
    for source in _SOURCES:
        seeds = [{source: first + i} for i in range(repeats)]
        scores[source] = np.array([_score(trial, epochs, seed, {}) for seed in seeds])
        found[source] = np.sqrt(2) * scores[source].std(ddof=1)
    for name, change in _CHANGES.items():
        changed = [_score(trial, epochs, {"start": first + i}, change) for i in range(repeats)]
        found[name] = np.mean(changed) - scores["start"].mean()
    largest = max(abs(found[name]) for name in _CHANGES)
    return found | {f"{source} ratio": found[source] / largest for source in _SOURCES}


def _score(trial: Trial, epochs: int, seeds: dict[str, int], change: dict[str, Any]) -> float:
    """The best validation error, in thousands of dollars."""
    seed = dict.fromkeys(_SOURCES, 1000 * trial.seed) | seeds
    settings: dict[str, Any] = {"hidden": [16], "activation": "tanh", "lr": 0.01} | change
    data = _split(seed["split"])
    rate = settings.pop("lr")
    run = fit(
        models.create("mlp", data, seed=seed["start"], **settings),
        data,
        optimizer="adam",
        lr=rate,
        epochs=epochs,
        batch_size=59,  # a sixth of the rows
        seed=seed["shuffle"],
        progress="none",
    )
    return min(row["val_rmse"] for row in run.history)


@functools.cache
def _split(seed: int) -> Data:
    return load_data("housing", seed=seed)


def judge(found: Found) -> Verdict:
    """As much or more, whatever the seed is of, or for some of them."""
    return across([found.above(f"{source} ratio", 1) for source in _SOURCES], on="which")


def draw(found: Found, page: Page) -> None:
    seeds, settings = page.panels(2, width=9.0, height=3.8)
    page.bars(seeds, found, _SOURCES)
    page.bars(settings, found, list(_CHANGES))
    seeds.set_ylabel(page.word("difference"))
    seeds.set_title(page.word("seeds"))
    settings.set_ylabel(page.word("change"))
    settings.set_title(page.word("settings"))
    # bars of one length are one number in both panels
    ends = settings.get_ylim()[0], max(seeds.get_ylim()[1], settings.get_ylim()[1])
    for ax in (seeds, settings):
        ax.set_ylim(*ends)
        ax.axhline(0, color=page.colours.ink, linewidth=0.8)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
