"""Layers that see a sequence, (samples, steps, features): their parameters, and what they compute.

RNN, LSTM      one layer, read from the first step to the last; the state after the last step
TransformerEncoderLayer, Places, Average   attention; what every step has of its own; the mean
"""

from collections.abc import Iterator
from typing import Any

from steepest.core import lazy

__all__ = ["RECURRENT", "SEQUENCES", "in_jax", "layer_of", "normalized", "products"]

jax = lazy("jax")

RECURRENT = {"RNN": 1, "LSTM": 4}  # products of a state that a step needs
SEQUENCES = (*RECURRENT, "TransformerEncoderLayer", "Places", "Average")
EPS = 1e-5  # of layer norm


def layer_of(library: Any, kind: str, *sizes: Any) -> Any:
    """A layer by the name that PyTorch has for it, or one of ours; of PyTorch or steepest."""
    nn = library.nn

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = getattr(nn, kind)(*sizes, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.layer(x)[0][:, -1]

    class Places(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.places = nn.Parameter(library.zeros(*sizes))

        def forward(self, x: Any) -> Any:
            return x + self.places

    class Average(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.mean(1)

    own = {"Places": Places, "Average": Average} | dict.fromkeys(RECURRENT, Last)
    return own[kind]() if kind in own else getattr(nn, kind)(*sizes)


def products(kind: str, sizes: list[Any], steps: int) -> list[int]:
    """Multiply-adds of a layer's products, forward, for one sample; the data's product first."""
    if kind in RECURRENT:
        inputs, state = sizes
        rows = RECURRENT[kind] * state
        return [steps * inputs * rows, (steps - 1) * state * rows]
    width, _, inner, *_ = sizes
    return [steps * (4 * width**2 + 2 * width * inner) + 2 * steps**2 * width]


def in_jax(kind: str, sizes: list[Any], held: Iterator[Any], x: Any) -> Any:
    """What the layer makes of x in JAX, with the next parameters of those held."""
    if kind in RECURRENT:
        return _read(kind, held, x)
    if kind == "TransformerEncoderLayer":
        return _attention(sizes[1], held, x)
    return x + next(held) if kind == "Places" else jax.numpy.mean(x, 1)


def normalized(x: Any, weight: Any, bias: Any) -> Any:
    """Layer norm in JAX, over the last axis."""
    jnp = jax.numpy
    centred = x - jnp.mean(x, -1, keepdims=True)
    variance = jnp.mean(centred**2, -1, keepdims=True)
    return centred * jax.lax.rsqrt(variance + EPS) * weight + bias


def _read(kind: str, held: Iterator[Any], x: Any) -> Any:
    """RNN or LSTM in JAX: one product for the inputs of all steps, then `lax.scan` over them."""
    jnp, nn = jax.numpy, jax.nn
    w, u, b, c = (next(held) for _ in range(4))
    inputs = jnp.swapaxes(x, 0, 1) @ w.T + (b + c)
    zeros = jnp.zeros((len(x), u.shape[1]), x.dtype)

    def simple(h: Any, given: Any) -> Any:
        return jnp.tanh(given + h @ u.T), None

    def gated(state: Any, given: Any) -> Any:
        h, kept = state
        i, f, g, o = jnp.split(given + h @ u.T, 4, axis=1)
        kept = nn.sigmoid(f) * kept + nn.sigmoid(i) * jnp.tanh(g)
        return (nn.sigmoid(o) * jnp.tanh(kept), kept), None

    if kind == "RNN":
        return jax.lax.scan(simple, zeros, inputs)[0]
    return jax.lax.scan(gated, (zeros, zeros), inputs)[0][0]


def _attention(heads: int, held: Iterator[Any], x: Any) -> Any:
    """A TransformerEncoderLayer in JAX: every step looks at all, then goes through two layers."""
    jnp, nn = jax.numpy, jax.nn
    w, b, v, c, w1, b1, w2, b2, *norms = (next(held) for _ in range(12))
    samples, steps, width = x.shape
    parts = (x @ w.T + b).reshape(samples, steps, 3, heads, width // heads)
    q, k, values = (parts[:, :, i] for i in range(3))
    scores = jnp.einsum("nthd,nshd->nhts", q, k) / (width // heads) ** 0.5
    seen = jnp.einsum("nhts,nshd->nthd", nn.softmax(scores), values)
    x = normalized(x + seen.reshape(x.shape) @ v.T + c, *norms[:2])
    return normalized(x + nn.relu(x @ w1.T + b1) @ w2.T + b2, *norms[2:])
