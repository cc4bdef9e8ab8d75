"""Compiled programs on several threads: the same bits, whoever computes them, and no hanging."""

import os
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from itertools import pairwise

import numpy as np
import pytest
from random_graphs import Maker

import steepest
from steepest import nn, optim
from steepest.compiler import Epochs, programs
from steepest.compiler.emit.taking import taking
from steepest.compiler.graph import Graph, constant, equation, inlet
from steepest.compiler.lower import lower, stages
from steepest.compiler.machine.engine import machine_code
from steepest.compiler.machine.executable import NativeFunction
from steepest.compiler.machine.processor import processor
from steepest.compiler.memory import sharing
from steepest.compiler.run import team
from steepest.core import Aval, RequestError, get_num_threads, set_num_threads
from steepest.primitives import TABLE

F32 = np.dtype(np.float32)


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Nothing is kept on disk, and the number of threads is as before afterwards."""
    monkeypatch.setenv("STEEPEST_CACHE", "")
    monkeypatch.setattr("steepest.core.threads._chosen", None)


@pytest.fixture
def shared(monkeypatch):
    """Every program has code for threads, which divide all nests that they can, and take shares of
    them from one another."""
    for least in ("STEP", "NEST", "LONG"):
        monkeypatch.setattr(sharing, least, 0)
    monkeypatch.setattr(programs, "_programs", OrderedDict())


def on(threads, program, run):
    """What `run` gives with the program on so many threads."""
    set_num_threads(threads)
    program.function.keep(threads)
    return run()


# ---- the same bits -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_random_programs_give_the_same_bits_on_any_number_of_threads(seed, shared):
    graph, arrays, batch = Maker(seed).graph(6 + seed % 30)
    index = np.random.default_rng(seed).integers(0, 40, 3 * batch)
    program = lower(graph, width=(4, 8, 16)[seed % 3])

    def run():
        mine = {v: a.copy() for v, a in arrays.items()}
        outputs = [np.zeros((3, *v.shape), v.dtype) for v in graph.outputs]
        program.run(mine, index, 3, outputs)
        return [*outputs, *(mine[v] for v in arrays if v.role == "state")]

    want = on(1, program, run)
    for threads in (2, 3, 2):
        for got, expected in zip(on(threads, program, run), want, strict=True):
            np.testing.assert_array_equal(got, expected)


def training(sizes, optimizer, loss, batch, steps=12):
    """Epochs of a network from fresh weights, and everything that they change."""
    steepest.manual_seed(0)
    random = np.random.default_rng(0)
    layers = []
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        layers += [nn.Tanh()] * bool(i) + [nn.Linear(inputs, outputs)]
    model = nn.Sequential(*layers)
    updates = optimizer(model.parameters())
    x = random.normal(size=(2 * batch, sizes[0])).astype(np.float32)
    classes = isinstance(loss, nn.CrossEntropyLoss)
    y = random.integers(0, sizes[-1], 2 * batch)
    y = y if classes else random.normal(size=(2 * batch, sizes[-1])).astype(np.float32)

    def step(a, b):
        error = loss(model(a), b)
        updates.zero_grad()
        error.backward()
        updates.step()
        return error

    order = np.concatenate([random.permutation(2 * batch) for _ in range(steps // 2)])
    return Epochs(step), lambda epochs, **more: epochs.run([x, y], order, batch, **more), model


WORKLOADS = {
    "W2": ((13, 64, 64, 1), lambda p: optim.Adam(p, lr=1e-3), nn.MSELoss(), 32),
    "W4": ((784, 128, 10), lambda p: optim.SGD(p, 0.05, 0.9), nn.CrossEntropyLoss(), 64),
    "W6": ((784, 1024, 1024, 10), lambda p: optim.Adam(p, lr=1e-3), nn.CrossEntropyLoss(), 256),
}


@pytest.mark.parametrize("name", WORKLOADS)
def test_training_gives_the_same_bits_on_any_number_of_threads(name, shared, monkeypatch):
    monkeypatch.setattr(team, "ROUNDS", 10**9)  # one number of threads after the other
    monkeypatch.setattr(team, "SECONDS", 1e-4)
    results = []
    for threads in (1, 2, 3, 2):
        set_num_threads(threads)
        epochs, run, model = training(*WORKLOADS[name])
        results.append((run(epochs), [p.detach().numpy() for p in model.parameters()]))
    for losses, weights in results[1:]:
        np.testing.assert_array_equal(losses, results[0][0])
        for got, want in zip(weights, results[0][1], strict=True):
            np.testing.assert_array_equal(got, want)


def summing_graph(batch, size):
    """A mean over samples, the gradient of a convolution's weight and a loss: all of them sums."""
    x, w = inlet("x", Aval((batch, 3, size, size), F32), "whole"), Aval((8, 3, 3, 3), F32)
    w = inlet("w", w, "state")
    images = equation(TABLE["windows"], equation(TABLE["tanh"], x), size=(3, 3), step=(1, 1))
    forward = equation(TABLE["contract"], images, w, spec="ncxyuv,ocuv->noxy")
    mean = equation(TABLE["sum"], forward, axes=(0, 2, 3))
    slope = equation(TABLE["contract"], images, forward, spec="ncxyuv,noxy->ocuv")
    flat = equation(TABLE["reshape"], forward, shape=(batch, 8 * (size - 2) ** 2))
    largest = equation(TABLE["max"], equation(TABLE["tanh"], flat), axes=(1,))
    loss = equation(TABLE["sum"], largest, axes=(0,))
    after = equation(
        TABLE["add"], w, equation(TABLE["mul"], slope, constant(F32.type(-1e-4), w.shape))
    )
    return Graph([x, w], [loss, mean], [(w, after)]), x, w


@pytest.mark.parametrize(("batch", "size"), [(64, 9), (83, 6)])
def test_sums_are_cut_into_pieces_that_depend_on_nothing(batch, size, shared):
    graph, x, w = summing_graph(batch, size)
    cut = stages(graph).plan.sharing.pieces
    assert {nest.kind for nest in cut} == {"contract", "reduce", "row"}
    random, program = np.random.default_rng(0), lower(graph)
    images, weights = (random.standard_normal(v.shape).astype(F32) for v in (x, w))

    def run():
        state, losses, means = weights.copy(), np.zeros(5, F32), np.zeros((5, 8), F32)
        program.run({x: images, w: state}, None, 5, [losses, means])
        return losses, means, state

    want = on(1, program, run)
    for threads in (2, 3, 7):
        for got, expected in zip(on(threads, program, run), want, strict=True):
            np.testing.assert_array_equal(got, expected)


# ---- what is shared ------------------------------------------------------------------------------


def network_graph(sizes, batch):
    """Forward and weight gradients of a network with squared error, and SGD."""

    def leaf(name, *shape, role="whole"):
        return inlet(name, Aval(shape, F32), role)

    def row(name, *xs, **params):
        return equation(TABLE[name], *xs, **params)

    x, weights = leaf("x", batch, sizes[0]), []
    for i, (a, b) in enumerate(pairwise(sizes)):
        weights.append(leaf(f"w{i}", b, a, role="state"))
    values = [x]
    for w in weights:
        values.append(row("tanh", row("contract", values[-1], w, spec="bi,oi->bo")))
    gradient, state = values[-1], []
    for w, h in zip(reversed(weights), reversed(values[:-1]), strict=True):
        update = row("contract", gradient, h, spec="bo,bi->oi")
        scaled = row("mul", update, constant(np.float32(-0.001), update.shape))
        state.append((w, row("add", w, scaled)))
        gradient = row("mul", row("contract", gradient, w, spec="bo,oi->bi"), h)
    loss = row("sum", values[-1], axes=(0, 1))
    return Graph([x, *weights], [loss], list(reversed(state)))


def taker():
    """take(thread, threads, nest, shares), on words of its own."""
    text = """define i64 @run(
    ptr %words, ptr %found, i64 %thread, i64 %threads, i64 %nest, i64 %shares
) {
  %part = call {i64, i64, i64} @take(
    ptr %words, i64 64, i64 %thread, i64 %threads, i64 %nest, i64 %shares
  )
  store {i64, i64, i64} %part, ptr %found
  ret i64 0
}"""
    code = machine_code([f"{taking().text}\n{text}"], processor().features)
    function = NativeFunction(code, 2, 4)
    words, found = np.zeros((3, 8), np.int64), np.zeros(3, np.int64)

    def take(thread, threads, nest, shares):
        function(words.ctypes.data, found.ctypes.data, thread, threads, nest, shares)
        return tuple(found.tolist())

    return take


def test_a_thread_takes_half_of_what_is_left_of_its_own_and_then_of_others():
    take = taker()
    own = [take(1, 2, 1, 8) for _ in range(4)]
    assert own == [(1, 0, 4), (1, 4, 6), (1, 6, 7), (1, 7, 8)]
    assert take(1, 2, 1, 8) == (0, 4, 8)  # the other has not even begun
    assert take(0, 2, 1, 8) == (0, 0, 2)
    assert take(1, 2, 1, 8) == (0, 3, 4)
    assert take(0, 1, 2, 8) == (0, 0, 8)  # alone, at once


def test_every_share_is_taken_once_whoever_comes_when():
    take, random = taker(), np.random.default_rng(0)
    for nest in range(1, 40):
        shares, taken = int(random.choice([1, 4, 16, 64])), []
        while True:
            whose, first, end = take(int(random.integers(3)), 3, nest, shares)
            if not end:
                break
            taken += [(whose, k) for k in range(first, end)]
        assert sorted(taken) == [(whose, k) for whose in range(3) for k in range(shares)]


def test_short_steps_have_no_code_for_threads():
    small = stages(network_graph((13, 64, 64, 1), 32))
    assert small.plan.sharing is None and "@meet" not in small.emitted.text
    large = stages(network_graph((784, 128, 10), 64))
    assert large.plan.sharing and "atomicrmw" in large.emitted.text


@pytest.mark.parametrize(
    ("sizes", "batch", "most"), [((784, 128, 10), 64, 7), ((784, 1024, 1024, 10), 256, 10)]
)
def test_threads_meet_rarely(sizes, batch, most):
    """A barrier costs half a microsecond; a step of the small network takes 300."""
    lowered = stages(network_graph(sizes, batch))
    assert lowered.plan.sharing.barriers <= most
    assert f"meet {lowered.plan.sharing.barriers} times" in lowered.text()
    assert lowered.emitted.text.count("call i1 @meet") == lowered.plan.sharing.barriers


@pytest.mark.parametrize(
    ("features", "hint"), [("+sse2,+avx2", "x86.sse2.pause"), ("+neon", "aarch64.hint"), ("", "")]
)
def test_waiting_is_written_for_the_processor(features, hint):
    text = stages(network_graph((784, 128, 10), 64), features=features, width=4).emitted.text
    assert ("@llvm." + hint in text) if hint else ("pause" not in text and "hint" not in text)


# ---- ends ----------------------------------------------------------------------------------------


def counting():
    """A step that adds 1 to a counter and returns 1 / (10 − counter)."""
    n = inlet("n", Aval((256,), F32), "state")
    one, ten = (constant(np.float32(x), (256,)) for x in (1, 10))
    after = equation(TABLE["add"], n, one)
    apart = equation(TABLE["add"], ten, equation(TABLE["neg"], after))
    loss = equation(TABLE["max"], equation(TABLE["div"], one, apart), axes=(0,))
    return Graph([n], [loss], [(n, after)]), n


def test_all_threads_stop_where_the_loss_is_not_finite(shared):
    graph, n = counting()
    program = lower(graph)
    state, losses, control = np.zeros(256, F32), np.zeros(50, F32), np.zeros(3, np.int64)
    done = on(2, program, lambda: program.run({n: state}, None, 50, [losses], control))
    assert done == 10 and (state == 10).all() and np.isinf(losses[9])
    assert control.tolist() == [0, 10, 1]


def test_all_threads_stop_when_told(shared):
    n = inlet("n", Aval((256,), F32), "state")
    after = equation(TABLE["add"], n, constant(np.float32(1), (256,)))
    graph = Graph([n], [equation(TABLE["max"], equation(TABLE["sin"], n), axes=(0,))], [(n, after)])
    program, steps = lower(graph), 20_000_000
    state, losses = np.zeros(256, F32), np.zeros(steps, F32)
    control, done = np.zeros(3, np.int64), []

    def run():
        done.append(program.run({n: state}, None, steps, [losses], control))

    thread = threading.Thread(target=lambda: on(2, program, run))
    thread.start()
    while control[1] < 1000:
        time.sleep(0.001)
    control[0] = 1
    thread.join(60)
    assert not thread.is_alive()
    assert 1000 <= done[0] < steps and control[1] == done[0] and (state == done[0]).all()


def test_more_threads_than_processors_finish(shared):
    graph, n = counting()
    program = lower(graph)
    for _ in range(2):
        state = np.full(256, 11, F32)
        on(5, program, lambda s=state: program.run({n: s}, None, 500, [np.zeros(500, F32)]))
        assert (state == 511).all()


def test_two_programs_at_once_share_the_team(shared):
    """The second finds the team busy and runs on its own thread."""
    graph, n = counting()
    program, states = lower(graph), [np.full(256, 11, F32) for _ in range(4)]

    def run(state):
        program.run({n: state}, None, 20_000, [np.zeros(20_000, F32)])

    set_num_threads(2)
    program.function.keep(2)
    users = [threading.Thread(target=run, args=(state,)) for state in states]
    for user in users:
        user.start()
    for user in users:
        user.join(60)
    assert all((state == 20_011).all() for state in states)


# ---- the team ------------------------------------------------------------------------------------


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_an_error_in_one_thread_ends_the_job_and_leaves_the_team(failing):
    crew, abandoned = team.Team(), threading.Event()
    assert crew.size(3) == 3

    def job(thread):
        if thread == failing:
            raise ZeroDivisionError
        assert abandoned.wait(60)
        return thread

    with pytest.raises(ZeroDivisionError):
        crew.run(job, 3, abandoned.set)
    assert crew.run(lambda thread: 7 + thread, 3, abandoned.set) == 7


def test_native_threads_give_up_when_one_never_comes(shared):
    graph, n = counting()
    program = lower(graph)
    native = program.function._function

    class Failing:
        def __call__(self, *arguments):
            if arguments[-3] == 1:  # the number of the thread
                raise MemoryError
            return native(*arguments)

    program.function._function = Failing()
    state = np.full(256, 11, F32)
    with pytest.raises(MemoryError):
        on(2, program, lambda: program.run({n: state}, None, 10, [np.zeros(10, F32)]))
    program.function._function = native
    on(2, program, lambda: program.run({n: state}, None, 10, [np.zeros(10, F32)]))
    assert (state == 21).all()


def test_the_faster_way_is_kept(shared, monkeypatch):
    graph, n = counting()
    program = lower(graph)
    set_num_threads(2)
    for _ in range(2):
        program.run({n: np.full(256, 11, F32)}, None, 2_000_000, [np.zeros(2_000_000, F32)])
        assert program.function.kept == 1  # two threads meet more often than they compute
        program.function.kept, program.function._until = 2, 0.0  # it was so a long time ago


FORKED = """
import os, sys
import numpy as np
from steepest.compiler.memory import sharing
sharing.STEP = sharing.NEST = 0
sys.path.insert(0, {tests!r})
from test_compiler_threads import counting, on
from steepest.compiler.lower import lower

graph, n = counting()
program = lower(graph)

def run():
    state = np.full(256, 11, np.float32)
    program.run({{n: state}}, None, 100, [np.zeros(100, np.float32)])
    assert (state == 111).all()

on(2, program, run)
child = os.fork() if hasattr(os, "fork") else 0
if child:
    _, status = os.waitpid(child, 0)
    assert status == 0
on(2, program, run)
print("done")
"""


def test_a_forked_process_has_a_team_of_its_own_and_all_exit(tmp_path):
    tests = os.path.dirname(__file__)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED.format(tests=tests)],
        capture_output=True, text=True, timeout=120, env=os.environ | {"STEEPEST_CACHE": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("done") == 2 and not done.stderr


# ---- how many ------------------------------------------------------------------------------------


def test_threads_are_the_processors_unless_chosen():
    assert steepest.get_num_threads() >= 1
    steepest.set_num_threads(3)
    assert get_num_threads() == 3


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", True])
def test_a_number_of_threads_is_a_whole_number(wrong):
    with pytest.raises(RequestError, match="set_num_threads"):
        steepest.set_num_threads(wrong)
