"""What each elementwise row does to the lanes of its operands: one scalar rule per row and dtype.

Bools are single bits in registers and bytes in memory. A bool product is "and", a bool maximum or
sum "or", equality of bools "not different".
"""

from collections.abc import Callable

import numpy as np

from steepest import primitives as P
from steepest.compiler.graph import Value
from steepest.compiler.ir.builder import Builder
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import BASES
from steepest.compiler.vecmath import FUNCTIONS, IN_DOUBLE
from steepest.core import Primitive

__all__ = ["SCALAR_RULES", "converted", "maximum", "minus_infinity", "register_base", "uniform"]


def register_base(dtype: np.dtype) -> str:
    return "i1" if dtype.kind == "b" else BASES[dtype]


def minus_infinity(dtype: np.dtype) -> float | int:
    """What a maximum starts from."""
    if dtype.kind == "f":
        return float("-inf")
    return False if dtype.kind == "b" else int(np.iinfo(dtype).min)


def maximum(b: Builder, dtype: np.dtype, x: Op, y: Op) -> Op:
    """The larger one; NaN wins."""
    if dtype.kind == "b":
        return b.binary("or", x, y)
    if dtype.kind != "f":
        return b.select(b.compare("slt" if dtype.kind == "i" else "ult", x, y), y, x)
    # NaN in x survives the comparison, NaN in y the second choice; a number needs none.
    larger = b.select(b.compare("olt", x, y), y, x)
    return larger if y.width < 0 else b.select(b.compare("uno", y, y), y, larger)


def _add(b: Builder, v: Value, x: Op, y: Op) -> Op:
    return b.binary("or", x, y) if v.dtype == bool else b.add(x, y)


def _mul(b: Builder, v: Value, x: Op, y: Op) -> Op:
    return b.binary("and", x, y) if v.dtype == bool else b.mul(x, y)


def _less(b: Builder, v: Value, x: Op, y: Op) -> Op:
    how = {"f": "olt", "i": "slt"}.get(v.operands[0].dtype.kind, "ult")
    return b.compare(how, x, y)


def _equal(b: Builder, v: Value, x: Op, y: Op) -> Op:
    return b.compare("oeq" if v.operands[0].dtype.kind == "f" else "eq", x, y)


def _rounded(name: str) -> Callable[..., Op]:
    def rule(b: Builder, v: Value, x: Op) -> Op:
        return b.call(name, x) if v.dtype.kind == "f" else x

    return rule


def _cast(b: Builder, v: Value, x: Op) -> Op:
    return converted(b, x, v.operands[0].dtype, v.dtype)


def converted(b: Builder, x: Op, old: np.dtype, new: np.dtype) -> Op:
    """x of dtype `old` as dtype `new`, as NumPy converts."""
    base, signed = register_base(new), old.kind == "i"
    if old == new:
        return x
    if new.kind == "b":
        return b.compare("une" if old.kind == "f" else "ne", x, b.number(0, x.base))
    if old.kind == "f" and new.kind == "f":
        return b.convert("fpext" if new.itemsize > old.itemsize else "fptrunc", x, base)
    if old.kind == "f":
        return b.convert("fptosi" if new.kind == "i" else "fptoui", x, base)
    if new.kind == "f":
        return b.convert("sitofp" if signed else "uitofp", x, base)
    if old.kind == "b" or new.itemsize > old.itemsize:
        return b.convert("sext" if signed else "zext", x, base)
    return b.convert("trunc", x, base)


def _function(name: str) -> Callable[..., Op]:
    """Polynomials; the C library, lane by lane, for what they do not know in float64."""

    def rule(b: Builder, v: Value, *xs: Op) -> Op:
        known = v.dtype == np.float32 or name in IN_DOUBLE
        return FUNCTIONS[name](b, *xs) if known else b.library(name, *xs)

    return rule


def uniform(b: Builder, key: tuple[Op, Op], counter: Op) -> Op:
    """The top 24 bits of a Threefry word, in float32: the same bits as eager computing draws."""

    def number(x: object) -> Op:
        return x if isinstance(x, Op) else b.number(x, "i32")  # type: ignore[arg-type]

    def rotate(x: Op, by: int) -> Op:
        return b.call("llvm.fshl", x, b.vector(x, b.lanes_of(x)), b.number(by, "i32"))

    bits, _ = P.threefry(
        key,
        (counter, b.number(0, "i32")),
        xor=lambda x, y: b.binary("xor", number(x), number(y)),
        add=lambda x, y: b.add(number(x), number(y)),
        rotate=rotate,
    )
    high = b.binary("lshr", bits, b.number(8, "i32"))
    return b.mul(b.convert("uitofp", high, "float"), b.number(2.0**-24))


SCALAR_RULES: dict[Primitive | None, Callable[..., Op]] = {
    P.neg: lambda b, v, x: b.neg(x),
    P.floor: _rounded("llvm.floor"),
    P.round_: _rounded("llvm.rint"),
    P.add: _add,
    P.mul: _mul,
    P.div: lambda b, v, x, y: b.div(x, y),
    P.maximum: lambda b, v, x, y: maximum(b, v.dtype, x, y),
    P.less: _less,
    P.equal: _equal,
    P.where: lambda b, v, c, x, y: b.select(c, x, y),
    P.cast: _cast,
    **{P.TABLE[name]: _function(name) for name in FUNCTIONS},
}
