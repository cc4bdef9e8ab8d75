"""sin, cos and pow of float32, computed in float64: what they lose is far below the last place."""

from math import pi

from steepest.compiler.ir.builder import Builder
from steepest.compiler.ir.operands import Op
from steepest.compiler.vecmath.formats import FORMATS, no_less, no_more, polynomial

__all__ = ["cos", "pow_", "sin"]

_DOUBLE = FORMATS["double"]
# In parts, whose sum is exact to three times the digits of one.
_HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33)
# (sin r / r − 1) / r² and (cos r − 1) / r² in r² on |r| ≤ ¼π, 2ᶠ on |f| ≤ ½,
# log₂ of m as a series in ((m − 1) / (m + 1))².
_SIN = (2.7183102822517167e-06, -0.00019839334679478435, 0.008333329385260843, -0.16666666641618952)
_COS = (
    *(-2.718010054140674e-07, 2.4799041030406755e-05, -0.0013888881078634955),
    *(0.041666666562074545, -0.4999999999954506),
)
_EXP2 = (
    *(1.520190630319875e-05, 0.0001546929089899434, 0.0013333922623307817, 0.00961802725410478),
    *(0.055504103533741155, 0.2402265119815345, 0.6931471807284697, 0.9999999999616825),
)
_LOG2 = (
    *(0.24288918908721147, 0.26144697302140424, 0.32061628129708847, 0.41219840407699687),
    *(0.5770780172274066, 0.9617966939244111, 2.885390081777927),
)


def _whole(b: Builder, x: Op) -> tuple[Op, Op]:
    """The nearest whole number of doubles below 2⁵¹, as a double and as the low bits of an i64."""
    magic = b.number(_DOUBLE.rounding, "double")
    shifted = b.add(x, magic)
    return b.binary("fsub", shifted, magic), b.convert("bitcast", shifted, "i64")


def _quarter_turns(b: Builder, x: Op, turns: int) -> Op:
    """sin(x + turns·½π)."""
    wide = b.convert("fpext", x, "double")
    k, bits = _whole(b, b.binary("fmul", wide, b.number(2 / pi, "double")))
    r = wide
    for part in _HALF_PI:
        r = b.fma(k, b.number(-part, "double"), r)
    square = b.mul(r, r)
    sine = b.fma(b.mul(polynomial(b, square, _SIN), square), r, r)
    cosine = b.fma(polynomial(b, square, _COS), square, b.number(1.0, "double"))
    quadrant = b.add(bits, b.number(turns, "i64"))
    odd = b.convert("trunc", quadrant, "i1")
    value = b.select(odd, cosine, sine)
    half = b.convert("trunc", b.binary("lshr", quadrant, b.number(1, "i64")), "i1")
    value = b.convert("fptrunc", b.select(half, b.neg(value), value), "float")
    far = b.compare("ogt", b.call("llvm.fabs", x), b.number(2.0**40))
    return b.rarely(far, value, lambda: b.library("cosf" if turns else "sinf", x))


def sin(b: Builder, x: Op) -> Op:
    """sin x."""
    value = _quarter_turns(b, x, 0)
    return b.select(b.compare("oeq", x, b.number(0.0)), x, value)  # sin −0 is −0


def cos(b: Builder, x: Op) -> Op:
    """cos x."""
    return _quarter_turns(b, x, 1)


def _log2(b: Builder, x: Op) -> Op:
    """log₂ of positive doubles that came from float32 numbers; infinity gives about 1024."""
    bits = b.convert("bitcast", x, "i64")
    shift = b.number(_DOUBLE.digits, "i64")
    exponent = b.binary("ashr", b.sub(bits, b.number(_DOUBLE.root_half, "i64")), shift)
    mantissa = b.convert("bitcast", b.sub(bits, b.binary("shl", exponent, shift)), "double")
    one = b.number(1.0, "double")
    s = b.div(b.sub(mantissa, one), b.add(mantissa, one))
    series = b.mul(s, polynomial(b, b.mul(s, s), _LOG2))
    return b.add(b.convert("sitofp", exponent, "double"), series)


def pow_(b: Builder, x: Op, y: Op) -> Op:
    """2^(y log₂|x|), with C's rules for signs, zeros and infinities."""
    lanes = b.lanes_of(x, y)
    x, y = b.vector(x, lanes), b.vector(y, lanes)
    size = b.call("llvm.fabs", x)
    t = b.mul(_log2(b, b.convert("fpext", size, "double")), b.convert("fpext", y, "double"))
    t = no_less(b, no_more(b, t, 300.0), -300.0)
    k, bits = _whole(b, t)
    f = b.sub(t, k)
    digits, one_bits = b.number(_DOUBLE.digits, "i64"), b.number(_DOUBLE.one, "i64")
    scale = b.add(b.binary("shl", bits, digits), one_bits)
    power = b.mul(polynomial(b, f, _EXP2), b.convert("bitcast", scale, "double"))
    return _by_the_rules(b, x, y, size, b.convert("fptrunc", power, "float"))


def _by_the_rules(b: Builder, x: Op, y: Op, size: Op, value: Op) -> Op:
    """xʸ, from the value that |x|ʸ has where it is an ordinary number."""
    zero, one, no = b.number(0.0), b.number(1.0), b.number(0, "i1")
    # 0 and ∞ as base, whose logarithm the bits above do not know: the result is 0 or ∞.
    infinite = b.number(float("inf"))
    falling = b.compare("olt", y, zero)
    from_zero, from_infinity = b.select(falling, infinite, zero), b.select(falling, zero, infinite)
    value = b.select(b.compare("oeq", size, zero), from_zero, value)
    value = b.select(b.compare("oeq", size, infinite), from_infinity, value)
    fraction = b.compare("one", b.call("llvm.rint", y), y)
    half = b.mul(y, b.number(0.5))
    odd = b.select(fraction, no, b.compare("one", b.call("llvm.rint", half), half))
    value = b.call("llvm.copysign", value, b.select(odd, x, one))
    root = b.select(b.compare("olt", x, zero), fraction, no)
    root = b.select(b.compare("olt", size, infinite), root, no)
    root = b.select(b.compare("oeq", size, zero), no, root)
    value = b.select(root, b.number(float("nan")), value)
    value = b.select(b.compare("uno", x, y), b.add(x, y), value)
    return b.select(_gives_one(b, x, y, size), one, value)


def _gives_one(b: Builder, x: Op, y: Op, size: Op) -> Op:
    """1ʸ and x⁰ are 1 even of NaN, and so is (−1)^±∞."""
    no = b.number(0, "i1")
    endless = b.compare("oeq", b.call("llvm.fabs", y), b.number(float("inf")))
    minus_one = b.select(endless, b.compare("oeq", size, b.number(1.0)), no)
    either = b.select(b.compare("oeq", y, b.number(0.0)), b.number(1, "i1"), minus_one)
    return b.select(b.compare("oeq", x, b.number(1.0)), b.number(1, "i1"), either)
