"""Convolution, pooling and batch norm: compiled equals eager equals PyTorch, over their settings.

Samples or channels are the lanes, windows move by one or more, pads are loop bounds or written,
everything is written out or in loops: what is drawn here meets all of these. Value, gradients and
the gradients of those, each as one compiled program, in three vector widths and two dtypes.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_exact_training import assert_compiled_steps_are_eager, training

from steepest import functional as F
from steepest import manual_seed, models, nn
from steepest.autograd import grad
from steepest.compiler import compile, programs
from steepest.compiler.capture.capture import capture
from steepest.compiler.lower import Lowered, lower, stages
from steepest.compiler.memory import roles, tiling
from steepest.compiler.nests.costs import L2
from steepest.compiler.simplify import simplify
from steepest.core import Aval
from steepest.tensors import Tensor

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
DRAWN = settings(max_examples=24)
# Sums of at most some thousand products, in another order; relative to the largest result.
CLOSE = {F32: 2e-5, F64: 1e-12}


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setenv("STEEPEST_CACHE", "")


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def derived(function: Callable, order: int, *operands: Tensor) -> list[Tensor]:
    """The value, its gradients by all operands and, for order 2, theirs."""
    leaves = [x.detach().requires_grad_() for x in operands]
    found = [function(*leaves)]
    top = found
    for _ in range(order):
        flowing = [y for y in top if y.requires_grad]
        seeds = [Tensor(weights(tuple(y.shape))).to(y.dtype) for y in flowing]
        top = list(grad(flowing, leaves, seeds, create_graph=order > 1, materialize_grads=True))
        found = found + top
    return [x.detach() for x in found]


def derived_in_pytorch(function: Callable, order: int, arrays: list) -> list[np.ndarray]:
    """The same in PyTorch."""
    leaves = [torch.from_numpy(array.copy()).requires_grad_() for array in arrays]
    found = [function(*leaves)]
    top = found
    for _ in range(order):
        flowing = [y for y in top if y.requires_grad]
        seeds = [torch.from_numpy(weights(tuple(y.shape))).to(y.dtype) for y in flowing]
        top = list(
            torch.autograd.grad(flowing, leaves, seeds, create_graph=True, materialize_grads=True)
        )
        found = found + top
    return [x.detach().numpy() for x in found]


def weights(shape: tuple[int, ...]) -> np.ndarray:
    """What the elements of a result are multiplied by to make one number of them."""
    return np.cos(np.arange(np.prod(shape, dtype=int))).reshape(shape)


def assert_compiled_is_eager(
    function: Callable,
    arrays: list,
    dtype: np.dtype,
    width: int,
    cache: int = L2,
    order: int = 1,
) -> list[np.ndarray]:
    operands = [Tensor(array.astype(dtype)) for array in arrays]
    step = partial(derived, function, order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "vector_lanes", lambda _: width)
        patch.setattr(roles, "L2", cache)
        programs._programs.clear()  # they do not know of the cache
        patch.setattr(programs, "lower", partial(lower, width=width))
        found = compile(step)(*operands)
    eager = [x.numpy() for x in step(*operands)]
    assert_close([x.numpy() for x in found], eager, CLOSE[dtype])
    return eager


def assert_all_agree(call: Callable, arrays: list, machine: tuple, order: int) -> None:
    """`call` takes a library's functions and the operands."""
    eager = assert_compiled_is_eager(partial(call, F), arrays, *machine, order)
    theirs = partial(call, torch.nn.functional)
    arrays = [array.astype(machine[0]) for array in arrays]
    assert_close(eager, derived_in_pytorch(theirs, order, arrays), CLOSE[machine[0]])


def assert_close(found: list[np.ndarray], expected: list[np.ndarray], close: float) -> None:
    """Equal to so many parts of the largest."""
    for got, want in zip(found, expected, strict=True):
        atol = close * max(1, np.abs(want).max(initial=0))
        np.testing.assert_allclose(got, want, rtol=close, atol=atol)


def lists(low: int, high: int, count: int):
    return st.lists(st.integers(low, high), min_size=count, max_size=count)


# dtype, lanes, and bytes of a cache: of a small one, sums of products wait in memory
MACHINES = st.tuples(
    st.sampled_from([F32, F32, F64]), st.sampled_from([4, 8, 16]), st.sampled_from([L2, 20_000])
)
ORDER = st.sampled_from([1, 1, 2])
SAMPLES = st.sampled_from([1, 3, 16, 17, 64])
CHANNELS = st.sampled_from([1, 3, 16, 20])


@st.composite
def convolutions(draw):
    """Axes, operands' shapes and the settings; few products, so that many cases are drawn."""
    axes = draw(st.integers(1, 2))
    drawn = {
        name: tuple(draw(lists(low, high, axes)))
        for name, low, high in (
            ("lengths", 1, 8), ("taps", 1, 4), ("stride", 1, 3), ("padding", 0, 3),
            ("dilation", 1, 2),
        )
    }  # fmt: skip
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    samples, channels, filters = draw(SAMPLES), draw(CHANNELS), draw(CHANNELS)
    assume(groups * samples * channels * filters <= 8000)
    return axes, samples, groups, channels, filters, drawn, draw(st.booleans())


def settings_of(drawn: dict, groups: int) -> dict:
    return {key: drawn[key] for key in ("stride", "padding", "dilation")} | {"groups": groups}


@DRAWN
@given(convolutions(), MACHINES, ORDER)
def test_convolution(case, machine, order):
    axes, samples, groups, channels, filters, drawn, biased = case
    reach = [d * (k - 1) + 1 for d, k in zip(drawn["dilation"], drawn["taps"], strict=True)]
    room = [n + 2 * p for n, p in zip(drawn["lengths"], drawn["padding"], strict=True)]
    assume(all(r <= n for r, n in zip(reach, room, strict=True)))
    x = numbers(1, samples, groups * channels, *drawn["lengths"])
    w = numbers(2, groups * filters, channels, *drawn["taps"])
    b = [numbers(3, groups * filters)] if biased else []
    how = settings_of(drawn, groups)
    call = lambda F, x, w, *b: getattr(F, f"conv{axes}d")(x, w, *b, **how).tanh()
    assert_all_agree(call, [x, w, *b], machine, order)


@DRAWN
@given(convolutions(), MACHINES, ORDER, st.booleans())
def test_transposed_convolution(case, machine, order, added):
    axes, samples, groups, channels, filters, drawn, biased = case
    steps = [max(s, d) for s, d in zip(drawn["stride"], drawn["dilation"], strict=True)]
    extra = tuple((n - 1) * added for n in steps)
    keys = ("lengths", "stride", "padding", "dilation", "taps")
    sizes = [
        (n - 1) * s - 2 * p + d * (k - 1) + 1 + e
        for n, s, p, d, k, e in zip(*(drawn[key] for key in keys), extra, strict=True)
    ]
    assume(min(sizes) >= 1)
    x = numbers(1, samples, groups * channels, *drawn["lengths"])
    w = numbers(2, groups * channels, filters, *drawn["taps"])
    b = [numbers(3, groups * filters)] if biased else []
    how = settings_of(drawn, groups) | {"output_padding": extra}
    call = lambda F, x, w, *b: getattr(F, f"conv_transpose{axes}d")(x, w, *b, **how).tanh()
    assert_all_agree(call, [x, w, *b], machine, order)


@st.composite
def poolings(draw):
    axes = draw(st.integers(1, 2))
    size, stride, lengths = (draw(lists(1, n, axes)) for n in (4, 4, 9))
    padding = [draw(st.integers(0, k // 2)) for k in size]
    how = {"stride": stride, "padding": padding, "ceil_mode": draw(st.booleans())}
    kind, reach = draw(st.sampled_from(["avg", "max"])), size
    if kind == "max":
        how["dilation"] = draw(lists(1, 2, axes))
        reach = [d * (k - 1) + 1 for d, k in zip(how["dilation"], size, strict=True)]
    else:
        how["count_include_pad"] = draw(st.booleans())
    assume(all(r <= n + 2 * p for r, n, p in zip(reach, lengths, padding, strict=True)))
    return f"{kind}_pool{axes}d", (draw(SAMPLES), draw(CHANNELS), *lengths), size, how


@DRAWN
@given(poolings(), MACHINES, ORDER)
def test_pooling(case, machine, order):
    name, shape, size, how = case
    call = lambda F, x: getattr(F, name)(x, size, **how) ** 2
    assert_all_agree(call, [numbers(4, *shape)], machine, order)


@pytest.mark.parametrize("width", [4, 16])
@pytest.mark.parametrize("window", [(2, 2, 0), (3, 2, 1), ((1, 3), 1, 0)])
def test_of_equal_maxima_the_first_has_the_gradient(window, width):
    """After a ReLU most maxima are shared; many are zeros, of which none has a slope."""
    x = np.random.default_rng(5).integers(-2, 2, (17, 3, 7, 8))
    call = lambda F, x: F.max_pool2d(F.relu(x), *window)
    assert_all_agree(call, [x], (F64, width, L2), 1)


@settings(max_examples=16)
@given(SAMPLES, CHANNELS, lists(1, 6, 2), st.integers(0, 2), st.booleans(), MACHINES, ORDER)
def test_batch_norm(samples, channels, lengths, axes, scaled, machine, order):
    shape = (samples, channels, *lengths[:axes])
    assume(samples * np.prod(shape[2:]) > 2)  # of two numbers the deviations are always equal
    given = [numbers(7, channels), numbers(8, channels)] if scaled else []
    call = lambda F, x, *of: F.batch_norm(x, None, None, *of, training=True).tanh()
    assert_all_agree(call, [numbers(6, *shape), *given], machine, order)


@settings(max_examples=16)
@given(SAMPLES, CHANNELS, CHANNELS, lists(5, 9, 2), st.sampled_from(["avg", "max"]), MACHINES)
def test_a_convolution_and_what_follows_it(samples, channels, filters, lengths, kind, machine):
    """Bias, activation and pooling meet in nests, and so do their derivatives."""
    assume(samples * channels * filters <= 8000)
    x, w = numbers(1, samples, channels, *lengths), numbers(2, filters, channels, 3, 3)

    def call(F, x, w, b):
        return getattr(F, f"{kind}_pool2d")(F.conv2d(x, w, b, padding=1).tanh(), 2).sum((1, 2, 3))

    assert_all_agree(call, [x, w, numbers(3, filters)], machine, 1)


@pytest.mark.parametrize("width", [4, 16])
@pytest.mark.parametrize("samples", [1, 3, 16, 17])
def test_the_layers_of_1998(samples, width):
    layers = nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.SubSampling(6, 2),
        nn.ScaledTanh(),
        nn.TableConv2d(6, models.SEEN_BY_C3, 5),
    )
    assert_compiled_is_eager(layers.double(), [numbers(1, samples, 1, 16, 14)], F64, width)


# ---- whole training steps ------------------------------------------------------------------------


def three_convolutions(channels: int) -> nn.Module:
    """Images with a border; the lanes are the channels where these fill vectors."""
    layers: list[nn.Module] = []
    for before, after in ((3, 16), (16, channels), (channels, 16)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(16, 10))


# How to make it, its images, its loss, and how many borders are written: those of its convolutions
# and, where channels are contiguous, of the gradients of two inputs.
NETWORKS = {
    "1998": (models.lenet5, (1, 32, 32), nn.MAPLoss(0.1), 0),
    "modern": (partial(models.lenet5, True, size=(28, 28)), (1, 28, 28), nn.CrossEntropyLoss(), 1),
    "samples": (partial(three_convolutions, 20), (3, 8, 8), nn.CrossEntropyLoss(), 3),
    "channels": (partial(three_convolutions, 32), (3, 8, 8), nn.CrossEntropyLoss(), 5),
}


@pytest.mark.parametrize("batch", [3, 16])
@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_training_steps(name, dtype, batch):
    assert_trains(name, dtype, batch)


def assert_trains(name: str, dtype: np.dtype, batch: int) -> None:
    """Three compiled steps of a network are three eager ones."""
    make, shape, loss, _ = NETWORKS[name]

    def build():
        model = make().to(dtype)
        return training(model, lambda x, y: loss(model(x), y), list(model.parameters()))

    labels = np.arange(batch) % 10
    batches = [(numbers(k, batch, *shape).astype(dtype), labels) for k in range(3)]
    assert_compiled_steps_are_eager(build, batches)


def lowered(name: str, batch: int) -> Lowered:
    """All stages of a network's training step."""
    make, shape, loss, _ = NETWORKS[name]
    manual_seed(0)
    model = make()
    _, step = training(model, lambda x, y: loss(model(x), y), list(model.parameters()))
    avals = Aval((batch, *shape), F32), Aval((batch,), np.dtype(np.int64))
    inlets = [(name, aval, "gathered") for name, aval in zip("xy", avals, strict=True)]
    captured = capture(step, inlets)
    return stages(simplify(captured.graph), width=16)


@pytest.mark.parametrize("name", NETWORKS)
def test_memory_is_read_by_vectors_and_few_borders_are_written(name):
    found = lowered(name, 64)
    rows = [v.row.name for nest in found.fusion.nests for v in nest.written() if v.row]
    assert "windows" not in rows
    assert rows.count("pad") <= NETWORKS[name][3]
    assert found.emitted.strided <= 256


def test_the_gradient_of_a_weight_goes_through_the_samples_once(monkeypatch):
    """Operands that no cache holds are read sample by sample, not once for every tap."""
    waiting = []
    for cache in (L2, 100_000):
        monkeypatch.setattr(roles, "L2", cache)
        found = lowered("channels", 64)
        late = [r for r in found.layout.roles.values() if r.waiting and not r.summed]
        assert all(r.inner[0] == "n" for r in late)
        waiting.append(len(late))
    assert waiting == [0, 2]


@pytest.mark.parametrize(("name", "cache"), [("modern", 11_000), ("channels", 2_500)])
def test_the_gradient_of_a_weight_goes_through_pieces_of_an_image(name, cache, monkeypatch):
    """What the tiles read of a piece fits into the first cache; the last piece may be shorter."""
    monkeypatch.setattr(roles, "L2", 50_000)
    monkeypatch.setattr(tiling, "L1", cache)
    found = lowered(name, 20)
    lengths = [
        (r.size[r.inner[1]], found.plan.tiles[nest].block)
        for nest, r in found.layout.roles.items()
        if r.waiting
    ]
    assert any(length and n % length for n, length in lengths), lengths
    assert_trains(name, F32, 20)
