"""Where a classifier is wrong and sure of it."""

from typing import Any, NamedTuple

import numpy as np

from steepest import nn
from steepest.training.measure import outputs, probabilities

__all__ = ["Mistake", "worst_mistakes"]


class Mistake(NamedTuple):
    """One wrong answer: the sample's row in its part, the classes, the answer's probability."""

    row: int
    true: Any
    answer: Any
    probability: float


def worst_mistakes(model: nn.Module, preparation: Any, part: Any, count: int = 10) -> list[Mistake]:
    """The wrong answers of which the model is most certain, the most certain first.

    Args:
        part: such as `data.val`, of a classification.
    """
    # float64: among answers that are as good as certain, the true class's small share decides
    chances = probabilities(model, outputs(model, part.x).astype(np.float64))
    answer, sure = chances.argmax(1), chances.max(1)
    left = chances[np.arange(len(chances)), part.y]
    wrong = np.flatnonzero(answer != part.y)
    wrong = wrong[np.lexsort((left[wrong], -sure[wrong]))][:count]
    names = preparation.classes
    return [Mistake(int(i), names[part.y[i]], names[answer[i]], float(sure[i])) for i in wrong]
