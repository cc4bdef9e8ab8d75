"""The logarithm: log x = k log 2 + log(1 + f), with √½ ≤ 1 + f ≤ √2."""

from steepest.compiler.ir.builder import Builder
from steepest.compiler.ir.operands import Op
from steepest.compiler.vecmath.formats import FORMATS, polynomial

__all__ = ["log"]

# (log(1 + f) − f + ½f²) / f³ on √½ ≤ 1 + f ≤ √2
_LOG = (
    *(6.750023e-02, -1.1670448e-01, 1.1883413e-01, -1.2406168e-01, 1.4220364e-01),
    *(-1.6667992e-01, 2.0002072e-01, -2.500001e-01, 3.3333313e-01),
)
# (log(1 + f) − 2s) / s³ in s² with s = f / (2 + f), on the same interval
_LOG_DOUBLE = (
    *(0.146171283998073, 0.15331666676597175, 0.1818289077802613, 0.22222211112104948),
    *(0.2857142862611452, 0.399999999998992, 0.666666666666667),
)


def log(b: Builder, x: Op) -> Op:
    """log x; subnormal numbers are first made larger by a power of two."""
    form = FORMATS[x.base]

    def number(c: float) -> Op:
        return b.number(c, x.base)

    def whole(c: int) -> Op:
        return b.number(c, form.whole)

    small = b.compare("olt", x, number(form.tiny))
    scaled = b.select(small, b.mul(x, number(2.0**form.digits)), x)
    bits = b.convert("bitcast", scaled, form.whole)
    exponent = b.binary("ashr", b.sub(bits, whole(form.root_half)), whole(form.digits))
    mantissa = b.sub(bits, b.binary("shl", exponent, whole(form.digits)))
    f = b.sub(b.convert("bitcast", mantissa, x.base), number(1.0))
    exponent = b.add(exponent, b.select(small, whole(-form.digits), whole(0)))
    k = b.convert("sitofp", exponent, x.base)
    square = b.mul(f, f)
    tail = b.fma(square, number(-0.5), _beyond_the_square(b, f, square))
    tail = b.fma(k, number(form.ln2[1]), tail)
    value = b.fma(k, number(form.ln2[0]), b.add(f, tail))
    # Below zero NaN, at zero −∞; infinity and NaN are themselves.
    zero = b.compare("oeq", x, number(0.0))
    infinite = number(float("-inf"))
    value = b.select(zero, infinite, b.select(b.compare("oge", x, number(0.0)), value, x))
    value = b.select(b.compare("olt", x, number(0.0)), number(float("nan")), value)
    return b.select(b.compare("oeq", x, number(float("inf"))), x, value)


def _beyond_the_square(b: Builder, f: Op, square: Op) -> Op:
    """log(1 + f) − f + ½f², in double precision s·(½f² + s²P(s²)) with s = f / (2 + f)."""
    if f.base == "float":
        return b.mul(b.mul(polynomial(b, f, _LOG), f), square)
    s = b.div(f, b.add(f, b.number(2.0, f.base)))
    z = b.mul(s, s)
    half = b.mul(square, b.number(0.5, f.base))
    return b.mul(s, b.fma(z, polynomial(b, z, _LOG_DOUBLE), half))
