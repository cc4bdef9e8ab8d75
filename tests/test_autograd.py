"""The reverse sweep and what is built on it, against closed forms and torch.autograd."""

import gc
import threading
import weakref

import numpy as np
import pytest
import torch

import steepest
from steepest import autograd
from steepest import primitives as P
from steepest.autograd import functional as A
from steepest.autograd import grad, gradcheck, gradgradcheck, numerical_gradient
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


# ---- derivatives of derivatives -----------------------------------------------------------------


def test_third_derivatives_by_create_graph():
    for f, third in (
        (lambda x: x**4, lambda x: 24 * x),
        (lambda x: x.sin(), lambda x: -np.cos(x)),
        (lambda x: x.exp(), np.exp),
        (lambda x: 1 / x, lambda x: -6 / x**4),
        (lambda x: x.log(), lambda x: 2 / x**3),
        (lambda x: x.sqrt(), lambda x: 3 / 8 * x**-2.5),
    ):
        x = leaf(0.5, 1.5)
        y = f(x).sum()
        for _ in range(3):
            (g,) = grad(y, x, create_graph=True)
            y = g.sum()
        np.testing.assert_allclose(g.value, third(x.value), rtol=1e-12)


def test_backward_with_create_graph_gives_gradients_that_can_be_differentiated():
    x = leaf(2.0)
    (x**3).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    first, x.grad = x.grad, None
    first.sum().backward()
    assert x.grad.item() == 12


def test_a_gradient_penalty_reaches_the_weights():
    ours, theirs = [], []
    for library, found in ((steepest, ours), (torch, theirs)):
        w = library.tensor(np.array([[0.5, -1.0], [2.0, 0.3]]), requires_grad=True)
        x = library.tensor(np.array([1.0, -0.4]), requires_grad=True)
        out = (w @ x).tanh().sum()
        (slope,) = library.autograd.grad(out, x, create_graph=True)
        (slope**2).sum().backward()
        found.append(w.grad.numpy())
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def two(x, y):
    return (x * y).sin().sum() + (x**2).sum() * y.sum()


def outputs(x):
    return x.reshape(2, 2) @ x[:2]


X, V = np.array([0.7, -0.3, 1.2, 0.5]), np.array([1.0, -2.0, 0.5, 3.0])


def pair(data):
    return tensor(data), torch.tensor(data)


def close(ours, theirs) -> None:
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, Tensor) and not ours.requires_grad
        np.testing.assert_allclose(ours.value, theirs.detach().numpy(), rtol=1e-12, atol=1e-13)
        assert ours.shape == tuple(theirs.shape)
    else:
        assert len(ours) == len(theirs)
        for x, y in zip(ours, theirs, strict=True):
            close(x, y)


def test_functional_derivatives_are_pytorchs():
    T = torch.autograd.functional
    (x, tx), (v, tv), (u, tu) = pair(X), pair(V), pair(V[:2])
    close(A.hvp(rosenbrock, x, v), T.hvp(rosenbrock, tx, tv))
    close(A.vhp(rosenbrock, x, v), T.vhp(rosenbrock, tx, tv))
    close(A.hessian(rosenbrock, x), T.hessian(rosenbrock, tx))
    close(A.jacobian(outputs, x), T.jacobian(outputs, tx))
    close(A.jacobian(rosenbrock, x), T.jacobian(rosenbrock, tx))
    close(A.vjp(outputs, x, u), T.vjp(outputs, tx, tu))
    close(A.vjp(rosenbrock, x), T.vjp(rosenbrock, tx))
    close(A.jvp(outputs, x, v), T.jvp(outputs, tx, tv))
    close(A.vjp(two, (x, v)), T.vjp(two, (tx, tv)))
    close(A.jacobian(two, (x, v)), T.jacobian(two, (tx, tv)))
    close(A.hvp(two, (x, v), (v, x)), T.hvp(two, (tx, tv), (tv, tx)))
    close(A.jvp(two, (x, v), (v, x)), T.jvp(two, (tx, tv), (tv, tx)))
    assert x.grad is None and not x.requires_grad


def test_functional_derivatives_of_constant_and_linear_functions():
    x, v = tensor(X), tensor(V)
    assert not A.hessian(lambda x: (3 * x).sum(), x).value.any()
    assert not A.hvp(lambda x: (3 * x).sum(), x, v)[1].value.any()
    np.testing.assert_allclose(A.jvp(lambda x: 3 * x, x, v)[1].value, 3 * V)
    with pytest.raises(RuntimeError, match="scalar"):
        A.hessian(lambda x: x * x, x)
    with pytest.raises(RuntimeError, match="scalar"):
        A.hvp(lambda x: x * x, x, v)


def test_functional_derivatives_work_inside_no_grad():
    with no_grad():
        assert A.hessian(lambda x: (x**3).sum(), tensor([1.0, 2.0])).tolist() == [[6, 0], [0, 12]]
    assert recording()


# ---- the slow road ------------------------------------------------------------------------------


def network(parameters):
    w1, b1, w2, b2 = parameters
    x = tensor(np.random.default_rng(0).standard_normal((6, 3)))
    return (((x @ w1 + b1).tanh() @ w2 + b2) ** 2).mean()


def test_the_slow_road_agrees_with_backpropagation_on_a_network():
    random = np.random.default_rng(1)
    shapes = [(3, 4), (4,), (4, 2), (2,)]
    parameters = [tensor(random.standard_normal(s)).requires_grad_() for s in shapes]
    network(parameters).backward()
    for p in parameters:
        before = p.detach().clone().value
        slow = numerical_gradient(lambda: network(parameters), p)
        np.testing.assert_allclose(slow.value, p.grad.value, rtol=1e-7, atol=1e-9)
        np.testing.assert_array_equal(p.detach().value, before)


def test_gradcheck_accepts_the_right_and_finds_the_wrong():
    x = leaf(0.5, 1.5)
    assert gradcheck(lambda x: x.sin() * x, x)
    assert gradgradcheck(lambda x: x.sin() * x, x)
    assert gradcheck(lambda x, y: (x * y, x + y), (x, leaf(2.0, 3.0)))
    assert gradcheck(lambda x, n: x**n, (x, 3))

    def wrong(x):  # the value of 2x², the gradient of x²
        return x * x + (x * x).detach()

    with pytest.raises(RuntimeError, match=r"element(.|\n)*finite differences"):
        gradcheck(wrong, x)
    assert not gradcheck(wrong, x, raise_exception=False)


def test_gradcheck_finds_a_wrong_rule_in_the_table(monkeypatch):
    x = leaf(0.5, 1.5)
    monkeypatch.setattr(P.sin, "vjp", (lambda g, out, x: P.mul(g, P.sin(x)),))
    with pytest.raises(RuntimeError, match="differ"):
        gradcheck(lambda x: x.sin(), x)
    monkeypatch.setattr(P.sin, "vjp", (lambda g, out, x: Tensor(g.value * np.cos(x.value)),))
    assert gradcheck(lambda x: x.sin(), x)
    with pytest.raises(RuntimeError):  # right, but not made of rows: it has no derivative
        gradgradcheck(lambda x: x.sin(), x)


def test_gradcheck_finds_a_gradient_that_is_nan():
    with pytest.raises(RuntimeError, match="nan"):
        gradcheck(lambda x: (x * 0).sqrt() * 0, leaf(0.0))


def test_gradcheck_wants_float64_that_requires_grad():
    with pytest.raises(ValueError, match="float64"):
        gradcheck(lambda x: x, tensor([1.0], requires_grad=True))
    with pytest.raises(ValueError, match="requires_grad_"):
        gradcheck(lambda x: x, tensor([1.0]))
