"""Compiled code gives what replaying the graph gives: row by row, and for random programs."""

import threading
from itertools import chain, combinations, pairwise

import numpy as np
import pytest
from random_graphs import Maker

import steepest
from steepest import nn, optim
from steepest.compiler.capture.capture import capture
from steepest.compiler.graph import Graph, constant, equation, inlet
from steepest.compiler.lower import lower, stages
from steepest.compiler.machine.processor import processor
from steepest.compiler.nests.affine import LANE, affine, plus
from steepest.compiler.nests.index import through
from steepest.compiler.replay import replay, replay_step
from steepest.compiler.simplify import simplify
from steepest.core import Aval, RequestError
from steepest.primitives import TABLE

F32 = np.dtype(np.float32)
WIDTHS = (4, 8, 16)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """Every test compiles for itself, and leaves nothing in the user's cache folder."""
    monkeypatch.setenv("STEEPEST_CACHE", "")


def leaf(name, *shape, dtype=np.float32, role="whole"):
    return inlet(name, Aval(shape, np.dtype(dtype)), role)


def row(name, *operands, **params):
    return equation(TABLE[name], *operands, **params)


def total(v):
    """Some output is always the loss: a number."""
    flat = row("cast", v, dtype=F32) if v.dtype != F32 else v
    return row("sum", flat, axes=tuple(range(v.ndim))) if v.ndim else flat


def all_compiled_and_replayed(values, arrays, width):
    """Values, each computed natively and with NumPy, by one program; beside a loss that is always
    finite."""
    zero = constant(np.float32(0), ())
    inputs = list(arrays)
    graph = Graph(inputs, [zero, *values])
    outputs = [np.zeros((1,), F32), *(np.zeros((1, *v.shape), v.dtype) for v in values)]
    bound = {x: a.copy() for x, a in arrays.items()}
    assert lower(graph, width=width).run(bound, None, 1, outputs) == 1
    wanted = replay_step(graph, arrays)[0]
    return [(a[0], np.asarray(b)) for a, b in zip(outputs[1:], wanted[1:], strict=True)]


def compiled_and_replayed(v, arrays, width):
    """One value, computed natively and with NumPy."""
    return all_compiled_and_replayed([v], arrays, width)[0]


# ---- rows ----------------------------------------------------------------------------------------

SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-42, -3.5, 2.5, 0.5, 1.0], np.float32)
UNARY = ["neg", "exp", "log", "sqrt", "tanh", "sigmoid", "sin", "cos", "erf", "floor", "round"]
BINARY = ["add", "mul", "div", "pow", "maximum", "less", "equal"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", UNARY)
def test_unary_rows_everywhere(name, dtype, width):
    x = leaf("x", 37, dtype=dtype)
    array = np.concatenate([SPECIAL, np.linspace(-4, 4, 27)]).astype(dtype)
    got, want = compiled_and_replayed(row(name, x), {x: array}, width)
    # two errors of at most 1.25 units in the last place
    np.testing.assert_allclose(got, want, rtol=3e-7 if dtype == np.float32 else 1e-14)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", BINARY)
def test_binary_rows_everywhere(name, width):
    x, y = leaf("x", 10, 10), leaf("y", 10, 10)
    arrays = {x: np.repeat(SPECIAL[:, None], 10, 1), y: np.repeat(SPECIAL[None], 10, 0)}
    got, want = compiled_and_replayed(row(name, x, y), arrays, width)
    np.testing.assert_allclose(got, want, rtol=3e-7)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int32, np.int64, np.uint32])
@pytest.mark.parametrize("name", ["add", "mul", "maximum", "less", "equal"])
def test_rows_of_whole_numbers(name, dtype):
    r = np.random.default_rng(0)
    x, y = leaf("x", 5, 7, dtype=dtype), leaf("y", 5, 7, dtype=dtype)
    arrays = {v: r.integers(0, 2 if dtype is bool else 100, (5, 7)).astype(dtype) for v in (x, y)}
    if np.dtype(dtype).kind == "i":
        arrays[y] -= dtype(50)
    got, want = compiled_and_replayed(row(name, x, y), arrays, 16)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("new", [bool, np.int32, np.int64, np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("old", [bool, np.int32, np.int64, np.uint8, np.float32, np.float64])
def test_casts(old, new):
    x = leaf("x", 19, dtype=old)
    array = np.arange(19).astype(old)
    got, want = compiled_and_replayed(row("cast", x, dtype=np.dtype(new)), {x: array}, 8)
    np.testing.assert_array_equal(got, want)


SHAPES = [(1,), (7,), (16,), (3, 5), (17, 1), (2, 33), (4, 3, 9), (2, 1, 300), (5, 2, 3, 4)]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["sum", "max", "argmax"])
def test_reductions_over_any_axes(name, shape, width):
    array = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    most = 1 if name == "argmax" else len(shape)
    x, values = leaf("x", *shape), []
    for axes in chain(*(combinations(range(len(shape)), n) for n in range(1, most + 1))):
        over = {"axis": axes[0]} if name == "argmax" else {"axes": axes}
        values.append(row(name, x, **over))
    for got, want in all_compiled_and_replayed(values, {x: array}, width):
        # the order of a sum differs: relative to the sum of sizes, not to what is left of it
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6 * np.abs(array).sum())


@pytest.mark.parametrize("name", ["max", "argmax"])
@pytest.mark.parametrize("axis", [0, 1])
def test_nan_wins_a_maximum(name, axis):
    array = np.random.default_rng(2).standard_normal((6, 21)).astype(np.float32)
    array[2, 3] = array[4, 3] = np.nan
    array[5] = -np.inf
    x = leaf("x", 6, 21)
    v = row(name, x, axis=axis) if name == "argmax" else row(name, x, axes=(axis,))
    got, want = compiled_and_replayed(v, {x: array}, 8)
    np.testing.assert_array_equal(got, want)


def test_relu_keeps_nan():
    x = leaf("x", 20)
    array = np.full(20, np.nan, np.float32)
    got, _ = compiled_and_replayed(
        row("maximum", x, constant(np.float32(0), (20,))), {x: array}, 16
    )
    assert np.isnan(got).all()


SPECS = ["bi,oi->bo", "ib,io->bo", "bi,io->ob", "pbi,poi->pbo", "bij,oij->bo", "abi,oi->abo"]
SPECS += [
    "b,o->bo",
    "bi,bi->b",
    "bi,i->b",
    "i,io->o",
    "i,i->",
    "pb,p->pb",
    "bi,oi->ob",
    "abi,ocib->oca",
]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("spec", SPECS)
def test_contractions(spec, width):
    r = np.random.default_rng(3)
    arrays, values, sizes = {}, [], (1, 3, 17, 20)
    for n in sizes:
        size = {i: n + k for k, i in enumerate(sorted(set(spec) - set(",->")))}
        a, b = spec.split("->")[0].split(",")
        x, y = (leaf(f"{v}{n}", *(size[i] for i in of)) for v, of in (("x", a), ("y", b)))
        arrays |= {v: r.standard_normal(v.shape).astype(np.float32) for v in (x, y)}
        values.append(row("contract", x, y, spec=spec))
    found = all_compiled_and_replayed(values, arrays, width)
    for n, (got, want) in zip(sizes, found, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5 * n)


@pytest.mark.parametrize("sizes", [(3, 784, 40), (40, 300, 33), (256, 512, 19)])
def test_long_contractions_are_cut_into_blocks(sizes):
    m, k, n = sizes
    r = np.random.default_rng(4)
    x, y = leaf("x", m, k), leaf("y", n, k)
    arrays = {v: r.standard_normal(v.shape).astype(np.float32) for v in (x, y)}
    got, want = compiled_and_replayed(row("contract", x, y, spec="bi,oi->bo"), arrays, None)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def test_uniform_draws_the_same_bits():
    key = leaf("key", 2, dtype=np.uint32)
    for shape in [(50,), (3, 7), (2, 1, 40)]:
        v = row("uniform", key, shape=shape)
        got, want = compiled_and_replayed(v, {key: np.array([5, 2**31], np.uint32)}, 16)
        np.testing.assert_array_equal(got, want)


def test_take_wraps_negative_numbers_and_scatter_adds_repeated_ones():
    x, i = leaf("x", 6, 5), leaf("i", 4, dtype=np.int64)
    arrays = {x: np.arange(30, dtype=np.float32).reshape(6, 5), i: np.array([0, -1, 3, 3])}
    got, want = compiled_and_replayed(row("take", x, i), arrays, 8)
    np.testing.assert_array_equal(got, want)
    got, want = compiled_and_replayed(row("scatter_add", row("take", x, i), i, rows=6), arrays, 8)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("width", WIDTHS)
def test_rows_of_the_data_that_a_table_chooses(width):
    """Of the batch, every lane reads another row, and another one at every turn of the other loop;
    of what is turned, at every turn the same."""
    x, y = leaf("x", 6, role="gathered"), leaf("y", 6, 5, role="gathered")
    i = leaf("i", 3, 7, dtype=np.int64)
    chosen, turned = row("take", x, i), row("permute", y, order=(1, 0))
    padded = row("pad", turned, shape=(7, 6), starts=(1, 0), steps=(1, 1))
    graph = Graph(
        [x, y, i], [constant(np.float32(0), ()), row("tanh", chosen), row("tanh", padded)]
    )
    rng = np.random.default_rng(0)
    arrays = {x: rng.standard_normal(40), y: rng.standard_normal((40, 5))}
    arrays = {v: a.astype(np.float32) for v, a in arrays.items()} | {i: rng.integers(0, 6, (3, 7))}
    index, runs = rng.integers(0, 40, 3 * 6), []
    for run in (lower(graph, width=width).run, lambda *a: replay(graph, *a)):
        outputs = [np.zeros((3, *v.shape), v.dtype) for v in graph.outputs]
        assert run(arrays, index, 3, outputs, np.zeros(3, np.int64)) == 3
        runs.append(outputs)
    for got, want in zip(*runs, strict=True):
        np.testing.assert_allclose(got, want, rtol=3e-7)


# ---- programs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed):
    graph, arrays, batch = Maker(seed).graph(6 + seed % 30)
    index = np.random.default_rng(seed).integers(0, 40, 3 * batch)
    runs = []
    for run in (lower(graph, width=WIDTHS[seed % 3]).run, lambda *a: replay(graph, *a)):
        mine = {v: a.copy() for v, a in arrays.items()}
        outputs = [np.zeros((3, *v.shape), v.dtype) for v in graph.outputs]
        done = run(mine, index, 3, outputs, np.zeros(3, np.int64))
        runs.append((done, [*outputs, *(mine[v] for v in arrays if v.role == "state")]))
    assert runs[0][0] == runs[1][0]
    for got, want in zip(runs[0][1], runs[1][1], strict=True):
        # float32 through up to 36 rows and three steps; sums of up to 20,000 numbers
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def states_after(after_of, arrays, steps=3):
    inputs = list(arrays)
    graph = Graph(
        inputs, [constant(np.float32(0), ())], zip(inputs, after_of(*inputs), strict=True)
    )
    results = []
    for run in (lower(graph, width=8).run, lambda *a: replay(graph, *a)):
        mine = {v: a.copy() for v, a in arrays.items()}
        run(mine, None, steps, [np.zeros(steps, F32)], np.zeros(3, np.int64))
        results.append(list(mine.values()))
    for got, want in zip(*results, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5)


def square(name="p", n=11, seed=0):
    p = leaf(name, n, n, role="state")
    return p, np.random.default_rng(seed).uniform(-1, 1, (n, n)).astype(np.float32)


def test_states_that_trade_places():
    (p, a), (q, b) = square("p"), square("q", seed=1)
    states_after(lambda p, q: (q, p), {p: a, q: b}, steps=5)


def test_state_that_becomes_its_transpose():
    p, a = square()
    states_after(lambda p: (row("add", p, row("permute", p, order=(1, 0))),), {p: a})


def test_state_that_is_multiplied_by_itself():
    """Of small whole numbers, whose sums of products are exact in whatever order BLAS adds them."""
    (p, _), whole = square(), np.random.default_rng(0).integers(-1, 2, (11, 11))
    a = whole.astype(np.float32)
    states_after(lambda p: (row("contract", p, p, spec="ij,jk->ik"),), {p: a})


def test_states_that_share_a_value_or_stay():
    (p, a), (q, b), (s, c) = square("p"), square("q", seed=1), square("s", seed=2)
    states_after(
        lambda p, q, s: (same := row("tanh", row("add", p, q)), same, s), {p: a, q: b, s: c}
    )


def test_row_sums_of_a_state_that_is_overwritten():
    p, a = square(n=300)

    def after(p):
        size = row("sum", row("mul", p, p), axes=(1,))
        return (row("mul", p, row("broadcast", size, shape=p.shape, axes=(1,))),)

    states_after(after, {p: a * 0.01}, steps=1)


def test_a_state_that_becomes_the_sum_of_a_nest_that_holds_maxima():
    x, n = leaf("x", 16, 33, role="whole"), leaf("n", role="state")
    largest = row("max", x, axes=(1,))
    gap = row("add", x, row("neg", row("broadcast", largest, shape=x.shape, axes=(1,))))
    graph = Graph([x, n], [constant(np.float32(0), ()), largest], [(n, total(gap))])
    array, state = np.random.default_rng(0).random((16, 33), np.float32), np.zeros((), F32)
    lower(graph).run({x: array, n: state}, None, 1, [np.zeros(1, F32), np.zeros((1, 16), F32)])
    np.testing.assert_allclose(state, (array - array.max(1, keepdims=True)).sum(), rtol=1e-5)


def network(sizes, activation, loss, optimizer_of, batch):
    """A training step's graph, captured and simplified, and its arrays."""
    steepest.manual_seed(0)
    layers = []
    for i, o in pairwise(sizes):
        layers += [nn.Linear(i, o), activation()]
    model = nn.Sequential(*layers[:-1])
    optimizer = optimizer_of(model.parameters())

    def step(x, y):
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value

    labels = isinstance(loss, nn.CrossEntropyLoss)
    r = np.random.default_rng(0)
    x = r.standard_normal((3 * batch, sizes[0])).astype(np.float32)
    y = r.integers(0, sizes[-1], 3 * batch) if labels else None
    y = r.standard_normal((3 * batch, sizes[-1])).astype(np.float32) if y is None else y
    avals = [Aval((batch, *a.shape[1:]), a.dtype) for a in (x, y)]
    inlets = [(name, aval, "gathered") for name, aval in zip("xy", avals, strict=True)]
    captured = capture(step, inlets)
    graph = simplify(captured.graph)
    by_name = {v.name: a for v, a in captured.arrays.items()} | {"x": x, "y": y}
    # The simplifier may have changed the shape in which a gathered row is read.
    return graph, {
        v: by_name[v.name].reshape(-1, *v.shape[1:]) if v.role == "gathered" else by_name[v.name]
        for v in graph.inputs
    }


NETWORKS = [
    ((13, 64, 64, 1), nn.Tanh, nn.MSELoss(), lambda p: optim.Adam(p, lr=1e-3), 32),
    ((784, 128, 10), nn.ReLU, nn.CrossEntropyLoss(), lambda p: optim.SGD(p, 0.05, 0.9), 64),
    ((7, 33, 17, 3), nn.GELU, nn.CrossEntropyLoss(), lambda p: optim.AdamW(p, lr=1e-3), 21),
    ((5, 1, 9), nn.Sigmoid, nn.HuberLoss(), lambda p: optim.RMSprop(p, lr=1e-2), 1),
    ((13, 1), nn.Identity, nn.MSELoss(), lambda p: optim.SGD(p, lr=0.01), 10),
    ((70, 130, 2), nn.ELU, nn.CrossEntropyLoss(), lambda p: optim.Adagrad(p, lr=0.01), 45),
]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("settings", NETWORKS, ids=lambda s: "-".join(map(str, s[0])))
def test_training_steps(settings, width):
    graph, arrays = network(*settings)
    batch, order = settings[-1], np.random.default_rng(1).permutation(3 * settings[-1])
    runs = []
    for run in (lower(graph, width=width).run, lambda *a: replay(graph, *a)):
        mine = {v: a.copy() for v, a in arrays.items()}
        outputs = [np.zeros((3, *v.shape), v.dtype) for v in graph.outputs]
        assert run(mine, order, len(order) // batch, outputs, np.zeros(3, np.int64)) == 3
        runs.append((outputs[0], [mine[v] for v in arrays if v.role == "state"]))
    np.testing.assert_allclose(runs[0][0], runs[1][0], rtol=2e-6)
    for got, want in zip(runs[0][1], runs[1][1], strict=True):
        # Adam divides by the size of gradients that are nearly zero, where rounding is all there is
        np.testing.assert_allclose(got, want, rtol=2e-2, atol=2e-5)


@pytest.mark.parametrize("settings", NETWORKS, ids=lambda s: "-".join(map(str, s[0])))
def test_memory_is_read_by_vectors(settings):
    """Slots that lose their parameter's layout once made a step 1.6 times slower, silently."""
    graph, _ = network(*settings)
    assert stages(graph, width=16).emitted.strided <= 160


def test_the_epoch_of_a_small_network_is_few_nests():
    graph, _ = network(*NETWORKS[0])
    assert len(stages(graph, width=16).fusion.nests) <= 14


# ---- the loop ------------------------------------------------------------------------------------


def counting():
    """A step that adds 1 to a counter and returns 1 / (10 − counter)."""
    n = leaf("n", role="state")
    one, ten = constant(np.float32(1), ()), constant(np.float32(10), ())
    after = row("add", n, one)
    loss = row("div", one, row("add", ten, row("neg", after)))
    return Graph([n], [loss], [(n, after)]), n


def test_stops_where_the_loss_is_not_finite():
    graph, n = counting()
    state, losses, control = np.zeros((), F32), np.zeros(50, F32), np.zeros(3, np.int64)
    assert lower(graph).run({n: state}, None, 50, [losses], control) == 10
    assert state == 10 and np.isinf(losses[9]) and control.tolist() == [0, 10, 1]


def test_stops_when_told_from_another_thread():
    n = leaf("n", role="state")
    graph = Graph([n], [row("sin", n)], [(n, row("add", n, constant(np.float32(1), ())))])
    state, steps = np.zeros((), F32), 50_000_000
    losses = np.zeros(steps, F32)
    control, done = np.zeros(3, np.int64), []
    program = lower(graph)
    thread = threading.Thread(
        target=lambda: done.append(program.run({n: state}, None, steps, [losses], control))
    )
    thread.start()
    while control[1] < 1000:
        pass  # the native call holds no lock: this thread runs beside it
    control[0] = 1
    thread.join()
    assert 1000 <= done[0] < steps and control[1] == done[0]


def test_no_steps_do_nothing():
    graph, n = counting()
    state = np.full((), 3, F32)
    assert lower(graph).run({n: state}, None, 0, [np.zeros(0, F32)]) == 0
    assert state == 3


def test_rows_outside_the_data_are_refused():
    x = leaf("x", 4, 3, role="gathered")
    program = lower(Graph([x], [total(x)]))
    arrays, losses = {x: np.zeros((9, 3), F32)}, [np.zeros(1, F32)]
    with pytest.raises(IndexError, match="0 to 8"):
        program.run(arrays, np.array([0, 1, 2, 9]), 1, losses)
    with pytest.raises(IndexError, match="no such row"):
        program.run(arrays, np.array([0, 1, 2, -1]), 1, losses)
    with pytest.raises(ValueError, match="one row number per sample"):
        program.run(arrays, np.array([0, 1, 2]), 1, losses)


def test_arrays_that_do_not_fit_are_refused():
    x = leaf("x", 4, 3)
    program = lower(Graph([x], [total(x)]))
    with pytest.raises(ValueError, match="does not fit"):
        program.run({x: np.zeros((4, 4), F32)}, None, 1, [np.zeros(1, F32)])
    with pytest.raises(ValueError, match="output: the array does not fit"):
        program.run({x: np.zeros((4, 3), F32)}, None, 2, [np.zeros(1, F32)])


def test_stepped_inputs_have_one_entry_per_step():
    rate, n = leaf("rate", role="stepped"), leaf("n", 3, role="state")
    spread = row("broadcast", rate, shape=(3,), axes=(0,))
    graph = Graph([rate, n], [total(n)], [(n, row("add", n, spread))])
    state = np.zeros(3, F32)
    rates = np.arange(5, dtype=np.float32)
    assert lower(graph).run({rate: rates, n: state}, None, 5, [np.zeros(5, F32)]) == 5
    with pytest.raises(ValueError, match="does not fit"):
        lower(graph).run({rate: rates, n: state}, None, 6, [np.zeros(6, F32)])
    np.testing.assert_array_equal(state, np.full(3, 10, F32))


@pytest.mark.skipif("+avx2" not in processor().features.split(","), reason="needs AVX2")
def test_code_for_a_processor_with_fewer_registers():
    """AVX2: eight lanes, sixteen registers, no masks."""
    features = ",".join(
        f for f in processor().features.split(",") if "avx512" not in f and "evex" not in f
    )
    graph, arrays = network(*NETWORKS[0])
    order, results = np.arange(96), []
    for run in (lower(graph, features=features).run, lambda *a: replay(graph, *a)):
        mine, losses = {v: a.copy() for v, a in arrays.items()}, np.zeros(3, F32)
        run(mine, order, 3, [losses], np.zeros(3, np.int64))
        results.append(losses)
    tiles = stages(graph, features=features).plan.tiles.values()
    assert max(tile.rows * tile.vectors for tile in tiles) < 16
    np.testing.assert_allclose(*results, rtol=2e-6)


def test_unsupported_dtypes_are_refused_by_name():
    x = leaf("x", 3, dtype=np.float16)
    with pytest.raises(RequestError, match="float16"):
        lower(Graph([x], [row("tanh", x)]))


def test_explain_shows_nests_and_tiles():
    graph, _ = network(*NETWORKS[0])
    text = stages(graph).text()
    assert "nest 0" in text and "Tile(" in text and "contract" in text
    assert "bytes" in text and "lane by lane" in text


@pytest.mark.parametrize("shapes", [[(100, 36), (100, 6, 3, 2)], [(36,), (6, 6), (2, 3, 6)]])
def test_a_reshape_there_and_back_is_no_arithmetic(shapes):
    """Also where vectors begin past the first: such a value is found in its register."""
    v = leaf("x", *shapes[0])
    for shape in (*shapes[1:], *shapes[-2::-1]):
        v = row("reshape", v, shape=shape)
    index = (*(affine(f"i{d}") for d in range(v.ndim - 1)), plus(affine(32), LANE))
    at = index
    while v.kind == "row":
        v, at = through(v, at)
    assert at == index
