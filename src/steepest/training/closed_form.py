"""The closed form: the weights of a linear regression in one step, without descent.

Setting the slope of the mean squared error to zero gives linear equations, XᵀX w = Xᵀy. They are
solved here through the singular values of X (LAPACK's least squares), which does not square the
condition number and takes features that depend on each other: of all solutions it gives the
shortest.

What descent finds for a linear model can be compared with it. For any other model, and for any
other loss, there is no such equation.
"""

from typing import Any

import numpy as np

from steepest import nn
from steepest.core import RequestError, said
from steepest.tensors import Tensor

__all__ = ["closed_form", "to_the_minimum"]

_BATCH = 128


def closed_form(data: Any) -> nn.Module:
    """The linear model with the least mean squared error on the training part.

    Args:
        data: from `load_data`, for a regression.

    Returns:
        A Sequential that ends in a Linear layer, to be used like a trained model.

    Raises:
        RequestError: the target is a class.
    """
    if data.task != "regression":
        raise RequestError(
            said("closed_form", "only a regression has one", got=f"the target is for {data.task}")
        )
    # In float64: the weights are exact to float32's last digit however the features are scaled.
    x = data.train.x.reshape(len(data.train), -1).astype(np.float64)
    with_bias = np.column_stack([x, np.ones(len(x))])
    solution = np.linalg.lstsq(with_bias, data.train.y.astype(np.float64), rcond=None)[0]
    layer = nn.Linear(x.shape[1], data.train.y.shape[1])
    weights = {"weight": solution[:-1].T, "bias": solution[-1]}
    layer.load_state_dict({k: Tensor(w.astype(np.float32)) for k, w in weights.items()})
    flat = [nn.Flatten()] if len(data.sample_shape) > 1 else []
    return nn.Sequential(*flat, layer)


def to_the_minimum(rows: int) -> dict[str, Any]:
    """Settings of `fit` with which descent takes a linear model to the closed form's solution.

    Least squares has one answer, so the model is trained until it is there: large batches and a
    falling rate leave no noise, and neither early stopping nor choosing an epoch moves it. The
    batches are even, so that every row weighs the same.

    Args:
        rows: of the training part, its features scaled.
    """
    return {
        "optimizer": "momentum",
        "lr": 0.02,
        "schedule": "exponential",
        "epochs": 300,
        "batch_size": -(-rows // -(-rows // _BATCH)),
        "patience": None,
        "restore_best": False,
    }
