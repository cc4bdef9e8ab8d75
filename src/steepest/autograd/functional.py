"""Derivatives of functions rather than of tensors: vjp, jvp, Jacobian, Hessian and their products.

Each takes a function of tensors and the point, and leaves nothing in `.grad`. What it returns has
no history unless `create_graph` says so. A tuple of inputs gives a tuple, one entry per input; a
tuple of results a tuple around it. With `strict` a derivative that is 0 because nothing depends on
an input is an error.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from steepest.autograd.backward import grad
from steepest.autograd.function import joined
from steepest.core import said
from steepest.tensors import Tensor, computing, enable_grad, reshape

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Many = Tensor | tuple[Tensor, ...]


def _tuple(x: Any) -> tuple[Tensor, ...]:
    return (x,) if isinstance(x, Tensor) else tuple(x)


def _like(given: Any, result: tuple) -> Any:
    """A single tensor for a single input, a tuple for a tuple."""
    return result[0] if isinstance(given, Tensor) else result


def _fresh(inputs: Many, create_graph: bool) -> tuple[Tensor, ...]:
    """The inputs as leaves of a graph of their own; or as they are, for a graph that goes on."""
    if create_graph:
        return tuple(reshape(x, x.shape) if x.requires_grad else x for x in _tuple(inputs))
    return tuple(x.detach().requires_grad_() for x in _tuple(inputs))


def _done(results: Any, create_graph: bool) -> tuple[Tensor, ...]:
    return tuple(results) if create_graph else tuple(x.detach() for x in results)


def _direction(name: str, v: Many | None, like: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The vector to multiply with; 1 where there is only one number."""
    if v is None:
        if len(like) != 1 or like[0].shape.numel() != 1:
            raise RuntimeError(said(name, "v is needed for more than one number"))
        return (Tensor(np.ones(like[0].shape, like[0].dtype)),)
    given = _tuple(v)
    if [x.shape for x in given] != [x.shape for x in like]:
        expected = ", ".join(str(x.shape) for x in like)
        got = ", ".join(str(x.shape) for x in given)
        raise RuntimeError(said(name, "v has the wrong shape", expected=expected, got=got))
    return given


def _grads(
    name: str, outputs: Any, inputs: Any, seeds: Any, create_graph: bool, strict: bool
) -> list[Tensor]:
    """Gradients with respect to inputs some of which nothing may depend on."""
    reached = [(y, s) for y, s in zip(outputs, seeds, strict=True) if y.requires_grad]
    found: Any = [None] * len(inputs)
    if reached:
        ys, weights = [y for y, _ in reached], [s for _, s in reached]
        kept = {"retain_graph": True, "create_graph": create_graph, "allow_unused": True}
        found = grad(ys, inputs, weights, **kept)  # type: ignore[arg-type]
    if strict and any(g is None for g in found):
        raise RuntimeError(said(name, "the result does not depend on one of the inputs"))
    return [
        Tensor(np.zeros(x.shape, x.dtype)) if g is None else g
        for g, x in zip(found, inputs, strict=True)
    ]


@enable_grad()
def vjp(
    function: Callable[..., Many],
    inputs: Many,
    v: Many | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The function's value and vᵀJ, the gradient of ⟨v, function(inputs)⟩: one backward pass."""
    xs = _fresh(inputs, create_graph)
    out = function(*xs)
    seeds = _direction("vjp", v, _tuple(out))
    found = _grads("vjp", _tuple(out), xs, seeds, create_graph, strict)
    return _like(out, _done(_tuple(out), create_graph)), _like(inputs, _done(found, create_graph))


@enable_grad()
def jvp(
    function: Callable[..., Many],
    inputs: Many,
    v: Many | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The function's value and Jv, the change along v, by differentiating vᵀJ with respect to v."""
    xs = _fresh(inputs, create_graph)
    out = function(*xs)
    dummies = [Tensor(np.zeros(y.shape, y.dtype)).requires_grad_() for y in _tuple(out)]
    back = _grads("jvp", _tuple(out), xs, dummies, True, strict)
    found = _grads("jvp", back, dummies, _direction("jvp", v, xs), create_graph, False)
    return _like(out, _done(_tuple(out), create_graph)), _like(out, _done(found, create_graph))


@enable_grad()
def hvp(
    function: Callable[..., Tensor],
    inputs: Many,
    v: Many | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Tensor, Any]:
    """The function's value and Hv, without ever forming H: the gradient of ⟨∇f, v⟩.

    Source: Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6, 1994.
    """
    xs = _fresh(inputs, create_graph)
    out = function(*xs)
    _check_scalar("hvp", out)
    first = _grads("hvp", [out], xs, [None], True, strict)
    found = _grads("hvp", first, xs, _direction("hvp", v, xs), create_graph, strict)
    return _done([out], create_graph)[0], _like(inputs, _done(found, create_graph))


def vhp(
    function: Callable[..., Tensor],
    inputs: Many,
    v: Many | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Tensor, Any]:
    """The function's value and vᵀH, which equals Hv: a Hessian is symmetric."""
    return hvp(function, inputs, v, create_graph, strict)


@enable_grad()
def jacobian(
    function: Callable[..., Many], inputs: Many, create_graph: bool = False, strict: bool = False
) -> Any:
    """All first derivatives, one row at a time: shape (*output, *input) for each pair of them."""
    xs = _fresh(inputs, create_graph)
    out = function(*xs)
    found = [_like(inputs, _rows(y, xs, create_graph, strict)) for y in _tuple(out)]
    return found[0] if isinstance(out, Tensor) else tuple(found)


def _rows(
    y: Tensor, xs: tuple[Tensor, ...], create_graph: bool, strict: bool
) -> tuple[Tensor, ...]:
    """The derivatives of one result with respect to each input."""
    rows = []
    for at in np.ndindex(*y.shape):
        seed = np.zeros(y.shape, y.dtype)
        seed[at] = 1
        rows.append(_grads("jacobian", [y], xs, [Tensor(seed)], create_graph, strict))
    shapes = [(*y.shape, *x.shape) for x in xs]
    if create_graph or not computing():
        columns = [joined([row[i] for row in rows]) for i in range(len(xs))]
    else:  # all at once: joining remembers one piece at a time
        columns = [Tensor(np.array([row[i].value for row in rows])) for i in range(len(xs))]
    return tuple(reshape(c, shape) for c, shape in zip(columns, shapes, strict=True))


def hessian(
    function: Callable[..., Tensor], inputs: Many, create_graph: bool = False, strict: bool = False
) -> Any:
    """All second derivatives of a scalar function: (*input, *input), for each pair of inputs."""

    def gradient(*xs: Tensor) -> Any:
        out = function(*xs)
        _check_scalar("hessian", out)
        return _like(inputs, tuple(_grads("hessian", [out], xs, [None], True, strict)))

    return jacobian(gradient, inputs, create_graph, strict)


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
