"""1/x and √x of vectors of float32, from the processor's estimates.

A processor divides long vectors slowly, and draws their roots more slowly still. Where it has an
instruction that guesses 1/x and 1/√x to 14 bits, Newton's step doubles the digits, while the slow
unit is free for other divisions. A root is then corrected by what is left over, and so correctly
rounded but for rare cases close to the middle between two numbers, and for numbers below 10⁻³⁰,
where it is within one unit in the last place.

Source: Markstein, "Computation of elementary functions on the IBM RISC System/6000 processor",
IBM Journal of Research and Development 34, 1990.
"""

from collections.abc import Callable

from steepest.compiler.ir.builder import Builder
from steepest.compiler.ir.operands import Op

__all__ = ["LANES", "by_vectors", "inverse", "is_long", "root"]

LANES = 16  # of the vectors that the instructions take
_T = f"<{LANES} x float>"
# What becomes of a number by its kind, four bits each: 0 and ∞ are put in place of what was found.
_ZERO, _INFINITY = 1 << 4 * 2, 1 << 4 * 5


def inverse(b: Builder, x: Op) -> Op:
    """1/x within one unit in the last place, for 2⁻¹⁰⁰ < x < 2¹⁰⁰."""
    one = b.number(1.0, x.base)
    if not is_long(b, x):
        return b.div(one, x)
    guess = _estimate(b, "rcp", x)
    return b.fma(b.fma(b.neg(x), guess, one), guess, guess)


def root(b: Builder, x: Op) -> Op:
    """√x."""
    if not is_long(b, x):
        return b.call("llvm.sqrt", x)
    guess, half = _estimate(b, "rsqrt", x), b.number(0.5)
    near, slope = b.binary("fmul", x, guess), b.binary("fmul", guess, half)
    near = b.fma(near, b.fma(b.neg(near), slope, half), near)
    value = b.fma(b.fma(b.neg(near), near, x), slope, near)
    return _own_roots(b, value, x)


def _own_roots(b: Builder, value: Op, x: Op) -> Op:
    """Zero and infinity are their own roots, and have become NaN on the way."""
    kinds, function = f"<{LANES} x i32>", "@llvm.x86.avx512.mask.fixupimm.ps.512"
    b.declared.add(f"declare {_T} {function}({_T}, {_T}, {kinds}, i32, i16, i32)")
    rule = f"{kinds} splat (i32 {_ZERO | _INFINITY}), i32 0, i16 -1, i32 4"

    def chosen(value: Op, x: Op) -> str:
        return f"call {_T} {function}({_T} {value.name}, {_T} {x.name}, {rule})"

    return by_vectors(b, chosen, value, x)


def _estimate(b: Builder, name: str, x: Op) -> Op:
    """1/x ("rcp") or 1/√x ("rsqrt"), within 2⁻¹⁴ of it."""
    function = f"@llvm.x86.avx512.{name}14.ps.512"
    b.declared.add(f"declare {_T} {function}({_T}, {_T}, i16)")
    given = f"{_T} zeroinitializer, i16 -1"
    return by_vectors(b, lambda x: f"call {_T} {function}({_T} {x.name}, {given})", x)


def is_long(b: Builder, x: Op) -> bool:
    """Whether the processor has instructions of its own for such a vector."""
    return b.estimates and x.base == "float" and x.width >= LANES


def by_vectors(b: Builder, make: Callable[..., str], *xs: Op) -> Op:
    """What an instruction makes of vectors of the same length, LANES of each at a time."""
    found = []
    for k in range(0, xs[0].width, LANES):
        lanes = range(k, k + LANES)
        parts = [_part(b, x, lanes) for x in xs]
        found.append(Op(b.new(make(*parts)), "float", LANES))
    while len(found) > 1:
        pairs = zip(found[::2], found[1::2], strict=True)
        found = [b.shuffle(low, high, range(2 * low.width)) for low, high in pairs]
    return found[0]


def _part(b: Builder, x: Op, lanes: range) -> Op:
    """Some lanes of a vector, of which others may be asked again."""
    if x.width == len(lanes):
        return x
    return b.once(("part", x.name, lanes), lambda: b.shuffle(x, x, lanes))
