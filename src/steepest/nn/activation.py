"""Activations as layers, so that they can stand in a Sequential.

The functions and their sources are on the page of the same name in `functional`. `inplace=True`
writes the result over the input, as in PyTorch.
"""

from typing import Any, ClassVar

from steepest import functional as F
from steepest.nn.module import Module
from steepest.nn.parameter import Parameter
from steepest.tensors import Tensor, assign

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SELU",
    "ScaledTanh",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Tanh",
    "Tanhshrink",
]


class _Activation(Module):
    """A function of one tensor; `settings` names the attributes that are printed."""

    settings: ClassVar[tuple[str, ...]] = ()

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in self.settings)


class _InPlace(_Activation):
    """An activation that can write its result over its input."""

    def __init__(self, inplace: bool = False):
        super().__init__()
        self.inplace = inplace

    def compute(self, x: Tensor) -> Tensor:
        """The function itself."""
        raise NotImplementedError(type(self).__name__)

    def forward(self, input: Tensor) -> Tensor:
        if self.inplace:
            # From a copy: the backward pass may need the numbers that are written over here.
            return assign(input, self.compute(F.clone(input)), type(self).__name__)
        return self.compute(input)

    def extra_repr(self) -> str:
        shown = super().extra_repr()
        return ", ".join(filter(None, [shown, "inplace=True" if self.inplace else ""]))


class Sigmoid(_Activation):
    """1 / (1 + e⁻ˣ), element by element: the logistic function, between 0 and 1."""

    def forward(self, input: Tensor) -> Tensor:
        return F.sigmoid(input)


class Tanh(_Activation):
    """The hyperbolic tangent, element by element: (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ), between −1 and 1."""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanh(input)


class ScaledTanh(_Activation):
    """A tanh(Sx), by default 1.7159 tanh(2x/3): then f(1) = 1 and f(−1) = −1.

    Units with targets of ±1 work where the curve bends most and never saturate.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86(11), 1998, equation 6 and appendix A.

    Args:
        amplitude: A.
        slope: S.
    """

    settings = ("amplitude", "slope")

    def __init__(self, amplitude: float = 1.7159, slope: float = 2 / 3):
        super().__init__()
        self.amplitude, self.slope = amplitude, slope

    def forward(self, input: Tensor) -> Tensor:
        return self.amplitude * F.tanh(self.slope * input)


class LogSigmoid(_Activation):
    """log σ(x) = −log(1 + e⁻ˣ), element by element; no overflow for very negative x."""

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Softsign(_Activation):
    """x / (1 + |x|), element by element: between −1 and 1, and slower there than tanh."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class Tanhshrink(_Activation):
    """x − tanh(x), element by element: flat around 0."""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


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


class Hardsigmoid(_InPlace):
    """(x + 3) / 6 kept between 0 and 1, element by element: a sigmoid without an exponential.

    Args:
        inplace: write the result over the input.
    """

    def compute(self, x: Tensor) -> Tensor:
        return F.hardsigmoid(x)

    def extra_repr(self) -> str:
        return ""


class Hardswish(_InPlace):
    """x times (x + 3) / 6 kept between 0 and 1. Source: Howard et al., "MobileNetV3", ICCV 2019.

    Args:
        inplace: write the result over the input.
    """

    def compute(self, x: Tensor) -> Tensor:
        return F.hardswish(x)

    def extra_repr(self) -> str:
        return ""


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


class Hardtanh(_InPlace):
    """x kept between two bounds, element by element; the derivative on the bounds is 0.

    Args:
        min_val, max_val: the bounds.
        inplace: write the result over the input.
    """

    settings = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False):
        super().__init__(inplace)
        self.min_val, self.max_val = min_val, max_val

    def compute(self, x: Tensor) -> Tensor:
        return F.hardtanh(x, self.min_val, self.max_val)


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


class GLU(_Activation):
    """a σ(b), a and b the halves of an axis: half of the inputs opens gates for the others.

    (*, 2n, *) becomes (*, n, *). Source: Dauphin et al., ICML 2017.

    Args:
        dim: the axis.

    Raises:
        RuntimeError: when called, an axis of odd length.
    """

    settings = ("dim",)

    def __init__(self, dim: int = -1):
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)


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
