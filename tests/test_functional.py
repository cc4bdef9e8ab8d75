"""Every public function of `steepest.functional` against PyTorch, line by line of the cases."""

import importlib
import pkgutil
from itertools import product
from typing import Any

import cases_images
import cases_layers
import cases_learning
import cases_math
import cases_shape
import numpy as np
import pytest
import torch
from cases import PLAIN, REFUSED, SMOOTH, Line
from oracle import CLOSE, F32, F64, Ours, Theirs, compare, compare_gradients, quietly, theirs

import steepest
from steepest import functional
from steepest.autograd import gradgradcheck
from steepest.tensors import Tensor, tensor

PAGES = (
    cases_math,
    cases_shape,
    cases_learning,
    cases_images,
    cases_layers,
)  # importing them fills the lists
# Where each line stands, so that a failure can be found.
ids = [f"{line.name}-{line.call.__code__.co_firstlineno}" for line in SMOOTH]


def as_dtype(operands: tuple, dtype: np.dtype) -> list:
    return [
        x.astype(dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
        for x in operands
    ]


@pytest.mark.parametrize("dtype", [F64, F32], ids=str)
@pytest.mark.parametrize("line", SMOOTH, ids=ids)
def test_value_gradient_and_second_derivative(line: Line, dtype):
    close = CLOSE[dtype] | {"rtol": max(line.rtol, CLOSE[dtype]["rtol"])}
    compare_gradients(line.call, as_dtype(line.operands, dtype), close, line.order)


@pytest.mark.parametrize("line", PLAIN, ids=lambda line: line.name)
def test_value(line: Line):
    compare(line.call, line.operands)


@pytest.mark.parametrize("line", REFUSED, ids=lambda line: line.name)
def test_mistakes_are_refused_with_pytorchs_class_of_error(line: Line):
    with pytest.raises(Exception):  # noqa: B017 - whatever PyTorch raises
        quietly(line.call, Theirs, *(theirs(x, False) for x in line.operands))
    compare(line.call, line.operands)


def public_functions() -> set[str]:
    pages = [m.name for m in pkgutil.iter_modules(functional.__path__)]
    modules = [importlib.import_module(f"steepest.functional.{page}") for page in pages]
    return {name for module in modules for name in module.__all__}


ELSEWHERE = {
    *("along", "axes_of"),  # how dim is read and a reduction repeated: seen in every reduction
    "dropout",  # random, below
    *("bernoulli", "multinomial"),  # random, in test_same_seed
    # what layers are made of: seen in them
    *("attention_weights", "gru_step", "lstm_step", "relu_step", "tanh_step"),
    # what convolution and pooling are made of: seen in them
    *("cut", "per_axis", "reaches", "sliding"),
}


def test_every_public_function_is_compared():
    compared = {line.name for line in [*SMOOTH, *PLAIN]} | ELSEWHERE
    assert public_functions() <= compared, sorted(public_functions() - compared)
    assert compared <= public_functions(), sorted(compared - public_functions())


# ---- extreme values -----------------------------------------------------------------------------

EDGES = [
    0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, 3, -3, 6, 19, -20, 21, 88, 89, -104, 710, -745, 1e-8,
    -1e-8, 1e-30, 1e30, -1e30, np.inf, -np.inf, np.nan,
]  # fmt: skip
# −∞ · 0: PyTorch's hardswish is NaN, ours its limit 0; and its float32 gelu of +∞ is NaN.
UNBOUNDED = {"gelu", "hardswish"}
# In float32, 1 + erf(x) of PyTorch loses the digits of a small tail.
COARSE = {"gelu": 2e-4}


@pytest.mark.parametrize("dtype", [F64, F32], ids=str)
@pytest.mark.parametrize("name", cases_math.ELEMENTWISE)
def test_edge_values(name, dtype):
    edges = np.array(EDGES, dtype)
    if name in UNBOUNDED:
        edges = edges[~np.isinf(edges)]
    close = None
    if dtype == F32 and name in COARSE:
        close = CLOSE[F32] | {"rtol": COARSE[name]}
    compare(lambda F, x: getattr(F, name)(x), [edges], close)


@pytest.mark.parametrize("dtype", [F64, F32], ids=str)
@pytest.mark.parametrize("name", cases_math.ELEMENTWISE)
def test_edge_gradients(name, dtype):
    """At every finite point; at NaN the libraries differ, and the loss is NaN already."""
    edges = np.array(EDGES, dtype)
    rtol = {"hardsigmoid": 1e-7, "gelu": 2e-3 if dtype == F32 else 0}.get(name, 0)
    close = CLOSE[dtype] | {"rtol": max(rtol, CLOSE[dtype]["rtol"])}
    call = lambda F, x: getattr(F, name)(x)
    compare_gradients(call, [edges[np.isfinite(edges)]], close, order=1)


@pytest.mark.parametrize("name", cases_math.ELEMENTWISE)
def test_nan_stays_nan(name):
    out = getattr(steepest, name, None) or getattr(functional, name)
    value = out(tensor([np.nan], dtype=F64)).item()
    assert np.isnan(value) or name == "sign"  # PyTorch's sign of NaN is 0


@pytest.mark.parametrize("name", sorted({*cases_math.ELEMENTWISE, "softmax", "log_softmax"}))
def test_second_derivatives_against_differences(name):
    """Also where PyTorch has none."""
    x = tensor(np.random.default_rng(0).uniform(0.1, 0.9, (2, 3)), dtype=F64, requires_grad=True)
    extra = (1,) if "softmax" in name else ()
    assert gradgradcheck(lambda x: getattr(functional, name)(x, *extra), x)


# ---- promotion ----------------------------------------------------------------------------------

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
OPERATIONS = {
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "lt": lambda x, y: x < y,
    "maximum": lambda x, y: x.maximum(y) if hasattr(y, "maximum") else x + y,
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("shapes", [((2,), (2,)), ((2,), ()), ((), (2,)), ((), ())], ids=str)
def test_promotion_of_tensors(shapes, operation):
    for a, b in product(DTYPES, DTYPES):
        x, y = np.ones(shapes[0], a), np.ones(shapes[1], b)
        out = OPERATIONS[operation](Tensor(x), Tensor(y))
        expected = OPERATIONS[operation](torch.from_numpy(x), torch.from_numpy(y))
        assert f"torch.{out.dtype}" == str(expected.dtype), (a, b)
        assert out.shape == tuple(expected.shape)


@pytest.mark.parametrize("operation", ["add", "mul", "div", "lt"])
@pytest.mark.parametrize("number", [True, 2, 1.5, -1.0])
@pytest.mark.parametrize("shape", [(2,), ()], ids=str)
def test_promotion_with_python_numbers(shape, number, operation):
    for dtype in DTYPES:
        x = np.ones(shape, dtype)
        for swap in (False, True):
            function = OPERATIONS[operation]
            pair = lambda x: (number, x) if swap else (x, number)  # noqa: B023
            out, expected = function(*pair(Tensor(x))), function(*pair(torch.from_numpy(x)))
            assert f"torch.{out.dtype}" == str(expected.dtype), (dtype, swap)
            np.testing.assert_allclose(out.value, expected.numpy(), rtol=1e-3)


def test_numpy_scalars_are_tensors_without_dimensions():
    out = tensor([1.0, 2.0]) * np.float64(3)
    assert isinstance(out, Tensor) and out.dtype == F32
    out = np.float64(3) * tensor([1.0, 2.0])
    assert isinstance(out, Tensor) and out.dtype == F32
    out = np.ones(2) + tensor([1.0, 2.0])
    assert isinstance(out, Tensor) and out.dtype == F64


# ---- losses say what to write -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss"])
def test_a_target_that_would_broadcast_is_refused(name):
    output, target = tensor(np.zeros((5, 1))), tensor(np.zeros(5))
    with pytest.raises(ValueError, match=r"target\.reshape\(5, 1\)") as refused:
        getattr(functional, name)(output, target)
    assert "(5, 1)" in str(refused.value) and "(5,)" in str(refused.value)
    with pytest.raises(ValueError, match="one shape"):
        getattr(functional, name)(output, tensor(np.zeros((4, 1))))


def test_classes_in_a_column_are_refused_with_the_line_to_write():
    with pytest.raises(ValueError, match=r"target\.reshape\(-1\)"):
        functional.cross_entropy(tensor(np.zeros((5, 3))), tensor(np.zeros((5, 1), np.int64)))


def test_float_classes_are_refused_with_the_line_to_write():
    with pytest.raises(RuntimeError, match=r"target\.long\(\)"):
        functional.cross_entropy(tensor(np.zeros((5, 3))), tensor(np.zeros(5)))


def test_an_unknown_label_is_named_with_its_row():
    with pytest.raises(IndexError, match=r"row 1(.|\n)*0 to 2(.|\n)*7"):
        functional.cross_entropy(tensor(np.zeros((3, 3))), tensor([0, 7, 1]))


def test_probabilities_outside_0_to_1_are_refused_with_the_line_to_write():
    with pytest.raises(RuntimeError, match="binary_cross_entropy_with_logits"):
        functional.binary_cross_entropy(tensor([3.0]), tensor([1.0]))


def test_the_huber_loss_curves_at_zero():
    """½e² has second derivative 1 also where e = 0, which |e|² would lose."""
    x = tensor([0.0, 0.5], dtype=F64, requires_grad=True)
    hessian = steepest.autograd.functional.hessian(
        lambda x: functional.huber_loss(x, tensor([0.0, 0.0], dtype=F64), reduction="sum"), x
    )
    assert hessian.tolist() == [[1, 0], [0, 1]]


# ---- dropout ------------------------------------------------------------------------------------


def test_dropout_keeps_the_mean_and_drops_the_gradient_where_it_drops():
    steepest.manual_seed(0)
    x = tensor(np.ones((200, 50)), requires_grad=True)
    out = functional.dropout(x, 0.3)
    kept = out.value != 0
    np.testing.assert_allclose(out.value[kept], 1 / 0.7)
    assert abs(kept.mean() - 0.7) < 5 * np.sqrt(0.21 / 1e4)  # five standard errors
    out.sum().backward()
    np.testing.assert_allclose(x.grad.value, kept / 0.7)


def test_dropout_draws_anew_every_time_and_again_from_a_seed():
    x = tensor(np.ones(100))
    steepest.manual_seed(3)
    first, second = functional.dropout(x), functional.dropout(x)
    assert not functional.equal(first, second)
    steepest.manual_seed(3)
    assert functional.equal(functional.dropout(x), first)


def test_dropout_at_its_ends():
    x = tensor(np.ones(10))
    assert functional.dropout(x, 0.5, training=False) is x
    assert functional.equal(functional.dropout(x, 0.0), x)
    assert not functional.dropout(x, 1.0).value.any()
    for wrong in (-0.1, 1.1):
        with pytest.raises(ValueError, match="probability"):
            functional.dropout(x, wrong)


# ---- what is marked as a method is one ----------------------------------------------------------


@pytest.mark.parametrize("name", sorted(public_functions()))
def test_a_method_is_the_function(name):
    method: Any = getattr(Tensor, name, None)
    if method is not None and not isinstance(method, property):
        assert method is getattr(functional, name) or name in ("to", "where")


@pytest.mark.parametrize("name", sorted(n for n in dir(Tensor) if n.endswith("_") and n[0] != "_"))
def test_the_in_place_form_is_in_place(name):
    """x.f_(…) gives the numbers of x.f(…), in x's own memory."""
    plain = getattr(Tensor, name[:-1], None)
    reshaped = ("t_", "transpose_", "squeeze_", "unsqueeze_")  # in test_bits
    if plain is None or name in ("requires_grad_", "detach_", "bernoulli_", *reshaped):
        return
    y, at, square = tensor([0.5, 2.0, 4.0]), tensor([2, 0]), tensor([[1.0, 2.0], [3.0, 4.0]])
    extra: dict[str, tuple] = {
        "add_": (2.0,), "sub_": (2.0,), "mul_": (2.0,), "div_": (2.0,), "pow_": (2,),
        "clamp_": (0.5, 0.9), "lerp_": (tensor([1.0, 1.0, 1.0]), 0.5),
        "masked_fill_": (tensor([True, False, True]), 7.0),
        "addcmul_": (y, y), "addcdiv_": (y, y), "cumsum_": (0,), "cumprod_": (0,),
        "scatter_": (0, at, y), "scatter_add_": (0, at, y), "index_add_": (0, at, y[:2]),
        "index_put_": ((at,), y[:2]), "addmm_": (square, square),
        "baddbmm_": (square[None], square[None]),
    }  # fmt: skip
    twos = ("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor")
    twos += ("true_divide", "floor_divide", "remainder", "fmod", "clamp_min", "clamp_max")
    extra |= {f"{two}_": (0.8,) for two in twos}
    extra |= {f"bitwise_{two}_": (3,) for two in ("and", "or", "xor")}
    x = tensor([5, 6, -7] if name.startswith("bitwise") else [0.3, 0.8, 1.4])
    if name in ("tril_", "triu_", "addmm_", "baddbmm_"):
        x = square[None].clone() if name == "baddbmm_" else square.clone()
    expected, memory = plain(x, *extra.get(name, ())), x.value
    out = getattr(x, name)(*extra.get(name, ()))
    assert out is x and x.value is memory
    np.testing.assert_array_equal(x.value, expected.value)
    assert hasattr(Ours, name[:-1])
