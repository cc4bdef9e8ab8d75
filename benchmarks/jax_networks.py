"""A workload in JAX: forward pass, loss and optimizer as pure functions, with no further package.

Parameters, running statistics and the optimizer's slots are lists of arrays. Formulas and defaults
are PyTorch's.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.sequences import SEQUENCES, in_jax, normalized
from benchmarks.workloads import Workload
from steepest.core import lazy

__all__ = ["forward", "loss_of", "statistics", "update_of"]

jax = lazy("jax")

EPS, KEPT = 1e-5, 0.9  # of the norms


def _activation(kind: str) -> Callable[[Any], Any]:
    jnp, nn = jax.numpy, jax.nn
    own = {
        "Identity": lambda x: x,
        "Tanh": jnp.tanh,
        "Tanhshrink": lambda x: x - jnp.tanh(x),
        "GELU": lambda x: nn.gelu(x, approximate=False),
        "Hardsigmoid": nn.hard_sigmoid,
        "Hardswish": nn.hard_swish,
        "Hardtanh": nn.hard_tanh,
        "LeakyReLU": nn.leaky_relu,
        "LogSigmoid": nn.log_sigmoid,
        "Softsign": nn.soft_sign,
    }
    return own.get(kind) or getattr(nn, kind.lower())


def forward(workload: Workload, parameters: list, kept: list, x: Any, key: Any) -> tuple[Any, list]:
    """(output, running statistics one step later)."""
    jnp = jax.numpy
    held, old, new = iter(parameters), iter(kept), []
    for i, (kind, *sizes) in enumerate(workload.layers):
        if kind == "Linear":
            x = x @ next(held).T + next(held)
        elif kind == "LayerNorm":
            x = normalized(x, next(held), next(held))
        elif kind in SEQUENCES:
            x = in_jax(kind, sizes, held, x)
        elif kind in ("BatchNorm1d", "BatchNorm2d"):
            x, *found = _batch_norm(x, next(held), next(held))
            new += [KEPT * next(old) + (1 - KEPT) * value for value in found]
        elif kind == "Conv2d":
            _, _, _, stride, padding = sizes
            border = [(padding, padding)] * 2
            x = jax.lax.conv_general_dilated(x, next(held), (stride, stride), border)
            x = x + next(held)[:, None, None]
        elif kind in ("AvgPool2d", "MaxPool2d"):
            x = _pooled(kind, x, sizes[0])
        elif kind == "Flatten":
            x = x.reshape(len(x), -1)
        elif kind == "Dropout":
            stays = jax.random.bernoulli(jax.random.fold_in(key, i), 1 - sizes[0], x.shape)
            x = jnp.where(stays, x / (1 - sizes[0]), 0)
        elif kind == "PReLU":
            x = jnp.where(x >= 0, x, next(held) * x)
        elif kind == "LogSoftmax":
            x = jax.nn.log_softmax(x)
        else:
            x = _activation(kind)(x)
    return x, jax.lax.stop_gradient(new)


def _batch_norm(x: Any, weight: Any, bias: Any) -> tuple[Any, Any, Any]:
    """(x normalized per channel, means, unbiased variances)."""
    jnp, axes = jax.numpy, (0, *range(2, x.ndim))
    mean, variance = jnp.mean(x, axes), jnp.var(x, axes)
    count, per_channel = x.size // x.shape[1], (-1, *[1] * (x.ndim - 2))
    scale = jax.lax.rsqrt(variance + EPS) * weight
    x = (x - mean.reshape(per_channel)) * scale.reshape(per_channel) + bias.reshape(per_channel)
    return x, mean, variance * (count / (count - 1))


def _pooled(kind: str, x: Any, size: int) -> Any:
    """Windows of size × size side by side: the largest of each, or the mean."""
    window = (1, 1, size, size)
    if kind == "MaxPool2d":
        return jax.lax.reduce_window(x, -np.inf, jax.lax.max, window, window, "VALID")
    return jax.lax.reduce_window(x, 0.0, jax.lax.add, window, window, "VALID") / size**2


def statistics(workload: Workload) -> list[np.ndarray]:
    """The running statistics before the first step."""
    sizes = [layer[1] for layer in workload.layers if "BatchNorm" in layer[0]]
    return [f(n, np.float32) for n in sizes for f in (np.zeros, np.ones)]


def loss_of(name: str) -> Callable[[Any, Any], Any]:
    """(output, target) -> one number."""
    jnp, nn = jax.numpy, jax.nn

    def huber(output: Any, y: Any) -> Any:
        away = jnp.abs(output - y)
        return jnp.mean(jnp.where(away < 1, 0.5 * away**2, away - 0.5))

    def true_class(output: Any, y: Any) -> Any:
        return -jnp.mean(jnp.take_along_axis(output, y[:, None], axis=1))

    def binary(output: Any, y: Any) -> Any:
        hit, miss = (jnp.maximum(jnp.log(p), -100) for p in (output, 1 - output))
        return -jnp.mean(y * hit + (1 - y) * miss)

    return {
        "MSELoss": lambda output, y: jnp.mean((output - y) ** 2),
        "SumSquaresLoss": lambda output, y: jnp.sum((output - y) ** 2),
        "L1Loss": lambda output, y: jnp.mean(jnp.abs(output - y)),
        "HuberLoss": huber,
        "SmoothL1Loss": huber,
        "BCELoss": binary,
        "BCEWithLogitsLoss": lambda output, y: jnp.mean((1 - y) * output - nn.log_sigmoid(output)),
        "CrossEntropyLoss": lambda output, y: true_class(nn.log_softmax(output), y),
        "NLLLoss": true_class,
    }[name]


def update_of(workload: Workload) -> tuple[int, Callable[..., tuple[Any, tuple]]]:
    """(number of slots, (p, g, slots, t) -> (p, slots) one step later)."""
    jnp, lr = jax.numpy, workload.settings["lr"]
    alpha, beta1, beta2 = 0.99, 0.9, 0.999
    momentum = workload.settings.get("momentum", 0)
    nesterov, centred = (workload.settings.get(key) for key in ("nesterov", "centered"))
    decay = workload.settings.get("weight_decay", 0.01)

    def sgd(p: Any, g: Any, slots: tuple, t: Any) -> tuple[Any, tuple]:
        if not momentum:
            return p - lr * g, ()
        b = momentum * slots[0] + g
        return p - lr * (g + momentum * b if nesterov else b), (b,)

    def adagrad(p: Any, g: Any, slots: tuple, t: Any) -> tuple[Any, tuple]:
        s = slots[0] + g * g
        return p - lr * g / (jnp.sqrt(s) + 1e-10), (s,)

    def rmsprop(p: Any, g: Any, slots: tuple, t: Any) -> tuple[Any, tuple]:
        v = alpha * slots[0] + (1 - alpha) * g * g
        if not centred:
            return p - lr * g / (jnp.sqrt(v) + 1e-8), (v,)
        m = slots[1] + (1 - alpha) * (g - slots[1])
        return p - lr * g / (jnp.sqrt(v - m * m) + 1e-8), (v, m)

    def adam(p: Any, g: Any, slots: tuple, t: Any) -> tuple[Any, tuple]:
        m = beta1 * slots[0] + (1 - beta1) * g
        v = beta2 * slots[1] + (1 - beta2) * g * g
        # 1 − βᵗ, without the digits that float32 loses in the subtraction
        rest1, rest2 = -jnp.expm1(t * np.log(beta1)), -jnp.expm1(t * np.log(beta2))
        return p - lr / rest1 * m / (jnp.sqrt(v) / jnp.sqrt(rest2) + 1e-8), (m, v)

    def adamw(p: Any, g: Any, slots: tuple, t: Any) -> tuple[Any, tuple]:
        return adam(p * (1 - lr * decay), g, slots, t)

    return {
        "SGD": (int(bool(momentum)), sgd),
        "Adagrad": (1, adagrad),
        "RMSprop": (2 if centred else 1, rmsprop),
        "Adam": (2, adam),
        "AdamW": (2, adamw),
    }[workload.optimizer]
