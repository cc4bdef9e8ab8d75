"""Adadelta: steps in the units of the parameters, without a learning rate to choose."""

from typing import Any, ClassVar

from steepest.functional import sqrt, zeros, zeros_like
from steepest.optim.group import is_on
from steepest.optim.optimizer import Optimizer, count
from steepest.optim.settings import check, check_share

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """Gradients times the size of past steps over the size of past gradients.

        g ← g + weight_decay · p
        v ← rho · v + (1 − rho) · g²
        d = √(u + eps) / √(v + eps) · g
        u ← rho · u + (1 − rho) · d²
        p ← p − lr · d

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012.

    Args:
        params: tensors, or dicts that each hold "params" and settings of their own.
        lr: a factor of the step.
        rho: how much of both averages is kept at each step.
        eps: keeps the division finite, and starts the first steps.
        weight_decay: λ of the penalty ½λ‖p‖².
        foreach: accepted; see `Optimizer.execution`.
        maximize: climb instead of descend.

    Raises:
        ValueError: a negative or non-finite setting, or rho above 1.
    """

    execution: ClassVar[dict[str, Any]] = {
        "capturable": False,
        "foreach": None,
        "differentiable": False,
    }

    def __init__(
        self,
        params: Any,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        **execution: Any,
    ):
        check("Adadelta", "learning rate", lr)
        check_share("Adadelta", "rho value", rho)
        check("Adadelta", "epsilon value", eps)
        check("Adadelta", "weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, {"foreach": foreach, **execution})

    def initial(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": zeros(()), "square_avg": zeros_like(p), "acc_delta": zeros_like(p)}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        rho, eps, v, u = group["rho"], group["eps"], state["square_avg"], state["acc_delta"]
        count(state)
        if is_on(group["weight_decay"]):
            g = g + group["weight_decay"] * p
        v.copy_(rho * v + (1 - rho) * g * g)
        d = sqrt(u + eps) / sqrt(v + eps) * g
        u.copy_(rho * u + (1 - rho) * d * d)
        p -= group["lr"] * d
