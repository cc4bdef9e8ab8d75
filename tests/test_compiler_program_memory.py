"""The memory of a program goes from one training to the next, and is nobody else's meanwhile."""

import gc
import subprocess
import sys
from math import prod
from weakref import ref

import numpy as np
import pytest

import steepest
from steepest import nn, optim
from steepest.compiler import Epochs
from steepest.compiler.graph import Graph, equation, inlet
from steepest.compiler.lower import lower
from steepest.compiler.machine.processor import processor, vector_lanes
from steepest.compiler.run.pages import LARGE, make_pages
from steepest.compiler.run.program import _is_turned, _turn
from steepest.core import Aval
from steepest.primitives import add

F32 = np.dtype(np.float32)
SHAPE = (5, 3)


def program():
    """Adds to a state what stays: n ← n + x."""
    n, x = (inlet(name, Aval(SHAPE, F32), role) for name, role in [("n", "state"), ("x", "whole")])
    return lower(Graph([n, x], [], [(n, equation(add, n, x))])), n, x


def arrays(first):
    return np.full(SHAPE, first, F32), np.arange(15, dtype=F32).reshape(SHAPE)


def steps(bound, count):
    assert bound.run(None, count, [], np.zeros(3, np.int64)) == count


def test_trainings_of_one_program_take_turns_in_one_block():
    added, n, x = program()
    bounds, states = [], []
    for first in (1, 100):
        state, given = arrays(first)
        bounds.append(added.bind({n: state, x: given}))
        states.append(state)
    for count in (2, 3):
        for bound in bounds:
            bound.load()
            steps(bound, count)
            bound.save()
    assert len(added.free()) == 1
    for state, first in zip(states, (1, 100), strict=True):
        np.testing.assert_array_equal(state, first + 5 * arrays(0)[1])


def test_of_two_at_a_time_each_has_its_own():
    added, n, x = program()
    (one, given), (other, _) = arrays(1), arrays(100)
    bounds = [added.bind({n: state, x: given}) for state in (one, other)]
    for bound in bounds:
        bound.load()
    for bound in bounds:
        steps(bound, 4)
    for bound in bounds:
        bound.save()
    assert len(added.free()) == 2
    np.testing.assert_array_equal(one, 1 + 4 * given)
    np.testing.assert_array_equal(other, 100 + 4 * given)


def test_memory_goes_with_the_last_that_may_run_in_it():
    added, n, x = program()
    state, given = arrays(1)
    bounds = [added.bind({n: state, x: given}) for _ in range(2)]
    bounds[0].load()
    bounds[0].save()
    blocks = ref(added.free())
    del bounds[0]
    assert len(blocks()) == 1
    bounds.clear()
    gc.collect()
    assert blocks() is None


@pytest.mark.parametrize("shape", [(600, 512), (1030, 64, 5)])
def test_large_arrays_are_copied_whichever_way_they_lie(shape):
    """Some rows at a time where the block has them the other way around."""
    backwards = range(len(shape))[::-1]
    given = np.arange(prod(shape), dtype=F32).reshape(shape)
    for array in (given, np.asfortranarray(given)):
        view = np.zeros(shape[::-1], F32).transpose(*backwards)
        assert _is_turned(view)
        _turn(array, view)
        np.testing.assert_array_equal(view, given)
    assert not _is_turned(given) and not _is_turned(view[:100])


def test_pages_are_made_without_a_change():
    zeros, numbers = np.zeros(LARGE + 8, np.uint8), np.arange(LARGE // 4, dtype=np.int32)
    for array, before in ((zeros, 0), (numbers, numbers.copy()), (numbers[::-2], numbers[::-2])):
        make_pages(array)
        np.testing.assert_array_equal(array, before)


def trained(spoilt=False):
    """The weights after some epochs of a network whose sizes are no whole vectors, and what has
    trained them: as long as it lives, its memory is used again."""
    steepest.manual_seed(0)
    x, y = (np.random.default_rng(0).standard_normal((20, n), F32) for n in (5, 1))
    model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3), nn.Tanh(), nn.Linear(3, 1))
    optimizer = optim.Adam(model.parameters())

    def step(x, y):
        loss = nn.MSELoss()(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    epochs = Epochs(step)
    if spoilt:
        for p in model.parameters():
            p.value[...] = np.nan
        epochs.run([x, y], np.arange(20), 4)
    else:
        epochs.run([x, y], np.tile(np.arange(20), 3), 4)
    return [p.value for p in model.parameters()], epochs


def test_what_one_training_leaves_does_not_reach_the_next():
    (wanted, one), (_, another), (found, _) = trained(), trained(spoilt=True), trained()
    assert one is not another
    for before, after in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(before, after)
        assert np.isfinite(after).all()


AT_THE_EDGE = """
import ctypes, mmap
import numpy as np
import steepest
from steepest import nn, optim
from steepest.compiler import Epochs

PAGE = mmap.PAGESIZE

def at_the_edge(array, beyond):
    "A copy, so many bytes before memory that nobody may read."
    pages = -(-(array.nbytes + beyond) // PAGE)
    room = mmap.mmap(-1, (pages + 1) * PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(room))
    last = ctypes.c_void_p(start + pages * PAGE)
    assert ctypes.CDLL(None).mprotect(last, ctypes.c_size_t(PAGE), 0) == 0
    first = pages * PAGE - array.nbytes - beyond
    found = np.frombuffer(room, array.dtype, array.size, first).reshape(array.shape)
    found[...] = array
    return found

def images(channels):
    return nn.Conv2d(channels, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 7 * 9, 1)

class Last(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(5, 6, batch_first=True)
    def forward(self, x):
        return self.rnn(x)[0][:, -1]

rng = np.random.default_rng(0)
for layers, shape in [
    (images(1), (20, 1, 7, 9)),
    (images(3), (20, 3, 7, 9)),
    ((nn.Linear(13, 33), nn.Tanh(), nn.Linear(33, 1)), (20, 13)),
    ((Last(), nn.Linear(6, 1)), (20, 7, 5)),
]:
    model = nn.Sequential(*layers)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    def step(x, y):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss
    epochs = Epochs(step)
    x = rng.standard_normal(shape, np.float32)
    y = rng.standard_normal((20, 1), np.float32)
    epochs.run([x, y], rng.permutation(20), 8)
    for loop in epochs._steady.loops.values():
        beyond = max(place.beyond for place in loop.program.signature.inputs[:2])
    x, y = at_the_edge(x, beyond), at_the_edge(y, beyond)
    epochs.run([x, y], rng.permutation(20), 8)
    for loop in epochs._steady.loops.values():
        assert not any(direct.copied for direct in loop._bound._gathered), beyond
    print(shape, beyond)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="memory is protected in another way there")
def test_no_more_is_read_beyond_an_array_than_is_said():
    """Right behind it lies memory that nobody may read."""
    done = subprocess.run([sys.executable, "-c", AT_THE_EDGE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    beyond = [int(line.rpartition(" ")[2]) for line in done.stdout.splitlines()]
    width = 4 * vector_lanes(processor().features)
    # A vector along an axis; one of length 1, such as a single channel, has none along it.
    assert beyond == [width * 9, width * 63, width, width * 5]
