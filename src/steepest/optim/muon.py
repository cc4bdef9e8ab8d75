"""Muon: momentum whose matrix is made nearly orthogonal before it is followed."""

import math
from typing import Any

from steepest.functional import clamp, norm, zeros_like
from steepest.optim.optimizer import Optimizer
from steepest.optim.settings import check, refuse

__all__ = ["Muon"]


class Muon(Optimizer):
    """Steps along a matrix whose singular values are all near 1, so no direction is neglected.

        b ← b + (1 − μ) · (g − b)
        u = g + μ · (b − g)                            b itself without `nesterov`
        X ← u / ‖u‖, then several times
        X ← a X + (b A + c A²) X                       A = X Xᵀ, (a, b, c) = ns_coefficients
        p ← p − lr · weight_decay · p
        p ← p − lr · √max(1, rows / columns) · X

    The iteration keeps the singular vectors and brings the singular values to 0.7 … 1.2. PyTorch
    iterates in bfloat16, this library in the parameter's own dtype.

    Sources: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; the
    adjustment: Liu et al., "Muon is scalable for LLM training", 2025.

    Args:
        params: matrices, or dicts that each hold "params" and settings of their own.
        lr: the learning rate.
        weight_decay: the share of each parameter that a step removes, times lr.
        momentum: μ, how much of the average is kept.
        nesterov: look ahead along the average.
        ns_coefficients: of the iteration.
        eps: the least norm that is divided by.
        ns_steps: how often it is done, below 100.
        adjust_lr_fn: "original" (also None), or "match_rms_adamw": 0.2 √max(rows, columns) for the
            root above, so that lr and weight_decay tuned for AdamW fit.

    Raises:
        ValueError: a setting outside its limits, or a parameter that is no matrix.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ):
        check("Muon", "learning rate", lr)
        check("Muon", "momentum value", momentum)
        check("Muon", "weight_decay value", weight_decay)
        refuse("Muon", ns_steps >= 100, f"fewer than 100 iterations do, got {ns_steps}")
        what = f"Adjust learning rate function {adjust_lr_fn} is not supported"
        refuse("Muon", adjust_lr_fn not in (None, "original", "match_rms_adamw"), what)
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for p in (p for group in self.param_groups for p in group["params"]):
            refuse("Muon", p.ndim != 2, f"only matrices are supported, found size {p.shape}")

    def initial(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"momentum_buffer": zeros_like(p)}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, momentum, b = group["lr"], group["momentum"], state["momentum_buffer"]
        b += (1 - momentum) * (g - b)
        u = g + momentum * (b - g) if group["nesterov"] else b
        rows, columns = p.shape
        matched = group["adjust_lr_fn"] == "match_rms_adamw"
        ratio = 0.2 * math.sqrt(max(p.shape)) if matched else math.sqrt(max(1, rows / columns))
        step = _orthogonal(u, group["ns_coefficients"], group["ns_steps"], group["eps"])
        p *= 1 - lr * group["weight_decay"]
        p -= lr * ratio * step


def _orthogonal(u: Any, coefficients: tuple[float, float, float], steps: int, eps: float) -> Any:
    """The matrix with u's singular vectors and singular values near 1 (Newton and Schulz)."""
    a, b, c = coefficients
    tall = u.shape[0] > u.shape[1]
    x = u.T if tall else u
    x = x / clamp(norm(x), min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if tall else x
