"""Activations that pass what is above zero on, or nearly: ReLU and its smooth or leaky relatives.

The functions are on the page `activation` of `functional`. `inplace=True` writes the result over
the input, as in PyTorch.
"""

from typing import Any

from steepest import functional as F
from steepest.nn.activation import _Activation, _InPlace
from steepest.nn.parameter import Parameter
from steepest.tensors import Tensor

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "Hardswish",
    "LeakyReLU",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SELU",
    "SiLU",
    "Softplus",
]


class ReLU(_InPlace):
    """max(x, 0), element by element; its derivative at 0 is 0.

    Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML
    2010.

    Args:
        inplace: write the result over the input.
    """

    def compute(self, x: Tensor) -> Tensor:
        return F.relu(x)


class ReLU6(_InPlace):
    """x kept between 0 and 6, element by element; the derivative at both bounds is 0.

    Args:
        inplace: write the result over the input.
    """

    def compute(self, x: Tensor) -> Tensor:
        return F.relu6(x)


class LeakyReLU(_InPlace):
    """x above 0, negative_slope · x below, element by element.

    Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models",
    2013.

    Args:
        negative_slope: the slope below 0, so that no unit stops learning.
        inplace: write the result over the input.
    """

    settings = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False):
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def compute(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, self.negative_slope)


class PReLU(_Activation):
    """LeakyReLU whose slope is learnt: x above 0, weight · x below. Source: He et al., ICCV 2015.

    Args:
        num_parameters: 1 slope for all, or one for each channel (axis 1).
        init: the first value of every slope.
        device: accepted if it is "cpu".
        dtype: float32 unless said otherwise.
    """

    settings = ("num_parameters",)

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ):
        super().__init__()
        self.num_parameters = num_parameters
        self.weight = Parameter(F.ones(num_parameters, device=device, dtype=dtype) * init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)


class ELU(_InPlace):
    """x above 0, alpha · (eˣ − 1) below, element by element. Source: Clevert et al., 2015.

    Args:
        alpha: minus the limit for very negative x.
        inplace: write the result over the input.
    """

    settings = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False):
        super().__init__(inplace)
        self.alpha = alpha

    def compute(self, x: Tensor) -> Tensor:
        return F.elu(x, self.alpha)


class CELU(ELU):
    """x above 0, alpha · (exp(x / alpha) − 1) below: an ELU without a kink for any alpha.

    Source: Barron, "Continuously differentiable exponential linear units", 2017.

    Args:
        alpha: minus the limit for very negative x.
        inplace: write the result over the input.
    """

    def compute(self, x: Tensor) -> Tensor:
        return F.celu(x, self.alpha)


class SELU(_InPlace):
    """1.0507 x above 0, 1.0507 · 1.6733 (eˣ − 1) below: keeps mean 0 and variance 1 through layers.

    Source: Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017.

    Args:
        inplace: write the result over the input.
    """

    def compute(self, x: Tensor) -> Tensor:
        return F.selu(x)


class SiLU(_InPlace):
    """x σ(x), element by element; also called swish.

    Source: Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning", 2017.

    Args:
        inplace: write the result over the input.
    """

    def compute(self, x: Tensor) -> Tensor:
        return F.silu(x)


class Mish(_InPlace):
    """x tanh(log(1 + eˣ)), element by element. Source: Misra, "Mish", 2019.

    Args:
        inplace: write the result over the input.
    """

    def compute(self, x: Tensor) -> Tensor:
        return F.mish(x)


class GELU(_Activation):
    """x Φ(x), Φ the normal distribution function. Source: Hendrycks and Gimpel, 2016.

    Args:
        approximate: "none", or "tanh" for ½(1 + tanh(√(2/π)(x + 0.044715 x³))) in place of Φ.

    Raises:
        RuntimeError: when called, another approximation.
    """

    settings = ("approximate",)

    def __init__(self, approximate: str = "none"):
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, self.approximate)


class Softplus(_Activation):
    """log(1 + exp(βx)) / β, element by element: a smooth ReLU, always above 0.

    Source: Dugas et al., "Incorporating second-order functional knowledge for better option
    pricing", NeurIPS 2000.

    Args:
        beta: β; the larger, the nearer to ReLU.
        threshold: x itself stands for the result where βx is above it.
    """

    settings = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0):
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)


class Hardswish(_InPlace):
    """x times (x + 3) / 6 kept between 0 and 1. Source: Howard et al., "MobileNetV3", ICCV 2019.

    Args:
        inplace: write the result over the input.
    """

    def compute(self, x: Tensor) -> Tensor:
        return F.hardswish(x)

    def extra_repr(self) -> str:
        return ""
