"""The same seed gives PyTorch's numbers: functions that create, and the first weights of layers."""

import numpy as np
import pytest
import torch

import steepest

CREATED = {
    "rand": lambda F: F.rand(7, 5),
    "rand in double precision": lambda F: F.rand(40, dtype=F.float64),
    "randn": lambda F: F.randn(9, 11),
    "randint": lambda F: F.randint(-3, 1000, (30,)),
    "randperm": lambda F: F.randperm(101),
    "rand_like": lambda F: F.rand_like(F.zeros(3, 4)),
    "randn_like": lambda F: F.randn_like(F.zeros(5)),
    "randint_like": lambda F: F.randint_like(F.zeros(3, 4), 17),
    "normal": lambda F: F.normal(2.0, 3.0, (20,)),
    "normal of tensors": lambda F: F.normal(F.arange(20.0), F.arange(20.0) / 9),
    "bernoulli": lambda F: F.bernoulli(F.linspace(0, 1, 40)),
    "bernoulli_": lambda F: F.zeros(40).bernoulli_(0.3),
    "multinomial": lambda F: F.multinomial(F.arange(1.0, 9.0).reshape(2, 4), 1),
    "multinomial without replacement": lambda F: F.multinomial(F.arange(1.0, 9.0), 5),
    "multinomial with replacement": lambda F: F.multinomial(F.arange(9.0) + 1, 30, True),
    "exponential_": lambda F: F.zeros(30).exponential_(0.5),
    "uniform_": lambda F: F.zeros(30).uniform_(-0.3, 0.7),
    "normal_": lambda F: F.zeros(30).normal_(1.0, 0.1),
}
# PyTorch's vector logarithm may round the last digit of a normal differently.
NORMAL = ("randn", "randn_like", "normal", "normal of tensors", "normal_", "exponential_")

INITIAL = {
    "uniform_": lambda init, w: init.uniform_(w, -2, 5),
    "normal_": lambda init, w: init.normal_(w, 1, 3),
    "constant_": lambda init, w: init.constant_(w, 7),
    "xavier_uniform_": lambda init, w: init.xavier_uniform_(w, 2),
    "xavier_normal_": lambda init, w: init.xavier_normal_(w),
    "kaiming_uniform_": lambda init, w: init.kaiming_uniform_(w, mode="fan_out"),
    "kaiming_normal_": lambda init, w: init.kaiming_normal_(w, nonlinearity="relu"),
    "trunc_normal_": lambda init, w: init.trunc_normal_(w, 0.5, 2, -1, 3),
    "orthogonal_": lambda init, w: init.orthogonal_(w, 0.5),
    "dirac_": lambda init, w: init.dirac_(w, 2),
    "eye_": lambda init, w: init.eye_(w[:, :, 0, 0]),
}

LAYERS = [
    "Linear(7, 5)", "Bilinear(3, 4, 5)", "Conv1d(4, 6, 3, groups=2)", "Conv2d(3, 8, 5)",
    "ConvTranspose2d(3, 4, 3)", "BatchNorm1d(4)", "BatchNorm2d(3)", "LayerNorm((2, 3))",
    "GroupNorm(2, 4)", "InstanceNorm2d(3, affine=True)", "RMSNorm(4)", "PReLU(3)",
    "RNN(3, 4, 2, bidirectional=True)", "LSTM(3, 4, 2, proj_size=2)", "GRU(3, 4, bias=False)",
    "RNNCell(3, 4)", "LSTMCell(3, 4)", "GRUCell(3, 4)", "MultiheadAttention(6, 2)",
    "TransformerEncoderLayer(6, 2, 8)", "Sequential(Linear(9, 4), Tanh(), Linear(4, 1))",
]  # fmt: skip


def both(run):
    for seed in (0, 42, 2**40 + 7):
        steepest.manual_seed(seed)
        torch.manual_seed(seed)
        yield run(steepest), run(torch)
        # and so are the numbers that are drawn after it
        assert steepest.rand(3).tolist() == torch.rand(3).tolist()


@pytest.mark.parametrize("name", CREATED)
def test_created_tensors_hold_pytorchs_numbers(name):
    for ours, theirs in both(CREATED[name]):
        found, wanted = ours.numpy(), theirs.numpy()
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
        if name in NORMAL:
            np.testing.assert_allclose(found, wanted, 1e-6, 1e-7)
        else:
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", INITIAL)
@pytest.mark.parametrize("shape", [(6, 4, 3, 3), (4, 9, 1, 5)])
def test_initial_values_are_pytorchs(name, shape):
    for ours, theirs in both(lambda library: INITIAL[name](library.nn.init, library.zeros(shape))):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), 1e-5, 1e-6)


@pytest.mark.parametrize("written", LAYERS)
def test_layers_start_with_pytorchs_bits(written):
    for ours, theirs in both(lambda library: eval(written, vars(library.nn))):
        state = theirs.state_dict()
        assert list(ours.state_dict()) == list(state)
        for name, value in state.items():
            np.testing.assert_array_equal(ours.state_dict()[name].numpy(), value.numpy(), name)


def test_an_embedding_starts_normal():
    for ours, theirs in both(lambda library: library.nn.Embedding(20, 3, padding_idx=4)):
        np.testing.assert_allclose(ours.weight.data.numpy(), theirs.weight.data.numpy(), 1e-6, 1e-7)
