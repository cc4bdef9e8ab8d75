"""1/x and √x of vectors of float32, from the processor's estimates.

A processor divides long vectors slowly, and draws their roots more slowly still. Where it has an
instruction that guesses 1/x and 1/√x to 14 bits, Newton's step doubles the digits, while the slow
unit is free for other divisions. A root is then corrected by what is left over, and so correctly
rounded but for rare cases close to the middle between two numbers, and for numbers below 10⁻³⁰,
where it is within one unit in the last place.

Source: Markstein, "Computation of elementary functions on the IBM RISC System/6000 processor",
IBM Journal of Research and Development 34, 1990.
"""

from steepest.compiler.builder import Builder, Op

__all__ = ["inverse", "root"]

_LANES = 16  # of the vectors that the instructions take


def inverse(b: Builder, x: Op) -> Op:
    """1/x within one unit in the last place, for 2⁻¹⁰⁰ < x < 2¹⁰⁰."""
    one = b.number(1.0, x.base)
    if not _is_estimated(b, x):
        return b.div(one, x)
    guess = _estimate(b, "rcp", x)
    return b.fma(b.fma(b.neg(x), guess, one), guess, guess)


def root(b: Builder, x: Op) -> Op:
    """√x."""
    if not _is_estimated(b, x):
        return b.call("llvm.sqrt", x)
    guess, half = _estimate(b, "rsqrt", x), b.number(0.5)
    near, slope = b.binary("fmul", x, guess), b.binary("fmul", guess, half)
    near = b.fma(near, b.fma(b.neg(near), slope, half), near)
    value = b.fma(b.fma(b.neg(near), near, x), slope, near)
    # Zero and infinity are their own roots, and have become NaN on the way.
    own = b.compare("oge", x, b.number(0.0))
    lost = b.select(own, b.compare("uno", value, value), b.number(0, "i1"))
    return b.select(lost, x, value)


def _is_estimated(b: Builder, x: Op) -> bool:
    return b.estimates and x.base == "float" and x.width >= _LANES


def _estimate(b: Builder, name: str, x: Op) -> Op:
    """1/x ("rcp") or 1/√x ("rsqrt"), within 2⁻¹⁴ of it."""
    t = f"<{_LANES} x float>"
    function = f"@llvm.x86.avx512.{name}14.ps.512"
    b.declared.add(f"declare {t} {function}({t}, {t}, i16)")
    found = []
    for k in range(0, x.width, _LANES):
        part = b.shuffle(x, x, range(k, k + _LANES)) if x.width > _LANES else x
        given = f"{t} {part.name}, {t} zeroinitializer, i16 -1"
        found.append(Op(b.new(f"call {t} {function}({given})"), x.base, _LANES))
    while len(found) > 1:
        pairs = zip(found[::2], found[1::2], strict=True)
        found = [b.shuffle(low, high, range(2 * low.width)) for low, high in pairs]
    return found[0]
