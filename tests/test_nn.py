"""Modules against PyTorch's: values, gradients, names, prints, first weights, refusals."""

import copy
import json
from collections import OrderedDict

import numpy as np
import pytest
import torch
from oracle import tensors

from steepest import Tensor, nn, no_grad, tensor, zeros
from steepest.compiler import compile
from steepest.core import RequestError
from steepest.random import manual_seed

WORDS = np.array([[0, 1, 1, 4], [3, 1, 2, 0]])
# Written once, evaluated with each library's nn.
# An operand is a shape of random numbers, or whole numbers as they are.
LAYERS = [
    ("Linear(5, 3)", (7, 5)),
    ("Linear(5, 3, bias=False)", (2, 4, 5)),
    ("Linear(5, 1)", (5,)),
    ("Identity()", (3, 4)),
    ("Identity(3, unused=True)", (3, 4)),
    ("Flatten()", (2, 3, 4)),
    ("Flatten(0, 1)", (2, 3, 4)),
    ("Unflatten(1, (2, 3))", (4, 6)),
    ("Unflatten(-1, [2, -1])", (4, 6)),
    ("Conv1d(2, 3, 3)", (2, 2, 7)),
    ("Conv1d(4, 6, 2, 2, 1, 2, 2)", (2, 4, 9)),
    ("Conv1d(2, 3, 3, 1, 'same')", (2, 7)),
    ("Conv2d(1, 6, 5)", (2, 1, 9, 8)),
    ("Conv2d(2, 3, (3, 2), 2, (1, 0))", (2, 2, 6, 5)),
    ("Conv2d(4, 6, 3, 1, 0, 2, 2, False)", (1, 4, 6, 7)),
    ("ConvTranspose1d(2, 3, 3)", (2, 2, 4)),
    ("ConvTranspose1d(4, 6, 2, 2, 1, 1, 2)", (2, 4, 3)),
    ("ConvTranspose2d(4, 6, (3, 2), 2, (1, 0), 1, 2, False, 2)", (2, 4, 3, 4)),
    ("MaxPool1d(2)", (2, 3, 7)),
    ("MaxPool1d(3, 1, 1, 2)", (3, 8)),
    ("MaxPool2d(2)", (2, 3, 5, 6)),
    ("MaxPool2d((3, 2), 2, (1, 0), ceil_mode=True)", (2, 3, 6, 5)),
    ("AvgPool1d(2)", (2, 3, 7)),
    ("AvgPool1d(3, 2, 1, True, False)", (3, 8)),
    ("AvgPool2d(2)", (2, 3, 5, 6)),
    ("AvgPool2d((3, 2), None, 1, False, True, 5)", (2, 3, 6, 5)),
    ("ConstantPad2d(2, -0.1)", (2, 3, 4, 3)),
    ("ConstantPad2d((1, 0, -1, 3), 0.5)", (2, 3, 4, 3)),
    ("ZeroPad2d(2)", (2, 3, 4, 3)),
    ("ZeroPad2d((1, 0, 2, 3))", (3, 4, 3)),
    ("Dropout(0.0)", (4, 6)),
    ("Dropout(0.3).eval()", (4, 6)),
    ("Dropout(0.3, inplace=True).eval()", (4, 6)),
    ("BatchNorm1d(4)", (6, 4)),
    ("BatchNorm1d(4, 0.1, 0.3, False)", (3, 4, 2)),
    ("BatchNorm1d(4, momentum=None)", (6, 4)),
    ("BatchNorm1d(4).eval()", (6, 4)),
    ("BatchNorm1d(4, track_running_stats=False).eval()", (6, 4)),
    ("BatchNorm2d(3)", (2, 3, 4, 3)),
    ("BatchNorm2d(3, bias=False)", (2, 3, 4, 3)),
    ("BatchNorm2d(3).eval()", (2, 3, 4, 3)),
    ("InstanceNorm1d(4)", (3, 4, 5)),
    ("InstanceNorm1d(4, affine=True, track_running_stats=True)", (3, 4, 5)),
    ("InstanceNorm1d(4, 0.1, None)", (4, 5)),
    ("InstanceNorm2d(3, 1e-3, 0.2, True, True)", (2, 3, 4, 3)),
    ("InstanceNorm2d(3, track_running_stats=True).eval()", (3, 4, 3)),
    ("LayerNorm(4)", (6, 4)),
    ("LayerNorm((3, 4), 0.1, bias=False)", (6, 3, 4)),
    ("LayerNorm([4], elementwise_affine=False)", (2, 3, 4)),
    ("GroupNorm(2, 4)", (6, 4, 3)),
    ("GroupNorm(2, 6, 0.1, bias=False)", (2, 6, 3, 2)),
    ("GroupNorm(1, 6, affine=False)", (2, 6, 3)),
    ("RMSNorm(4)", (6, 4)),
    ("RMSNorm((3, 4), 0.1, False)", (6, 3, 4)),
    ("Bilinear(3, 4, 5)", [(6, 3), (6, 4)]),
    ("Bilinear(3, 4, 2, bias=False)", [(2, 5, 3), (2, 5, 4)]),
    ("Embedding(5, 3)", [WORDS]),
    ("Embedding(5, 3, padding_idx=-2, norm_type=1.0)", [WORDS]),
    ("Embedding(5, 3, 1, 0.9, 3.0, True)", [WORDS]),
    ("CosineSimilarity()", [(6, 4), (6, 4)]),
    ("CosineSimilarity(dim=0, eps=3.0)", [(6, 4), (6, 4)]),
    ("PairwiseDistance()", [(6, 4), (6, 4)]),
    ("PairwiseDistance(1.0, 0.1, True)", [(6, 4), (6, 4)]),
    ("AdaptiveAvgPool1d(3)", (2, 3, 7)),
    ("AdaptiveAvgPool2d(1)", (2, 3, 5, 6)),
    ("AdaptiveAvgPool2d((None, 4))", (3, 5, 6)),
    ("GLU()", (4, 6)),
    ("GLU(dim=0)", (4, 6)),
    ("RNN(3, 4)", (5, 2, 3)),
    ("RNN(3, 4, 2, 'relu', False, True)", (2, 5, 3)),
    ("RNN(3, 4, bidirectional=True)", (5, 3)),
    ("RNN(3, 4, 2, dropout=0.3).eval()", (5, 2, 3)),
    ("GRU(3, 4)", [(5, 2, 3), (1, 2, 4)]),
    ("GRU(3, 4, 2, True, True, 0.0, True)", (2, 5, 3)),
    ("GRU(3, 4, bias=False)", [(5, 3), (1, 4)]),
    ("LSTM(3, 4)", (5, 2, 3)),
    ("LSTM(3, 4, 2, False, True, bidirectional=True)", (2, 5, 3)),
    ("LSTM(3, 4, 2, bidirectional=True, proj_size=2)", (5, 2, 3)),
    ("RNNCell(3, 4)", [(2, 3), (2, 4)]),
    ("RNNCell(3, 4, False, 'relu')", (2, 3)),
    ("GRUCell(3, 4)", [(2, 3), (2, 4)]),
    ("GRUCell(3, 4, bias=False)", (3,)),
    ("LSTMCell(3, 4)", (2, 3)),
    ("MultiheadAttention(6, 2)", [(4, 3, 6), (5, 3, 6), (5, 3, 6)]),
    ("MultiheadAttention(6, 3, 0.3, False, batch_first=True).eval()", [(3, 4, 6)] * 3),
    ("MultiheadAttention(6, 2, 0.0, True, True, True, 4, 3)", [(4, 2, 6), (5, 2, 4), (5, 2, 3)]),
    ("MultiheadAttention(6, 1, bias=False, kdim=6, vdim=3)", [(4, 6), (5, 6), (5, 3)]),
    ("TransformerEncoderLayer(6, 2, 8, 0.0)", (4, 3, 6)),
    ("TransformerEncoderLayer(6, 2, 8, 0.0, 'gelu', 0.1, True, True, False)", (3, 4, 6)),
    (
        "TransformerEncoder(TransformerEncoderLayer(6, 2, 8, 0.0, batch_first=True), 2, "
        "LayerNorm(6), False)",
        (3, 4, 6),
    ),
    ("Sigmoid()", (4, 6)),
    ("Tanh()", (4, 6)),
    ("ReLU()", (4, 6)),
    ("ReLU(inplace=True)", (4, 6)),
    ("ReLU6()", (4, 6)),
    ("LeakyReLU()", (4, 6)),
    ("LeakyReLU(0.2, inplace=True)", (4, 6)),
    ("ELU()", (4, 6)),
    ("ELU(0.7, True)", (4, 6)),
    ("SELU()", (4, 6)),
    ("CELU(0.6)", (4, 6)),
    ("CELU(inplace=True)", (4, 6)),
    ("GELU()", (4, 6)),
    ("GELU(approximate='tanh')", (4, 6)),
    ("SiLU()", (4, 6)),
    ("SiLU(inplace=True)", (4, 6)),
    ("Mish()", (4, 6)),
    ("Softplus()", (4, 6)),
    ("Softplus(beta=2, threshold=1.5)", (4, 6)),
    ("Softsign()", (4, 6)),
    ("Hardtanh()", (4, 6)),
    ("Hardtanh(-0.5, 0.25)", (4, 6)),
    ("Hardtanh(inplace=True)", (4, 6)),
    ("Hardsigmoid()", (4, 6)),
    ("Hardswish()", (4, 6)),
    ("LogSigmoid()", (4, 6)),
    ("Tanhshrink()", (4, 6)),
    ("PReLU()", (4, 6)),
    ("PReLU(6, init=0.1)", (4, 6)),
    ("Softmax(dim=1)", (4, 6)),
    ("Softmax(0)", (4, 6, 2)),
    ("LogSoftmax(dim=-1)", (4, 6)),
    ("Softmin(dim=1)", (4, 6)),
    ("Sequential()", (4, 6)),
    ("Sequential(Linear(6, 5), Tanh(), Sequential(Linear(5, 4), ReLU(True)))", (4, 6)),
    ("Sequential(OrderedDict(hidden=Linear(6, 5), out=Linear(5, 2)))", (4, 6)),
]

# PyTorch's own gradients of these hold 1/6 and 1/0.6 as float32 numbers, also in float64.
ROUNDED = {"Hardsigmoid()", "CELU(0.6)"}

# What the output and the target of each loss are; a fixed weight is w (one per column or class).
LOSSES = [
    ("MSELoss()", "numbers"),
    ("MSELoss(reduction='sum')", "numbers"),
    ("MSELoss(reduction='none')", "numbers"),
    ("L1Loss()", "numbers"),
    ("L1Loss(reduction='sum')", "numbers"),
    ("HuberLoss()", "numbers"),
    ("HuberLoss('none', 0.4)", "numbers"),
    ("SmoothL1Loss()", "numbers"),
    ("SmoothL1Loss(reduction='sum', beta=0.3)", "numbers"),
    ("SmoothL1Loss(beta=0.0)", "numbers"),
    ("BCELoss()", "probabilities"),
    ("BCELoss(w, reduction='none')", "probabilities"),
    ("BCEWithLogitsLoss()", "logits"),
    ("BCEWithLogitsLoss(weight=w, reduction='sum')", "logits"),
    ("BCEWithLogitsLoss(pos_weight=w)", "logits"),
    ("NLLLoss()", "log-probabilities"),
    ("NLLLoss(w, ignore_index=1)", "log-probabilities"),
    ("NLLLoss(reduction='none')", "log-probabilities"),
    ("CrossEntropyLoss()", "classes"),
    ("CrossEntropyLoss(reduction='sum')", "classes"),
    ("CrossEntropyLoss(weight=w, label_smoothing=0.2)", "classes"),
    ("CrossEntropyLoss(w, ignore_index=2)", "classes"),
    ("CrossEntropyLoss(ignore_index=2, label_smoothing=0.1, reduction='none')", "classes"),
    ("CrossEntropyLoss(w, label_smoothing=0.1)", "shares"),
    ("KLDivLoss()", "shares"),
    ("KLDivLoss(reduction='batchmean')", "shares"),
    ("KLDivLoss(reduction='none', log_target=True)", "numbers"),
    ("PoissonNLLLoss()", "counts"),
    ("PoissonNLLLoss(True, True)", "counts"),
    ("PoissonNLLLoss(False, eps=0.1)", "probabilities"),
    ("GaussianNLLLoss()", "variances"),
    ("GaussianNLLLoss(full=True, eps=0.8, reduction='none')", "variances"),
    ("HingeEmbeddingLoss()", "signs"),
    ("HingeEmbeddingLoss(0.3, reduction='sum')", "signs"),
    ("SoftMarginLoss()", "signs"),
    ("MultiLabelSoftMarginLoss()", "logits"),
    ("MultiLabelSoftMarginLoss(w, reduction='none')", "logits"),
    ("MarginRankingLoss()", "ranks"),
    ("MarginRankingLoss(0.7, reduction='none')", "ranks"),
    ("CosineEmbeddingLoss()", "pairs"),
    ("CosineEmbeddingLoss(0.4, reduction='sum')", "pairs"),
    ("TripletMarginLoss()", "triplets"),
    ("TripletMarginLoss(2.0, 3.0, 1e-3, True, reduction='none')", "triplets"),
]


def names(library, new):
    """The names of a library's nn, and the weight w in its tensors."""
    return {**vars(library), "OrderedDict": OrderedDict, "w": new(np.array([0.5, 2.0, 1.5, 0.25]))}


OURS, THEIRS = names(nn, tensor), names(torch.nn, torch.tensor)


def both(written):
    return eval(written, OURS), eval(written, THEIRS)


def pair(written):
    """The same module in both libraries, in float64, with PyTorch's weights."""
    mine, other = both(written)
    mine.double().load_state_dict(other.double().state_dict())
    return mine, other


def close(mine, expected, what="", tolerance=1e-9):
    mine = np.asarray(mine.detach().numpy())
    np.testing.assert_allclose(mine, expected.detach().numpy(), tolerance, tolerance, err_msg=what)


def compare_run(mine, other, *inputs, tolerance=1e-9):
    """Values, and gradients of a weighted sum of them, at every input and parameter."""
    xs = [tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    ts = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    # a copy, so that what works in place does not meet a leaf
    out = mine(*[x * 1 if x.requires_grad else x for x in xs])
    expected = other(*[t * 1 if t.requires_grad else t for t in ts])
    total, wanted, random = 0, 0, np.random.default_rng(9)
    for y, z in zip(tensors(out, Tensor), tensors(expected, torch.Tensor), strict=True):
        close(y, z, "values")
        weights = random.standard_normal(z.shape)
        total += (y * tensor(weights)).sum()
        wanted += (z * torch.tensor(weights)).sum()
    total.backward()
    wanted.backward()
    for x, t in zip(xs, ts, strict=True):
        if t.grad is not None:
            close(x.grad, t.grad, "gradient of the input", tolerance)
    for (name, p), (_, q) in zip(mine.named_parameters(), other.named_parameters(), strict=True):
        close(p.grad, q.grad, name)
    for (name, b), (_, c) in zip(mine.named_buffers(), other.named_buffers(), strict=True):
        close(b, c, name)


def operands(shape, draw):
    """What a layer is called with: `draw(shape)` for each shape, and arrays as they are."""
    given = shape if isinstance(shape, list) else [shape]
    return [x if isinstance(x, np.ndarray) else draw(x) for x in given]


@pytest.mark.parametrize(("written", "shape"), LAYERS)
def test_layers(written, shape):
    random = np.random.default_rng(1)
    inputs = operands(shape, lambda shape: 2 * random.standard_normal(shape))
    compare_run(*pair(written), *inputs, tolerance=1e-7 if written in ROUNDED else 1e-9)


@pytest.mark.parametrize(("written", "shape"), LAYERS)
def test_layers_print_and_save_alike(written, shape):
    mine, other = both(written)
    assert repr(mine) == repr(other)
    assert list(mine.state_dict()) == list(other.state_dict())
    assert [tuple(v.shape) for v in mine.state_dict().values()] == [
        tuple(v.shape) for v in other.state_dict().values()
    ]


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize(("written", "kind"), LOSSES)
def test_losses(written, kind):
    random = np.random.default_rng(2)
    scores = 2 * random.standard_normal((6, 4))
    shares = random.dirichlet(np.ones(4), 6)
    classes = np.array([0, 2, 1, 3, 1, 0])
    operands = {
        "numbers": (scores, random.standard_normal((6, 4))),
        "probabilities": (shares, random.integers(0, 2, (6, 4)).astype(float)),
        "logits": (scores, random.uniform(0, 1, (6, 4))),
        "log-probabilities": (np.log(shares), classes),
        "classes": (scores, classes),
        "shares": (scores, shares),
        "counts": (scores, random.integers(0, 5, (6, 4))),
        "variances": (scores, random.standard_normal((6, 4)), random.uniform(0.1, 2, (6, 4))),
        "signs": (scores, 2 * random.integers(0, 2, (6, 4)) - 1),
        "ranks": (scores, 2 * random.standard_normal((6, 4)), np.array([[1], [-1]] * 3)),
        "pairs": (scores, random.standard_normal((6, 4)), np.array([1, -1, 1, -1, -1, 1])),
        "triplets": (scores, *(random.standard_normal((6, 4)) for _ in range(2))),
    }[kind]
    mine, other = pair(written)
    compare_run(mine, other, *operands)
    assert repr(mine) == repr(other)
    assert list(mine.state_dict()) == list(other.state_dict())


def test_sum_of_squares():
    x, y = tensor([[1.0], [2.0]], requires_grad=True), tensor([[3.0], [-1.0]])
    loss = nn.SumSquaresLoss()(x, y)
    loss.backward()
    assert loss.item() == 13
    assert x.grad.tolist() == [[-4.0], [6.0]]


def test_softmax_without_an_axis_takes_pytorchs():
    for shape in ((4,), (4, 6), (2, 3, 4)):
        x = np.random.default_rng(3).standard_normal(shape)
        for name in ("Softmax", "LogSoftmax", "Softmin"):
            with pytest.warns(UserWarning, match="Implicit dimension"):
                expected = getattr(torch.nn, name)()(torch.tensor(x))
            close(getattr(nn, name)()(tensor(x)), expected)


def test_every_module_is_compared():
    """A module that is added must be added to the lists above, or to these with a reason."""
    elsewhere = {"ModuleList", "SumSquaresLoss", "NonDynamicallyQuantizableLinear"}
    # test_torch_surface compares these
    elsewhere |= {"ModuleDict", "ParameterDict", "ParameterList", "LazyLinear", "LazyConv2d"}
    # the layers of 1998, which PyTorch does not have: test_nn_images
    elsewhere |= {"MAPLoss", "RBF", "ScaledTanh", "SubSampling", "TableConv2d"}
    written = " ".join(w for w, _ in LAYERS + LOSSES)
    missing = {n for n in nn.Module.library if f"{n}(" not in written} - elsewhere
    assert not missing


# ---- first weights -----------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(1, 1), (3, 5), (64, 32), (784, 10)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_starts_with_pytorchs_bits(sizes, bias):
    manual_seed(42)
    torch.manual_seed(42)
    mine, other = nn.Linear(*sizes, bias=bias), torch.nn.Linear(*sizes, bias=bias)
    for name, value in other.state_dict().items():
        assert mine.state_dict()[name].dtype == np.float32
        assert (mine.state_dict()[name].numpy() == value.numpy()).all()


FIRST_WEIGHTS = [
    "Bilinear(3, 4, 5)",
    "Embedding(20, 3)",
    "Embedding(20, 3, padding_idx=4)",
    "BatchNorm2d(3)",
    "LayerNorm((2, 3))",
    "RNN(3, 4, 2, bidirectional=True)",
    "LSTM(3, 4, 2, proj_size=2)",
    "GRU(3, 4, bias=False)",
    "LSTMCell(3, 4)",
    "MultiheadAttention(6, 2)",
    "MultiheadAttention(6, 2, kdim=3, vdim=4)",
    "TransformerEncoderLayer(6, 2, 8)",
]


@pytest.mark.parametrize("written", FIRST_WEIGHTS)
def test_layers_start_with_pytorchs_bits(written):
    manual_seed(8)
    torch.manual_seed(8)
    mine, other = both(written)
    # normals may differ in the last digit, where PyTorch's vector logarithm rounds differently
    digits = 1e-6 if "Embedding" in written else 0
    for name, value in other.state_dict().items():
        found = mine.state_dict()[name].numpy()
        np.testing.assert_allclose(found, value.numpy(), digits, digits)


def test_a_batch_without_samples_leaves_the_running_averages():
    for layer, x in zip(
        both("BatchNorm1d(3)"), (zeros(0, 3, 2), torch.zeros(0, 3, 2)), strict=True
    ):
        assert tuple(layer(x).shape) == (0, 3, 2)
        assert layer.running_mean.tolist() == [0, 0, 0]
        assert layer.running_var.tolist() == [1, 1, 1]


def test_an_embedding_of_given_vectors():
    vectors = np.random.default_rng(3).standard_normal((4, 2))
    mine = nn.Embedding.from_pretrained(tensor(vectors), padding_idx=1)
    other = torch.nn.Embedding.from_pretrained(torch.tensor(vectors), padding_idx=1)
    assert repr(mine) == repr(other)
    assert not mine.weight.requires_grad
    assert mine(tensor([2, 1])).tolist() == other(torch.tensor([2, 1])).tolist()
    assert nn.Embedding.from_pretrained(tensor(vectors), freeze=False).weight.requires_grad


NO_LAYERS = [
    ("Embedding(3, 2, padding_idx=3)", AssertionError),
    ("Bilinear(0, 2, 3)", ValueError),
    ("GroupNorm(2, 3)", ValueError),
]


@pytest.mark.parametrize(("written", "error"), NO_LAYERS)
def test_arguments_are_refused(written, error):
    for library in (OURS, THEIRS):
        with pytest.raises(error):
            eval(written, library)


MISFITS = [
    ("BatchNorm1d(3)", (2, 3, 4, 5), ValueError),
    ("BatchNorm2d(3)", (2, 3), ValueError),
    ("BatchNorm1d(3)", (1, 3), ValueError),
    ("BatchNorm1d(3)", (2, 4), RuntimeError),
    ("InstanceNorm1d(3)", (3,), ValueError),
    ("InstanceNorm1d(3, affine=True)", (2, 4, 3), ValueError),
    ("InstanceNorm2d(3)", (2, 3, 1, 1), ValueError),
    ("LayerNorm(3)", (2, 4), RuntimeError),
    ("GroupNorm(1, 3)", (3,), RuntimeError),
    ("AdaptiveAvgPool2d(2)", (3, 3), RuntimeError),
]


@pytest.mark.parametrize(("written", "shape", "error"), MISFITS)
def test_inputs_are_refused(written, shape, error):
    for layer, x in zip(both(written), (zeros(*shape), torch.zeros(*shape)), strict=True):
        with pytest.raises(error):
            layer(x)


def test_a_network_starts_with_pytorchs_bits():
    manual_seed(7)
    torch.manual_seed(7)
    mine, other = both("Sequential(Linear(13, 64), ReLU(), Linear(64, 64), ReLU(), Linear(64, 1))")
    for name, value in other.state_dict().items():
        assert (mine.state_dict()[name].numpy() == value.numpy()).all()


INITS = [
    ("uniform_", {}),
    ("uniform_", {"a": -3.0, "b": 0.5}),
    ("normal_", {"mean": 2.0, "std": 0.1}),
    ("constant_", {"val": 0.3}),
    ("ones_", {}),
    ("zeros_", {}),
    ("xavier_uniform_", {"gain": 5 / 3}),
    ("xavier_normal_", {}),
    ("kaiming_uniform_", {}),
    ("kaiming_uniform_", {"mode": "fan_out", "nonlinearity": "relu"}),
    ("kaiming_normal_", {"a": 0.2}),
    ("kaiming_normal_", {"nonlinearity": "tanh"}),
]


@pytest.mark.parametrize(("name", "settings"), INITS)
@pytest.mark.parametrize("shape", [(6, 9), (4, 3, 5, 5)])
def test_init(name, settings, shape):
    manual_seed(3)
    torch.manual_seed(3)
    mine = nn.Parameter(zeros(*shape))
    other = torch.nn.Parameter(torch.zeros(*shape))
    assert getattr(nn.init, name)(mine, **settings) is mine
    getattr(torch.nn.init, name)(other, **settings)
    # normals may differ in the last digit, where PyTorch's vector logarithm rounds differently
    digits = 1e-6 if "normal" in name else 0
    np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), digits, digits)
    assert mine.requires_grad
    assert mine.is_leaf


def test_gain():
    for name in ("linear", "conv2d", "sigmoid", "tanh", "relu", "selu", "leaky_relu"):
        assert nn.init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert nn.init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain(
        "leaky_relu", 0.3
    )
    for library in (nn, torch.nn):
        with pytest.raises(ValueError, match="Unsupported nonlinearity swishy"):
            library.init.calculate_gain("swishy")
        with pytest.raises(ValueError, match="not a valid number"):
            library.init.calculate_gain("leaky_relu", True)
    with pytest.raises(ValueError, match="at least 2 axes"):
        nn.init.xavier_uniform_(zeros(3))
    with pytest.raises(ValueError, match="Mode sideways not supported"):
        nn.init.kaiming_normal_(zeros(3, 3), mode="sideways")


# ---- the protocol ------------------------------------------------------------------------------


def network(nn, new):
    """A module of one's own with all kinds of things in it, in either library."""

    class Block(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.scale = nn.Parameter(new([1.0] * width))
            self.inner = nn.Linear(width, width)
            self.register_buffer("seen", new([0.0]))
            self.register_buffer("scratch", new([5.0]), persistent=False)
            self.register_parameter("absent", None)

        def forward(self, x):
            return self.inner(x) * self.scale

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList([Block(3), Block(3), nn.Linear(3, 3)])
            self.tied = nn.Linear(3, 3)
            self.tied.weight = self.blocks[2].weight
            self.again = self.blocks[0]
            self.head = nn.Sequential(OrderedDict(a=nn.Tanh(), out=nn.Linear(3, 1)))
            self.extra = nn.Parameter(new([2.0]))
            self.note = "text"

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return self.head(self.tied(x)) * self.extra

    return Net()


def nets():
    return network(nn, tensor), network(torch.nn, torch.tensor)


@pytest.mark.parametrize(
    "listing",
    [
        lambda m: [n for n, _ in m.named_parameters()],
        lambda m: [n for n, _ in m.named_parameters("x", recurse=False)],
        lambda m: [n for n, _ in m.named_parameters(remove_duplicate=False)],
        lambda m: [n for n, _ in m.named_buffers()],
        lambda m: [n for n, _ in m.named_modules()],
        lambda m: [n for n, _ in m.named_modules(prefix="p", remove_duplicate=False)],
        lambda m: [n for n, _ in m.named_children()],
        lambda m: [type(c).__name__ for c in m.modules()],
        lambda m: [type(c).__name__ for c in m.children()],
        lambda m: len(list(m.parameters())),
        lambda m: len(list(m.buffers())),
        lambda m: list(m.state_dict()),
        lambda m: list(m.state_dict(prefix="net.")),
        lambda m: repr(m),
        lambda m: repr(m.get_submodule("head.out")),
        lambda m: repr(m.blocks[:2]),
        lambda m: repr(m.blocks.append(m.tied)),
    ],
)
def test_listings(listing):
    mine, other = nets()
    assert listing(mine) == listing(other)


def test_a_module_of_ones_own_computes_alike():
    mine, other = nets()
    mine.double().load_state_dict(other.double().state_dict())
    compare_run(mine, other, np.random.default_rng(4).standard_normal((5, 3)))


def test_attributes():
    for library, new in ((nn, tensor), (torch.nn, torch.tensor)):
        layer = library.Linear(2, 2)
        with pytest.raises(TypeError, match="cannot assign"):
            layer.weight = new([1.0])
        with pytest.raises(AttributeError, match="'Linear' object has no attribute 'wait'"):
            layer.wait  # noqa: B018
        layer.bias = None
        assert list(layer.state_dict()) == ["weight"]
        assert repr(layer) == "Linear(in_features=2, out_features=2, bias=False)"
        layer.bias = library.Parameter(new([1.0, 2.0]))
        assert list(layer.state_dict()) == ["weight", "bias"]
        del layer.bias
        assert not hasattr(layer, "bias")
        layer.weight = None
        assert list(layer.parameters()) == []
        with pytest.raises(KeyError, match="already exists"):
            layer.register_buffer("in_features", new([1.0]))
        with pytest.raises(KeyError, match=r"dot|contain"):
            layer.add_module("a.b", library.Tanh())
        with pytest.raises(KeyError, match="empty"):
            layer.register_parameter("", None)
        with pytest.raises(TypeError, match="buffer"):
            layer.register_buffer("number", 3.0)
        with pytest.raises(TypeError, match="should be a string"):
            layer.register_buffer(3, None)
        with pytest.raises(TypeError, match="not a"):
            layer.add_module("name", "layer")
        assert "weight" in dir(layer)

        class Early(library.Module):
            def __init__(self, held, library=library):
                self.held = held

        for held in (library.Tanh(), library.Parameter(new([1.0]))):
            with pytest.raises(AttributeError, match=r"before Module.__init__\(\) call"):
                Early(held)
        with pytest.raises(NotImplementedError, match='missing the required "forward"'):
            library.Module()(1)


def test_a_buffer_is_replaced_by_assignment():
    mine, _ = nets()
    block = mine.blocks[0]
    block.seen = tensor([4.0])
    assert mine.state_dict()["blocks.0.seen"].tolist() == [4.0]
    assert "seen" not in vars(block)
    with pytest.raises(TypeError, match="cannot assign 'float' to the buffer 'seen'"):
        block.seen = 3.0


def test_parameter():
    p, q = nn.Parameter(tensor([1.0, 2.0])), torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    assert repr(p) == repr(q)
    assert p.requires_grad
    assert not nn.Parameter(tensor([1.0]), requires_grad=False).requires_grad
    for library, new in ((nn, tensor), (torch.nn, torch.tensor)):
        with pytest.raises(RuntimeError, match=r"[Oo]nly .*floating.point"):
            library.Parameter(new([1, 2]))


def test_training_and_use():
    for mine in nets():
        assert mine.training
        assert mine.eval() is mine
        assert not any(m.training for m in mine.modules())
        mine.head.train()
        assert mine.head.out.training
        assert not mine.tied.training


def test_apply_visits_children_first():
    order = []
    for mine in nets():
        seen = []
        assert mine.apply(lambda m, seen=seen: seen.append(type(m).__name__)) is mine
        order.append(seen)
    assert order[0] == order[1]


def test_dtype_changes_in_place():
    mine, _ = nets()
    held = dict(mine.named_parameters())
    mine(tensor(np.ones((2, 3), np.float32))).sum().backward()
    assert mine.to("cpu") is mine
    assert mine.cpu().double() is mine
    assert all(p is held[name] for name, p in mine.named_parameters())
    assert {v.dtype for v in mine.state_dict().values()} == {np.dtype(np.float64)}
    assert {p.grad.dtype for p in mine.parameters()} == {np.dtype(np.float64)}
    assert all(p.is_leaf and p.requires_grad for p in mine.parameters())
    mine.to(tensor([1.0])).float()
    assert {v.dtype for v in mine.state_dict().values()} == {np.dtype(np.float32)}
    assert mine.tied.weight is mine.blocks[2].weight
    with pytest.raises(TypeError, match="floating point"):
        mine.to(np.int64)
    with pytest.raises(RuntimeError, match="no such device"):
        mine.to("cuda")


def test_gradients_are_forgotten_or_frozen():
    mine, _ = nets()
    x = tensor(np.ones((2, 3), np.float32))
    mine(x).sum().backward()
    place = mine.extra.grad
    mine.zero_grad(set_to_none=False)
    assert mine.extra.grad is place
    assert place.tolist() == [0.0]
    mine.zero_grad()
    assert all(p.grad is None for p in mine.parameters())
    mine.requires_grad_(False)
    assert not mine(x).requires_grad
    mine.head.requires_grad_()
    mine(x).sum().backward()
    assert mine.extra.grad is None
    assert mine.head.out.weight.grad is not None


def test_hooks():
    for library, new in ((nn, tensor), (torch.nn, torch.tensor)):
        layer = library.Identity()
        said = []
        handles = [
            layer.register_forward_pre_hook(lambda m, args: (args[0] + 1,)),
            layer.register_forward_pre_hook(lambda m, args, said=said: said.append(args[0].item())),
            layer.register_forward_pre_hook(lambda m, args: args[0] * 10, prepend=True),
            layer.register_forward_hook(lambda m, args, out: out * 2),
            layer.register_forward_hook(lambda m, args, out, said=said: said.append(out.item())),
        ]
        assert layer(new([1.0])).item() == 22
        assert said == [11, 22]
        handles[0].remove()
        handles[3].remove()
        assert layer(new([1.0])).item() == 10
        for handle in handles:
            handle.remove()
        assert layer(new([1.0])).item() == 1
        with layer.register_forward_pre_hook(
            lambda m, args, kwargs: (args, {"input": kwargs["input"] + 5}), with_kwargs=True
        ):
            assert layer(input=new([1.0])).item() == 6
        with layer.register_forward_hook(
            lambda m, args, kwargs, out: out + kwargs["input"], with_kwargs=True
        ):
            assert layer(input=new([1.0])).item() == 2
        assert layer(new([1.0])).item() == 1


# ---- saving and loading ------------------------------------------------------------------------


def test_state_shares_memory_and_loads_by_copy():
    mine, _ = nets()
    state = mine.state_dict()
    assert not any(v.requires_grad for v in state.values())
    with no_grad():
        mine.extra.fill_(9.0)
    assert state["extra"].tolist() == [9.0]
    assert mine.state_dict(keep_vars=True)["extra"] is mine.extra
    again, _ = nets()
    assert str(again.load_state_dict(state)) == "<All keys matched successfully>"
    mine.extra.data.fill_(1.0)
    assert again.extra.tolist() == [9.0]


def test_loading_says_all_that_is_wrong_and_changes_nothing():
    for library, new in ((nn, tensor), (torch.nn, torch.tensor)):
        model = library.Sequential(library.Linear(2, 3), library.Linear(3, 1))
        before = {k: v.tolist() for k, v in model.state_dict().items()}
        wrong = {"0.weight": new([[1.0]]), "0.bais": new([0.0] * 3), "1.weight": new([[0.0] * 3])}
        for strict in (True, False):
            with pytest.raises(RuntimeError, match=r"Error\(s\) in loading state_dict for") as info:
                model.load_state_dict(wrong, strict=strict)
            text = str(info.value)
            assert "size mismatch for 0.weight: copying a param with shape" in text
            assert ('Missing key(s) in state_dict: "0.bias", "1.bias".' in text) == strict
            assert ('Unexpected key(s) in state_dict: "0.bais"' in text) == strict
        if library is nn:
            assert {k: v.tolist() for k, v in model.state_dict().items()} == before
        found = model.load_state_dict({"1.weight": new([[0.0] * 3]), "z": new([1.0])}, strict=False)
        assert found.missing_keys == ["0.weight", "0.bias", "1.bias"]
        assert found.unexpected_keys == ["z"]
        assert model.state_dict()["1.weight"].tolist() == [[0.0] * 3]
        with pytest.raises(TypeError, match="dict-like"):
            model.load_state_dict([1])


def test_copies_are_independent():
    mine, _ = nets()
    twin = copy.deepcopy(mine)
    assert list(twin.state_dict()) == list(mine.state_dict())
    assert twin.tied.weight is twin.blocks[2].weight
    assert twin.tied.weight is not mine.tied.weight
    with no_grad():
        twin.extra.fill_(7.0)
    assert mine.extra.tolist() == [2.0]
    assert nn.describe(copy.deepcopy(nn.Linear(2, 3)))["args"] == [2, 3]


@pytest.mark.parametrize("written", [w for w, _ in LAYERS + LOSSES])
def test_described_as_data_and_built_again(written):
    mine = eval(written, OURS)
    again = nn.build(json.loads(json.dumps(nn.describe(mine))))
    assert type(again) is type(mine)
    assert repr(again) == repr(mine)
    again.load_state_dict(mine.state_dict())
    assert again.state_dict().keys() == mine.state_dict().keys()
    assert nn.describe(again) == nn.describe(mine)


def test_a_description_follows_later_changes():
    model = nn.Sequential(nn.Linear(2, 3))
    model.append(nn.ModuleList([nn.ReLU(), nn.Softplus(beta=2.0)]))
    model.append(nn.Linear(3, 1, dtype=np.float64))
    model[0] = nn.Linear(4, 3, bias=False)
    again = nn.build(json.loads(json.dumps(nn.describe(model))))
    assert repr(again) == repr(model)
    assert again[2].weight.dtype == np.float64
    assert nn.describe(nn.ELU(np.float64(0.5)))["args"] == [0.5]


def test_descriptions_hold_no_code():
    mine, _ = nets()
    with pytest.raises(RequestError, match=r"(?s)Net is a class of your own.*load_state_dict"):
        nn.describe(nn.Sequential(nn.Tanh(), mine))

    class Linear(nn.Linear):  # a namesake is not the library's class
        pass

    with pytest.raises(RequestError, match="class of your own"):
        nn.describe(Linear(1, 1))
    for wrong, message in (
        ({"class": "Liner", "args": [], "kwargs": {}}, "did you mean 'Linear'"),
        ({"class": "os.system", "args": ["true"], "kwargs": {}}, "unknown module"),
        ({"class": "Module", "args": [], "kwargs": {}}, "unknown module"),
        ({"class": "Linear", "args": []}, "not a description"),
        ({"class": "Linear", "args": [{}], "kwargs": {}}, "not a description"),
        (["Linear"], "not a description"),
        ({"class": "Linear", "args": [1], "kwargs": {}}, "refused its arguments"),
        ({"class": "Dropout", "args": [3.0], "kwargs": {}}, "refused its arguments"),
    ):
        with pytest.raises(RequestError, match=message):
            nn.build(wrong)
    with pytest.raises(RequestError, match="cannot be saved"):
        nn.describe(nn.Identity(print))


# ---- messages ----------------------------------------------------------------------------------


def test_a_shape_error_names_the_layer():
    model = nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(64, 32), nn.Tanh())
    with pytest.raises(RuntimeError) as info:
        model(zeros(8, 4))
    assert str(info.value).splitlines() == [
        "model.2 Linear(64, 32): linear: the last axis of the input must be the layer's inputs",
        "  expected  (*, 64)",
        "  got       (8, 10)",
        "  model     0 Linear(4, 10)",
        "            1 ReLU()",
        "            2 Linear(64, 32)  <- here",
    ]


def test_the_path_starts_at_the_module_that_was_called():
    inner = nn.Sequential(nn.Tanh(), nn.Linear(5, 1))
    model = nn.Sequential(OrderedDict(start=nn.Linear(4, 4), body=nn.Sequential(inner)))
    for module, where in (
        (model, r"^model\.body\.0\.1 Linear\(5, 1\): "),
        (inner, r"^model\.1 Linear\(5, 1\): "),
        (inner[1], r"^Linear\(5, 1\): linear: "),
    ):
        with pytest.raises(RuntimeError, match=where):
            module(zeros(2, 4))


def test_errors_in_a_long_model_show_its_last_layers():
    layers = [m for _ in range(10) for m in (nn.Linear(3, 3), nn.Tanh())]
    with pytest.raises(RuntimeError, match=r"model\.20 Linear\(7, 1, bias=False\)") as info:
        nn.Sequential(*layers, nn.Linear(7, 1, bias=False))(zeros(1, 3))
    lines = str(info.value).splitlines()
    assert len(lines) < 15
    assert lines[-1].endswith("20 Linear(7, 1, bias=False)  <- here")
    assert "…" in str(info.value)


def test_other_errors_pass_unchanged():
    class Stop(RuntimeError):
        pass

    class Raises(nn.Module):
        def forward(self, error):
            raise error

    for error in (Stop("stop"), ValueError("bad"), KeyError("key")):
        with pytest.raises(type(error)) as info:
            nn.Sequential(Raises())(error)
        assert info.value.args == error.args
        assert info.value is error


def test_softmax_at_the_end():
    for model, path in (
        (nn.Sequential(nn.Linear(2, 3), nn.Softmax(1)), "1"),
        (nn.Sequential(nn.Linear(2, 3), nn.LogSoftmax(1), nn.Flatten(), nn.Identity()), "1"),
        (nn.Sequential(OrderedDict(head=nn.Sequential(nn.Tanh(), nn.Softmax(1)))), "head.1"),
        (nn.Softmax(1), ""),
        (nn.Sequential(nn.Softmax(1), nn.Linear(3, 3)), None),
        (nn.Sequential(nn.Linear(2, 3), nn.Softmin(1)), None),
        (nn.Sequential(), None),
        (nn.Linear(2, 3), None),
    ):
        assert nn.ends_in_softmax(model) == path


# ---- containers and dropout --------------------------------------------------------------------


def test_sequential_as_a_list():
    for library in (nn, torch.nn):
        a, b, c, d = (library.Linear(i, 1) for i in range(1, 5))
        row = library.Sequential(a, b, c)
        assert len(row) == 3
        assert row[0] is a
        assert row[-1] is c
        assert list(row) == [a, b, c]
        assert list(row[1:]) == [b, c]
        assert list(row[1:]._modules) == ["1", "2"]
        assert row.append(d) is row
        row[1] = d
        assert list(row) == [a, d, c, d]
        del row[0]
        assert list(row._modules) == ["0", "1", "2"]
        row.insert(1, a)
        assert list(row) == [d, a, c, d]
        assert row.pop(0) is d
        row.extend([b])
        assert list(row + library.Sequential(a)) == [a, c, d, b, a]
        del row[1:]
        assert list(row) == [a]
        with pytest.raises(IndexError, match="out of range"):
            row[1]
        with pytest.raises(TypeError, match="not a"):
            library.Sequential("layer")


def test_module_list():
    for library in (nn, torch.nn):
        a, b, c = (library.Linear(i, 1) for i in range(1, 4))
        held = library.ModuleList([a, b])
        assert held.append(c) is held
        assert [list(held), list(held[:2]), held[-1]] == [[a, b, c], [a, b], c]
        assert list(held + [a]) == [a, b, c, a]
        assert len(held.extend([a])) == 4
        assert len(list(held.parameters())) == 6
        with pytest.raises(NotImplementedError):
            held(1)
    assert repr(nn.ModuleList()) == repr(torch.nn.ModuleList())


def test_dropout_in_training():
    manual_seed(0)
    x = tensor(np.ones((200, 100)), requires_grad=True)
    layer = nn.Dropout(0.25)
    y = layer(x)
    dropped = y.detach().numpy() == 0
    # 20,000 draws: the share of zeros has a standard deviation of 0.003
    assert abs(dropped.mean() - 0.25) < 0.015
    assert np.allclose(y.detach().numpy()[~dropped], 1 / 0.75)
    y.sum().backward()
    assert ((x.grad.numpy() == 0) == dropped).all()
    assert not (layer(x).detach().numpy() == y.detach().numpy()).all()
    assert layer.eval()(x) is x
    changed = tensor(np.ones(1000))
    assert nn.Dropout(0.5, inplace=True)(changed) is changed
    assert 300 < (changed.numpy() == 0).sum() < 700
    for library in (nn, torch.nn):
        with pytest.raises(ValueError, match="probability"):
            library.Dropout(1.5)


def test_functional_names():
    for name in nn.functional.__all__:
        ours = getattr(nn.functional, name)
        assert callable(ours)
        assert name == "sum_squares_loss" or hasattr(torch.nn.functional, name)


def test_a_module_holds_what_it_has():
    """Hooks and buffers that are not saved come with the first of them; deleted ones are gone."""
    layer = nn.Tanh()
    assert vars(layer).keys() == {"_parameters", "_buffers", "_modules", "training"}
    layer.register_buffer("scratch", tensor([1.0]), persistent=False)
    assert not layer.state_dict() and not nn.Tanh()._non_persistent
    layer.register_buffer("scratch", tensor([2.0]))
    assert layer.state_dict()["scratch"].item() == 2
    layer.register_buffer("scratch", tensor([3.0]), persistent=False)
    del layer.scratch
    layer.register_buffer("scratch", tensor([4.0]))
    assert layer.state_dict()["scratch"].item() == 4


def test_a_first_hook_is_noticed_by_a_compiled_step():
    layer, x = nn.Linear(1, 1, bias=False), tensor([[3.0]])
    run = compile(lambda x: layer(x) / layer.weight)
    assert run(x).item() == pytest.approx(3)
    with layer.register_forward_hook(lambda module, args, result: result * 2):
        assert run(x).item() == pytest.approx(6)
    assert run(x).item() == pytest.approx(3)
