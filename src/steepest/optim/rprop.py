"""Rprop: the signs of slopes, and a step of its own per coefficient; for whole batches."""

from typing import Any, ClassVar

from steepest.core import said
from steepest.functional import clamp, full_like, sign, where, zeros, zeros_like
from steepest.optim.optimizer import Optimizer, count
from steepest.optim.settings import check

__all__ = ["Rprop"]


class Rprop(Optimizer):
    """Steps that grow while the slope keeps its sign, and shrink where it changes.

        s ← s · η₊ where g · g' > 0,  s · η₋ where g · g' < 0        g' is the last step's g
        s ← s kept within step_sizes                                 s = lr at first
        g ← 0 where g · g' < 0
        p ← p − sign(g) · s

    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning:
    the RPROP algorithm", ICNN 1993.

    Args:
        params: tensors, or dicts that each hold "params" and settings of their own.
        lr: the first step of every coefficient.
        etas: (η₋, η₊), by what a step shrinks or grows.
        step_sizes: the smallest and the largest step.
        maximize: climb instead of descend.

    Raises:
        ValueError: a negative or non-finite learning rate, or not 0 < η₋ < 1 < η₊.
    """

    execution: ClassVar[dict[str, Any]] = {
        "foreach": None,
        "differentiable": False,
        "capturable": False,
    }

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        maximize: bool = False,
        **execution: Any,
    ):
        check("Rprop", "learning rate", lr)
        if not 0 < etas[0] < 1 < etas[1]:
            message = f"Invalid eta values: {etas[0]}, {etas[1]}"
            raise ValueError(said("Rprop", message, expected="0 < η₋ < 1 < η₊"))
        defaults = {"lr": lr, "etas": etas, "step_sizes": step_sizes, "maximize": maximize}
        super().__init__(params, defaults, execution)

    def initial(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        first = full_like(p, float(group["lr"]))
        return {"step": zeros(()), "prev": zeros_like(p), "step_size": first}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        (shrink, grow), (least, most) = group["etas"], group["step_sizes"]
        last, s = state["prev"], state["step_size"]
        count(state)
        agreement = g * last
        turned = agreement < 0
        changed = where(turned, s * shrink, where(agreement > 0, s * grow, s))
        s.copy_(clamp(changed, least, most))
        g = where(turned, 0.0, g)
        p -= sign(g) * s
        last.copy_(g)
