"""Reading and writing by index, against PyTorch: ranges, numbers, masks, index arrays, mixed."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import steepest
from steepest.tensors import Tensor, tensor

SHAPES = [(5,), (3, 4), (2, 3, 4), (1, 3), (2, 0, 3), ()]


@st.composite
def index_arrays(draw: Any, size: int, shape: tuple) -> np.ndarray:
    count = int(np.prod(shape, dtype=int))
    numbers = draw(st.lists(st.integers(-size, size - 1), min_size=count, max_size=count))
    return np.array(numbers, np.int64).reshape(shape)


@st.composite
def indices(draw: Any, shape: tuple) -> tuple:
    """Any index that fits: what PyTorch makes of it, or whether it refuses, is for it to say."""
    together = draw(st.sampled_from([(), (2,), (2, 1), (1, 2), (0,)]))
    parts: list[Any] = []
    axis, dots = 0, False
    while axis < len(shape):
        size = shape[axis]
        kind = draw(
            st.sampled_from(
                ["number", "range", "none", "dots", "array", "mask", "list", "bool", "stop"]
            )
        )
        if kind == "number" and size:
            parts.append(draw(st.integers(-size, size - 1)))
        elif kind == "range":
            step = draw(st.sampled_from([None, 1, 2, 3]))
            ends = st.none() | st.integers(-size - 1, size + 1)
            parts.append(slice(draw(ends), draw(ends), step))
        elif kind == "none":
            parts.append(None)
            continue
        elif kind == "bool" and 0 not in shape:
            parts.append(draw(st.booleans()))
            continue
        elif kind == "dots" and not dots:
            parts.append(Ellipsis)
            dots = True
            axis += draw(st.integers(0, 1)) - 1
        elif kind == "array" and size:
            parts.append(draw(index_arrays(size, together)))
        elif kind == "list" and size:
            parts.append(draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=3)))
        elif kind == "mask":
            width = draw(st.integers(1, min(2, len(shape) - axis)))
            covered = shape[axis : axis + width]
            count = int(np.prod(covered))
            bools = draw(st.lists(st.booleans(), min_size=count, max_size=count))
            parts.append(np.array(bools, bool).reshape(covered))
            axis += width - 1
        elif kind == "stop":
            break
        axis += 1
    return tuple(parts)


def for_library(library: Any, index: tuple, single: bool) -> Any:
    made = tuple(library.tensor(p) if isinstance(p, np.ndarray) else p for p in index)
    return made[0] if single and len(made) == 1 else made


cases = st.sampled_from(SHAPES).flatmap(lambda s: st.tuples(st.just(s), indices(s), st.booleans()))


def numbers(shape: tuple) -> np.ndarray:
    return np.arange(1.0, np.prod(shape, dtype=int) + 1).reshape(shape)


def outcome(action: Any) -> Any:
    try:
        return action()
    except (IndexError, RuntimeError, TypeError, ValueError) as error:
        return error


@settings(max_examples=300)
@given(cases)
def test_reading(case):
    shape, index, single = case
    x, t = (lib.tensor(numbers(shape), requires_grad=True) for lib in (steepest, torch))
    found = outcome(lambda: x[for_library(steepest, index, single)])
    expected = outcome(lambda: t[for_library(torch, index, single)])
    if isinstance(expected, Exception):
        assert isinstance(found, type(expected)), (found, expected)
        return
    if isinstance(found, IndexError) and 0 in shape:
        return  # PyTorch does not look whether an index into nothing is in range
    assert isinstance(found, Tensor), (found, expected)
    assert found.shape == tuple(expected.shape)
    np.testing.assert_array_equal(found.value, expected.detach().numpy())
    weights = np.cos(numbers(found.shape))
    (found * tensor(weights)).sum().backward()
    (expected * torch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(x.grad.value, t.grad.numpy(), rtol=1e-14, atol=1e-14)


@settings(max_examples=300)
@given(cases, st.sampled_from(["number", "tensor", "row", "wrong"]), st.booleans())
def test_writing(case, what, recorded):
    """Values, and gradients of what was overwritten and of what was written."""
    shape, index, single = case
    assume(not any(part is False for part in index))  # PyTorch does not look at what is written
    plain = numbers(shape)
    target = outcome(lambda: torch.tensor(plain)[for_library(torch, index, single)])
    assume(not isinstance(target, Exception))
    places = torch.arange(plain.size).reshape(shape)[for_library(torch, index, single)]
    assume(places.unique().numel() == places.numel())  # else the order of writing is nobody's
    size = {"tensor": tuple(target.shape), "row": tuple(target.shape[-1:]), "wrong": (7,)}
    new = -0.5 * numbers(size[what]) if what != "number" else np.array(-3.5)
    results = []
    for library in (steepest, torch):
        w = library.tensor(plain, requires_grad=recorded)
        v = library.tensor(new, requires_grad=recorded)
        x = w * 1

        def write(x: Any = x, v: Any = v, library: Any = library) -> None:
            x[for_library(library, index, single)] = -3.5 if what == "number" else v

        failed = outcome(write)
        gradients = []
        if recorded and failed is None:
            (x * library.tensor(np.cos(plain))).sum().backward()
            gradients = [None if g is None else g.numpy() for g in (w.grad, v.grad)]
        results.append((failed, x.detach().numpy(), gradients))
    (failed, found, grads), (refused, expected, theirs) = results
    if isinstance(failed, IndexError) and 0 in shape:
        return
    assert type(failed) is type(refused), (failed, refused)
    np.testing.assert_array_equal(found, expected)
    for g, t in zip(grads, theirs, strict=True):
        assert (g is None) == (t is None) or not t.any()
        if g is not None and t is not None:
            np.testing.assert_allclose(g, t, rtol=1e-14, atol=1e-14)


# ---- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "index",
    [
        3, -4, (0, 4), (0, 0, 0), (..., 9), [0, 3], ([0, 1], [0, 9]), 1.0, None.__class__,
        (slice(None), 1.5), np.array([0.5]), np.array([True, False]), ([0, 1], [0, 1, 2]),
        {"a": 1}, (slice(None), np.array([[True] * 4])),
    ],
    ids=str,
)  # fmt: skip
def test_refusals_have_pytorchs_class(index):
    x, t = tensor(numbers((3, 4))), torch.tensor(numbers((3, 4)))
    parts = index if isinstance(index, tuple) else (index,)
    arrays = tuple(torch.tensor(p) if isinstance(p, np.ndarray) else p for p in parts)
    expected = outcome(lambda: t[arrays if isinstance(index, tuple) else arrays[0]])
    assert isinstance(expected, Exception)
    with pytest.raises(type(expected)):
        x[index]
    with pytest.raises((type(expected), TypeError, IndexError)):
        x[index] = 0.0


def test_a_negative_step_names_the_way_out():
    with pytest.raises(ValueError, match="flip"):
        tensor([1.0, 2.0])[::-1]


def test_an_index_out_of_range_names_axis_size_and_index():
    with pytest.raises(IndexError, match=r"axis 1 has 4 entries(.|\n)*7"):
        tensor(numbers((3, 4)))[:, [0, 7]]


# ---- small things people do ---------------------------------------------------------------------


def test_an_element_named_twice_gets_both_gradients_when_read():
    x = tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[[0, 0, 2]].sum().backward()
    assert x.grad.tolist() == [2, 0, 1]


def test_an_element_named_twice_keeps_the_last_value_when_written():
    x, v = tensor([1.0, 2.0]), tensor([5.0, 6.0], requires_grad=True)
    x[[0, 0]] = v
    assert x.tolist() == [6, 2]
    x.sum().backward()
    assert v.grad.tolist() == [0, 1]


def test_indexing_by_a_tensor_of_one_number():
    x, i = tensor(numbers((3, 4))), tensor(1)
    assert x[i].tolist() == x[1].tolist()
    assert x[i, tensor(2)].item() == 7
    assert [10, 20, 30][i] == 20


def test_a_mask_made_by_comparison():
    x = tensor([-1.0, 2.0, -3.0], requires_grad=True)
    x[x < 0].sum().backward()
    assert x.grad.tolist() == [1, 0, 1]
    y = x * 1
    y[y < 0] = 0
    y.sum().backward()
    assert x.grad.tolist() == [1, 1, 1]


def test_a_row_of_a_range_shares_memory_and_an_index_array_copies():
    x = tensor(numbers((3, 4)))
    x[0].zero_()
    assert x[0].tolist() == [0] * 4
    x[[1]].zero_()
    assert x[1].tolist() == [5, 6, 7, 8]


def test_iterating_and_unpacking():
    x = tensor(numbers((2, 3)), requires_grad=True)
    first, second = x
    (first * second).sum().backward()
    assert x.grad.tolist() == [[4, 5, 6], [1, 2, 3]]
    assert [row.tolist() for row in x] == x.tolist()
    with pytest.raises(TypeError):
        iter(tensor(1.0)).__next__()


def test_integers_and_bools_are_written_in_the_tensors_dtype():
    x = tensor([1.0, 2.0])
    x[0] = 3
    x[1] = True
    assert x.tolist() == [3, 1] and x.dtype == np.float32
    k = tensor([1, 2])
    k[0] = 2.7
    assert k.tolist() == [2, 2]
    b = tensor([True, False])
    b[1] = 5
    assert b.tolist() == [True, True]
