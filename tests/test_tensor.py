"""Making tensors and taking them apart: dtypes, numbers, printing, copies, conversions."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import steepest
from steepest.tensors import Tensor, as_tensor, from_numpy, tensor

DATA = [
    1, 2.5, True, [1, 2], [1.0, 2], [True, False], [[1, 2], [3, 4]], [[1.5], [2]], [], [[]],
    (1, 2), ((1.0, 2.0), (3.0, 4.0)), np.float64(2.5), np.int64(3), np.arange(3), np.zeros((2, 0)),
    np.ones(2, np.float32), np.array([True]), [np.float64(1.0), 2.0], [True, 2], [1, 2.5], -0.0,
    float("nan"), 2**40,
]  # fmt: skip


@pytest.mark.parametrize("data", DATA, ids=str)
@pytest.mark.parametrize("make", ["tensor", "as_tensor"])
def test_new_tensors_have_pytorchs_dtype_shape_and_numbers(make, data):
    ours, theirs = getattr(steepest, make)(data), getattr(torch, make)(data)
    assert ours.shape == tuple(theirs.shape)
    assert f"torch.{ours.dtype}" == str(theirs.dtype)
    np.testing.assert_array_equal(ours.value, theirs.numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "bool", "uint8"])
def test_the_dtype_can_be_said(dtype):
    ours = tensor([0, 1, 2], dtype=getattr(steepest, dtype))
    theirs = torch.tensor([0, 1, 2], dtype=getattr(torch, dtype))
    np.testing.assert_array_equal(ours.value, theirs.numpy())
    assert ours.value.dtype == theirs.numpy().dtype


@pytest.mark.parametrize("data", ["text", [1, "a"], None, {"a": 1}, [[1, 2], [3]], object()])
def test_what_is_not_numbers_is_refused(data):
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        torch.tensor(data)
    with pytest.raises((TypeError, ValueError)):
        tensor(data)


def test_only_floats_require_gradients():
    for make in (lambda: tensor([1], requires_grad=True), lambda: tensor([1]).requires_grad_()):
        with pytest.raises(RuntimeError, match="floating-point"):
            make()


def test_a_tensor_of_tensors_holds_their_numbers():
    x = tensor([tensor(1.0), tensor(2.0)])
    assert x.tolist() == [1, 2] and x.dtype == np.float32
    y = tensor([[tensor(1), 2], [3, tensor(4)]])
    assert y.tolist() == [[1, 2], [3, 4]] and y.dtype == np.int64


def test_tensor_copies_and_leaves_history_behind():
    x = tensor([1.0], requires_grad=True)
    y = tensor(x * 2)
    assert y.is_leaf and not y.requires_grad
    y.zero_()
    assert x.tolist() == [1]


def test_as_tensor_is_the_tensor_itself():
    x = tensor([1.0])
    assert as_tensor(x) is x
    assert as_tensor(x, dtype=np.float64) is not x
    with pytest.raises(TypeError):
        from_numpy([1.0])


# ---- out of the library -------------------------------------------------------------------------


def test_item_and_tolist():
    assert tensor([[2.5]]).item() == 2.5
    assert type(tensor(3).item()) is int and type(tensor(True).item()) is bool
    assert tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert tensor(1.5).tolist() == 1.5
    for many in (tensor([1.0, 2.0]), tensor([])):
        with pytest.raises(RuntimeError, match="one element"):
            many.item()


def test_a_tensor_of_one_element_is_a_number_where_python_wants_one():
    assert float(tensor([2.5])) == 2.5 and int(tensor(2.9)) == 2 and bool(tensor([0.0])) is False
    assert list(range(tensor(3))) == [0, 1, 2]
    assert f"{tensor(2.0):.3f}" == "2.000"
    with pytest.raises(RuntimeError, match="any"):
        bool(tensor([1.0, 2.0]))
    with pytest.raises(TypeError):
        range(tensor(3.0))
    with pytest.raises(TypeError):
        len(tensor(1.0))


def test_numpy_and_back():
    x = tensor([1.0, 2.0])
    assert np.asarray(x).dtype == np.float32
    assert np.asarray(x).base is x.value or np.asarray(x) is x.value
    assert np.array(x, dtype=np.float64).tolist() == [1, 2]
    assert np.stack([x.numpy(), x.numpy()]).shape == (2, 2)
    w = tensor([1.0], requires_grad=True)
    for take in (w.numpy, lambda: np.asarray(w)):
        with pytest.raises(RuntimeError, match="detach"):
            take()
    assert w.detach().numpy() is w.value


def test_membership_and_equality():
    x = tensor([1.0, 2.0])
    assert 2.0 in x and 5.0 not in x
    assert (x == x).all() and len({x, x, tensor([1.0, 2.0])}) == 2


def test_shapes_are_tuples_that_count():
    x = tensor(np.zeros((2, 3)))
    assert x.shape == (2, 3) and x.shape.numel() == 6 and x.ndim == 2
    rows, columns = x.shape
    assert (rows, columns) == (2, 3)
    assert str(x.shape) == "(2, 3)"


def test_copies():
    x = tensor([1.0, 2.0], requires_grad=True)
    y = copy.deepcopy(x)
    assert y.requires_grad and y.is_leaf
    with steepest.no_grad():
        y.zero_()
    assert x.tolist() == [1, 2]
    with pytest.raises(RuntimeError, match="deepcopy"):
        copy.deepcopy(x * 2)


def test_a_tensor_survives_the_way_to_another_process():
    x = tensor([[1.0, 2.0]], requires_grad=True)
    y = pickle.loads(pickle.dumps(x))
    assert y.tolist() == x.tolist() and y.requires_grad and y.dtype == x.dtype


# ---- as it is printed ---------------------------------------------------------------------------

PRINTED: list[Any] = [
    3.0, 2.5, 7, True, float("nan"), float("inf"), 0.1, 1e-10, 123456.0, 1e10, -1.5,
    [1.0, 2.0, 3.0], [1.5, 2.25], [1, 2, 3], [True, False], [0.0001, 1.0], [1e-5, 1.0],
    [1000.0, 0.5], [1001.5, 0.5], [1e6, 1.5], [1.0, float("nan")], [1.5, float("inf")],
    [-1.0, 2.0], [-0.5, 10.25], [[1.0, 2.0], [3.0, 4.0]], [[1, -2], [300, 4]], [], [[]],
    [[[1.0], [2.0]], [[3.0], [4.0]]], [1e8, 1.0], [12345678.0, 1.0], [0.0], [0.0, 0.5],
    [float("nan")] * 2, [float("inf"), 1.0], [99999.5, 0.5], [10, 200], [0.00012],
]  # fmt: skip


@pytest.mark.parametrize("data", PRINTED, ids=str)
def test_common_tensors_print_as_in_pytorch(data):
    assert repr(tensor(data)) == repr(torch.tensor(data))
    assert str(tensor(data)) == str(torch.tensor(data))


def test_long_tensors_print_shortened_as_in_pytorch():
    for shape in ((2000,), (40, 50), (3, 1000)):
        data = np.arange(np.prod(shape)).reshape(shape)
        assert repr(tensor(data)) == repr(torch.tensor(data))
        halves = (data % 7 + 0.5).astype(np.float32)
        assert repr(tensor(halves)) == repr(torch.tensor(halves))


def test_lines_break_where_pytorch_breaks_them():
    data = np.round(np.sin(np.arange(60.0)).reshape(3, 20), 3).astype(np.float32)
    assert repr(tensor(data)) == repr(torch.tensor(data))


@pytest.mark.parametrize("dtype", ["float64", "float16", "int32", "uint8"])
def test_unusual_dtypes_are_said(dtype):
    ours = repr(tensor([1, 2], dtype=getattr(steepest, dtype)))
    theirs = repr(torch.tensor([1, 2], dtype=getattr(torch, dtype)))
    assert ours == theirs.replace("torch.", "")


def test_history_is_said():
    x = tensor([1.0, 2.0], requires_grad=True)
    assert repr(x) == "tensor([1., 2.], requires_grad=True)"
    assert repr(x.exp()) == "tensor([2.7183, 7.3891], grad_fn=<exp backward>)"
    assert repr(x.detach()) == "tensor([1., 2.])"
    assert f"{x.sum()}" == "tensor(3., grad_fn=<sum backward>)"


def test_tensor_and_its_parts_have_documentation():
    for name in ("item", "numpy", "detach", "backward", "reshape", "sum", "requires_grad_"):
        assert getattr(Tensor, name).__doc__, name
