"""Every function of `functional`, compiled against eager: values and gradients.

The calls are the lines that `test_functional` compares with PyTorch. All lines of one name are one
program, so that their expressions also meet in shared loop nests.
"""

from collections.abc import Callable
from itertools import chain
from typing import Any

import cases_layers
import cases_learning
import cases_math
import cases_shape
import numpy as np
import pytest
from cases import PLAIN, SMOOTH, Line
from oracle import F32, F64, Ours, tensors

from steepest.autograd import grad
from steepest.compiler import NotCompilable, compile
from steepest.tensors import Tensor, tensor

PAGES = (cases_math, cases_shape, cases_learning, cases_layers)  # importing them fills the lists
NAMES = sorted({line.name for line in chain(SMOOTH, PLAIN)})
# Functions some of whose calls depend on the numbers in tensors, and what the refusal says.
REFUSED = {
    "argsort": "sort asks for a number",
    "allclose": "isclose asks for a number",
    "equal": "equal asks for a number",
    "isclose": "isclose asks for a number",
    "masked_select": "indexing asks for a number",
    "nonzero": "nonzero asks for a number",
    "one_hot": "one_hot asks for a number",
    "pow": "pow",
    "sort": "sort asks for a number",
    "to": "float16",
    "topk": "sort asks for a number",
}
# Reassociation of sums of a few dozen terms; float32 functions are exact to 1.5 units.
CLOSE = {F64: {"rtol": 1e-12, "atol": 1e-13}, F32: {"rtol": 1e-5, "atol": 2e-6}}


def given(x: Any, dtype: np.dtype) -> Any:
    if isinstance(x, list):
        return [given(y, dtype) for y in x]
    if isinstance(x, np.ndarray):
        return Tensor(x.astype(dtype) if x.dtype.kind == "f" else x.copy())
    return x


def watched(x: Any, gradients: list[Tensor]) -> Any:
    """The operand as a leaf of its own, whose gradient is wanted."""
    if isinstance(x, list):
        return [watched(y, gradients) for y in x]
    if isinstance(x, Tensor) and x.dtype.kind == "f":
        x = x.detach().requires_grad_()
        gradients.append(x)
    return x


def value(line: Line, operands: list) -> list[Tensor]:
    return tensors(line.call(Ours, *operands), Tensor)


def value_and_gradients(line: Line, operands: list) -> list[Tensor]:
    x: list[Tensor] = []
    out = tensors(line.call(Ours, *(watched(y, x) for y in operands)), Tensor)
    flowing = [y for y in out if y.requires_grad]
    if not flowing:
        return out
    seeds = [Tensor(np.cos(np.arange(y.shape.numel())).reshape(y.shape)) for y in flowing]
    seeds = [seed.to(y.dtype) for seed, y in zip(seeds, flowing, strict=True)]
    return out + list(grad(flowing, x, seeds, materialize_grads=True))


def assert_compiled_is_eager(function: Callable, lines: list[Line], dtype: np.dtype) -> None:
    def step(*calls: list) -> list[list[Tensor]]:
        return [function(line, operands) for line, operands in zip(lines, calls, strict=True)]

    calls = [[given(x, dtype) for x in line.operands] for line in lines]
    want, got = step(*calls), compile(step)(*calls)
    for line, expected, found in zip(lines, want, got, strict=True):
        where = f"{line.name}, line {line.call.__code__.co_firstlineno}"
        for x, y in zip(expected, found, strict=True):
            assert (x.shape, x.dtype) == (y.shape, y.dtype), where
            close = CLOSE.get(x.dtype, {"rtol": 0})
            np.testing.assert_allclose(
                y.detach().numpy(), x.detach().numpy(), **close, err_msg=where
            )


def lines_of(lines: list[Line], name: str) -> list[Line]:
    return [line for line in lines if line.name == name]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED])
def test_every_call(name):
    assert_compiled_is_eager(value_and_gradients, lines_of(SMOOTH, name), F64)
    assert_compiled_is_eager(value, lines_of(PLAIN, name), F64)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED])
def test_every_call_in_single_precision(name):
    """The equations of the gradients are those of double precision."""
    assert_compiled_is_eager(value, lines_of(SMOOTH, name), F32)


@pytest.mark.parametrize("name", REFUSED)
def test_calls_that_depend_on_numbers_are_refused_and_the_others_right(name):
    refused = 0
    for function, lines in ((value_and_gradients, SMOOTH), (value, PLAIN)):
        for line in lines_of(lines, name):
            try:
                assert_compiled_is_eager(function, [line], F64)
            except NotCompilable as reason:
                assert REFUSED[name] in str(reason)
                refused += 1
    assert refused, f"{name} compiles: strike it from the list"


@pytest.mark.parametrize("dtype", [F64, F32], ids=str)
def test_windows_of_one_number_end_with_the_last_window(dtype):
    """The gradient of a mean over windows is a constant; what no window covers keeps gradient 0."""
    for size, step, length in ((3, 2, 4), (3, 4, 8), (5, 1, 6), (11, 3, 13), (7, 7, 20)):
        call = lambda F, x, k=size, s=step: F.avg_pool1d(x, k, s)
        x = np.cos(np.arange(6.0 * length)).reshape(2, 3, length)
        line = Line("avg_pool1d", call, [x], 2, 0.0)
        assert_compiled_is_eager(value_and_gradients, [line], dtype)


NUMBERS = np.random.default_rng(0).normal(size=(6, 5, 4))
ROWS, COLUMNS = np.array([5, 0, 0, -2]), np.array([1, 4, -5, 0])


def with_numbers(x: Tensor, i: Tensor, j: Tensor) -> Tensor:
    """x after its elements have been given numbers at places that are data."""
    x = x * 1
    x[i] = 0.5
    x[:, j] = 1.5
    x[x > 1.2] = -1
    x[i[:2], j[:2]] *= 3
    x[:, i.clamp(0, 2)[:1]] = x[:, j[:1]]
    return x


READ_AT_DATA = {
    "rows and columns": lambda x, i, j: x[i, j],
    "one axis": lambda x, i, j: x[:, j],
    "axes apart": lambda x, i, j: x[i, :, j[:, None] % 4],
    "with a range": lambda x, i, j: x[i, 1:3],
    "with a number": lambda x, i, j: x[i, 2],
    "computed": lambda x, i, j: x.max(1).values + x.gather(1, x.argmin(1, keepdim=True))[:, 0],
    "written": lambda x, i, j: with_numbers(x, i, j),
}


@pytest.mark.parametrize("name", [*READ_AT_DATA])
def test_places_that_are_data(name):
    """An index may be an argument of the step, or computed in it; gradients flow through both."""

    def step(x: Tensor, i: Tensor, j: Tensor) -> tuple:
        x = x.detach().requires_grad_()
        out = READ_AT_DATA[name](x, i, j)
        return out, *grad((out * out).sum(), [x])

    given = [tensor(a) for a in (NUMBERS, ROWS, COLUMNS)]
    for found, expected in zip(compile(step)(*given), step(*given), strict=True):
        np.testing.assert_allclose(found.numpy(), expected.detach().numpy(), rtol=1e-12)


def test_of_elements_written_twice_the_last_counts():
    rows = tensor(np.arange(12.0).reshape(4, 3))

    def step(x: Tensor, i: Tensor) -> Tensor:
        x = x.clone()
        x[i] = rows
        return x

    compiled = compile(step)
    for places in ([5, 0, 1, 2], [5, 0, 5, 2]):
        given = tensor(np.ones((6, 3))), tensor(places)
        np.testing.assert_array_equal(compiled(*given).numpy(), step(*given).numpy())
