"""Activations as layers: what all of them share, and those that have bounds or gates.

As layers they can stand in a Sequential. The functions are on the page of the same name in
`functional`. `inplace=True` writes the result over the input, as in PyTorch.
"""

from typing import ClassVar

from steepest import functional as F
from steepest.nn.module import Module
from steepest.tensors import Tensor, assign

__all__ = [
    "GLU",
    "Hardsigmoid",
    "Hardtanh",
    "LogSigmoid",
    "ScaledTanh",
    "Sigmoid",
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


class Hardsigmoid(_InPlace):
    """(x + 3) / 6 kept between 0 and 1, element by element: a sigmoid without an exponential.

    Args:
        inplace: write the result over the input.
    """

    def compute(self, x: Tensor) -> Tensor:
        return F.hardsigmoid(x)

    def extra_repr(self) -> str:
        return ""


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
