"""The slow road: derivatives by changing one coefficient at a time.

Two evaluations per coefficient, against one backward pass for all of them: the comparison is a
lesson, and the agreement is a test. Float64 is needed: in float32 the difference drowns in
rounding.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.autograd.backward import grad
from steepest.core import is_float, said
from steepest.tensors import Tensor, enable_grad, no_grad

__all__ = ["gradcheck", "gradgradcheck", "numerical_gradient"]


def numerical_gradient(
    function: Callable[[], Tensor], x: Tensor, *, step: float | None = None
) -> Tensor:
    """The gradient of `function()` with respect to x, one coefficient at a time.

    Central differences: (f(x + h) − f(x − h)) / 2h, an error of order h². The default step is the
    cube root of the dtype's rounding unit times max(1, |x|), which balances that error against
    rounding. x is changed in place and put back; `function` must read it each time it is called.

    Returns:
        A tensor in the shape of x.
    """
    gradient = np.zeros(x.shape, x.dtype)
    unit = float(np.finfo(x.dtype).eps) ** (1 / 3)
    values = x.value
    with no_grad():
        for at in np.ndindex(*x.shape):
            kept = values[at]
            h = step or unit * max(1.0, abs(float(kept)))
            values[at] = kept + h
            above = function().item()
            values[at] = kept - h
            below = function().item()
            values[at] = kept
            gradient[at] = (above - below) / (2 * h)
    return Tensor(gradient)


def _check_wanted(wanted: list[Tensor]) -> None:
    if not wanted:
        raise ValueError(said("gradcheck", "no input requires grad", write="x.requires_grad_()"))
    if any(x.dtype != np.float64 for x in wanted):
        raise ValueError(
            said("gradcheck", "float32 is too coarse", expected="float64", write="x.double()")
        )


def gradcheck(
    function: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compare backpropagation with finite differences at every input that requires grad.

    Each output is weighed with fixed random numbers, so one scalar stands for all of it.

    Raises:
        RuntimeError: the gradients differ, and `raise_exception` is set; the message says where.
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    wanted = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
    _check_wanted(wanted)
    weights: list[Tensor] = []

    def scalar() -> Tensor:
        out = function(*inputs)
        outputs = [out] if isinstance(out, Tensor) else [y for y in out if is_float(y.dtype)]
        if not weights:
            random = np.random.default_rng(0)
            weights.extend(Tensor(random.standard_normal(y.shape)) for y in outputs)
        total = Tensor(np.zeros(()))
        for y, w in zip(outputs, weights, strict=True):
            total = total + P.sum_(y * w, axes=tuple(range(y.ndim)))
        return total

    total = scalar()
    analytic = (
        grad(total, wanted, materialize_grads=True)
        if total.requires_grad
        else [Tensor(np.zeros(x.shape)) for x in wanted]
    )
    for i, (x, a) in enumerate(zip(wanted, analytic, strict=True)):
        n = numerical_gradient(scalar, x, step=eps).value
        difference = np.abs(a.value - n)
        if not (difference <= atol + rtol * np.abs(n)).all():
            if not raise_exception:
                return False
            worst = np.unravel_index(np.argmax(np.nan_to_num(difference, nan=np.inf)), n.shape)
            raise RuntimeError(
                said(
                    "gradcheck",
                    f"input {i}, element {tuple(map(int, worst))}: the gradients differ",
                    expected=f"{n[worst]:.10g} by finite differences",
                    got=f"{a.value[worst]:.10g} by backpropagation",
                )
            )
    return True


def gradgradcheck(
    function: Callable[..., Any], inputs: Tensor | Sequence[Any], **tolerances: Any
) -> bool:
    """`gradcheck` of the gradient: second derivatives against finite differences of first ones."""
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)

    @enable_grad()  # the outer check evaluates under no_grad
    def gradients(*xs: Any) -> Any:
        out = function(*xs)
        outputs = [out] if isinstance(out, Tensor) else list(out)
        random = np.random.default_rng(1)
        seeds = [Tensor(random.standard_normal(y.shape)) for y in outputs]
        wanted = [x for x in xs if isinstance(x, Tensor) and x.requires_grad]
        return grad(outputs, wanted, seeds, create_graph=True, materialize_grads=True)

    return gradcheck(gradients, inputs, **tolerances)
