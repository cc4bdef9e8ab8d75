"""Recurrent cells as layers: one step, for loops of one's own."""

import math
from typing import Any

from steepest import functional as F
from steepest.core import said
from steepest.nn import init
from steepest.nn.module import Module
from steepest.nn.parameter import Parameter
from steepest.tensors import Tensor

__all__ = ["GRUCell", "LSTMCell", "RNNCell"]


class _Cell(Module):
    """weight_ih (gates · hidden, inputs), weight_hh (gates · hidden, hidden), bias_ih, bias_hh."""

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        wide = self.gates * hidden_size
        shapes = {"weight_ih": (wide, input_size), "weight_hh": (wide, hidden_size)}
        for name, shape in shapes.items():
            setattr(self, name, Parameter(F.zeros(shape, device=device, dtype=dtype)))
        for name in ("bias_ih", "bias_hh"):
            first = Parameter(F.zeros(wide, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, first)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def start(self, input: Tensor, hx: Tensor | None) -> Tensor:
        """The state before the step, 0 unless given, checked against the input."""
        name = type(self).__name__
        if input.ndim not in (1, 2):
            raise ValueError(said(name, "input", expected="1D or 2D", got=f"{input.ndim}D"))
        if input.shape[-1] != self.input_size:
            raise RuntimeError(said(name, "input", expected=self.input_size, got=input.shape))
        shape = (*input.shape[:-1], self.hidden_size)
        if hx is None:
            return F.zeros(shape, dtype=input.dtype)
        if hx.ndim not in (1, 2):
            raise ValueError(said(name, "hidden", expected="1D or 2D", got=f"{hx.ndim}D"))
        if hx.shape != shape:
            raise RuntimeError(said(name, "hidden", expected=shape, got=hx.shape))
        return hx

    def weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def extra_repr(self) -> str:
        bias = "" if self.bias is True else f", bias={self.bias}"
        return f"{self.input_size}, {self.hidden_size}{bias}"


class RNNCell(_Cell):
    """One step: h ← tanh(W x + b + W′ h + b′). Called as `h = cell(input, h)`.

    input (N, input_size) and h (N, hidden_size), or both without N, give the next h; it is 0 where
    none is given. weight_ih has shape (hidden_size, input_size), weight_hh
    (hidden_size, hidden_size), bias_ih and bias_hh (hidden_size). All start uniform on [−b, b),
    b = 1 / √hidden_size.

    Source: Elman, "Finding structure in time", Cognitive Science 14, 1990.

    Args:
        input_size: the length of the input's last axis.
        hidden_size: the length of the state.
        bias: False for a cell without bias.
        nonlinearity: "tanh", or "relu" for max(·, 0) in its place.
        device: accepted if it is "cpu".
        dtype: float32 unless said otherwise.

    Raises:
        ValueError: when called, an input or a state of other axes.
        RuntimeError: when called, one of another size, or an unknown nonlinearity.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(said("RNNCell", f"Unknown nonlinearity: {self.nonlinearity}"))
        cell = F.rnn_tanh_cell if self.nonlinearity == "tanh" else F.rnn_relu_cell
        return cell(input, self.start(input, hx), *self.weights())

    def extra_repr(self) -> str:
        usual = self.nonlinearity == "tanh"
        return super().extra_repr() + ("" if usual else f", nonlinearity={self.nonlinearity}")


class GRUCell(_Cell):
    """One step of a gated recurrent unit: h ← (1 − z) n + z h. Called as `h = cell(input, h)`.

    r and z are σ(W x + b + W′ h + b′), n is tanh(W x + b + r (W′ h + b′)), each of its own share of
    the weights' 3 · hidden_size rows, in this order. Source: Cho et al., EMNLP 2014, with the reset
    r after the product as in cuDNN.

    Shapes, Args and Raises: as for `RNNCell`, without nonlinearity.
    """

    gates = 3

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return F.gru_cell(input, self.start(input, hx), *self.weights())


class LSTMCell(_Cell):
    """One step of a long short-term memory. Called as `h, c = cell(input, (h, c))`.

        c ← f c + i g
        h ← o tanh(c)

    i, f and o are σ(W x + b + W′ h + b′), g is tanh of it, each of its own share of the weights'
    4 · hidden_size rows, in the order i, f, g, o. Source: Hochreiter and Schmidhuber, "Long
    short-term memory", Neural Computation 9, 1997.

    Shapes, Args and Raises: as for `RNNCell`, without nonlinearity; c has the shape of h.
    """

    gates = 4

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        h, c = (None, None) if hx is None else hx
        return F.lstm_cell(input, (self.start(input, h), self.start(input, c)), *self.weights())
