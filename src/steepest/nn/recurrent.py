"""Recurrent layers: RNN, LSTM and GRU read a sequence step by step and remember.

A layer's steps are written out one after the other, so a compiled program is made for one length of
sequence.
"""

import math
import warnings
from typing import Any

from steepest import functional as F
from steepest.core import said
from steepest.nn import init
from steepest.nn.module import Module
from steepest.nn.parameter import Parameter
from steepest.tensors import Tensor

__all__ = ["GRU", "LSTM", "RNN"]

State = tuple[Tensor, ...]


class _Recurrent(Module):
    """Layers of cells, in one direction or in both.

    Parameters of layer k are weight_ih_lk (gates · hidden, inputs), weight_hh_lk (gates · hidden,
    hidden), bias_ih_lk and bias_hh_lk, with the ending _reverse for the way back.
    """

    gates = 1
    states = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        _check(type(self).__name__, hidden_size, num_layers, dropout, proj_size)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        put_out = proj_size or hidden_size
        wide = self.gates * hidden_size
        for k, suffix in enumerate(self._suffixes()):
            layer = k // self._directions()
            given = put_out * self._directions() if layer else input_size
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (wide, given)}
            shapes["weight_hh"] = (wide, put_out)
            if bias:
                shapes |= {"bias_ih": (wide,), "bias_hh": (wide,)}
            if proj_size:
                shapes["weight_hr"] = (proj_size, hidden_size)
            for name, shape in shapes.items():
                first = F.zeros(shape, device=device, dtype=dtype)
                self.register_parameter(name + suffix, Parameter(first))
        self.reset_parameters()

    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _suffixes(self) -> list[str]:
        """What the names of parameters end in, for each layer and each direction."""
        ways = ("", "_reverse")[: self._directions()]
        return [f"_l{layer}{way}" for layer in range(self.num_layers) for way in ways]

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        bound = 1 / math.sqrt(self.hidden_size)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def step(self, gates: Tensor, state: State, *weights: Any) -> State:
        """The next state, from the share of the gates that is the input's."""
        raise NotImplementedError(type(self).__name__)

    def flatten_parameters(self) -> None:
        """Nothing: the weights need no other place in memory."""

    def forward(self, input: Tensor, hx: Any = None) -> tuple[Tensor, Any]:
        """The last layer's output at every step, and the last state of every layer."""
        name = type(self).__name__
        if input.ndim not in (2, 3):
            raise ValueError(said(name, "input", expected="2D or 3D", got=f"{input.ndim}D"))
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                said(name, "the last axis", expected=self.input_size, got=input.shape)
            )
        single = input.ndim == 2
        x = input
        if single:
            x = F.unsqueeze(x, 1)
        elif self.batch_first:
            x = F.transpose(x, 0, 1)
        states = self._first(x, hx, single)
        x, final = self._through(x, states)
        last = tuple(F.stack(parts) for parts in zip(*final, strict=True))
        if single:
            x, last = F.squeeze(x, 1), tuple(F.squeeze(s, 1) for s in last)
        elif self.batch_first:
            x = F.transpose(x, 0, 1)
        return x, last if self.states > 1 else last[0]

    def _first(self, x: Tensor, hx: Any, single: bool) -> list[Tensor]:
        """The state that reading starts from: each tensor (layers · directions, N, size)."""
        count = self.num_layers * self._directions()
        sizes = (self.proj_size or self.hidden_size, self.hidden_size)[: self.states]
        shapes = [(count, x.shape[1], size) for size in sizes]
        if hx is None:
            return [F.zeros(shape, dtype=x.dtype) for shape in shapes]
        given = list(hx) if self.states > 1 else [hx]
        for state, (_, samples, size) in zip(given, shapes, strict=True):
            expected = (count, size) if single else (count, samples, size)
            if state.shape != expected:
                raise RuntimeError(
                    said(type(self).__name__, "hidden size", expected=expected, got=state.shape)
                )
        return [F.unsqueeze(state, 1) for state in given] if single else given

    def _through(self, x: Tensor, states: list[Tensor]) -> tuple[Tensor, list[State]]:
        """x through all layers: the output at every step, and the last states."""
        final, sides = [], []
        for k, suffix in enumerate(self._suffixes()):
            side, last = self._along(x, tuple(s[k] for s in states), suffix)
            final.append(last)
            sides.append(side)
            if len(sides) == self._directions():
                x = F.cat(sides, -1) if len(sides) > 1 else side
                sides = []
                if k + 1 < len(states[0]):
                    x = F.dropout(x, self.dropout, self.training)
        return x, final

    def _along(self, x: Tensor, state: State, suffix: str) -> tuple[Tensor, State]:
        """x, (L, N, inputs), in one direction: the output at every step, and the last state."""
        held = self._parameters
        w_ih, w_hh, b_ih, b_hh, w_hr = (
            held.get(name + suffix)
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        )
        more = () if w_hr is None else (w_hr,)
        gates = F.linear(x, w_ih, b_ih)
        outputs = {}
        for t in range(len(x))[:: -1 if suffix.endswith("_reverse") else 1]:
            state = self.step(gates[t], state, w_hh, b_hh, *more)
            outputs[t] = state[0]
        return F.stack([outputs[t] for t in range(len(x))]), state

    def extra_repr(self) -> str:
        usual = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        told = [f"{n}={getattr(self, n)}" for n, v in usual.items() if getattr(self, n) != v]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *told])


def _check(name: str, hidden_size: Any, num_layers: Any, dropout: Any, proj_size: int) -> None:
    if not isinstance(dropout, int | float) or isinstance(dropout, bool) or not 0 <= dropout <= 1:
        raise ValueError(said(name, "dropout is a probability", expected="0 to 1", got=dropout))
    for what, value in (("hidden_size", hidden_size), ("num_layers", num_layers)):
        if not isinstance(value, int):
            raise TypeError(said(name, f"{what} should be of type int", got=type(value).__name__))
        if value <= 0:
            raise ValueError(said(name, f"{what} must be greater than zero", got=value))
    if not 0 <= proj_size < hidden_size:
        raise ValueError(said(name, "proj_size has to be smaller than hidden_size", got=proj_size))
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            f"{name}: dropout is between layers, and there is one", UserWarning, stacklevel=4
        )


class RNN(_Recurrent):
    """h ← tanh(W x + b + W′ h + b′) at every step of a sequence.

    Shapes, parameters (one row of each weight per hidden unit) and errors are those of `LSTM`, but
    the state is h alone.

    Source: Elman, "Finding structure in time", Cognitive Science 14, 1990.

    Args:
        nonlinearity: "tanh", or "relu" for max(·, 0) in its place.
        input_size, hidden_size, num_layers, …: as for `LSTM`, without `proj_size`.

    Raises: as `LSTM`; ValueError: another nonlinearity.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ):
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(said("RNN", "nonlinearity is tanh or relu", got=repr(nonlinearity)))
        how = (bias, batch_first, dropout, bidirectional, 0, device, dtype)
        super().__init__(input_size, hidden_size, num_layers, *how)
        self.nonlinearity = nonlinearity

    def step(self, gates: Tensor, state: State, *weights: Any) -> State:
        advance = F.tanh_step if self.nonlinearity == "tanh" else F.relu_step
        return advance(gates, state, *weights)


class GRU(_Recurrent):
    """The gated recurrent unit: at every step a state h is partly kept, partly written anew.

        r, z = σ(W x + b + W′ h + b′)                   a share of the rows each
        n = tanh(W x + b + r (W′ h + b′))               the last share
        h ← (1 − z) n + z h

    Shapes and errors are those of `LSTM`, but the state is h alone; weights have the rows of r, z
    and n.

    Source: Cho et al., "Learning phrase representations using RNN encoder–decoder for statistical
    machine translation", EMNLP 2014, with the reset r after the product as in cuDNN.

    Args:
        input_size, hidden_size, num_layers, …: as for `LSTM`, without `proj_size`.

    Raises: as `LSTM`.
    """

    gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ):
        how = (bias, batch_first, dropout, bidirectional, 0, device, dtype)
        super().__init__(input_size, hidden_size, num_layers, *how)

    def step(self, gates: Tensor, state: State, *weights: Any) -> State:
        return F.gru_step(gates, state, *weights)


class LSTM(_Recurrent):
    """The long short-term memory: its state is a pair (h, c), and c can pass many steps unharmed.

        i, f, o = σ(W x + b + W′ h + b′)                a share of the rows each
        g = tanh(W x + b + W′ h + b′)                   another share
        c ← f c + i g
        h ← o tanh(c)                                   with proj_size: W″ o tanh(c)

    Called as `output, (h, c) = lstm(input, (h, c))`; the state starts at 0 where none is given.
    input (L, N, input_size), or (L, input_size), becomes output (L, N, directions · hidden_size):
    h of the last layer at every step. h and c have shape (num_layers · directions, N, hidden_size),
    or no N; with `proj_size` that is the length of h and of the output.

    Parameters of layer k are weight_ih_lk (4 · hidden_size, inputs), weight_hh_lk (4 · hidden_size,
    length of h), bias_ih_lk and bias_hh_lk (4 · hidden_size), rows of i, f, g and o in this order,
    and with proj_size weight_hr_lk; the way back has the ending _reverse. All start uniform on
    [−b, b), b = 1 / √hidden_size, with PyTorch's numbers for the same seed.

    Source: Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; the
    gate f: Gers et al., 2000; projection: Sak et al., 2014.

    Args:
        input_size: the length of the input's last axis.
        hidden_size: the length of the state.
        num_layers: how many layers read one another's output.
        bias: False for cells without bias.
        batch_first: sequences are (N, L, *) instead of (L, N, *); states stay as they are.
        dropout: the probability of dropping an output between layers while training.
        bidirectional: read from both ends; the outputs of both are joined.
        proj_size: the length to which h is projected; 0 for none.
        device: accepted if it is "cpu".
        dtype: float32 unless said otherwise.

    Raises:
        ValueError, TypeError: sizes or a probability out of bounds; an input of other axes.
        RuntimeError: when called, an input or a state of another size.
    """

    gates = 4
    states = 2

    def step(self, gates: Tensor, state: State, *weights: Any) -> State:
        return F.lstm_step(gates, state, *weights)
