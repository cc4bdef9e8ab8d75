"""First values of weights. Each function fills a tensor in place, unrecorded, and returns it.

A layer keeps the size of what flows through it when its weights' variance is about 1 / fan, where
fan_in is the number of inputs of a unit and fan_out the number of units that an input reaches. The
numbers come from the default generator, so the same seed gives PyTorch's own weights.
"""

import math
from typing import Any

import numpy as np

from steepest.core import said
from steepest.functional import eye
from steepest.tensors import Tensor, assign, no_grad

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

_GAINS = {
    "linear": 1,
    "conv1d": 1,
    "conv2d": 1,
    "conv3d": 1,
    "conv_transpose1d": 1,
    "conv_transpose2d": 1,
    "conv_transpose3d": 1,
    "sigmoid": 1,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By what an activation shrinks the standard deviation, inverted.

    Args:
        nonlinearity: the name of a function of `nn.functional`.
        param: the negative slope of "leaky_relu", 0.01 unless said otherwise.

    Raises:
        ValueError: an activation whose gain is not known, or a slope that is no number.
    """
    if nonlinearity == "leaky_relu":
        if isinstance(param, bool) or not isinstance(param, int | float | None):
            raise ValueError(said("calculate_gain", f"negative_slope {param} not a valid number"))
        slope = 0.01 if param is None else param
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        known = ", ".join([*_GAINS, "leaky_relu"])
        raise ValueError(
            said("calculate_gain", f"Unsupported nonlinearity {nonlinearity}", expected=known)
        )
    return _GAINS[nonlinearity]


def fans(tensor: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out) of weights of shape (out, in) or (out, in, *window)."""
    if tensor.ndim < 2:
        raise ValueError(
            said("init", "fans need a weight of at least 2 axes", got=f"shape {tensor.shape}")
        )
    window = math.prod(tensor.shape[2:])
    return tensor.shape[1] * window, tensor.shape[0] * window


def _fan(tensor: Tensor, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(said("init", f"Mode {mode} not supported", expected="fan_in or fan_out"))
    return fans(tensor)[mode == "fan_out"]


@no_grad()
def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform on [a, b)."""
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with the given mean and standard deviation."""
    return tensor.normal_(mean, std, generator=generator)


@no_grad()
def constant_(tensor: Any, val: float) -> Tensor:
    """The same number everywhere."""
    return tensor.fill_(val)


def ones_(tensor: Any) -> Tensor:
    """1 everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Any) -> Tensor:
    """0 everywhere."""
    return constant_(tensor, 0.0)


def xavier_uniform_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform on [−a, a), a = gain · √(6 / (fan_in + fan_out)).

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010.

    Raises:
        ValueError: fewer than 2 axes.
    """
    bound = math.sqrt(3) * (gain * math.sqrt(2 / sum(fans(tensor))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with standard deviation gain · √(2 / (fan_in + fan_out)).

    Source and Raises: as for `xavier_uniform_`.
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(fans(tensor))), generator)


def kaiming_uniform_(
    tensor: Any,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Uniform on [−b, b), b = gain · √(3 / fan).

    Source: He et al., "Delving deep into rectifiers", ICCV 2015.

    Args:
        a: the negative slope of the leaky relu that follows.
        mode: "fan_in" keeps the size of what flows forward, "fan_out" that of the gradients.
        nonlinearity: what follows the layer; "relu" or "leaky_relu".

    Raises:
        ValueError: fewer than 2 axes, another mode, or an activation whose gain is not known.
    """
    bound = math.sqrt(3) * (calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode)))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Any,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Normal with standard deviation gain / √fan.

    Source, Args and Raises: as for `kaiming_uniform_`.
    """
    std = calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode))
    return normal_(tensor, 0.0, std, generator)


@no_grad()
def trunc_normal_(
    tensor: Any,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Any = None,
) -> Tensor:
    """Normal with the given mean and standard deviation; what lies outside [a, b] is drawn anew."""
    low, high = tensor.dtype.type(a), tensor.dtype.type(b)
    found = normal_(tensor, mean, std, generator).value.copy()
    while (outside := (found < low) | (found > high)).any():
        again = normal_(tensor, mean, std, generator).value
        found = np.where(outside, again, found)
    return assign(tensor, Tensor(found), "trunc_normal_")


@no_grad()
def orthogonal_(tensor: Any, gain: float = 1, generator: Any = None) -> Tensor:
    """Rows (columns, of a tall matrix) of length `gain`, orthogonal to each other.

    Axes after the first count as one. Source: Saxe, McClelland and Ganguli, "Exact solutions to the
    nonlinear dynamics of learning in deep linear neural networks", ICLR 2014.

    Raises:
        ValueError: fewer than 2 axes.
    """
    if tensor.ndim < 2:
        raise ValueError(
            said("orthogonal_", "expected at least 2 axes", got=f"shape {tensor.shape}")
        )
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    drawn = normal_(tensor, generator=generator).value.reshape(rows, columns)
    wide = rows < columns
    q, r = np.linalg.qr(drawn.T if wide else drawn)
    q = q * np.sign(np.diag(r))
    found = (q.T if wide else q).reshape(tensor.shape) * tensor.dtype.type(gain)
    return assign(tensor, Tensor(found), "orthogonal_")


@no_grad()
def eye_(tensor: Any) -> Tensor:
    """A matrix with 1 on the diagonal and 0 elsewhere.

    Raises:
        ValueError: not 2 axes.
    """
    if tensor.ndim != 2:
        raise ValueError(said("eye_", "expected a matrix", got=f"shape {tensor.shape}"))
    return tensor.copy_(eye(*tensor.shape))


@no_grad()
def dirac_(tensor: Any, groups: int = 1) -> Tensor:
    """Filters that pass their input on: 1 in the middle of filter i for channel i, 0 elsewhere.

    Args:
        tensor: (out, in, *window), with one or two axes for the window.
        groups: as in `Conv2d`; each group passes its own channels on.

    Raises:
        ValueError: other axes, or groups that do not divide the filters.
    """
    if tensor.ndim not in (3, 4) or tensor.shape[0] % groups:
        got = f"shape {tensor.shape}, {groups} groups"
        raise ValueError(said("dirac_", "expected filters that the groups divide", got=got))
    found = np.zeros(tensor.shape, tensor.dtype)
    filters = tensor.shape[0] // groups
    middle = tuple(n // 2 for n in tensor.shape[2:])
    for group in range(groups):
        for d in range(min(filters, tensor.shape[1])):
            found[(group * filters + d, d, *middle)] = 1
    return assign(tensor, Tensor(found), "dirac_")
