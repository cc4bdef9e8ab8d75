"""Adamax: Adam with the largest gradient in the place of the mean square."""

from typing import Any, ClassVar

from steepest.functional import abs, maximum, zeros, zeros_like
from steepest.optim.group import is_on
from steepest.optim.optimizer import Optimizer, count
from steepest.optim.settings import check

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """Steps along a moving average of gradients, divided by a fading maximum of their sizes.

        g ← g + weight_decay · p
        m ← β₁ · m + (1 − β₁) · g
        u ← max(β₂ · u, |g| + eps)
        p ← p − lr / (1 − β₁ᵗ) · m / u

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, section 7.

    Args:
        params: tensors, or dicts that each hold "params" and settings of their own.
        lr: the learning rate.
        betas: (β₁, β₂), how much of the average and of the maximum is kept at each step.
        eps: keeps the division finite.
        weight_decay: λ of the penalty ½λ‖p‖².
        foreach: accepted; see `Optimizer.execution`.
        maximize: climb instead of descend.

    Raises:
        ValueError: a negative or non-finite setting, or a β outside [0, 1).
    """

    execution: ClassVar[dict[str, Any]] = {
        "foreach": None,
        "differentiable": False,
        "capturable": False,
    }

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        **execution: Any,
    ):
        check("Adamax", "learning rate", lr)
        check("Adamax", "epsilon value", eps)
        check("Adamax", "beta parameter at index 0", betas[0], below=1)
        check("Adamax", "beta parameter at index 1", betas[1], below=1)
        check("Adamax", "weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, {"foreach": foreach, **execution})

    def initial(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": zeros(()), "exp_avg": zeros_like(p), "exp_inf": zeros_like(p)}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        t, m, u = count(state), state["exp_avg"], state["exp_inf"]
        if is_on(group["weight_decay"]):
            g = g + group["weight_decay"] * p
        m += (1 - beta1) * (g - m)
        u.copy_(maximum(beta2 * u, abs(g) + group["eps"]))
        p -= group["lr"] / (1 - beta1**t) * m / u
