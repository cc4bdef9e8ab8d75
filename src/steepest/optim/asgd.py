"""ASGD: descent whose answer is the mean of the path's last part."""

from typing import Any, ClassVar

from steepest.functional import full_like, ones, where, zeros, zeros_like
from steepest.optim.group import is_on
from steepest.optim.optimizer import Optimizer, count
from steepest.optim.settings import check
from steepest.tensors import maximum

__all__ = ["ASGD"]


class ASGD(Optimizer):
    """Gradient descent with a falling rate η; `ax` in the state is the mean of p from step t0 on.

        g ← g + weight_decay · p
        p ← (1 − lambd · η) · p − η · g
        ax ← ax + μ · (p − ax)
        η ← lr / (1 + lambd · lr · t)^alpha             η = lr at first
        μ ← 1 / max(1, t − t0)

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM
    Journal on Control and Optimization 30, 1992.

    Args:
        params: tensors, or dicts that each hold "params" and settings of their own.
        lr: the learning rate.
        lambd: how fast the parameters shrink, and the rate falls.
        alpha: the power of the fall.
        t0: the step at which averaging starts.
        weight_decay: λ of the penalty ½λ‖p‖².
        foreach: accepted; see `Optimizer.execution`.
        maximize: climb instead of descend.

    Raises:
        ValueError: a negative or non-finite learning rate or weight decay.
    """

    execution: ClassVar[dict[str, Any]] = {
        "foreach": None,
        "differentiable": False,
        "capturable": False,
    }

    scalars: ClassVar[tuple[str, ...]] = ("step", "eta", "mu")

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        **execution: Any,
    ):
        check("ASGD", "learning rate", lr)
        check("ASGD", "weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, {"foreach": foreach, **execution})

    def initial(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        first = full_like(zeros(()), float(group["lr"]))
        return {"step": zeros(()), "eta": first, "mu": ones(()), "ax": zeros_like(p)}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, lambd = group["lr"], group["lambd"]
        t, eta, mu, mean = count(state), state["eta"], state["mu"], state["ax"]
        if is_on(group["weight_decay"]):
            g = g + group["weight_decay"] * p
        rate = eta.double()
        p *= 1 - lambd * rate
        p -= rate * g
        mean.copy_(where(mu == 1, p, mean + (p - mean) * mu))
        eta.copy_(lr / (1 + lambd * lr * t) ** group["alpha"])
        mu.copy_(1 / maximum(t - group["t0"], 1.0))
