"""Derivatives of functions rather than of tensors: vjp, jvp, Jacobian, Hessian and their products.

Each takes a function of tensors and the point, and returns values; nothing is left in `.grad`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from steepest.autograd.backward import grad
from steepest.core import said
from steepest.tensors import Tensor, enable_grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Many = Tensor | tuple[Tensor, ...]


def _fresh(inputs: Many) -> tuple[Tensor, ...]:
    """The inputs as leaves of a graph of their own."""
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    return tuple(x.detach().requires_grad_() for x in inputs)


def _tuple(x: Any) -> tuple[Tensor, ...]:
    return (x,) if isinstance(x, Tensor) else tuple(x)


def _like(given: Many, result: tuple[Tensor, ...]) -> Any:
    """A single tensor for a single input, a tuple for a tuple."""
    return result[0] if isinstance(given, Tensor) else result


def _detached(results: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(x.detach() for x in results)


@enable_grad()
def vjp(function: Callable[..., Many], inputs: Many, v: Many | None = None) -> tuple[Any, Any]:
    """The function's value and vᵀJ, the gradient of ⟨v, function(inputs)⟩: one backward pass."""
    xs = _fresh(inputs)
    out = function(*xs)
    found = grad(_tuple(out), xs, None if v is None else _tuple(v), materialize_grads=True)
    return _like(out, _detached(_tuple(out))), _like(inputs, _detached(found))


@enable_grad()
def jvp(function: Callable[..., Many], inputs: Many, v: Many) -> tuple[Any, Any]:
    """The function's value and Jv, the change along v, by differentiating vᵀJ with respect to v."""
    xs = _fresh(inputs)
    out = function(*xs)
    dummies = tuple(Tensor(np.zeros(y.shape, y.dtype)).requires_grad_() for y in _tuple(out))
    back = grad(_tuple(out), xs, dummies, create_graph=True, materialize_grads=True)
    reached = [(b, d) for b, d in zip(back, _tuple(v), strict=True) if b.requires_grad]
    found = (
        grad([b for b, _ in reached], dummies, [d for _, d in reached], materialize_grads=True)
        if reached
        else tuple(Tensor(np.zeros(y.shape, y.dtype)) for y in dummies)
    )
    return _like(out, _detached(_tuple(out))), _like(out, _detached(found))


@enable_grad()
def hvp(function: Callable[..., Tensor], inputs: Many, v: Many) -> tuple[Tensor, Any]:
    """The function's value and Hv, without ever forming H: the gradient of ⟨∇f, v⟩.

    Source: Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6, 1994.
    """
    xs = _fresh(inputs)
    out = function(*xs)
    _check_scalar("hvp", out)
    first = grad(out, xs, create_graph=True, materialize_grads=True)
    reached = [(g, d) for g, d in zip(first, _tuple(v), strict=True) if g.requires_grad]
    found = (
        grad([g for g, _ in reached], xs, [d for _, d in reached], materialize_grads=True)
        if reached
        else tuple(Tensor(np.zeros(x.shape, x.dtype)) for x in xs)
    )
    return out.detach(), _like(inputs, _detached(found))


def vhp(function: Callable[..., Tensor], inputs: Many, v: Many) -> tuple[Tensor, Any]:
    """The function's value and vᵀH, which equals Hv: a Hessian is symmetric."""
    return hvp(function, inputs, v)


@enable_grad()
def jacobian(function: Callable[..., Tensor], inputs: Many) -> Any:
    """All first derivatives, one row at a time: shape (*output, *input) for each input."""
    xs = _fresh(inputs)
    out = function(*xs)
    rows = []
    for at in np.ndindex(*out.shape):
        seed = np.zeros(out.shape, out.dtype)
        seed[at] = 1
        rows.append(grad(out, xs, Tensor(seed), retain_graph=True, materialize_grads=True))
    found = tuple(
        Tensor(np.stack([row[i].value for row in rows]).reshape(*out.shape, *x.shape))
        for i, x in enumerate(xs)
    )
    return _like(inputs, found)


@enable_grad()
def hessian(function: Callable[..., Tensor], inputs: Tensor) -> Tensor:
    """All second derivatives of a scalar function: a tensor of shape (*input, *input)."""
    (x,) = _fresh(inputs)
    out = function(x)
    _check_scalar("hessian", out)
    (first,) = grad(out, x, create_graph=True, materialize_grads=True)
    columns = []
    for at in np.ndindex(*x.shape):
        seed = np.zeros(x.shape, x.dtype)
        seed[at] = 1
        columns.append(
            grad(first, x, Tensor(seed), retain_graph=True, materialize_grads=True)[0].value
            if first.requires_grad
            else np.zeros(x.shape, x.dtype)
        )
    return Tensor(np.stack(columns).reshape(*x.shape, *x.shape))


def _check_scalar(name: str, out: Tensor) -> None:
    if out.shape.numel() != 1:
        raise RuntimeError(
            said(
                name,
                "second derivatives need a scalar function",
                expected="1 element",
                got=out.shape,
            )
        )
