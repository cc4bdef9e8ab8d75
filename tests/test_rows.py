"""Every row against PyTorch: value, gradient and gradient of gradient, on random operands.
And what the table promises about NaN, ties, bools and random bits.

The samples are those of the laws; here stands only what each row is called in PyTorch.
"""

from typing import Any

import numpy as np
import pytest
import torch
from samples import F32, F64, SAMPLES, SHAPES, SMOOTH, cases, drawn

from steepest import primitives as P
from steepest.autograd import grad
from steepest.core import Eager, Primitive, interpreting
from steepest.primitives import TABLE
from steepest.tensors import Tensor


def broadcast(x: torch.Tensor, shape: tuple, axes: tuple) -> torch.Tensor:
    for axis in axes:
        x = x.unsqueeze(axis)
    return x.expand(shape)


def slice_(x: torch.Tensor, starts: tuple, sizes: tuple, steps: tuple) -> torch.Tensor:
    for axis, (start, size, step) in enumerate(zip(starts, sizes, steps, strict=True)):
        x = x.index_select(axis, start + step * torch.arange(size))
    return x


def pad(x: torch.Tensor, shape: tuple, starts: tuple, steps: tuple) -> torch.Tensor:
    at = [s + t * torch.arange(n) for s, t, n in zip(starts, steps, x.shape, strict=True)]
    out = torch.zeros(shape, dtype=x.dtype)
    return out.index_put(torch.meshgrid(*at, indexing="ij"), x) if at else x.clone()


def windows(x: torch.Tensor, size: tuple, step: tuple) -> torch.Tensor:
    first = x.ndim - len(size)
    for axis, (n, s) in enumerate(zip(size, step, strict=True)):
        x = x.unfold(first + axis, n, s)
    return x


def fold(x: torch.Tensor, shape: tuple, size: tuple, step: tuple) -> torch.Tensor:
    source = torch.zeros(shape, dtype=x.dtype, requires_grad=True)
    (out,) = torch.autograd.grad(
        windows(source, size, step), source, x, create_graph=True, retain_graph=True
    )
    return out


def scatter_add(x: torch.Tensor, index: torch.Tensor, rows: int) -> torch.Tensor:
    out = torch.zeros((rows, *x.shape[index.ndim :]), dtype=x.dtype)
    flat = x.reshape(index.numel(), *x.shape[index.ndim :])
    return out.index_add(0, index.reshape(-1), flat)


def dtype_of(dtype: np.dtype) -> torch.dtype:
    return torch.from_numpy(np.zeros(0, dtype)).dtype


TORCH: dict[str, Any] = {
    "neg": torch.neg,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "sin": torch.sin,
    "cos": torch.cos,
    "erf": torch.erf,
    "floor": torch.floor,
    "round": torch.round,
    "add": torch.add,
    "mul": torch.mul,
    "div": torch.div,
    "pow": torch.pow,
    "maximum": torch.maximum,
    "less": torch.less,
    "equal": torch.eq,
    "where": torch.where,
    "cast": lambda x, dtype: x.to(dtype_of(dtype)),
    "sum": lambda x, axes: x.sum(axes) if axes else x.clone(),
    "max": lambda x, axes: x.amax(axes) if axes else x.clone(),
    "argmax": lambda x, axis: x.argmax(axis),
    "contract": lambda x, y, spec: torch.einsum(spec, x, y),
    "reshape": lambda x, shape: x.reshape(shape),
    "permute": lambda x, order: x.permute(order),
    "broadcast": broadcast,
    "slice": slice_,
    "pad": pad,
    "windows": windows,
    "fold": fold,
    "take": lambda x, index: x[index],
    "scatter_add": scatter_add,
}
RANDOM = {"uniform"}  # its bits have published answers (test_laws) and no twin in PyTorch

# A few units in the last place times the number of terms added, and exp's own rounding.
CLOSE = {F64: {"rtol": 1e-12, "atol": 1e-13}, F32: {"rtol": 1e-5, "atol": 1e-6}}


def test_every_row_is_compared():
    assert set(TORCH) | RANDOM == set(TABLE)


def both(name: str, shape: tuple, dtype: np.dtype) -> tuple[list[Tensor], list[torch.Tensor], dict]:
    operands, params = drawn(name, shape, dtype, seed=7)
    ours, theirs = [], []
    for x, rule in zip(operands, TABLE[name].vjp, strict=True):
        ours.append(Tensor(x.copy()).requires_grad_(rule is not None))
        theirs.append(torch.from_numpy(np.array(x)).requires_grad_(rule is not None))
    return ours, theirs, params


def agree(ours: Tensor, theirs: torch.Tensor, dtype: np.dtype) -> None:
    expected = theirs.detach().numpy()
    assert ours.value.dtype == expected.dtype and ours.value.shape == expected.shape
    np.testing.assert_allclose(ours.value, expected, **CLOSE[dtype])


@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize(("name", "shape"), cases(sorted(set(SAMPLES) - RANDOM), SHAPES), ids=str)
def test_value(name, shape, dtype):
    ours, theirs, params = both(name, shape, dtype)
    agree(TABLE[name](*ours, **params), TORCH[name](*theirs, **params), dtype)


@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize(("name", "shape"), cases(sorted(SMOOTH), SHAPES), ids=str)
def test_gradients_of_first_and_second_order(name, shape, dtype):
    ours, theirs, params = both(name, shape, dtype)
    x = [t for t in ours if t.requires_grad]
    tx = [t for t in theirs if t.requires_grad]
    out, tout = TABLE[name](*ours, **params), TORCH[name](*theirs, **params)
    random = np.random.default_rng(8)
    seed = random.standard_normal(out.shape).astype(out.dtype)
    found = grad(out, x, Tensor(seed), create_graph=True)
    expected = torch.autograd.grad(tout, tx, torch.from_numpy(np.asarray(seed)), create_graph=True)
    for g, t in zip(found, expected, strict=True):
        agree(g, t, dtype)
    weights = [random.standard_normal(g.shape).astype(g.dtype) for g in found]
    second = differentiated(grad, found, x, [Tensor(w) for w in weights])
    expected2 = differentiated(
        torch.autograd.grad, expected, tx, [torch.from_numpy(np.asarray(w)) for w in weights]
    )
    for g, t, given in zip(second, expected2, x, strict=True):
        ours_or_zero = Tensor(np.zeros(given.shape, dtype)) if g is None else g
        agree(
            ours_or_zero, torch.zeros(given.shape, dtype=dtype_of(dtype)) if t is None else t, dtype
        )


def differentiated(derive: Any, gradients: Any, x: list, weights: list) -> Any:
    """The gradient of Σ⟨gradient, weight⟩; None where a linear row has none."""
    reached = [i for i, g in enumerate(gradients) if g.requires_grad]
    if not reached:
        return [None] * len(x)
    return derive(
        [gradients[i] for i in reached], x, [weights[i] for i in reached], materialize_grads=True
    )


# ---- conventions that the table promises --------------------------------------------------------

NAN, INF = float("nan"), float("inf")


def eager(row: Primitive, *operands: Any, **params: Any) -> np.ndarray:
    with interpreting(Eager()):
        return row(*(np.asarray(x) for x in operands), **params)


@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
def test_nan_wins_every_maximum(dtype):
    x = np.array([NAN, 0, -INF, INF, NAN], dtype)
    y = np.array([0, NAN, NAN, NAN, NAN], dtype)
    assert np.isnan(eager(P.maximum, x, y)).all()
    assert np.isnan(eager(P.maximum, y, x)).all()
    for at in range(5):
        row = np.array([1, 2, INF, 3, 4], dtype)
        row[at] = NAN
        assert np.isnan(eager(P.max_, row, axes=(0,)))
        assert eager(P.argmax, row, axis=0) == at


def test_argmax_is_the_first_of_equals():
    assert eager(P.argmax, np.array([[1.0, 3, 3], [2, 2, 2]]), axis=1).tolist() == [1, 0]


def test_slope_of_relu_at_zero_is_zero():
    x = Tensor(np.array([-1.0, -0.0, 0.0, 2.0])).requires_grad_()
    (g,) = grad(P.maximum(x, Tensor(np.zeros(4))), x, Tensor(np.ones(4)))
    assert g.tolist() == [0, 0, 0, 1]


def test_bools_are_and_or_not():
    x, y = np.array([0, 0, 1, 1], bool), np.array([0, 1, 0, 1], bool)
    assert np.array_equal(eager(P.mul, x, y), x & y)
    assert np.array_equal(eager(P.maximum, x, y), x | y)
    assert np.array_equal(eager(P.equal, x, np.zeros(4, bool)), ~x)


def test_eager_is_silent_about_inf_and_nan():
    """Warnings are errors in these tests: nothing may be said, and the caller's settings stay."""
    before = np.geterr()
    with np.errstate(all="raise"):
        assert eager(P.log, 0.0) == -INF
        assert np.isnan(eager(P.div, 0.0, 0.0))
        assert eager(P.exp, 1e4) == INF
    assert np.geterr() == before


def test_an_overflowing_cast_is_silent():
    assert eager(P.cast, 1e300, dtype=F32) == INF


def test_powers_have_slopes_at_zero():
    x = Tensor(np.zeros(4)).requires_grad_()
    y = Tensor(np.array([0.0, 1, 2, 3])).requires_grad_()
    by_base, by_exponent = grad(P.pow_(x, y), [x, y], Tensor(np.ones(4)))
    assert by_base.tolist() == [0, 1, 0, 0]
    assert by_exponent.tolist()[1:] == [0, 0, 0]


def test_ties_share_the_gradient_of_max():
    x = Tensor(np.array([[1.0, 3, 3], [2, 2, 2]])).requires_grad_()
    (g,) = grad(P.max_(x, axes=(1,)), x, Tensor(np.ones(2)))
    np.testing.assert_allclose(g.value, [[0, 0.5, 0.5], [1 / 3] * 3])


# Threefry-2x32 with 20 rounds: the known answers that its authors publish (Random123, kat_vectors).
KNOWN = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]
WORD = 2**32


@pytest.mark.parametrize(("key", "counter", "answer"), KNOWN)
def test_threefry_gives_its_authors_answers(key, counter, answer):
    found = P.threefry(
        key,
        counter,
        xor=lambda x, y: x ^ y,
        add=lambda x, y: (x + y) % WORD,
        rotate=lambda x, by: ((x << by) | (x >> (32 - by))) % WORD,
    )
    assert tuple(found) == answer


def test_uniform_is_the_first_words_of_threefry():
    x = eager(P.uniform, np.array([0, 0], np.uint32), shape=(2, 3))
    assert x.dtype == F32 and x.shape == (2, 3)
    assert x[0, 0] == np.float32((0x6B200159 >> 8) * 2.0**-24)


def test_uniform_depends_on_key_and_position_only():
    key = np.array([7, 9], np.uint32)
    long = eager(P.uniform, key, shape=(40,))
    assert np.array_equal(eager(P.uniform, key, shape=(3, 5)).ravel(), long[:15])
    assert not np.array_equal(eager(P.uniform, key + np.uint32(1), shape=(40,)), long)


def test_uniform_is_uniform():
    """Mean ½ and variance 1/12 of 10⁵ numbers to five standard errors; all in [0, 1)."""
    x = eager(P.uniform, np.array([3, 0], np.uint32), shape=(100_000,)).astype(F64)
    assert x.min() >= 0 and x.max() < 1
    assert abs(x.mean() - 0.5) < 5 * np.sqrt(1 / 12 / 1e5)
    assert abs(x.var() - 1 / 12) < 5 * np.sqrt(1 / 180 / 1e5)
    assert abs(np.corrcoef(x[1:], x[:-1])[0, 1]) < 5 / np.sqrt(1e5)
