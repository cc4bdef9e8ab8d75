"""Adafactor: second moments kept as one number per row and one per column of a matrix."""

from typing import Any, ClassVar

import numpy as np

from steepest.functional import clamp, mean, minimum, rsqrt, sqrt, zeros
from steepest.optim.group import is_on
from steepest.optim.optimizer import Optimizer, count
from steepest.optim.settings import check, refuse
from steepest.tensors import maximum

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """Divides by the root of mean squares as Adam does; a matrix keeps them as two vectors.

        p ← p − lr · weight_decay · p
        r ← r + tᵝ · (row means of g² − r),  c ← c + tᵝ · (column means of g² − c)
        v̂ = r cᵀ / mean(r)                   a vector has v ← v + tᵝ · (g² − v) instead
        u = g / √v̂
        p ← p − max(eps₂, RMS(p)) · min(lr, 1/√t) · u / max(1, RMS(u) / d)

    RMS is the root of the mean of squares; β is `beta2_decay`; divisors stay above eps₁.

    Source: Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", ICML
    2018.

    Args:
        params: tensors, or dicts that each hold "params" and settings of their own.
        lr: the largest relative step; also the factor of the weight decay.
        beta2_decay: β, 0 or less: how fast the averages become slow.
        eps: (eps₁, eps₂); None for eps₁ is the rounding unit of the parameter's dtype.
        d: the largest root mean square of an update, 1 or more.
        weight_decay: the share of each parameter that a step removes, times lr.
        foreach: PyTorch's choice of an implementation; accepted.
        maximize: climb instead of descend.

    Raises:
        ValueError: a setting outside its limits.
    """

    execution: ClassVar[dict[str, Any]] = {"foreach": None}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ):
        check("Adafactor", "learning rate", lr)
        what = f"beta2_decay should be <= 0 but is: {beta2_decay}"
        refuse("Adafactor", not beta2_decay <= 0, what)
        for i, e in enumerate(eps, start=1):
            refuse("Adafactor", e is not None and e < 0, f"epsilon{i} should be >= 0 but is: {e}")
        refuse("Adafactor", not d >= 1, f"Clipping threshold d should be >= 1 but is: {d}")
        check("Adafactor", "weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults, {"foreach": foreach})

    def initial(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        if p.ndim < 2:
            return {"step": zeros(()), "variance": p.new_zeros(p.shape)}
        *lead, rows, columns = p.shape
        return {
            "step": zeros(()),
            "row_var": p.new_zeros((*lead, rows, 1)),
            "col_var": p.new_zeros((*lead, 1, columns)),
        }

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, (eps1, eps2) = group["lr"], group["eps"]
        eps1 = float(np.finfo(p.dtype).eps) if eps1 is None else eps1
        t = count(state)
        share = t ** group["beta2_decay"]
        rate = maximum(_root_mean_square(p), eps2) * minimum(1 / sqrt(t), lr)
        if is_on(group["weight_decay"]):
            p *= 1 - lr * group["weight_decay"]
        squares = g * g
        if p.ndim < 2:
            v = state["variance"]
            v += share * (squares - v)
        else:
            r, c = state["row_var"], state["col_var"]
            r += share * (mean(squares, -1, True) - r)
            c += share * (mean(squares, -2, True) - c)
            v = r * c / clamp(mean(r, -2, True), min=eps1)
        u = g * rsqrt(clamp(v, min=eps1 * eps1))
        p -= rate / maximum(_root_mean_square(u) / group["d"], 1.0) * u


def _root_mean_square(x: Any) -> Any:
    return sqrt(mean(x * x))
