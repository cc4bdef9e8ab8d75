"""Tracing traps about memory, shapes and modes: each is right or refused, as in the catalogue."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import steepest
from steepest import nn, optim, tensor
from steepest.compiler import Epochs, NotCompilable, compile


def x_of(*numbers):
    return tensor(np.array(numbers, np.float32))


def assert_refused(step, *args, match):
    with pytest.raises(NotCompilable, match=match) as refused:
        compile(step)(*args)
    assert "test_tracing_memory.py:" in str(refused.value)
    assert "\n  write " in str(refused.value)


# ---- memory --------------------------------------------------------------------------------------


def test_a_reused_input_buffer_is_read_at_every_call():
    buffer = np.zeros(2, np.float32)
    compiled = compile(lambda x: x.sum())
    x = steepest.from_numpy(buffer)
    assert compiled(x).item() == 0
    buffer[:] = 3
    assert compiled(x).item() == 6


def test_results_of_earlier_calls_are_not_overwritten():
    compiled = compile(lambda x: x * 2)
    first = compiled(x_of(1, 2))
    second = compiled(x_of(5, 6))
    assert first.tolist() == [2, 4]
    assert second.tolist() == [10, 12]


def test_threads_that_call_one_step_at_once_get_each_its_own_result():
    weight = tensor(np.random.default_rng(0).normal(size=(130, 130)).astype(np.float32))
    compiled = compile(lambda x: (x @ weight).tanh() @ weight)
    given = [tensor(np.full((100, 130), n, np.float32)) for n in (0.1, 0.2, 0.3)]
    wanted = [compiled(x).numpy() for x in given]

    def right(n):
        return all((compiled(given[n]).numpy() == wanted[n]).all() for _ in range(100))

    with ThreadPoolExecutor(3) as threads:
        assert all(threads.map(right, range(3)))


def test_returned_state_is_a_copy():
    count = x_of(0)

    def step(x):
        count.add_(x)
        return count

    compiled = compile(step)
    first = compiled(x_of(1))
    assert (first.item(), compiled(x_of(1)).item(), first.item()) == (1, 2, 1)


def test_a_whole_tensor_that_changes_outside_is_read_anew():
    mask = x_of(1, 0)
    compiled = compile(lambda x: (x * mask).sum())
    assert compiled(x_of(3, 4)).item() == 3
    mask.copy_(x_of(0, 1))
    assert compiled(x_of(3, 4)).item() == 4
    mask.data = x_of(1, 1)
    assert compiled(x_of(3, 4)).item() == 7


def test_a_tensor_replaced_by_another_is_noticed():
    model = nn.Linear(2, 1, bias=False)
    compiled = compile(lambda x: model(x).sum())
    compiled(x_of([1, 2]))
    model.weight = nn.Parameter(x_of([1, 1]))
    assert compiled(x_of([1, 2])).item() == 3


def test_weights_changed_outside_are_seen():
    model = nn.Linear(2, 1, bias=False)
    compiled = compile(lambda x: model(x).sum())
    compiled(x_of([1, 2]))
    model.load_state_dict({"weight": x_of([2, 2])})
    assert compiled(x_of([1, 2])).item() == 6


def test_an_argument_changed_in_place_is_refused():
    x = x_of(1, -2)
    assert_refused(lambda x: x.add_(1).sum(), x, match="changes its argument0 in place")
    with pytest.raises(NotCompilable, match="in place"):
        compile(nn.ReLU(inplace=True))(x)
    assert x.tolist() == [1, -2]


def test_a_mini_batch_of_an_epoch_may_be_changed_in_place():
    """It is a copy of rows, which nobody else holds."""
    x = np.ones((4, 2), np.float32)
    losses = Epochs(lambda x: x.mul_(3).sum()).run([x], np.arange(4), 2)
    assert losses.tolist() == [12, 12]
    assert x.tolist() == [[1, 1]] * 4


def test_a_row_number_outside_of_the_table_is_refused():
    table = tensor(np.arange(12, dtype=np.float32).reshape(4, 3))
    compiled = compile(lambda rows: table[rows])
    assert compiled(tensor(np.array([0, -1]))).tolist() == [[0, 1, 2], [9, 10, 11]]
    for far in (4, -5, 10**9, -(2**62)):
        with pytest.raises(IndexError):
            compiled(tensor(np.array([far, 0])))


def test_an_argument_that_is_also_state_is_refused():
    count = x_of(0)

    def step(x):
        count.add_(1)
        return (x + count).sum()

    with pytest.raises(NotCompilable, match="shares its memory with count"):
        compile(step)(count)


def test_two_views_of_one_memory_are_refused():
    table = np.zeros(4, np.float32)
    front, all_of_it = steepest.from_numpy(table[:2]), steepest.from_numpy(table)

    def step(x):
        front.add_(x)
        return all_of_it.sum()

    assert_refused(step, x_of(1, 2), match="share memory")
    assert table.tolist() == [0, 0, 0, 0]


def test_a_view_taken_before_the_change_follows_it():
    def build():
        w = x_of(1, 2)

        def step(x):
            head, tail = w[:1], w[1:]
            w.add_(x)
            tail.mul_(head + 1)
            return head.sum() + w.sum()

        return w, step

    (w, eager), (twin, step) = build(), build()
    compiled = compile(step)
    for _ in range(2):
        assert compiled(x_of(1, 1)).item() == eager(x_of(1, 1)).item()
        assert twin.tolist() == w.tolist()


def test_what_shares_memory_without_being_a_view_is_refused_after_a_change():
    def step(x):
        doubled = x * 2
        same = doubled.detach()
        doubled.add_(1)
        return same.sum()

    assert_refused(step, x_of(1, 1), match="changed in place through another")


def test_state_changed_while_recording_is_state():
    mean, w = x_of(0, 0), nn.Parameter(x_of(1, 1))

    def step(x):
        mean.mul_(0.5).add_(x * 0.5)
        loss = (w * (x - mean)).sum()
        loss.backward()
        with steepest.no_grad():
            w.sub_(w.grad)
        w.grad = None
        return loss

    compiled = compile(step)
    assert [compiled(x_of(2, 4)).item() for _ in range(2)] == [3, -1]
    assert mean.tolist() == [1.5, 3]


def test_a_transposed_or_sliced_argument_is_read_right():
    x = tensor(np.arange(12, dtype=np.float32).reshape(3, 4))
    compiled = compile(lambda x: (x * x[:, :1]).sum())
    assert compiled(x.t()).item() == (x.t() * x.t()[:, :1]).sum().item()
    assert compiled(x[::2, 1:]).item() == (x[::2, 1:] * x[::2, 1:2]).sum().item()


# ---- shapes, dtypes, modes -----------------------------------------------------------------------


def test_other_shapes_and_dtypes_are_programs_of_their_own():
    compiled = compile(lambda x: (x * len(x)).sum())
    assert compiled(x_of(1, 2)).item() == 6
    assert compiled(x_of(1, 2, 3)).item() == 18
    wide = compiled(tensor(np.ones(2, np.float64)))
    assert (wide.item(), wide.dtype) == (4, np.float64)


def test_recording_is_part_of_the_program():
    w = tensor(np.ones(2, np.float32), requires_grad=True)

    def step(x):
        out = (w * x).sum()
        if out.requires_grad:
            out = out * 2
        return out

    compiled = compile(step)
    assert compiled(x_of(1, 2)).item() == 6
    with steepest.no_grad():
        assert compiled(x_of(1, 2)).item() == 3


def test_an_argument_that_requires_grad_is_refused():
    x = x_of(1).requires_grad_()
    with pytest.raises(NotCompilable, match="gradients do not leave"):
        compile(lambda x: x.sum())(x)


def test_dropout_draws_other_numbers_at_every_call_and_the_same_after_seeding():
    layer = nn.Dropout(0.5)
    compiled = compile(lambda x: layer(x))
    x = tensor(np.ones(64, np.float32))
    steepest.manual_seed(1)
    first, second = compiled(x), compiled(x)
    assert first.tolist() != second.tolist()
    steepest.manual_seed(1)
    assert compiled(x).tolist() == first.tolist()
    steepest.manual_seed(1)
    assert layer(x).tolist() == first.tolist()


def test_structures_go_in_and_out():
    compiled = compile(lambda batch, flag=True: {"sum": batch["x"] + batch["y"][0], "flag": flag})
    out = compiled({"x": x_of(1), "y": [x_of(2)]})
    assert (out["sum"].item(), out["flag"]) == (3, True)


def test_a_step_that_returns_nothing_still_changes_its_state():
    w = x_of(1, 2)

    def step(x):
        w.add_(x)

    compiled = compile(step)
    assert compiled(x_of(1, 1)) is None
    assert w.tolist() == [2, 3]


def test_an_optimizer_without_state_yet_starts_in_its_first_compiled_step():
    w = nn.Parameter(x_of(1, 2))
    optimizer = optim.Adam([w], lr=0.1)

    def step(x):
        optimizer.zero_grad()
        loss = (w * x).sum()
        loss.backward()
        optimizer.step()
        return loss

    compiled = compile(step)
    compiled(x_of(1, 1))
    assert optimizer.state[w]["step"].item() == 1
    np.testing.assert_allclose(w.detach().numpy(), [0.9, 1.9], rtol=1e-6)


def test_epochs_leave_the_weights_alone_where_the_loss_is_not_finite():
    w = nn.Parameter(x_of(1))
    optimizer = optim.SGD([w], lr=1.0)

    def step(x):
        optimizer.zero_grad()
        loss = (w * x).sum()
        loss.backward()
        optimizer.step()
        return loss

    x = np.array([[1], [2], [np.inf], [3]], np.float32)
    losses = Epochs(step).run([x], np.arange(4), 1)
    assert losses.tolist() == [1, 0, -np.inf]
    assert w.item() == -2
