"""exp, log, tanh, sigmoid, erf, sin, cos and pow of vectors of float32, and the first four of
float64: polynomials.

Largest errors, sampled over the whole range (tests hold them): exp, log, tanh, sigmoid and erf
below 1.25 units in the last place, sin, cos and pow below 1; infinities, NaN, −0 and subnormal
numbers are right. The other functions of float64, and sin and cos beyond |x| = 2⁴⁰, go to the C
library, one lane at a time.

The coefficients are least maximum fits of our own; those for float32 with the lower ones rounded
first and the rest fitted again.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from steepest.compiler.builder import Builder
from steepest.compiler.estimates import inverse, is_long
from steepest.compiler.operands import Op
from steepest.compiler.tables import tanh_by_table

__all__ = ["FUNCTIONS", "IN_DOUBLE"]

LOG2_E = 1.4426950408889634


# (eʳ − 1 − r) / r² on |r| ≤ ½ log 2
_EXP = (1.3821305e-03, 8.368668e-03, 4.166826e-02, 1.6666521e-01, 4.9999994e-01)
_EXP_DOUBLE = (
    *(2.0914717341716378e-09, 2.5105259538448494e-08, 2.755727357010214e-07),
    *(2.7557255297969643e-06, 2.4801587325605324e-05, 0.0001984126987490126),
    *(0.001388888888888373, 0.008333333333326112, 0.04166666666666667, 0.1666666666666667, 0.5),
)
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
# erf(x)/x − 1 in x² on |x| ≤ 0.95, and log(1 − erf t) + t in t beyond
_ERF_NEAR = (
    *(8.002782e-05, -8.0508046e-04, 5.1924605e-03, -2.685574e-02),
    *(1.1283626e-01, -3.761263e-01, 1.2837917e-01),
)
_ERF_FAR = (
    *(1.9242491e-04, -3.008541e-03, 2.2087697e-02, -1.0364049e-01),
    *(-6.375168e-01, -1.2747511e-01, -2.4468522e-04),
)
# (tanh(x)/x − 1) / x² in x² on |x| ≤ 0.6
_TANH_NEAR = (-5.8979667e-03, 2.0798625e-02, -5.3784717e-02, 1.3331936e-01, -3.33333e-01)
# In double precision: (sin r / r − 1) / r² and (cos r − 1) / r² in r² on |r| ≤ ¼π, 2ᶠ on |f| ≤ ½,
# log₂ of m as a series in ((m − 1) / (m + 1))².
HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33)
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
    exp: tuple[float, ...]
    top: float
    bottom: float
    tiny: float


FORMATS = {
    "float": Format(
        *("i32", 23, 0x3F800000, 0x3F3504F3, 12582912.0, 0x4B400000),
        *((0.6931471824645996, -1.904654290582768e-09), _EXP, 89.0, -105.0, 2.0**-126),
    ),
    "double": Format(
        *("i64", 52, 0x3FF << 52, 0x3FE6A09E667F3BCD, 6755399441055744.0, 0x4338 << 48),
        *((0.6931471805599453, 2.3190468138462996e-17), _EXP_DOUBLE, 710.0, -746.0, 2.0**-1022),
    ),
}


def _polynomial(b: Builder, x: Op, coefficients: Sequence[float]) -> Op:
    """Horner's rule, highest power first."""
    total = b.number(coefficients[0], x.base)
    for c in coefficients[1:]:
        total = b.fma(x, total, b.number(c, x.base))
    return total


def _no_more(b: Builder, x: Op, limit: float) -> Op:
    """x where it is at most the limit; NaN stays NaN, because a comparison with it is false."""
    top = b.number(limit, x.base)
    return b.select(b.compare("ogt", x, top), top, x)


def _no_less(b: Builder, x: Op, limit: float) -> Op:
    bottom = b.number(limit, x.base)
    return b.select(b.compare("olt", x, bottom), bottom, x)


def _series_of_exp(b: Builder, x: Op) -> tuple[Op, Op, Op, Op]:
    """(k + 1.5·2^digits, r, r², P) with x = k log 2 + r and eʳ − 1 = r + r²P."""
    f = FORMATS[x.base]

    def number(c: float) -> Op:
        return b.number(c, x.base)

    shifted = b.fma(x, number(LOG2_E), number(f.rounding))
    k = b.binary("fsub", shifted, number(f.rounding))
    r = b.fma(k, number(-f.ln2[0]), x)
    r = b.fma(k, number(-f.ln2[1]), r)
    square = b.mul(r, r)
    total = number(f.exp[0])  # in pairs: a shorter chain of waiting
    for high, low in zip(f.exp[1::2], f.exp[2::2], strict=True):
        total = b.fma(square, total, b.fma(r, number(high), number(low)))
    return shifted, r, square, total


def _halves_of_exp(b: Builder, x: Op) -> tuple[Op, Op]:
    """(k + 1.5·2^digits, eʳ − 1) with x = k log 2 + r."""
    shifted, r, square, series = _series_of_exp(b, x)
    return shifted, b.fma(series, square, r)


def _power_of_two(b: Builder, i: Op, base: str) -> Op:
    """2ⁱ for an integer whose bits above the exponent do not matter."""
    f = FORMATS[base]
    bits = b.binary("shl", i, b.number(f.digits, f.whole))
    return b.convert("bitcast", b.add(bits, b.number(f.one, f.whole)), base)


def _two_powers(b: Builder, shifted: Op) -> tuple[Op, Op]:
    """2ᵏ as a product of two, so that subnormal results and infinity come out by themselves."""
    f = FORMATS[shifted.base]
    i = b.sub(b.convert("bitcast", shifted, f.whole), b.number(f.its_bits, f.whole))
    half = b.binary("ashr", i, b.number(1, f.whole))
    rest = b.sub(i, half)
    return _power_of_two(b, half, shifted.base), _power_of_two(b, rest, shifted.base)


def exp(b: Builder, x: Op) -> Op:
    f = FORMATS[x.base]
    shifted, rest = _halves_of_exp(b, _no_less(b, _no_more(b, x, f.top), f.bottom))
    first, second = _two_powers(b, shifted)
    value = b.add(rest, b.number(1.0, x.base))
    return b.binary("fmul", b.binary("fmul", value, first), second)


def tanh(b: Builder, x: Op) -> Op:
    """In float32 from a table, or x + x³P(x²) near 0, 1 − 2 / (e²ˣ + 1) beyond, which is 1 from
    9.02 on."""
    if x.base == "double":
        return _tanh_in_double(b, x)
    if is_long(b, x):
        return tanh_by_table(b, x)
    square = b.mul(x, x)
    near = b.fma(b.mul(_polynomial(b, square, _TANH_NEAR), square), x, x)
    size = b.call("llvm.fabs", x)
    shifted, rest = _halves_of_exp(b, _no_more(b, b.add(size, size), 20.0))
    scale = _power_of_two(b, b.convert("bitcast", shifted, "i32"), "float")
    above = b.fma(scale, rest, b.add(scale, b.number(1.0)))
    far = b.fma(b.number(-2.0), inverse(b, above), b.number(1.0))
    value = b.select(b.compare("olt", size, b.number(0.6)), near, far)
    return b.call("llvm.copysign", value, x)


def _tanh_in_double(b: Builder, x: Op) -> Op:
    """m / (m + 2) with m = e²ˣ − 1, corrected for what rounding took from both; 1 from 19.1 on."""
    one, two = b.number(1.0, x.base), b.number(2.0, x.base)
    size = b.call("llvm.fabs", x)
    shifted, r, square, series = _series_of_exp(b, _no_more(b, b.add(size, size), 40.0))
    scale = _power_of_two(b, b.convert("bitcast", shifted, "i64"), x.base)
    above = b.binary("fsub", scale, one)  # m = 2ᵏ(1 + r + r²P) − 1, the large part first
    large = b.fma(scale, r, above)
    small = b.fma(scale, r, b.binary("fsub", above, large))
    small = b.fma(b.binary("fmul", scale, square), series, small)
    m = b.binary("fadd", large, small)
    lost = b.binary("fsub", small, b.binary("fsub", m, large))
    below = b.binary("fadd", m, two)
    also = b.add(b.binary("fsub", m, b.binary("fsub", below, two)), lost)
    quotient = b.div(m, below)
    left = b.add(b.fma(b.neg(quotient), below, m), b.fma(b.neg(quotient), also, lost))
    value = b.fma(left, b.div(one, below), quotient)
    return b.call("llvm.copysign", value, x)


def sigmoid(b: Builder, x: Op) -> Op:
    """n / (1 + e^−|x|) with n = 1, or e^−|x| below zero: small values keep all their digits.

    e^−|x| is 2ᵏ(1 + rest). 2ᵏ is split, so that subnormal results come out by themselves, and the
    quotient is corrected by what rounding took from n and from the division.
    """
    one, zero = b.number(1.0, x.base), b.number(0.0, x.base)
    bounded = _no_less(b, b.neg(b.call("llvm.fabs", x)), FORMATS[x.base].bottom)
    shifted, rest = _halves_of_exp(b, bounded)
    first, second = _two_powers(b, shifted)
    scale = b.binary("fmul", first, second)
    e = b.fma(scale, rest, scale)
    near = inverse(b, b.fma(scale, rest, b.add(scale, one)))
    below = b.compare("olt", x, zero)
    rounded = b.add(rest, one)
    lost = b.sub(rest, b.binary("fsub", rounded, one))
    n = b.select(below, b.binary("fmul", rounded, first), one)
    lost = b.select(below, b.binary("fmul", lost, first), zero)
    quotient = b.binary("fmul", n, near)
    left = b.fma(b.neg(quotient), e, b.binary("fsub", n, quotient))
    quotient = b.fma(b.add(left, lost), near, quotient)
    return b.binary("fmul", quotient, b.select(below, second, one))


def log(b: Builder, x: Op) -> Op:
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
        return b.mul(b.mul(_polynomial(b, f, _LOG), f), square)
    s = b.div(f, b.add(f, b.number(2.0, f.base)))
    z = b.mul(s, s)
    half = b.mul(square, b.number(0.5, f.base))
    return b.mul(s, b.fma(z, _polynomial(b, z, _LOG_DOUBLE), half))


def erf(b: Builder, x: Op) -> Op:
    size = _no_more(b, b.call("llvm.fabs", x), 3.95)
    near = b.fma(_polynomial(b, b.mul(x, x), _ERF_NEAR), x, x)
    exponent = b.sub(_polynomial(b, size, _ERF_FAR), size)
    shifted, rest = _halves_of_exp(b, exponent)
    scale = _power_of_two(b, b.convert("bitcast", shifted, "i32"), "float")
    far = b.sub(b.number(1.0), b.fma(scale, rest, scale))
    value = b.select(b.compare("olt", size, b.number(0.95)), near, far)
    return b.call("llvm.copysign", value, x)


# ---- in double precision ------------------------------------------------------------------------


def _whole(b: Builder, x: Op) -> tuple[Op, Op]:
    """The nearest whole number of doubles below 2⁵¹, as a double and as the low bits of an i64."""
    magic = b.number(6755399441055744.0, "double")
    shifted = b.add(x, magic)
    return b.binary("fsub", shifted, magic), b.convert("bitcast", shifted, "i64")


def _quarter_turns(b: Builder, x: Op, turns: int) -> Op:
    """sin(x + turns·½π)."""
    wide = b.convert("fpext", x, "double")
    k, bits = _whole(b, b.binary("fmul", wide, b.number(2 / 3.141592653589793, "double")))
    r = wide
    for part in HALF_PI:
        r = b.fma(k, b.number(-part, "double"), r)
    square = b.mul(r, r)
    sine = b.fma(b.mul(_polynomial(b, square, _SIN), square), r, r)
    cosine = b.fma(_polynomial(b, square, _COS), square, b.number(1.0, "double"))
    quadrant = b.add(bits, b.number(turns, "i64"))
    odd = b.convert("trunc", quadrant, "i1")
    value = b.select(odd, cosine, sine)
    half = b.convert("trunc", b.binary("lshr", quadrant, b.number(1, "i64")), "i1")
    value = b.convert("fptrunc", b.select(half, b.neg(value), value), "float")
    far = b.compare("ogt", b.call("llvm.fabs", x), b.number(2.0**40))
    return b.rarely(far, value, lambda: b.library("cosf" if turns else "sinf", x))


def sin(b: Builder, x: Op) -> Op:
    value = _quarter_turns(b, x, 0)
    return b.select(b.compare("oeq", x, b.number(0.0)), x, value)  # sin −0 is −0


def cos(b: Builder, x: Op) -> Op:
    return _quarter_turns(b, x, 1)


def _log2(b: Builder, x: Op) -> Op:
    """log₂ of positive doubles that came from float32 numbers; infinity gives about 1024."""
    bits = b.convert("bitcast", x, "i64")
    shift = b.number(52, "i64")
    exponent = b.binary("ashr", b.sub(bits, b.number(0x3FE6A09E667F3BCD, "i64")), shift)
    mantissa = b.convert("bitcast", b.sub(bits, b.binary("shl", exponent, shift)), "double")
    one = b.number(1.0, "double")
    s = b.div(b.sub(mantissa, one), b.add(mantissa, one))
    series = b.mul(s, _polynomial(b, b.mul(s, s), _LOG2))
    return b.add(b.convert("sitofp", exponent, "double"), series)


def pow_(b: Builder, x: Op, y: Op) -> Op:
    """2^(y log₂|x|), with C's rules for signs, zeros and infinities."""
    lanes = b.lanes_of(x, y)
    x, y = b.vector(x, lanes), b.vector(y, lanes)
    zero, one = b.number(0.0), b.number(1.0)
    size = b.call("llvm.fabs", x)
    t = b.mul(_log2(b, b.convert("fpext", size, "double")), b.convert("fpext", y, "double"))
    k, bits = _whole(b, _no_less(b, _no_more(b, t, 300.0), -300.0))
    f = b.sub(_no_less(b, _no_more(b, t, 300.0), -300.0), k)
    scale = b.add(b.binary("shl", bits, b.number(52, "i64")), b.number(0x3FF << 52, "i64"))
    power = b.mul(_polynomial(b, f, _EXP2), b.convert("bitcast", scale, "double"))
    value = b.convert("fptrunc", power, "float")
    # 0 and ∞ as base, whose logarithm the bits above do not know: the result is 0 or ∞.
    infinite = b.number(float("inf"))
    falling = b.compare("olt", y, zero)
    from_zero, from_infinity = b.select(falling, infinite, zero), b.select(falling, zero, infinite)
    value = b.select(b.compare("oeq", size, zero), from_zero, value)
    value = b.select(b.compare("oeq", size, infinite), from_infinity, value)
    fraction = b.compare("one", b.call("llvm.rint", y), y)
    half = b.mul(y, b.number(0.5))
    no = b.number(0, "i1")
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


FUNCTIONS: dict[str, Callable[..., Op]] = {
    "exp": exp,
    "log": log,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "erf": erf,
    "sin": sin,
    "cos": cos,
    "pow": pow_,
}
# Those that know float64 too.
IN_DOUBLE = frozenset({"exp", "log", "tanh", "sigmoid"})
