"""scikit-learn's multi-layer perceptron, one `partial_fit` per mini-batch.

Its squared loss is half of the mean squared error: twice the learning rate (for Adam, half of
epsilon) makes the same steps, and its losses are doubled.
"""

from typing import Any

import numpy as np

from benchmarks.peer import DoesNotApply, Peer
from benchmarks.workloads import Workload
from steepest.core import lazy

__all__ = ["scikit_learn"]

neural_network = lazy("sklearn.neural_network")

ACTIVATIONS = {"Identity": "identity", "Sigmoid": "logistic", "Tanh": "tanh", "ReLU": "relu"}


def scikit_learn(workload: Workload) -> Peer:
    """An MLP on the workload's batches.

    Raises:
        DoesNotApply: layers, a loss or an optimizer that it does not have.
    """
    squared = workload.loss == "MSELoss"
    x, y = workload.x, workload.y[:, 0] if squared else workload.y
    batches, weights = workload.batches(), workload.weights()
    arguments = _arguments(workload)
    made: list[Any] = []
    kind = neural_network.MLPRegressor if squared else neural_network.MLPClassifier
    classes = {} if squared else {"classes": np.arange(workload.layers[-1][2])}

    def reset() -> None:
        mlp = kind(**arguments)
        mlp.partial_fit(x[batches[0]], y[batches[0]], **classes)  # makes the arrays
        for layer, (weight, bias) in enumerate(zip(weights[::2], weights[1::2], strict=True)):
            mlp.coefs_[layer][...], mlp.intercepts_[layer][...] = weight.T, bias
        del mlp._optimizer  # and its averages: the next step makes new ones
        made[:] = [mlp]

    def run() -> np.ndarray:
        losses = []
        for rows in batches:
            made[0].partial_fit(x[rows], y[rows])
            losses.append(made[0].loss_)
        return np.array(losses) * (2 if squared else 1)

    return Peer(reset, run)


def _arguments(workload: Workload) -> dict[str, Any]:
    linear = [layer for layer in workload.layers if layer[0] == "Linear"]
    kinds = {layer[0] for layer in workload.layers} - {"Linear"}
    known = workload.loss in ("MSELoss", "CrossEntropyLoss")
    fits = len(kinds) <= 1 and kinds <= set(ACTIVATIONS) and known
    if not fits or workload.optimizer not in ("SGD", "Adam"):
        raise DoesNotApply("its perceptron has no such layer, loss or optimizer")
    half = 0.5 if workload.loss == "MSELoss" else 1.0
    adam = workload.optimizer == "Adam"
    return {
        "hidden_layer_sizes": tuple(layer[2] for layer in linear[:-1]),
        "activation": ACTIVATIONS[next(iter(kinds), "Identity")],
        "solver": workload.optimizer.lower(),
        "alpha": 0.0,
        "batch_size": workload.batch,
        "learning_rate_init": workload.settings["lr"] / (1 if adam else half),
        "momentum": workload.settings.get("momentum", 0.0),
        "nesterovs_momentum": False,
        "epsilon": 1e-8 * half,
    }
