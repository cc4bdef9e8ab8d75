"""Functions made of eˣ: exp, tanh, sigmoid and erf.

All begin alike: x = k log 2 + r with a whole number k, and eˣ = 2ᵏ·eʳ, where 2ᵏ is a matter of the
exponent's bits and eʳ, for so small an r, of a short polynomial.
"""

from steepest.compiler.ir.builder import Builder
from steepest.compiler.ir.operands import Op
from steepest.compiler.vecmath.estimates import inverse, is_long
from steepest.compiler.vecmath.formats import FORMATS, no_less, no_more, polynomial
from steepest.compiler.vecmath.tables import tanh_by_table

__all__ = ["erf", "exp", "sigmoid", "tanh"]

LOG2_E = 1.4426950408889634

# (eʳ − 1 − r) / r² on |r| ≤ ½ log 2
_EXP = {
    "float": (1.3821305e-03, 8.368668e-03, 4.166826e-02, 1.6666521e-01, 4.9999994e-01),
    "double": (
        *(2.0914717341716378e-09, 2.5105259538448494e-08, 2.755727357010214e-07),
        *(2.7557255297969643e-06, 2.4801587325605324e-05, 0.0001984126987490126),
        *(0.001388888888888373, 0.008333333333326112, 0.04166666666666667),
        *(0.1666666666666667, 0.5),
    ),
}
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


def _series_of_exp(b: Builder, x: Op) -> tuple[Op, Op, Op, Op]:
    """(k + 1.5·2^digits, r, r², P) with x = k log 2 + r and eʳ − 1 = r + r²P."""
    f, coefficients = FORMATS[x.base], _EXP[x.base]

    def number(c: float) -> Op:
        return b.number(c, x.base)

    shifted = b.fma(x, number(LOG2_E), number(f.rounding))
    k = b.binary("fsub", shifted, number(f.rounding))
    r = b.fma(k, number(-f.ln2[0]), x)
    r = b.fma(k, number(-f.ln2[1]), r)
    square = b.mul(r, r)
    total = number(coefficients[0])  # in pairs: a shorter chain of waiting
    for high, low in zip(coefficients[1::2], coefficients[2::2], strict=True):
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
    """eˣ = 2ᵏ·eʳ, for x within where it is neither 0 nor ∞."""
    f = FORMATS[x.base]
    shifted, rest = _halves_of_exp(b, no_less(b, no_more(b, x, f.top), f.bottom))
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
    near = b.fma(b.mul(polynomial(b, square, _TANH_NEAR), square), x, x)
    size = b.call("llvm.fabs", x)
    shifted, rest = _halves_of_exp(b, no_more(b, b.add(size, size), 20.0))
    scale = _power_of_two(b, b.convert("bitcast", shifted, "i32"), "float")
    above = b.fma(scale, rest, b.add(scale, b.number(1.0)))
    far = b.fma(b.number(-2.0), inverse(b, above), b.number(1.0))
    value = b.select(b.compare("olt", size, b.number(0.6)), near, far)
    return b.call("llvm.copysign", value, x)


def _tanh_in_double(b: Builder, x: Op) -> Op:
    """m / (m + 2) with m = e²ˣ − 1, corrected for what rounding took from both; 1 from 19.1 on."""
    one, two = b.number(1.0, x.base), b.number(2.0, x.base)
    size = b.call("llvm.fabs", x)
    shifted, r, square, series = _series_of_exp(b, no_more(b, b.add(size, size), 40.0))
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
    bounded = no_less(b, b.neg(b.call("llvm.fabs", x)), FORMATS[x.base].bottom)
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


def erf(b: Builder, x: Op) -> Op:
    """x + xP(x²) near 0, 1 − e^(P(|x|) − |x|) beyond, which is 1 from 3.95 on."""
    size = no_more(b, b.call("llvm.fabs", x), 3.95)
    near = b.fma(polynomial(b, b.mul(x, x), _ERF_NEAR), x, x)
    exponent = b.sub(polynomial(b, size, _ERF_FAR), size)
    shifted, rest = _halves_of_exp(b, exponent)
    scale = _power_of_two(b, b.convert("bitcast", shifted, "i32"), "float")
    far = b.sub(b.number(1.0), b.fma(scale, rest, scale))
    value = b.select(b.compare("olt", size, b.number(0.95)), near, far)
    return b.call("llvm.copysign", value, x)
