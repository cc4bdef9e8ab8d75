"""Adagrad: a learning rate per coefficient that shrinks with the slopes it has met."""

from typing import Any, ClassVar

from steepest.functional import full_like, sqrt, zeros
from steepest.optim.group import is_on
from steepest.optim.optimizer import Optimizer, count
from steepest.optim.settings import check

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients so far.

        g ← g + weight_decay · p
        s ← s + g²                                      s = initial_accumulator_value at first
        p ← p − lr / (1 + (t − 1) · lr_decay) · g / (√s + eps)

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and
    stochastic optimization", JMLR 12, 2011.

    Args:
        params: tensors, or dicts that each hold "params" and settings of their own.
        lr: the learning rate.
        lr_decay: how fast the learning rate falls with the number t of steps.
        weight_decay: λ of the penalty ½λ‖p‖².
        initial_accumulator_value: where the sum of squares starts.
        eps: keeps the division finite.
        maximize: climb instead of descend.

    Raises:
        ValueError: a negative or non-finite setting.
    """

    execution: ClassVar[dict[str, Any]] = {"foreach": None, "differentiable": False, "fused": None}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
        **execution: Any,
    ):
        check("Adagrad", "learning rate", lr)
        check("Adagrad", "lr_decay value", lr_decay)
        check("Adagrad", "weight_decay value", weight_decay)
        check("Adagrad", "initial_accumulator_value value", initial_accumulator_value)
        check("Adagrad", "epsilon value", eps)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(params, defaults, execution)
        self.prepare()  # as in PyTorch, the state is there before the first step

    def initial(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        start = float(group["initial_accumulator_value"])
        return {"step": zeros(()), "sum": full_like(p, start)}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        t, s = count(state), state["sum"]
        if is_on(group["weight_decay"]):
            g = g + group["weight_decay"] * p
        s += g * g
        rate = group["lr"] / (1 + (t - 1) * group["lr_decay"])
        p -= rate * g / (sqrt(s) + group["eps"])
