"""Gradient descent, plain, with momentum, and with Nesterov's momentum."""

from typing import Any, ClassVar

from steepest.core import said
from steepest.functional import zeros, zeros_like
from steepest.optim.group import is_on
from steepest.optim.optimizer import Optimizer, count
from steepest.optim.settings import check
from steepest.tensors import cast_to

__all__ = ["SGD"]


class SGD(Optimizer):
    """(Stochastic) gradient descent: a step against the gradient.

        g ← g + weight_decay · p
        b ← momentum · b + (1 − dampening) · g          b = g at the first step
        p ← p − lr · b                                  Nesterov: p − lr · (g + momentum · b)

    Whether this is batch gradient descent, mini-batch or true SGD is the size of the batch that the
    gradient was computed on, not the optimizer's affair.

    Sources: Robbins and Monro, "A stochastic approximation method", 1951; Polyak, "Some methods of
    speeding up the convergence of iteration methods", 1964; Nesterov's form as in Sutskever et al.,
    "On the importance of initialization and momentum in deep learning", 2013.

    Args:
        params: tensors, or dicts that each hold "params" and settings of their own.
        lr: the learning rate.
        momentum: how much of the last step's direction is kept, 0 to 1.
        dampening: how much of the new gradient is held back.
        weight_decay: λ of the penalty ½λ‖p‖².
        nesterov: look at the gradient where the momentum leads.
        maximize: climb instead of descend.

    Raises:
        ValueError: a negative or non-finite setting; Nesterov without momentum or with dampening.
    """

    execution: ClassVar[dict[str, Any]] = {"foreach": None, "differentiable": False, "fused": None}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        **execution: Any,
    ):
        check("SGD", "learning rate", lr)
        check("SGD", "momentum value", momentum)
        check("SGD", "weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError(
                said("SGD", "Nesterov momentum requires a momentum and zero dampening")
            )
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults, execution)

    def initial(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        # b = 0 before the first step gives b = g after it, if that gradient is not damped.
        if not is_on(group["momentum"]):
            return {}
        steps = {"_steps": zeros(())} if is_on(group["dampening"]) else {}
        return {"momentum_buffer": zeros_like(p), **steps}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, momentum, dampening = group["lr"], group["momentum"], group["dampening"]
        if is_on(group["weight_decay"]):
            g = g + group["weight_decay"] * p
        if is_on(momentum):
            if "_steps" in state:
                t = count(state, "_steps")
                dampening = dampening * cast_to(t > 1, t.dtype)
            b = state["momentum_buffer"]
            b.copy_(momentum * b + (1 - dampening) * g)
            g = g + momentum * b if group["nesterov"] else b
        p -= lr * g

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As every optimizer; a direction that is still 0 was saved before the first step."""
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state.get(p)
                if state and state["momentum_buffer"] is None:  # PyTorch, before its first step
                    del self.state[p]
                elif state and group["dampening"] != 0:
                    state["_steps"] = zeros(()) + float(state["momentum_buffer"].abs().max() > 0)
