"""L-BFGS: Newton's direction from the last steps, without a second derivative."""

import math
from collections.abc import Callable
from typing import Any

from steepest.core import said
from steepest.functional import abs, cat, dot, max, sum
from steepest.optim.line_search import Point, strong_wolfe
from steepest.optim.optimizer import Optimizer
from steepest.optim.settings import check
from steepest.tensors import Tensor, enable_grad, no_grad

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Steps along −H⁻¹ g, where the last changes of g and p say what the Hessian H is like.

    With y the changes of the gradient, s those of the parameters and ρ = 1 / ⟨y, s⟩,

        q = g;  from the newest to the oldest   α = ρ ⟨s, q⟩,  q ← q − α y
        d = −q ⟨y, s⟩ / ⟨y, y⟩;  back again     d ← d − (α + ρ ⟨y, d⟩) s
        p ← p + t d                             t = lr, or found by a line search

    One `step` makes up to `max_iter` such steps and calls the closure for each, so the loss must
    be that of all data. The step depends on numbers found on the way: it is not compiled.

    Source: Liu and Nocedal, "On the limited memory BFGS method for large scale optimization",
    Mathematical Programming 45, 1989.

    Args:
        params: tensors, all in one group.
        lr: t; the first step is no longer than lr in the sum of its elements.
        max_iter: steps per call of `step`.
        max_eval: calls of the closure per call of `step`; 1.25 · max_iter unless said otherwise.
        tolerance_grad: stop when no element of the gradient is larger.
        tolerance_change: stop when parameters or loss change by less.
        history_size: how many changes are remembered.
        line_search_fn: "strong_wolfe" or None.

    Raises:
        ValueError: a negative lr, or several groups.
        RuntimeError: another line search.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ):
        check("LBFGS", "learning rate", lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError(said("LBFGS", "LBFGS doesn't support per-parameter options"))
        self._params = self.param_groups[0]["params"]

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Make up to `max_iter` steps.

        Args:
            closure: computes the loss and its gradients again, and returns the loss.

        Returns:
            The loss before the first of them.
        """
        group, memory = self.param_groups[0], self.state[self._params[0]]
        memory.setdefault("func_evals", 0)
        memory.setdefault("n_iter", 0)
        limit = memory["func_evals"] + group["max_eval"]
        first = self._called(closure)
        loss, g = float(first), self._gradient()
        for last in [False] * (group["max_iter"] - 1) + [True]:
            if _largest(g) <= group["tolerance_grad"]:
                break
            d = memory["d"] = self._direction(g, memory)
            memory["prev_flat_grad"] = g
            before = memory["prev_loss"] = loss
            shorter = min(1.0, 1.0 / sum(abs(g))) if memory["n_iter"] == 1 else 1
            memory["t"] = shorter * group["lr"]
            slope = dot(g, d)
            if slope > -group["tolerance_change"]:
                break
            if group["line_search_fn"] is not None:
                trials = limit - memory["func_evals"]
                here = Point(0, loss, g, slope)
                memory["t"], loss, g, _ = self._searched(closure, here, d, trials)
            self._move(d * memory["t"])
            if last:
                break
            if group["line_search_fn"] is None:
                loss, g = float(self._called(closure)), self._gradient()
            still = _largest(d * memory["t"]) <= group["tolerance_change"]
            stuck = still or math.fabs(loss - before) < group["tolerance_change"]
            if stuck or memory["func_evals"] >= limit:
                break
        return first

    def _called(self, closure: Callable[[], Any]) -> Any:
        self.state[self._params[0]]["func_evals"] += 1
        with enable_grad():
            return closure()

    def _gradient(self) -> Tensor:
        """The gradients of all parameters in one vector."""
        found = [p.new_zeros(p.shape) if p.grad is None else p.grad for p in self._params]
        return cat([g.reshape(-1) for g in found])

    def _move(self, change: Tensor) -> None:
        """Add to the parameters their parts of a vector."""
        start = 0
        for p in self._params:
            stop = start + p.shape.numel()
            p += change[start:stop].reshape(p.shape)
            start = stop

    def _direction(self, g: Tensor, memory: dict[str, Any]) -> Tensor:
        """−H⁻¹ g, after the last step has been added to the memory."""
        memory["n_iter"] += 1
        if memory["n_iter"] == 1:
            memory.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return -g
        size = self.param_groups[0]["history_size"]
        changes, steps, inverses = memory["old_dirs"], memory["old_stps"], memory["ro"]
        y, s = g - memory["prev_flat_grad"], memory["d"] * memory["t"]
        curvature = dot(y, s)
        if curvature > 1e-10:
            for kept, new in ((changes, y), (steps, s), (inverses, 1.0 / curvature)):
                kept.append(new)
                del kept[:-size]
            memory["H_diag"] = curvature / dot(y, y)
        shares = memory.setdefault("al", [None] * size)
        q = -g
        for i in reversed(range(len(changes))):
            shares[i] = dot(steps[i], q) * inverses[i]
            q = q - shares[i] * changes[i]
        d = q * memory["H_diag"]
        for i, share in enumerate(shares[: len(changes)]):
            d = d + steps[i] * (share - dot(changes[i], d) * inverses[i])
        return d

    def _searched(self, closure: Callable[[], Any], here: Point, d: Tensor, trials: int) -> Point:
        """The point that a line search along d finds; the parameters are left where they were."""
        name = self.param_groups[0]["line_search_fn"]
        if name != "strong_wolfe":
            raise RuntimeError(said("LBFGS", "only 'strong_wolfe' is supported", got=repr(name)))
        start = [p.detach().clone() for p in self._params]

        def at(t: Any) -> Point:
            self._move(d * t)
            loss, g = float(self._called(closure)), self._gradient()
            for p, was in zip(self._params, start, strict=True):
                p.copy_(was)
            return Point(t, loss, g, dot(g, d))

        t = self.state[self._params[0]]["t"]
        return strong_wolfe(at, here, t, _largest(d), trials)


def _largest(x: Tensor) -> Tensor:
    """The largest element in absolute value."""
    return max(abs(x))
