"""Adam and AdamW: momentum, and a learning rate per coefficient, both corrected for their start."""

from typing import Any, ClassVar

from steepest.functional import sqrt, zeros, zeros_like
from steepest.optim.group import is_on
from steepest.optim.optimizer import Optimizer, count
from steepest.optim.settings import check
from steepest.tensors import maximum

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """Steps along a moving average of gradients, divided by the root of that of their squares.

        g ← g + weight_decay · p                        decoupled: p ← p − lr · weight_decay · p
        m ← β₁ · m + (1 − β₁) · g
        v ← β₂ · v + (1 − β₂) · g²
        p ← p − lr · m̂ / (√v̂ + eps)                     m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)

    With `amsgrad` the largest v so far stands in v's place.

    Sources: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015; amsgrad: Reddi,
    Kale and Kumar, "On the convergence of Adam and beyond", ICLR 2018.

    Args:
        params: tensors, or dicts that each hold "params" and settings of their own.
        lr: the learning rate.
        betas: (β₁, β₂), how much of each average is kept at each step.
        eps: keeps the division finite.
        weight_decay: λ of the penalty ½λ‖p‖².
        amsgrad: divide by the largest average so far.
        maximize: climb instead of descend.
        decoupled_weight_decay: shrink the parameters instead of adding a penalty, as AdamW does.

    Raises:
        ValueError: a negative or non-finite setting, or a β outside [0, 1).
    """

    execution: ClassVar[dict[str, Any]] = {
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "fused": None,
    }

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
        **execution: Any,
    ):
        name = type(self).__name__
        check(name, "learning rate", lr)
        check(name, "epsilon value", eps)
        check(name, "beta parameter at index 0", betas[0], below=1)
        check(name, "beta parameter at index 1", betas[1], below=1)
        check(name, "weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "betas": tuple(betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults, execution)

    def initial(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        state = {"step": zeros(()), "exp_avg": zeros_like(p), "exp_avg_sq": zeros_like(p)}
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros_like(p)
        return state

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, (beta1, beta2), decay = group["lr"], group["betas"], group["weight_decay"]
        t, m, v = count(state), state["exp_avg"], state["exp_avg_sq"]
        if is_on(decay) and group["decoupled_weight_decay"]:
            p *= 1 - lr * decay
        elif is_on(decay):
            g = g + decay * p
        m += (1 - beta1) * (g - m)
        v.copy_(beta2 * v + (1 - beta2) * g * g)
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]
            v = largest.copy_(maximum(largest, v))
        rate = lr / (1 - beta1**t)
        p -= rate * m / (sqrt(v) / sqrt(1 - beta2**t) + group["eps"])


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters directly, whatever the size of the gradients.

        p ← p − lr · weight_decay · p, then Adam's step with the plain gradient

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Args:
        params, lr, betas, eps, amsgrad, maximize: as in Adam.
        weight_decay: the share of each parameter that a step removes, times lr.

    Raises: as Adam.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        **execution: Any,
    ):
        settings = {"maximize": maximize, "decoupled_weight_decay": True}
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, **settings, **execution)
