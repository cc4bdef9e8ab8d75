"""JAX's two peers: a whole epoch inside one `lax.scan`, and one jitted call per step.

Both gather the mini-batch inside the compiled function and donate the state, so that weights are
changed in place. Momentum and Adam are written out here; no further package is needed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads import Workload
from steepest.core import lazy

__all__ = ["jax_per_step", "jax_scan"]

jax = lazy("jax")

MOMENTUM, BETA1, BETA2, EPS = 0.9, 0.9, 0.999, 1e-8  # PyTorch's defaults


def _loss(workload: Workload) -> Callable[..., Any]:
    """(weights, x, y) -> the loss of a mini-batch."""
    jnp = jax.numpy
    activation = {
        "none": lambda h: h,
        "tanh": jnp.tanh,
        "sigmoid": jax.nn.sigmoid,
        "relu": jax.nn.relu,
    }[workload.activation]

    def loss(weights: list[Any], x: Any, y: Any) -> Any:
        h = x
        for i in range(0, len(weights), 2):
            h = (activation(h) if i else h) @ weights[i].T + weights[i + 1]
        if workload.loss == "mse":
            return jnp.mean((h - y) ** 2)
        chosen = jnp.take_along_axis(jax.nn.log_softmax(h), y[:, None], axis=1)
        return -jnp.mean(chosen)

    return loss


def _update(workload: Workload) -> Callable[..., Any]:
    """(weight, its gradient, its two averages, t) -> (weight, the averages) one step later."""
    jnp, lr = jax.numpy, workload.lr

    def sgd(p: Any, g: Any, m: Any, v: Any, t: Any) -> tuple[Any, Any, Any]:
        return p - lr * g, m, v

    def momentum(p: Any, g: Any, m: Any, v: Any, t: Any) -> tuple[Any, Any, Any]:
        m = MOMENTUM * m + g
        return p - lr * m, m, v

    def adam(p: Any, g: Any, m: Any, v: Any, t: Any) -> tuple[Any, Any, Any]:
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g * g
        # 1 − βᵗ, without the digits that float32 loses in the subtraction
        rest1, rest2 = -jnp.expm1(t * np.log(BETA1)), -jnp.expm1(t * np.log(BETA2))
        return p - lr / rest1 * m / (jnp.sqrt(v) / jnp.sqrt(rest2) + EPS), m, v

    return {"sgd": sgd, "momentum": momentum, "adam": adam}[workload.optimizer]


def _step(workload: Workload) -> Callable[..., Any]:
    """(state, x, y, row numbers) -> (state, loss); the state is (weights, m, v, t)."""
    gradient = jax.value_and_grad(_loss(workload))
    update = _update(workload)

    def step(state: Any, x: Any, y: Any, rows: Any) -> Any:
        weights, first, second, t = state
        loss, gradients = gradient(weights, x[rows], y[rows])
        t = t + 1
        new = [update(*each, t) for each in zip(weights, gradients, first, second, strict=True)]
        weights, first, second = ([each[i] for each in new] for i in range(3))
        return (weights, first, second, t), loss

    return step


def _beginning(workload: Workload) -> Callable[[], Any]:
    """Makes the state before the first step; averages only where the optimizer has them."""
    jnp = jax.numpy
    initial = workload.weights()
    averages = {"sgd": 0, "momentum": 1, "adam": 2}[workload.optimizer]
    zeros = [
        [np.zeros_like(w) if i < averages else np.zeros((), w.dtype) for w in initial]
        for i in range(2)
    ]
    return lambda: jax.tree.map(jnp.array, (initial, *zeros, np.float32(0)))


def jax_scan(workload: Workload) -> Callable[[], Any]:
    """The epoch as one compiled function: `lax.scan` over the mini-batches' row numbers."""
    step, beginning = _step(workload), _beginning(workload)
    x, y, order = (
        jax.numpy.array(a) for a in (workload.x, workload.y, np.stack(workload.batches()))
    )

    def whole(state: Any, x: Any, y: Any, order: Any) -> Any:
        return jax.lax.scan(lambda state, rows: step(state, x, y, rows), state, order)

    compiled = jax.jit(whole, donate_argnums=0)

    def epoch() -> np.ndarray:
        _, losses = compiled(beginning(), x, y, order)
        return np.asarray(losses)

    return epoch


def jax_per_step(workload: Workload) -> Callable[[], Any]:
    """The step as one compiled function, called from a loop in Python."""
    compiled, beginning = jax.jit(_step(workload), donate_argnums=0), _beginning(workload)
    x, y = jax.numpy.array(workload.x), jax.numpy.array(workload.y)
    batches = [jax.numpy.array(rows) for rows in workload.batches()]

    def epoch() -> list[float]:
        state, losses = beginning(), []
        for rows in batches:
            state, loss = compiled(state, x, y, rows)
            losses.append(loss)
        return [float(loss) for loss in losses]

    return epoch
