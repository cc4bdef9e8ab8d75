"""RMSprop: Adagrad that forgets, so that its steps do not die out."""

from typing import Any, ClassVar

from steepest.functional import sqrt, zeros, zeros_like
from steepest.optim.group import is_on
from steepest.optim.optimizer import Optimizer, count
from steepest.optim.settings import check

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """Steps divided by the root of a moving average of squared gradients.

        g ← g + weight_decay · p
        v ← alpha · v + (1 − alpha) · g²
        d = √v + eps                                    centred: √(v − m²) + eps, where
                                                        m ← alpha · m + (1 − alpha) · g
        p ← p − lr · g / d                              with momentum: p − lr · b, where
                                                        b ← momentum · b + g / d

    Sources: Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, 2012; centred
    form: Graves, "Generating sequences with recurrent neural networks", 2013.

    Args:
        params: tensors, or dicts that each hold "params" and settings of their own.
        lr: the learning rate.
        alpha: how much of the average is kept at each step.
        eps: keeps the division finite.
        weight_decay: λ of the penalty ½λ‖p‖².
        momentum: how much of the last step's direction is kept.
        centered: divide by an estimate of the standard deviation instead.
        maximize: climb instead of descend.

    Raises:
        ValueError: a negative or non-finite setting.
    """

    execution: ClassVar[dict[str, Any]] = {
        "capturable": False,
        "foreach": None,
        "differentiable": False,
    }

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
        **execution: Any,
    ):
        check("RMSprop", "learning rate", lr)
        check("RMSprop", "epsilon value", eps)
        check("RMSprop", "momentum value", momentum)
        check("RMSprop", "weight_decay value", weight_decay)
        check("RMSprop", "alpha value", alpha)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, execution)

    def initial(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        state = {"step": zeros(()), "square_avg": zeros_like(p)}
        if is_on(group["momentum"]):
            state["momentum_buffer"] = zeros_like(p)
        if group["centered"]:
            state["grad_avg"] = zeros_like(p)
        return state

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, alpha, v = group["lr"], group["alpha"], state["square_avg"]
        count(state)
        if is_on(group["weight_decay"]):
            g = g + group["weight_decay"] * p
        v.copy_(alpha * v + (1 - alpha) * g * g)
        variance = v
        if group["centered"]:
            m = state["grad_avg"]
            m += (1 - alpha) * (g - m)
            variance = v - m * m
        direction = g / (sqrt(variance) + group["eps"])
        if is_on(group["momentum"]):
            b = state["momentum_buffer"]
            b.copy_(group["momentum"] * b + direction)
            direction = b
        p -= lr * direction
