"""The bias of LeNet's trainable sub-sampling: the network of 1998 with it and without."""

from typing import Any

import numpy as np

from steepest import models, nn
from steepest.data import load_data
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict
from steepest.lessons.page import Page
from steepest.training import fit

__all__ = ["LESSON"]

_ARMS = ("with", "maps", "none")

EN = Text(
    title="The bias in LeNet's sub-sampling",
    claim="Where maps are sub-sampled as in 1998, each needs its bias, which decides whether it "
    "answers like an and or like an or of its window: without it LeNet reads worse.",
    method="LeNet-5 as published is trained on {rows} digits, {epochs} epochs of Adam, from the "
    "same first weights: with all its biases, without the {gone} of its two sub-sampling layers, "
    "and without any bias in the network. Measured is the error on {kept} other digits.",
    result="With all biases {error with:%}, without those of the sub-sampling {error maps:%}, "
    "without any {error none:%}; the {gone} biases bring {cost maps:%} of the digits, all of them "
    "{cost none:%}.",
    words={
        "with": "all biases",
        "maps": "none in sub-sampling",
        "none": "no bias at all",
        "epoch": "epoch",
        "error": "error on other digits (%)",
        "last": "After the last epoch",
        "way": "On the way",
        "biases": "the biases",
    },
)
ZH = Text(
    title="LeNet 下采样层的偏置",
    claim="1998 年的下采样层里每个特征图都需要自己的偏置，由它决定该图"
    "对窗口的反应像“与”还是像“或”；没有它，LeNet 就识别得更差。",
    method="按论文发表的样子在 {rows} 个数字上训练 LeNet-5（Adam，{epochs} 轮），初始权重相同："
    "保留所有偏置；去掉两个下采样层的 {gone} 个偏置；去掉整个网络的偏置。"
    "测量另外 {kept} 个数字上的错误率。",
    result="保留所有偏置 {error with:%}，去掉下采样层的 {error maps:%}，全部去掉 {error none:%}；"
    "那 {gone} 个偏置挽回 {cost maps:%} 的数字，全部偏置挽回 {cost none:%}。",
    words={
        "with": "所有偏置",
        "maps": "下采样层无偏置",
        "none": "完全没有偏置",
        "epoch": "轮",
        "error": "另外的数字上的错误率（%）",
        "last": "最后一轮之后",
        "way": "训练途中",
        "biases": "偏置",
    },
)


def experiment(trial: Trial) -> dict[str, Any]:
    split = trial.choose((0.5, 0.4, 0.1), (0.004, 0.008, 0.988))
    data = load_data("mnist", scale="lecun", split=split, seed=trial.seed)
    epochs, (height, width) = trial.choose(4, 1), data.sample_shape[1:]
    found: dict[str, Any] = {"rows": len(data.train), "kept": len(data.val), "epochs": epochs}
    for arm in _ARMS:
        with trial.seeded():
            model = models.lenet5(size=(height, width))
        _without(model, arm)
        run = fit(
            model,
            data,
            optimizer="adam",
            lr=0.001,
            schedule="cosine",
            epochs=epochs,
            batch_size=16,
            seed=trial.seed,
            restore_best=False,
            compile=not trial.short,  # which takes longer than the short form's few steps
            progress="none",
        )
        found[f"{arm} way"] = np.array([1 - epoch["val_accuracy"] for epoch in run.history])
        found[f"error {arm}"] = found[f"{arm} way"][-1]
        found[f"cost {arm}"] = found[f"error {arm}"] - found["error with"]
    return {**found, "gone": model.s2.channels + model.s4.channels}


def _without(model: nn.Module, arm: str) -> None:
    """Set the biases that the arm lacks to 0, for good."""
    for path, weight in model.named_parameters():
        sampled = isinstance(model.get_submodule(path.rpartition(".")[0]), nn.SubSampling)
        if path.endswith("bias") and (arm == "none" or (arm == "maps" and sampled)):
            nn.init.zeros_(weight)
            weight.requires_grad_(False)


def judge(found: Found) -> Verdict:
    """Without the biases of the maps more digits are misread."""
    return found.above("cost maps", 0)


def draw(found: Found, page: Page) -> None:
    last, way = page.panels(2, width=9.4, height=3.9)
    runs = [100 * found.curves(f"{arm} way") for arm in _ARMS]
    for i, arm in enumerate(_ARMS):
        epochs = np.arange(1, runs[i].shape[1] + 1)
        page.ranges(last, [i], runs[i][:, -1:], i, arm)
        page.band(way, epochs, runs[i], i, arm, marks=True)
    last.set_xticks(range(len(_ARMS)), [page.word(arm) for arm in _ARMS])
    last.set_xlim(-0.5, len(_ARMS) - 0.5)
    way.set_xticks(epochs)
    for ax in (last, way):
        ax.set_ylim(bottom=0)
    page.label(last, "biases", "error", "last")
    page.label(way, "epoch", "error", "way")
    page.legend(way)


LESSON = Lesson({"en": EN, "zh": ZH}, experiment, judge, draw)
