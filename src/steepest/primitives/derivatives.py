"""The derivatives of the table. Read this page like one of a calculus book.

A rule takes the gradient g of the result, the result `out`, the operands and the metadata, and gives
the gradient of one operand. Rules are written in rows, so derivatives have derivatives of any order.
None stands where the result does not change smoothly with an operand (conditions, indices, keys).
"""

from typing import Any

import numpy as np

from steepest.core import Primitive, current
from steepest.primitives.evaluate import split_spec
from steepest.primitives.table import *

__all__: list[str] = []


def defvjp(row: Primitive, *rules: Any) -> None:
    row.vjp = rules


def full(like: Any, value: float) -> Any:
    """A constant in the shape and dtype of `like`."""
    return current.interpreter.spread(value, like.dtype, tuple(like.shape))


# fmt: off
defvjp(neg,     lambda g, out, x: neg(g))
defvjp(exp,     lambda g, out, x: mul(g, out))
defvjp(log,     lambda g, out, x: div(g, x))
defvjp(sqrt,    lambda g, out, x: div(g, add(out, out)))
defvjp(tanh,    lambda g, out, x: mul(g, add(full(out, 1), neg(mul(out, out)))))
defvjp(sigmoid, lambda g, out, x: mul(g, mul(out, add(full(out, 1), neg(out)))))
defvjp(sin,     lambda g, out, x: mul(g, cos(x)))
defvjp(cos,     lambda g, out, x: neg(mul(g, sin(x))))
defvjp(erf,     lambda g, out, x: mul(g, mul(full(x, 2 / np.sqrt(np.pi)), exp(neg(mul(x, x))))))
defvjp(floor,   lambda g, out, x: full(g, 0))
defvjp(round_,  lambda g, out, x: full(g, 0))
defvjp(add,     lambda g, out, x, y: g,                    lambda g, out, x, y: g)
defvjp(mul,     lambda g, out, x, y: mul(g, y),            lambda g, out, x, y: mul(x, g))
defvjp(div,     lambda g, out, x, y: div(g, y),            lambda g, out, x, y: neg(div(mul(g, out), y)))
defvjp(pow_,    lambda g, out, x, y: pow_by_base(g, x, y), lambda g, out, x, y: pow_by_exponent(g, out, x, y))
defvjp(maximum, lambda g, out, x, y: where(less(y, x), g, full(g, 0)),     # a tie is y's, so relu'(0) = 0
                lambda g, out, x, y: where(less(y, x), full(g, 0), g))
defvjp(less,    None, None)
defvjp(equal,   None, None)
defvjp(where,   None,
                lambda g, out, c, x, y: where(c, g, full(g, 0)),
                lambda g, out, c, x, y: where(c, full(g, 0), g))
defvjp(cast,    lambda g, out, x, dtype: cast(g, dtype=x.dtype))

defvjp(sum_,    lambda g, out, x, axes: broadcast(g, shape=tuple(x.shape), axes=axes))
defvjp(max_,    lambda g, out, x, axes: max_by_operand(g, out, x, axes))
defvjp(argmax,  None)

defvjp(contract, lambda g, out, x, y, spec: contract(g, y, spec=solved_for(spec, 0)),
                 lambda g, out, x, y, spec: contract(x, g, spec=solved_for(spec, 1)))

defvjp(reshape,   lambda g, out, x, shape: reshape(g, shape=tuple(x.shape)))
defvjp(permute,   lambda g, out, x, order: permute(g, order=tuple(map(order.index, range(len(order))))))
defvjp(broadcast, lambda g, out, x, shape, axes: sum_(g, axes=axes))
defvjp(slice_,    lambda g, out, x, starts, sizes, steps: pad(g, shape=tuple(x.shape), starts=starts, steps=steps))
defvjp(pad,       lambda g, out, x, shape, starts, steps: slice_(g, starts=starts, sizes=tuple(x.shape), steps=steps))
defvjp(windows,   lambda g, out, x, size, step: fold(g, shape=tuple(x.shape), size=size, step=step))

defvjp(fold,        lambda g, out, x, shape, size, step: windows(g, size=size, step=step))
defvjp(take,        lambda g, out, x, index: scatter_add(g, index, rows=x.shape[0]), None)
defvjp(scatter_add, lambda g, out, x, index, rows: take(g, index), None)

defvjp(uniform, None)
# fmt: on


def pow_by_base(g: Any, x: Any, y: Any) -> Any:
    """y xʸ⁻¹, and 0 (not 0·∞) at 0⁰."""
    corner = mul(equal(x, full(x, 0)), equal(y, full(y, 0)))
    power = add(where(corner, full(y, 1), y), full(y, -1))
    return mul(g, mul(y, pow_(x, power)))


def pow_by_exponent(g: Any, out: Any, x: Any, y: Any) -> Any:
    """xʸ log x, and 0 (not 0·∞) where x = 0 and y ≥ 0."""
    flat = mul(equal(x, full(x, 0)), equal(less(y, full(y, 0)), full(less(y, y), False)))
    return mul(g, mul(out, log(where(flat, full(x, 1), x))))


def max_by_operand(g: Any, out: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Elements that tie for the maximum share its gradient equally."""

    def spread(t: Any) -> Any:
        return broadcast(t, shape=tuple(x.shape), axes=axes)

    hit = cast(equal(x, spread(out)), dtype=g.dtype)
    return mul(spread(div(g, sum_(hit, axes=axes))), hit)


def solved_for(spec: str, operand: int) -> str:
    """The contraction that gives an operand's gradient: "bi,oi->bo" gives "bo,oi->bi" and "bi,bo->oi"."""
    a, b, out = split_spec(spec)
    return f"{out},{b}->{a}" if operand == 0 else f"{a},{out}->{b}"
