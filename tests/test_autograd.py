"""The reverse sweep: what it adds up, what it refuses, what it frees."""

import gc
import threading
import weakref

import numpy as np
import pytest

from steepest import autograd
from steepest.autograd import grad
from steepest.tensors import Tensor, no_grad, recording, tensor


def leaf(*numbers: float) -> Tensor:
    return tensor(list(numbers), dtype=np.float64, requires_grad=True)


# ---- the sweep ----------------------------------------------------------------------------------


def test_gradients_accumulate_until_they_are_zeroed():
    w = leaf(1.0, 2.0)
    (w * w).sum().backward()
    (w * w).sum().backward()
    assert w.grad.tolist() == [4, 8]
    w.grad.zero_()
    assert w.grad.tolist() == [0, 0]
    (3 * w).sum().backward()
    assert w.grad.tolist() == [3, 3]
    w.grad = None
    (w * w).sum().backward()
    assert w.grad.tolist() == [2, 4]


def test_leaves_never_share_the_memory_of_a_gradient():
    a, b, seed = leaf(1.0), leaf(2.0), tensor([1.0], dtype=np.float64)
    (a + b).backward(seed)
    a.grad.add_(10)
    assert b.grad.tolist() == [1] and seed.tolist() == [1]


def test_a_tensor_used_many_times_collects_every_use():
    x = leaf(3.0)
    y = x * x
    (y * y + x * y + y).sum().backward()
    assert x.grad.item() == 4 * 27 + 3 * 9 + 2 * 3


def test_a_diamond_is_walked_once():
    """2^60 paths, 60 nodes."""
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = y + y
    y.sum().backward()
    assert x.grad.item() == 2.0**60


def test_a_long_chain_is_walked_and_freed_without_recursion():
    x, one = leaf(1.0), tensor([1.0], dtype=np.float64)
    y = x
    for _ in range(100_000):
        y = y + one
    y.sum().backward()
    assert x.grad.item() == 1
    del y
    z = x
    for _ in range(100_000):
        z = z * one
    del z  # a graph that was never walked


def test_only_what_requires_grad_gets_one():
    x, c = leaf(1.0), tensor([2.0], dtype=np.float64)
    h = x * c
    h.sum().backward()
    assert x.grad.tolist() == [2] and c.grad is None and h.grad is None
    assert not c.requires_grad and h.requires_grad and not h.is_leaf and x.is_leaf


def test_detach_cuts():
    x = leaf(3.0)
    (x * x.detach()).sum().backward()
    assert x.grad.item() == 3


def test_integers_and_comparisons_carry_no_gradient():
    x = leaf(1.0, -2.0)
    for y in (x > 0, x.argmax(), x.long(), x.isnan(), x == 1):
        assert not y.requires_grad
    (x * (x > 0)).sum().backward()
    assert x.grad.tolist() == [1, 0]


def test_a_gradient_has_the_leafs_dtype():
    x = tensor([1.0, 2.0], requires_grad=True)
    (x.double() ** 2).sum().backward()
    assert x.grad.dtype == np.float32 and x.grad.tolist() == [2, 4]


# ---- what is refused ----------------------------------------------------------------------------


def test_a_second_backward_needs_the_graph():
    x = leaf(1.0, 2.0)
    y = x.exp().sum()
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        y.backward()
    y = x.exp().sum()
    x.grad = None
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_allclose(x.grad.value, 2 * np.exp([1, 2]), rtol=1e-15)


def test_only_one_number_has_a_gradient_by_itself():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"sum\(\)"):
        (x * 2).backward()
    (x * 2).backward(tensor([1.0, 10.0], dtype=np.float64))
    assert x.grad.tolist() == [2, 20]
    with pytest.raises(RuntimeError, match="shape"):
        (x * 2).backward(tensor([1.0], dtype=np.float64))


def test_nothing_to_differentiate_is_said():
    with pytest.raises(RuntimeError, match="requires_grad=True"):
        tensor([1.0]).sum().backward()
    x = leaf(1.0)
    with no_grad():
        y = x * 2
    with pytest.raises(RuntimeError, match="requires grad"):
        y.backward()


def test_grad_names_what_is_missing():
    x, unused = leaf(1.0), leaf(2.0)
    with pytest.raises(RuntimeError, match="allow_unused"):
        grad(x.sum(), [x, unused])
    assert grad(x.sum(), [x, unused], allow_unused=True)[1] is None
    assert grad(x.sum(), [x, unused], materialize_grads=True)[1].tolist() == [0]
    with pytest.raises(RuntimeError, match="does not require grad"):
        grad(x.sum(), tensor([1.0]))
    assert x.grad is None


def test_grad_of_intermediate_results_and_of_several_outputs():
    x = leaf(2.0)
    y = x * x
    z = y * y
    assert grad(z, [y, x], retain_graph=True)[0].item() == 8
    assert grad([z, y], x)[0].item() == 32 + 4
    w = leaf(1.0, 2.0)
    a, b = grad([w * 2, w * 3], [w, w], [leaf(1.0, 0.0).detach(), leaf(0.0, 1.0).detach()])
    assert a.tolist() == b.tolist() == [2, 3]


# ---- recording on and off -----------------------------------------------------------------------


def test_no_grad_as_context_and_decorator():
    x = leaf(1.0)

    @no_grad()
    def step():
        assert not recording()
        return x * 2

    with no_grad():
        assert not (x * 2).requires_grad
        with autograd.enable_grad():
            assert (x * 2).requires_grad
        assert not recording()
    assert not step().requires_grad and recording()
    with autograd.set_grad_enabled(False):
        assert not recording()
    for decorate in (no_grad, no_grad()):
        assert not decorate(lambda: x * 2)().requires_grad


def test_recording_comes_back_after_an_error():
    with pytest.raises(ValueError, match="on purpose"), no_grad():
        raise ValueError("on purpose")
    assert recording()


def test_no_grad_in_one_thread_leaves_others_alone():
    inside, release = threading.Event(), threading.Event()

    def quiet():
        with no_grad():
            inside.set()
            release.wait(5)

    thread = threading.Thread(target=quiet)
    thread.start()
    inside.wait(5)
    try:
        assert recording() and (leaf(1.0) * 2).requires_grad
    finally:
        release.set()
        thread.join()


def test_a_decorated_function_may_be_called_by_several_threads_and_by_itself():
    x = leaf(1.0)
    results: list[bool] = []

    @no_grad()
    def work(depth: int) -> None:
        results.append((x * 2).requires_grad)
        if depth:
            work(depth - 1)

    threads = [threading.Thread(target=work, args=(3,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [False] * 16 and recording()


# ---- memory -------------------------------------------------------------------------------------


def freed(make) -> bool:
    """Whether the array that `make` gives dies with its graph, without the cycle collector."""
    gc.collect()
    gc.disable()
    try:
        watched, *rest = make()
        watch = weakref.ref(watched)
        del watched, rest
        return watch() is None
    finally:
        gc.enable()


def test_a_dropped_graph_is_freed_at_once():
    x = tensor(np.ones(1000), requires_grad=True)

    def forward_only():
        h = (x * 2).exp()
        return h.value, (h * h).sum()

    def after_backward():
        h = (x * 2).exp()
        loss = (h * h).sum()
        loss.backward()
        return h.value, loss

    def with_views_and_changes():
        h = x * 2
        h[0] += 1
        h.reshape(10, 100)[3].mul_(2)
        return h.value, h.sum()

    for make in (forward_only, after_backward, with_views_and_changes):
        assert freed(make), make.__name__


def test_backward_lets_go_of_intermediate_values_while_the_loss_lives():
    x = tensor(np.ones(1000), requires_grad=True)
    h = x.exp()
    watch = weakref.ref(h.value)
    loss = (h * h).sum()
    del h
    assert watch() is not None
    loss.backward()
    assert watch() is None and loss.item() > 0
