"""The operators of Tensor: where promotion and broadcasting happen, once.

Rows take operands of one shape and one dtype. `binary` inserts the `cast` and `broadcast` rows that
make it so; no other place in the library broadcasts.
"""

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import DEFAULT_DTYPE, current, is_float, result_dtype, said, sizes
from steepest.tensors.tensor import Tensor, method

__all__ = [
    "add",
    "aligned",
    "binary",
    "broadcast_to",
    "cast_to",
    "common_shape",
    "constant",
    "div",
    "maximum",
    "mul",
    "neg",
    "operand",
    "pow",
    "reshape",
    "sub",
    "where",
]

Number = bool | int | float


def operand(x: Any, name: str = "operand") -> Any:
    """A Tensor or a Python number, from whatever NumPy makes of them."""
    if isinstance(x, Tensor | bool | int | float):
        return x
    if isinstance(x, np.generic | np.ndarray):
        return Tensor(np.asarray(x))
    raise TypeError(
        said(name, "expected a tensor or a number", got=type(x).__name__, write="tensor(x)")
    )


def cast_to(x: Tensor, dtype: np.dtype) -> Tensor:
    return x if x.dtype == dtype else P.cast(x, dtype=np.dtype(dtype))


def reshape(x: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape; one size may be -1 and is then inferred."""
    wanted = sizes(shape)
    count = x.shape.numel()
    if wanted.count(-1) == 1:
        known = prod(n for n in wanted if n != -1)
        if known and count % known == 0:
            wanted = tuple(count // known if n == -1 else n for n in wanted)
    if prod(wanted) != count or min(wanted, default=0) < 0:
        raise RuntimeError(
            said("reshape", f"shape {wanted} is invalid for {count} elements", got=x.shape)
        )
    return P.reshape(x, shape=wanted)


def broadcast_to(x: Tensor, shape: tuple[int, ...], name: str = "broadcast_to") -> Tensor:
    """x repeated along new leading axes and along its axes of size 1, as NumPy does."""
    shape, own = tuple(shape), x.value.shape
    if own == shape:
        return x
    way = _stretched(own, shape)
    if way is None:
        raise RuntimeError(said(name, f"a tensor of shape {x.shape} does not broadcast to {shape}"))
    kept, axes = way
    return P.broadcast(x if kept == own else P.reshape(x, shape=kept), shape=shape, axes=axes)


@lru_cache(maxsize=1024)
def _stretched(own: tuple[int, ...], shape: tuple[int, ...]) -> tuple[tuple, tuple] | None:
    """The axes of `own` that are kept, and those of `shape` that are repeated; None if neither."""
    lead = len(shape) - len(own)
    if lead < 0 or any(n not in (1, m) for n, m in zip(own, shape[lead:], strict=True)):
        return None
    stretched = [i for i, n in enumerate(own) if n == 1 and shape[lead + i] != 1]
    kept = tuple(n for i, n in enumerate(own) if i not in stretched)
    return kept, (*range(lead), *(lead + i for i in stretched))


def common_shape(name: str, *tensors: Tensor) -> tuple[int, ...]:
    """The shape to which all of them broadcast."""
    try:
        return _joined(*[x.value.shape for x in tensors])
    except ValueError:
        raise RuntimeError(
            said(
                name,
                "the shapes do not broadcast together",
                expected="equal sizes, or 1, from the last axis backward",
                got=" and ".join(str(x.shape) for x in tensors),
            )
        ) from None


@lru_cache(maxsize=1024)
def _joined(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    return np.broadcast_shapes(*shapes)


def aligned(name: str, *operands: Any, dtype: np.dtype | None = None) -> list[Tensor]:
    """Tensors and numbers brought to one dtype and one shape."""
    operands = tuple([operand(x, name) for x in operands])
    if dtype is None:
        dtype = result_dtype(*operands)
    shape = common_shape(name, *[x for x in operands if isinstance(x, Tensor)])
    return [
        broadcast_to(cast_to(x, dtype), shape)
        if isinstance(x, Tensor)
        else current.interpreter.spread(x, dtype, shape)
        for x in operands
    ]


def constant(number: float, like: Tensor, dtype: np.dtype | None = None) -> Tensor:
    """A number at every place of a tensor's shape, in its dtype if no other is given; nobody may
    change it in place."""
    value = like.value
    return current.interpreter.spread(number, value.dtype if dtype is None else dtype, value.shape)


def binary(
    row: Any, name: str, doc: str, *, floating: bool = False
) -> Callable[[Any, Any], Tensor]:
    """The operator that a two-operand row becomes, on whatever a user may write on either side."""

    def operator(x: Any, y: Any) -> Tensor:
        if isinstance(x, Tensor) and isinstance(y, Tensor):
            a, b = x.value, y.value
            dtype = a.dtype
            if dtype is b.dtype and not (floating and dtype.kind != "f"):
                if a.shape != b.shape:
                    shape = common_shape(name, x, y)
                    x, y = broadcast_to(x, shape), broadcast_to(y, shape)
                # row(x, y), one call shorter: nothing is done more often
                return current.interpreter.bind(row, (x, y), {})
        if isinstance(x, Tensor) and type(y) in (int, float) and x.value.dtype.kind == "f":
            return row(x, constant(y, x))
        if isinstance(y, Tensor) and type(x) in (int, float) and y.value.dtype.kind == "f":
            return row(constant(x, y), y)
        dtype = result_dtype(operand(x, name), operand(y, name))
        if floating and not is_float(dtype):
            dtype = DEFAULT_DTYPE
        return row(*aligned(name, x, y, dtype=dtype))

    operator.__name__ = operator.__qualname__ = name
    operator.__doc__ = doc
    return operator


plus = binary(P.add, "add", "x + y.")
mul = binary(P.mul, "mul", "x · y, elementwise.")
div = binary(P.div, "div", "x / y, elementwise; integers give floats.", floating=True)
_power = binary(P.pow_, "pow", "x to the power y, of one kind of numbers.")
maximum = binary(
    P.maximum,
    "maximum",
    "The larger of the two; NaN wins. At a tie the gradient is y's: relu is maximum(x, 0).",
)


def add(x: Any, y: Any, *, alpha: Number = 1) -> Tensor:
    """x + alpha·y."""
    return plus(x, y if alpha == 1 else mul(y, alpha))


def neg(x: Tensor) -> Tensor:
    """−x."""
    if x.value.dtype.kind == "b":
        raise RuntimeError(said("neg", "a bool has no negative", write="logical_not(x)"))
    return P.neg(x)


def sub(x: Any, y: Any, *, alpha: Number = 1) -> Tensor:
    """x − alpha·y."""
    if alpha != 1:
        y = mul(y, alpha)
    if isinstance(x, Tensor) and x.value.dtype.kind == "u":  # which has no negative numbers
        x, y = aligned("sub", x, y)
    return plus(x, neg(y) if isinstance(y, Tensor) else -operand(y, "sub"))


def pow(x: Any, y: Any) -> Tensor:
    """x to the power y. Small whole powers are products, which is exact and fast."""
    dtype = result_dtype(operand(x, "pow"), operand(y, "pow"))
    if isinstance(x, Tensor) and isinstance(y, int | float) and x.dtype == dtype:
        if y in (1, 2, 3):
            square = mul(x, x) if y > 1 else mul(x, 1)
            return mul(square, x) if y == 3 else square
        if y == 0.5:
            return P.sqrt(x)
    if not is_float(dtype):
        return _whole_power(x, y)
    return _power(x, y)


def _whole_power(x: Any, y: Any) -> Tensor:
    """A power of whole numbers. One of a negative exponent is cut off to 0, but for ±1."""
    if not isinstance(y, Tensor):
        if y < 0:
            raise RuntimeError(
                said("pow", "integers have no negative powers", got=y, write="x.float() ** y")
            )
        return _power(x, y)
    x, y = aligned("pow", x, y)
    below = P.less(y, constant(0, y))
    power = P.pow_(x, P.where(below, P.neg(y), y))
    unit = P.equal(P.mul(x, x), constant(1, x))
    return P.where(P.mul(below, P.equal(unit, constant(False, unit))), constant(0, x), power)


def where(condition: Tensor, x: Any, y: Any) -> Tensor:
    """x where the condition holds, y elsewhere."""
    x, y = aligned("where", x, y)
    shape = common_shape("where", condition, x)
    chosen = broadcast_to(cast_to(condition, np.dtype(bool)), shape, "where")
    return P.where(chosen, broadcast_to(x, shape, "where"), broadcast_to(y, shape, "where"))


def _reflected(function: Any) -> Any:
    return lambda x, y: function(y, x)


_function: Any
for _name, _function in {"add": plus, "sub": sub, "mul": mul, "truediv": div, "pow": pow}.items():
    method(_function, f"__{_name}__")
    method(_reflected(_function), f"__r{_name}__")
method(neg, "__neg__")
for _function in (add, sub, mul, div, pow, neg, reshape):
    method(_function)
