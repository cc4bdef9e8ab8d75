"""Derivatives of any order, derivatives of functions, and the slow road that checks them all."""

import numpy as np
import pytest
import torch

import steepest
from steepest import primitives as P
from steepest.autograd import functional as A
from steepest.autograd import grad, gradcheck, gradgradcheck, numerical_gradient
from steepest.tensors import Tensor, no_grad, recording, tensor


def leaf(*numbers: float) -> Tensor:
    return tensor(list(numbers), dtype=np.float64, requires_grad=True)


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
    close(A.hessian(two, (x, v)), T.hessian(two, (tx, tv)))
    parts = lambda x, y: ((x * y).exp(), (x - y).sum())
    close(A.jacobian(parts, (x, v)), T.jacobian(parts, (tx, tv)))
    close(A.jvp(parts, (x, v), (v, x)), T.jvp(parts, (tx, tv), (tv, tx)))
    close(A.vjp(parts, (x, v), (v, v[0])), T.vjp(parts, (tx, tv), (tv, tv[0])))
    assert x.grad is None and not x.requires_grad


def test_functional_derivatives_with_a_graph_of_their_own():
    found = []
    for functional, tensors in ((A, map(tensor, (X, V))), (torch.autograd.functional, None)):
        x, v = tensors or map(torch.tensor, (X, V))
        x.requires_grad_()
        parts = [
            functional.jacobian(lambda x: x.exp() * x.sum(), x, create_graph=True),
            functional.hessian(rosenbrock, x, create_graph=True),
            functional.hvp(rosenbrock, x, v, create_graph=True)[1],
            functional.vjp(outputs, x, v[:2], create_graph=True)[1],
            functional.jvp(outputs, x, v, create_graph=True)[1],
        ]
        sum((part**2).sum() for part in parts).backward()
        found.append(x.grad.tolist())
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_functional_derivatives_that_are_strict_or_lack_a_vector():
    x, v = tensor(X), tensor(V)
    for mistake in (
        lambda: A.jacobian(lambda x, y: x * 2, (x, v), strict=True),
        lambda: A.hvp(lambda x: x.sum(), x, v, strict=True),
        lambda: A.vjp(outputs, x),
        lambda: A.jvp(outputs, x, v[:1]),
    ):
        with pytest.raises(RuntimeError):
            mistake()


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
