"""Floating-point formats, and what functions in any of them share."""

from collections.abc import Sequence
from typing import NamedTuple

from steepest.compiler.ir.builder import Builder
from steepest.compiler.ir.operands import Op

__all__ = ["FORMATS", "Format", "no_less", "no_more", "polynomial"]


class Format(NamedTuple):
    """What a function needs to know of a floating-point format.

    whole               integers of its size; digits: of the significand
    one, root_half      the bits of 1 and of √½
    rounding, its_bits  1.5·2^digits: adding it rounds to a whole number, which is then in its bits
    ln2                 log 2 in two parts, the sum of which is exact to twice the digits
    top, bottom         where eˣ is ∞, and where it is 0
    tiny                the smallest number that is not subnormal
    """

    whole: str
    digits: int
    one: int
    root_half: int
    rounding: float
    its_bits: int
    ln2: tuple[float, float]  # fma needs no trailing zeros in the first
    top: float
    bottom: float
    tiny: float


FORMATS = {
    "float": Format(
        *("i32", 23, 0x3F800000, 0x3F3504F3, 12582912.0, 0x4B400000),
        *((0.6931471824645996, -1.904654290582768e-09), 89.0, -105.0, 2.0**-126),
    ),
    "double": Format(
        *("i64", 52, 0x3FF << 52, 0x3FE6A09E667F3BCD, 6755399441055744.0, 0x4338 << 48),
        *((0.6931471805599453, 2.3190468138462996e-17), 710.0, -746.0, 2.0**-1022),
    ),
}


def polynomial(b: Builder, x: Op, coefficients: Sequence[float]) -> Op:
    """Horner's rule, highest power first."""
    total = b.number(coefficients[0], x.base)
    for c in coefficients[1:]:
        total = b.fma(x, total, b.number(c, x.base))
    return total


def no_more(b: Builder, x: Op, limit: float) -> Op:
    """x where it is at most the limit; NaN stays NaN, because a comparison with it is false."""
    top = b.number(limit, x.base)
    return b.select(b.compare("ogt", x, top), top, x)


def no_less(b: Builder, x: Op, limit: float) -> Op:
    """The same, of at least the limit."""
    bottom = b.number(limit, x.base)
    return b.select(b.compare("olt", x, bottom), bottom, x)
