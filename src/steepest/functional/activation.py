"""Activations: what stands between two linear layers, so that they do not collapse into one."""

import math
from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import said
from steepest.functional.axes import along, axes_of
from steepest.functional.math import abs, clamp, erf, exp, expm1, log1p, sigmoid, tanh, where
from steepest.functional.reduction import amax, logsumexp, sum
from steepest.functional.shape import narrow, reshape
from steepest.tensors import Tensor, cast_to, constant, in_place, maximum, method, neg

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softsign",
    "tanh",
    "tanhshrink",
]


def _above_zero(x: Tensor) -> Tensor:
    return P.less(constant(0, x), x)


def _below_zero(x: Tensor) -> Tensor:
    return P.less(x, constant(0, x))


@method
def relu(x: Tensor) -> Tensor:
    """max(x, 0); its derivative at 0 is 0."""
    return maximum(x, 0)


def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x above 0, negative_slope · x below. Source: Maas, Hannun and Ng, 2013."""
    return where(_above_zero(x), x, x * negative_slope)


@method
def prelu(x: Tensor, weight: Tensor) -> Tensor:
    """x above 0, weight · x below: leaky_relu whose slope is learned. Source: He et al., ICCV 2015.

    Args:
        weight: one slope for all, or one per channel (axis 1).
    """
    one = weight.shape.numel() == 1
    weight = reshape(weight, [-1 if i == 1 and not one else 1 for i in range(x.ndim)])
    return where(_above_zero(x), x, weight * x)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x above 0, alpha · (eˣ − 1) below. Source: Clevert et al., 2015."""
    positive = _above_zero(x)
    return where(positive, x, alpha * expm1(where(positive, 0.0, x)))


def celu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x above 0, alpha · (exp(x / alpha) − 1) below: elu with a continuous derivative.

    Source: Barron, "Continuously differentiable exponential linear units", 2017.
    """
    positive = _above_zero(x)
    return where(positive, x, alpha * expm1(where(positive, 0.0, x) / alpha))


def selu(x: Tensor) -> Tensor:
    """elu scaled to keep mean 0 and variance 1. Source: Klambauer et al., 2017."""
    scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
    return scale * elu(x, alpha)


def gelu(x: Tensor, approximate: str = "none") -> Tensor:
    """x Φ(x), Φ the normal distribution function. Source: Hendrycks and Gimpel, 2016.

    approximate="tanh" uses ½(1 + tanh(√(2/π)(x + 0.044715 x³))) for Φ.

    Raises:
        RuntimeError: another approximation.
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError(
            said("gelu", "no such approximation", expected="none or tanh", got=repr(approximate))
        )
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)
        return 0.5 * x * (1 + tanh(inner))
    return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))


def silu(x: Tensor) -> Tensor:
    """x σ(x), also called swish. Source: Elfwing, Uchibe and Doya, 2017."""
    return x * sigmoid(x)


def softplus(x: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(βx)) / β, a smooth relu; x itself where βx is above the threshold.

    Source: Dugas et al., NeurIPS 2000.
    """
    y = x * beta
    negative = _below_zero(y)
    tail = log1p(exp(where(negative, y, neg(y))))
    return where(y > threshold, x, (where(negative, 0.0, y) + tail) / beta)


def logsigmoid(x: Tensor) -> Tensor:
    """log σ(x), without overflow for very negative x."""
    negative = _below_zero(x)
    return where(negative, x, 0.0) - log1p(exp(where(negative, x, neg(x))))


def mish(x: Tensor) -> Tensor:
    """x tanh(softplus(x)). Source: Misra, 2019."""
    return x * tanh(softplus(x))


def softsign(x: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return x / (1 + abs(x))


def tanhshrink(x: Tensor) -> Tensor:
    """x − tanh(x)."""
    return x - tanh(x)


def _flat_outside(x: Tensor, low: float, high: float) -> Tensor:
    """x kept between low and high, with derivative 0 on the bounds too (PyTorch's hardtanh)."""
    inside = P.mul(x > low, x < high)
    return where(inside, x, cast_to(clamp(x.detach(), low, high), x.dtype))


def hardtanh(x: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """x kept between two bounds; the derivative on the bounds is 0."""
    return _flat_outside(x, min_val, max_val)


def relu6(x: Tensor) -> Tensor:
    """x kept between 0 and 6."""
    return _flat_outside(x, 0.0, 6.0)


def hardsigmoid(x: Tensor) -> Tensor:
    """(x + 3) / 6 kept between 0 and 1."""
    return _flat_outside(x + 3, 0.0, 6.0) / 6


def hardswish(x: Tensor) -> Tensor:
    """x · hardsigmoid(x), and 0 up to −3. Source: Howard et al., ICCV 2019."""
    return where(x <= -3, 0.0, where(x < 3, x * (x + 3) / 6, x))


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a σ(b), a and b the halves of axis `dim`. Source: Dauphin et al., 2017.

    Raises:
        RuntimeError: an axis of odd length, or no axis.
    """
    if not input.ndim:
        raise RuntimeError(said("glu", "does not support 0-dimensional tensors"))
    axis = axes_of(input, dim)[0]
    length = input.shape[axis]
    if length % 2:
        raise RuntimeError(said("glu", f"Halving dimension must be even, but axis {axis} is odd"))
    first = narrow(input, axis, 0, length // 2)
    return first * sigmoid(narrow(input, axis, length // 2, length // 2))


@method
def softmax(x: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """eˣ / Σ eˣ along an axis: positive numbers that add up to 1; the shape stays.

    Args:
        dim: the axis.
        dtype: in which it is computed; x's own unless said otherwise.

    Raises:
        IndexError: an axis that x does not have.
    """
    x = x if dtype is None else cast_to(x, np.dtype(dtype))
    axes = axes_of(x, dim)
    if not x.shape.numel():
        return x * 1
    e = exp(x - along(amax(x.detach(), axes), x, axes))
    return e / along(sum(e, axes), x, axes)


def softmin(x: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """softmax of −x: the smallest number gets the largest share. Args: as for `softmax`."""
    return softmax(neg(x), dim, dtype=dtype)


@method
def log_softmax(x: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """log softmax(x), exact where the softmax itself would round to 0. Args: as for `softmax`."""
    x = x if dtype is None else cast_to(x, np.dtype(dtype))
    axes = axes_of(x, dim)
    if not x.shape.numel():
        return x * 1
    centred = x - along(amax(x.detach(), axes), x, axes)
    return centred - logsumexp(centred, axes, keepdim=True)


in_place(relu)
