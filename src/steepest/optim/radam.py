"""RAdam: Adam that waits until it has seen enough gradients to divide by their size."""

from typing import Any, ClassVar

from steepest.functional import sqrt, where, zeros, zeros_like
from steepest.optim.group import is_on
from steepest.optim.optimizer import Optimizer, count
from steepest.optim.settings import check

__all__ = ["RAdam"]


class RAdam(Optimizer):
    """Adam's step once the average of squares is worth more than 5 gradients, momentum before.

        g ← g + weight_decay · p                        decoupled: p ← p − lr · weight_decay · p
        m ← β₁ · m + (1 − β₁) · g
        v ← β₂ · v + (1 − β₂) · g²
        ρ_∞ = 2 / (1 − β₂) − 1,  ρ = ρ_∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
        r = √((ρ − 4)(ρ − 2) ρ_∞ / ((ρ_∞ − 4)(ρ_∞ − 2) ρ))
        p ← p − lr · m̂ · r √(1 − β₂ᵗ) / (√v + eps)      where ρ > 5
        p ← p − lr · m̂                                  else;  m̂ = m / (1 − β₁ᵗ)

    Source: Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020.

    Args:
        params: tensors, or dicts that each hold "params" and settings of their own.
        lr: the learning rate.
        betas: (β₁, β₂), how much of each average is kept at each step.
        eps: keeps the division finite.
        weight_decay: λ of the penalty ½λ‖p‖².
        decoupled_weight_decay: shrink the parameters instead of adding a penalty, as AdamW does.
        maximize: climb instead of descend.

    Raises:
        ValueError: a negative or non-finite setting, or a β outside [0, 1).
    """

    execution: ClassVar[dict[str, Any]] = {
        "foreach": None,
        "capturable": False,
        "differentiable": False,
    }

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
        **execution: Any,
    ):
        check("RAdam", "learning rate", lr)
        check("RAdam", "epsilon value", eps)
        check("RAdam", "beta parameter at index 0", betas[0], below=1)
        check("RAdam", "beta parameter at index 1", betas[1], below=1)
        check("RAdam", "weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, execution)

    def initial(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": zeros(()), "exp_avg": zeros_like(p), "exp_avg_sq": zeros_like(p)}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, (beta1, beta2), decay = group["lr"], group["betas"], group["weight_decay"]
        t, m, v = count(state), state["exp_avg"], state["exp_avg_sq"]
        if is_on(decay) and group["decoupled_weight_decay"]:
            p *= 1 - lr * decay
        elif is_on(decay):
            g = g + decay * p
        m += (1 - beta1) * (g - m)
        v.copy_(beta2 * v + (1 - beta2) * g * g)
        filled = 1 - beta2**t
        most = 2 / (1 - beta2) - 1
        worth = most - 2 * t * beta2**t / filled
        enough = worth > 5
        rho = where(enough, worth, 6.0)  # below 4 the root would not be real
        factor = sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
        adapted = factor * sqrt(filled) / (sqrt(v) + group["eps"])
        p -= lr / (1 - beta1**t) * m * where(enough, adapted, 1.0)
