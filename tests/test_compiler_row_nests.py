"""Row nests: blocks of rows, one per lane; long rows in several passes."""

import re

import numpy as np
import pytest
from test_compiler_lower import WIDTHS, compiled_and_replayed, leaf, nothing_kept, row

from steepest import cat, no_grad, tensor
from steepest.compiler import compile
from steepest.compiler.graph import Graph, constant
from steepest.compiler.lower import stages

__all__ = ["nothing_kept"]


def over_rows(v, shape):
    """One number per row, for every point of the row."""
    return row("broadcast", v, shape=shape, axes=(len(shape) - 1,))


def softmax(x):
    last = x.ndim - 1
    shifted = row("add", x, row("neg", over_rows(row("max", x, axes=(last,)), x.shape)))
    e = row("exp", shifted)
    return row("div", e, over_rows(row("sum", e, axes=(last,)), x.shape))


def layer_norm(x):
    last, n = x.ndim - 1, constant(np.float32(1 / x.shape[-1]), x.shape[:-1])
    mean = row("mul", row("sum", x, axes=(last,)), n)
    centred = row("add", x, row("neg", over_rows(mean, x.shape)))
    variance = row("mul", row("sum", row("mul", centred, centred), axes=(last,)), n)
    root = row("sqrt", row("add", variance, constant(np.float32(1e-5), variance.shape)))
    return row("div", centred, over_rows(root, x.shape))


def losses_of_rows(x):
    """log Σ exp: one number per row, and what a program stores of it."""
    size = row("log", row("sum", row("exp", x), axes=(x.ndim - 1,)))
    return row("mul", size, row("tanh", size))


def total_of_rows(x):
    return row("sum", losses_of_rows(x), axes=tuple(range(x.ndim - 1)))


def column_sums(x):
    return row("sum", softmax(x), axes=tuple(range(x.ndim - 1)))


SHAPES = [
    (2, 3),
    (21, 3),
    (33, 16),
    (17, 40),
    (5, 130),
    (16, 256),
    (3, 1000),
    (2, 19, 9),
    (7, 20000),
]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "function", [softmax, layer_norm, losses_of_rows, total_of_rows, column_sums]
)
def test_rows_of_any_length_and_number(function, shape, width):
    array = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    x = leaf("x", *shape)
    got, want = compiled_and_replayed(function(x), {x: array}, width)
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)


def test_infinite_and_missing_numbers_stay_in_their_rows():
    array = np.random.default_rng(1).standard_normal((20, 9)).astype(np.float32)
    array[3, 4], array[7, 1], array[8, 8] = np.nan, np.inf, -np.inf
    x = leaf("x", 20, 9)
    got, want = compiled_and_replayed(softmax(x), {x: array}, 16)
    np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("shape", [(17, 4), (5, 40), (3, 7, 2)])
def test_sums_of_a_row_side_by_side_at_its_points(shape, width):
    """cat goes lane by lane where lanes come from different parts: each lane finds its sum."""
    x, last, kept = leaf("x", *shape), len(shape) - 1, shape[:-1]
    parts = []
    for start in (0, shape[-1] // 2):
        half = (*kept, shape[-1] // 2)
        at = {"starts": (0,) * last + (start,), "steps": (1,) * len(shape)}
        total = row("sum", row("slice", x, sizes=half, **at), axes=(last,))
        at["starts"] = (0,) * last + (min(start, 1),)
        column = row("reshape", total, shape=(*kept, 1))
        parts.append(row("pad", column, shape=(*kept, 2), **at))
    array = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    got, want = compiled_and_replayed(softmax(row("add", *parts)), {x: array}, width)
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)


def test_truths_of_rows_reach_their_points():
    x = leaf("x", 19, 40)
    positive = row("less", constant(np.float32(0), (19,)), row("sum", x, axes=(1,)))
    v = row("where", over_rows(positive, x.shape), x, row("neg", x))
    array = np.random.default_rng(2).standard_normal((19, 40)).astype(np.float32)
    got, want = compiled_and_replayed(v, {x: array}, 8)
    np.testing.assert_array_equal(got, want)


def emitted(v, x):
    return stages(Graph([x], [constant(np.float32(0), ()), v]), width=16).emitted.text


def test_what_depends_on_the_row_alone_is_computed_for_many_rows_at_once():
    x = leaf("x", 64, 40)
    text = emitted(layer_norm(x), x)
    roots = re.findall(r"call (\S.*) @llvm\.\S*sqrt", text)
    assert roots and all(kind.startswith("<16 x") for kind in roots), roots


@pytest.mark.parametrize("shape", [(64, 40), (64, 1000)])
def test_exponentials_of_a_softmax_are_computed_once(shape):
    """exp ends in two products with powers of two; a second pass would double them."""
    x = leaf("x", *shape)
    once = emitted(row("exp", x), x).count("shl <16 x i32>")
    alone = emitted(losses_of_rows(x), x).count("shl <16 x i32>")
    assert once and emitted(softmax(x), x).count("shl <16 x i32>") <= alone


def test_what_many_points_need_is_computed_once():
    """A product of one row: its activation is stored, not computed again for every column."""
    x, w = leaf("x", 50), leaf("w", 12, 50)
    h, cheap = row("tanh", x), row("add", x, x)
    products = [row("mul", w, row("broadcast", v, shape=w.shape, axes=(0,))) for v in (h, cheap)]
    fusion = stages(Graph([x, w], [row("sum", p, axes=(1,)) for p in products])).fusion
    assert fusion.exists(h) and not fusion.exists(cheap)


def test_gradients_of_sums_of_a_row_side_by_side():
    """What is put beside a sum is computed from another sum of the same row."""
    data = np.random.default_rng(4).standard_normal((13, 3)).astype(np.float32)
    weight, slope = tensor(data, requires_grad=True), tensor(np.zeros_like(data))

    def step(x):
        weight.grad = None
        y = x * weight * (x * weight).sum()
        parts = [y[:, :1].sum(1, keepdim=True), y[:, 1:].logsumexp(1, keepdim=True)]
        both = cat(parts, 1)
        loss = ((both - both.mean(1, keepdim=True)) ** 2).sum()
        loss.backward()
        with no_grad():
            slope.copy_(weight.grad)
        return loss

    x, found = tensor(data[::-1].copy()), []
    for run in (step, compile(step)):
        found.append((run(x).item(), slope.numpy().copy()))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-5)
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-4, atol=1e-4)
