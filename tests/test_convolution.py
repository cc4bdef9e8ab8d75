"""Convolution and pooling over their whole space of settings, drawn, with PyTorch as the oracle.

Value, gradient and gradient of the gradient, for images and signals: sizes, strides, paddings,
dilations, groups and the modes that round up.
"""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import compare_gradients

from steepest import functional as F
from steepest.autograd import gradcheck, gradgradcheck
from steepest.tensors import tensor

DRAWN = settings(max_examples=60)


def numbers(seed: int, *shape: int, whole: bool = False) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal(shape)
    return (drawn * 2).round() if whole else drawn


def lists(low: int, high: int, count: int):
    return st.lists(st.integers(low, high), min_size=count, max_size=count)


@st.composite
def convolutions(draw):
    """Axes, samples, groups, channels and filters per group, lengths, taps, and the settings."""
    axes = draw(st.integers(1, 2))
    drawn = {
        name: tuple(draw(lists(low, high, axes)))
        for name, low, high in (
            ("lengths", 1, 8), ("taps", 1, 4), ("stride", 1, 3), ("padding", 0, 3),
            ("dilation", 1, 3),
        )
    }  # fmt: skip
    samples, groups, channels, filters = (draw(st.integers(1, 3)) for _ in range(4))
    return axes, samples, groups, channels, filters, drawn, draw(st.booleans())


@DRAWN
@given(convolutions())
def test_convolution(case):
    axes, samples, groups, channels, filters, drawn, biased = case
    reach = [d * (k - 1) + 1 for d, k in zip(drawn["dilation"], drawn["taps"], strict=True)]
    room = [n + 2 * p for n, p in zip(drawn["lengths"], drawn["padding"], strict=True)]
    assume(all(r <= n for r, n in zip(reach, room, strict=True)))
    x = numbers(1, samples, groups * channels, *drawn["lengths"])
    w = numbers(2, groups * filters, channels, *drawn["taps"])
    b = [numbers(3, groups * filters)] if biased else []
    how = {key: drawn[key] for key in ("stride", "padding", "dilation")} | {"groups": groups}
    compare_gradients(lambda F, x, w, *b: getattr(F, f"conv{axes}d")(x, w, *b, **how), [x, w, *b])


@DRAWN
@given(convolutions(), st.data())
def test_transposed_convolution(case, data):
    axes, samples, groups, channels, filters, drawn, biased = case
    extra = [
        data.draw(st.integers(0, max(s, d) - 1))
        for s, d in zip(drawn["stride"], drawn["dilation"], strict=True)
    ]
    sizes = [
        (n - 1) * s - 2 * p + d * (k - 1) + 1 + e
        for n, s, p, d, k, e in zip(
            *(drawn[key] for key in ("lengths", "stride", "padding", "dilation", "taps")),
            extra,
            strict=True,
        )
    ]
    assume(min(sizes) >= 1)
    x = numbers(1, samples, groups * channels, *drawn["lengths"])
    w = numbers(2, groups * channels, filters, *drawn["taps"])
    b = [numbers(3, groups * filters)] if biased else []
    how = {key: drawn[key] for key in ("stride", "padding", "dilation")} | {"groups": groups}
    call = f"conv_transpose{axes}d"
    compare_gradients(
        lambda F, x, w, *b: getattr(F, call)(x, w, *b, output_padding=extra, **how), [x, w, *b]
    )


@st.composite
def poolings(draw):
    axes = draw(st.integers(1, 2))
    size = draw(lists(1, 4, axes))
    stride = draw(lists(1, 4, axes))
    padding = [draw(st.integers(0, k // 2)) for k in size]
    lengths = draw(lists(1, 9, axes))
    channels = draw(st.integers(1, 3))
    return axes, channels, lengths, size, stride, padding, draw(st.booleans())


@DRAWN
@given(poolings(), st.booleans())
def test_average_pooling(case, included):
    axes, channels, lengths, size, stride, padding, up = case
    assume(all(k <= n + 2 * p for k, n, p in zip(size, lengths, padding, strict=True)))
    how = {"ceil_mode": up, "count_include_pad": included}
    compare_gradients(
        lambda F, x: getattr(F, f"avg_pool{axes}d")(x, size, stride, padding, **how),
        [numbers(4, 2, channels, *lengths)],
    )


@DRAWN
@given(poolings(), st.booleans(), st.data())
def test_max_pooling_and_its_ties(case, whole, data):
    """Whole numbers tie in most windows: the first element of a window has all the gradient."""
    axes, channels, lengths, size, stride, padding, up = case
    gap = data.draw(lists(1, 2, axes))
    reach = [d * (k - 1) + 1 for d, k in zip(gap, size, strict=True)]
    assume(all(r <= n + 2 * p for r, n, p in zip(reach, lengths, padding, strict=True)))
    compare_gradients(
        lambda F, x: getattr(F, f"max_pool{axes}d")(x, size, stride, padding, gap, up),
        [numbers(5, 2, channels, *lengths, whole=whole)],
    )


def test_derivatives_against_differences():
    """PyTorch is not asked: both orders by finite differences."""
    x, w = (
        tensor(numbers(i, *s), requires_grad=True)
        for i, s in enumerate([(1, 2, 4, 5), (2, 2, 2, 3)])
    )
    conv = lambda x, w: F.conv2d(x, w, stride=(2, 1), padding=1)
    spread = lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1)
    for function in (conv, spread):
        assert gradcheck(function, (x, w)) and gradgradcheck(function, (x, w))
    assert gradcheck(lambda x: F.avg_pool2d(x, 2, 1), x)
    assert gradcheck(lambda x: F.max_pool2d(x, 2, 1), x)


def test_a_transposed_convolution_is_the_adjoint():
    """⟨conv(x), y⟩ = ⟨x, convᵀ(y)⟩."""
    x, w, y = numbers(1, 2, 3, 9, 8), numbers(2, 4, 3, 3, 2), numbers(3, 2, 4, 4, 5)
    how = {"stride": 2, "padding": 1}
    forth = F.conv2d(tensor(x), tensor(w), **how).numpy()
    back = F.conv_transpose2d(tensor(y), tensor(w), output_padding=(0, 0), **how).numpy()
    assert forth.shape == (2, 4, 5, 5)
    y = numbers(3, *forth.shape)
    back = F.conv_transpose2d(tensor(y), tensor(w), output_padding=(0, 0), **how).numpy()
    assert back.shape == x.shape
    np.testing.assert_allclose((forth * y).sum(), (x * back).sum(), rtol=1e-12)


def test_an_error_names_both_sizes():
    with pytest.raises(RuntimeError, match="3 channels") as refused:
        F.conv2d(tensor(numbers(1, 2, 5, 8, 8)), tensor(numbers(2, 4, 3, 3, 3)))
    assert "5 channels, shape (2, 5, 8, 8)" in str(refused.value)
    with pytest.raises(RuntimeError, match="larger than the padded input") as refused:
        F.conv2d(tensor(numbers(1, 2, 3, 4, 8)), tensor(numbers(2, 4, 3, 5, 5)))
    assert "5×5" in str(refused.value) and "4×8" in str(refused.value)


def test_float32_agrees_with_pytorch():
    x, w = numbers(1, 4, 6, 14, 14).astype(np.float32), numbers(2, 16, 6, 5, 5).astype(np.float32)
    ours = F.conv2d(tensor(x), tensor(w)).numpy()
    theirs = torch.conv2d(torch.from_numpy(x), torch.from_numpy(w)).numpy()
    # 150 products each: sums of that length differ by some units in the last place
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
