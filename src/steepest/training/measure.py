"""Looking at a model without changing it: its outputs, its answers, its loss and metrics.

An output is what the last layer gives; an answer is what a person asked for, a number in the
target's own units or a class. Looking draws no random number of the run and leaves every mode as it
was.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from steepest import functional as F
from steepest import nn
from steepest.tensors import Tensor, no_grad
from steepest.training.metrics import measured

__all__ = [
    "answered",
    "answers",
    "gives_penalties",
    "last_layer",
    "measure",
    "outputs",
    "probabilities",
    "truths",
]

# Rows per forward pass: enough to be fast, few enough that a layer's activations stay small.
_ROWS = 4096


def outputs(model: nn.Module, x: np.ndarray) -> np.ndarray:
    """The model's outputs for the rows of x, whatever their number."""
    with nn.watching(model):
        parts = [model(Tensor(x[i : i + _ROWS])).numpy() for i in range(0, len(x), _ROWS)]
    return np.concatenate(parts)


def probabilities(model: nn.Module, scores: np.ndarray) -> np.ndarray:
    """Class probabilities of shape (n, classes) from outputs of shape (n, classes) or (n, 1).

    One output stands for two classes: it scores the second. What the last layer has already made a
    probability stays as it is.
    """
    last = last_layer(model)
    if scores.shape[1] == 1:
        p = scores if isinstance(last, nn.Sigmoid) else F.sigmoid(Tensor(scores)).numpy()
        return np.concatenate([1 - p, p], axis=1)
    if type(last) is nn.Softmax:  # LogSoftmax is one too
        return scores
    if gives_penalties(model):
        scores = -scores
    return F.softmax(Tensor(scores), 1).numpy()  # of log-probabilities: the probabilities


def gives_penalties(model: nn.Module) -> bool:
    """Whether outputs are penalties, of which the smallest wins, instead of scores."""
    return isinstance(last_layer(model), nn.RBF)


def last_layer(model: nn.Module) -> nn.Module:
    """What computes the output, as far as a Sequential tells."""
    while isinstance(model, nn.Sequential) and len(model):
        model = model[-1]
    return model


def answers(model: nn.Module, preparation: Any, found: np.ndarray) -> np.ndarray:
    """From the model's outputs: numbers in the target's units, or class numbers of shape (n,)."""
    if preparation.task == "regression":
        return preparation.in_units(found)
    return probabilities(model, found).argmax(1)


def truths(preparation: Any, y: np.ndarray) -> np.ndarray:
    """Prepared targets, as `answers` gives predictions."""
    return preparation.in_units(y) if preparation.task == "regression" else y


def answered(model: nn.Module, preparation: Any, part: Any) -> tuple[np.ndarray, np.ndarray]:
    """Answers and truths on a part, in the target's units or as class numbers, one per row."""
    found = answers(model, preparation, outputs(model, part.x)), truths(preparation, part.y)
    return found[0].reshape(-1), found[1].reshape(-1)


def measure(
    model: nn.Module,
    loss: Callable[..., Tensor],
    preparation: Any,
    found: np.ndarray,
    part: Any,
    target: np.ndarray,
) -> dict[str, float]:
    """The loss over a whole part, and the metrics, from the model's outputs `found`.

    `target` is what the loss compares with.
    """
    with no_grad():
        value = loss(Tensor(found), Tensor(target)).item()
    answer, truth = answers(model, preparation, found), truths(preparation, part.y)
    return {"loss": value, **measured(preparation.task, answer, truth)}
