"""Recurrent layers and attention beyond one call: given states, masks, weights, refusals."""

import numpy as np
import pytest
import torch
from oracle import tensors
from test_nn import OURS, THEIRS, both, close, pair

from steepest import Tensor, nn, tensor, zeros

RANDOM = np.random.default_rng(5)


def alike(mine, other, *inputs, **named):
    """Both layers on the same arrays: everything that comes out, and the weights' gradients."""
    out, expected = (
        layer(*(read(x, new) for x in inputs), **{k: read(x, new) for k, x in named.items()})
        for layer, new in ((mine, tensor), (other, torch.tensor))
    )
    found, wanted = tensors(out, Tensor), tensors(expected, torch.Tensor)
    for x, y in zip(found, wanted, strict=True):
        close(x, y)
    (found[0] ** 2).sum().backward()
    (wanted[0] ** 2).sum().backward()
    for (name, p), (_, q) in zip(mine.named_parameters(), other.named_parameters(), strict=True):
        close(p.grad, q.grad, name)


def read(x, new):
    if isinstance(x, tuple):
        return tuple(read(y, new) for y in x)
    return new(x) if isinstance(x, np.ndarray) else x


@pytest.mark.parametrize(
    ("written", "shape", "states"),
    [
        ("LSTM(3, 4, 2, bidirectional=True)", (5, 2, 3), [(4, 2, 4), (4, 2, 4)]),
        ("LSTM(3, 4, batch_first=True, proj_size=2)", (2, 5, 3), [(1, 2, 2), (1, 2, 4)]),
        ("LSTM(3, 4)", (5, 3), [(1, 4), (1, 4)]),
        ("LSTMCell(3, 4)", (2, 3), [(2, 4), (2, 4)]),
        ("LSTMCell(3, 4)", (3,), [(4,), (4,)]),
    ],
)
def test_the_state_of_a_long_memory_is_a_pair(written, shape, states):
    state = tuple(RANDOM.standard_normal(s) for s in states)
    alike(*pair(written), RANDOM.standard_normal(shape), state)


def test_reading_in_parts_is_reading_at_once():
    layer = nn.GRU(3, 4, 2).double()
    x = tensor(RANDOM.standard_normal((7, 2, 3)))
    whole, last = layer(x)
    first, state = layer(x[:4])
    rest, again = layer(x[4:], state)
    np.testing.assert_allclose(rest.detach().numpy(), whole[4:].detach().numpy(), 1e-12)
    np.testing.assert_allclose(again.detach().numpy(), last.detach().numpy(), 1e-12)
    assert first.shape == (4, 2, 4)


QUERY, KEY = RANDOM.standard_normal((4, 3, 6)), RANDOM.standard_normal((5, 3, 6))
BANNED = RANDOM.random((4, 5)) < 0.4
BANNED[:, 0] = False
PADDED = np.array([[0, 0, 0, 1, 1], [0, 0, 0, 0, 0], [0, 1, 0, 1, 0]], bool)


@pytest.mark.parametrize(
    "named",
    [
        {"attn_mask": BANNED},
        {"attn_mask": RANDOM.standard_normal((6, 4, 5))},
        {"key_padding_mask": PADDED},
        {"key_padding_mask": PADDED, "attn_mask": BANNED, "average_attn_weights": False},
        {"attn_mask": BANNED, "need_weights": False},
        {"key_padding_mask": np.where(PADDED, -2.0, 0.5)},
    ],
)
@pytest.mark.parametrize("more", ["", ", add_bias_kv=True, add_zero_attn=True"])
@pytest.mark.filterwarnings("ignore:Support for mismatched")
def test_masks(named, more):
    alike(*pair(f"MultiheadAttention(6, 2{more})"), QUERY, KEY, KEY, **named)


def test_masks_of_an_encoder():
    written = "TransformerEncoder(TransformerEncoderLayer(6, 2, 8, 0.0), 2, None, False)"
    causal = np.triu(np.ones((5, 5), bool), 1)
    alike(*pair(written), KEY, causal, PADDED)
    alike(*pair(written), KEY, causal, is_causal=True)


def test_a_query_that_may_look_nowhere_gets_nothing():
    layer = nn.MultiheadAttention(6, 2, bias=False).double()
    mask = np.ones((4, 5), bool)
    mask[1:] = False
    out, weights = layer(tensor(QUERY), tensor(KEY), tensor(KEY), attn_mask=tensor(mask))
    assert not out[0].detach().numpy().any()
    np.testing.assert_allclose(weights.detach().numpy()[:, 1:].sum(-1), 1)


NO_LAYERS = [
    ("LSTM(3, 0)", ValueError),
    ("LSTM(3, 4.0)", TypeError),
    ("GRU(3, 4, 0)", ValueError),
    ("GRU(3, 4, dropout=1.5)", ValueError),
    ("LSTM(3, 4, proj_size=4)", ValueError),
    ("RNN(3, 4, nonlinearity='sin')", ValueError),
    ("MultiheadAttention(5, 2)", AssertionError),
    ("MultiheadAttention(0, 2)", ValueError),
    ("TransformerEncoderLayer(4, 2, activation='sin')", RuntimeError),
]


@pytest.mark.parametrize(("written", "error"), NO_LAYERS)
def test_arguments_are_refused(written, error):
    for library in (OURS, THEIRS):
        with pytest.raises(error):
            eval(written, library)


def test_dropout_needs_a_layer_after_it():
    for library in (nn, torch.nn):
        with pytest.warns(UserWarning, match="dropout"):
            library.LSTM(2, 3, dropout=0.5)


MISFITS = [
    ("LSTM(3, 4)", [(5, 2, 3, 1)], ValueError),
    ("LSTM(3, 4)", [(5, 2, 4)], RuntimeError),
    ("GRU(3, 4)", [(5, 2, 3), (1, 3, 4)], RuntimeError),
    ("GRU(3, 4)", [(5, 3), (1, 3)], RuntimeError),
    ("RNNCell(3, 4)", [(1, 2, 3)], ValueError),
    ("RNNCell(3, 4)", [(2, 5)], RuntimeError),
    ("GRUCell(3, 4)", [(2, 3), (2, 5)], RuntimeError),
    ("RNNCell(3, 4, True, 'sin')", [(2, 3)], RuntimeError),
    ("MultiheadAttention(6, 2)", [(4, 3, 6), (4, 6), (4, 6)], AssertionError),
    ("MultiheadAttention(6, 2)", [(4, 3, 5), (4, 3, 5), (4, 3, 5)], AssertionError),
]


@pytest.mark.parametrize(("written", "shapes", "error"), MISFITS)
def test_inputs_are_refused(written, shapes, error):
    for layer, new in zip(both(written), (zeros, torch.zeros), strict=True):
        with pytest.raises(error):
            layer(*(new(*shape) for shape in shapes))


def test_masks_are_refused():
    for layer, new in zip(both("MultiheadAttention(6, 2)"), (zeros, torch.zeros), strict=True):
        x = new(4, 3, 6)
        with pytest.raises(RuntimeError):
            layer(x, x, x, attn_mask=new(4, 5))
        with pytest.raises(RuntimeError, match="is_causal"):
            layer(x, x, x, is_causal=True)
        with pytest.raises(AssertionError):
            layer(x, x, x, key_padding_mask=new(3, 5))
