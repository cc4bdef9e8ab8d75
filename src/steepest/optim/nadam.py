"""NAdam: Adam that looks ahead, as Nesterov's momentum does."""

from typing import Any, ClassVar

from steepest.functional import ones, sqrt, zeros, zeros_like
from steepest.optim.group import is_on
from steepest.optim.optimizer import Optimizer, count
from steepest.optim.settings import check

__all__ = ["NAdam"]


class NAdam(Optimizer):
    """Adam's step with the momentum of the next step in it.

        g ← g + weight_decay · p                        decoupled: p ← p − lr · weight_decay · p
        μ_t = β₁ · (1 − ½ · 0.96^(t · momentum_decay))      Π_t = μ₁ · … · μ_t
        m ← β₁ · m + (1 − β₁) · g
        v ← β₂ · v + (1 − β₂) · g²
        p ← p − lr · ((1 − μ_t) / (1 − Π_t) · g + μ_(t+1) / (1 − Π_(t+1)) · m) / (√v̂ + eps)

    with v̂ = v / (1 − β₂ᵗ). Source: Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016.

    Args:
        params: tensors, or dicts that each hold "params" and settings of their own.
        lr: the learning rate.
        betas: (β₁, β₂), how much of each average is kept at each step.
        eps: keeps the division finite.
        weight_decay: λ of the penalty ½λ‖p‖².
        momentum_decay: how fast the momentum grows to β₁.
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

    scalars: ClassVar[tuple[str, ...]] = ("step", "mu_product")

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
        **execution: Any,
    ):
        check("NAdam", "learning rate", lr)
        check("NAdam", "epsilon value", eps)
        check("NAdam", "beta parameter at index 0", betas[0], below=1)
        check("NAdam", "beta parameter at index 1", betas[1], below=1)
        check("NAdam", "weight_decay value", weight_decay)
        check("NAdam", "momentum_decay value", momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, execution)

    def initial(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        averages = {"exp_avg": zeros_like(p), "exp_avg_sq": zeros_like(p)}
        return {"step": zeros(()), "mu_product": ones(()), **averages}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, (beta1, beta2), decay = group["lr"], group["betas"], group["weight_decay"]
        t, m, v = count(state), state["exp_avg"], state["exp_avg_sq"]
        mu, mu_next = (
            beta1 * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (t, t + 1)
        )
        product = state["mu_product"]
        product *= mu.float()  # PyTorch keeps this product in float32
        passed = product.double()
        if is_on(decay) and group["decoupled_weight_decay"]:
            p *= 1 - lr * decay
        elif is_on(decay):
            g = g + decay * p
        m += (1 - beta1) * (g - m)
        v.copy_(beta2 * v + (1 - beta2) * g * g)
        size = sqrt(v / (1 - beta2**t)) + group["eps"]
        p -= lr * (1 - mu) / (1 - passed) * g / size
        p -= lr * mu_next / (1 - passed * mu_next) * m / size
