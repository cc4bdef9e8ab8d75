"""Recurrent cells: a state that is carried from one step of a sequence to the next.

A `…_cell` is one step, as PyTorch names it. A `…_step` is the same without the input's share of the
gates, which a layer computes for all steps at once: (gates, state, …) becomes the next state. The
first of a state's tensors is what the cell puts out.
"""

from steepest.functional.activation import relu
from steepest.functional.math import sigmoid, tanh
from steepest.functional.product import linear
from steepest.functional.shape import chunk
from steepest.tensors import Tensor

__all__ = [
    "gru_cell",
    "gru_step",
    "lstm_cell",
    "lstm_step",
    "relu_step",
    "rnn_relu_cell",
    "rnn_tanh_cell",
    "tanh_step",
]

State = tuple[Tensor, ...]


def tanh_step(gates: Tensor, state: State, w_hh: Tensor, b_hh: Tensor | None) -> State:
    """h ← tanh(gates + W h + b)."""
    return (tanh(gates + linear(state[0], w_hh, b_hh)),)


def relu_step(gates: Tensor, state: State, w_hh: Tensor, b_hh: Tensor | None) -> State:
    """h ← max(gates + W h + b, 0)."""
    return (relu(gates + linear(state[0], w_hh, b_hh)),)


def gru_step(gates: Tensor, state: State, w_hh: Tensor, b_hh: Tensor | None) -> State:
    """h ← (1 − z) n + z h, with gates r and z in (0, 1) and n = tanh(n_x + r n_h).

    Source: Cho et al., EMNLP 2014, with the reset after the product as in cuDNN.
    """
    (h,) = state
    r_x, z_x, n_x = chunk(gates, 3, -1)
    r_h, z_h, n_h = chunk(linear(h, w_hh, b_hh), 3, -1)
    r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)
    n = tanh(n_x + r * n_h)
    return (n + z * (h - n),)


def lstm_step(
    gates: Tensor,
    state: State,
    w_hh: Tensor,
    b_hh: Tensor | None,
    w_hr: Tensor | None = None,
) -> State:
    """c ← f c + i g and h ← o tanh(c), with gates i, f, o in (0, 1) and g in (−1, 1).

    With `w_hr` what is put out is W o tanh(c). Sources: Hochreiter and Schmidhuber, Neural
    Computation 9, 1997; Gers et al., 2000; projection: Sak et al., 2014.
    """
    h, c = state
    i, f, g, o = chunk(gates + linear(h, w_hh, b_hh), 4, -1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(c)
    return (h if w_hr is None else linear(h, w_hr)), c


def rnn_tanh_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """tanh(W x + b + W′ h + b′)."""
    return tanh_step(linear(input, w_ih, b_ih), (hx,), w_hh, b_hh)[0]


def rnn_relu_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """max(W x + b + W′ h + b′, 0)."""
    return relu_step(linear(input, w_ih, b_ih), (hx,), w_hh, b_hh)[0]


def gru_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of a gated recurrent unit; see `gru_step`. Weights hold the rows of r, z and n."""
    return gru_step(linear(input, w_ih, b_ih), (hx,), w_hh, b_hh)[0]


def lstm_cell(
    input: Tensor,
    hx: tuple[Tensor, Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One step of a long short-term memory; see `lstm_step`. Weights hold the rows of i, f, g, o.

    Returns:
        The next (h, c).
    """
    h, c = lstm_step(linear(input, w_ih, b_ih), tuple(hx), w_hh, b_hh)
    return h, c
