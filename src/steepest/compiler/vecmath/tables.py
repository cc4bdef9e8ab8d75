"""tanh of vectors of float32, from a table of short polynomials.

Where one instruction chooses every lane's number among thirty-two, as many short polynomials take
half the time of a long one that holds everywhere. |x| + 1 lies in [1, 16): four octaves of eight
pieces each, whose number is in its bits. Each piece has a centre c and six coefficients, and
tanh(c + t) is a polynomial in t; the first one's centre is 0, so that small results keep all their
digits. The coefficients go through six points of the function, at which a polynomial is close to
the best one; centres are numbers at which tanh itself is nearly a float32.

Source of the centres: Gal, "Computing elementary functions: a new approach for achieving high
accuracy and good performance", Lecture Notes in Computer Science 235, 1986.
"""

from functools import lru_cache

import numpy as np

from steepest.compiler.ir.builder import Builder
from steepest.compiler.ir.operands import Op, spelled
from steepest.compiler.vecmath.estimates import LANES, by_vectors

__all__ = ["tanh_by_table"]

OCTAVES, PIECES, POINTS = 4, 8, 6
ONE = 10.0  # beyond, tanh is 1
_BITS = 20  # of a float32 below the two of its exponent and the three of its fraction that count
_TRIED = 64  # centres


def tanh_by_table(b: Builder, x: Op) -> Op:
    """tanh of a vector for which there are instructions (`estimates.is_long`)."""
    b.declared.add(_text())
    size, top = b.call("llvm.fabs", x), b.number(ONE)
    size = b.select(b.compare("ogt", size, top), top, size)  # NaN stays NaN
    bits = b.convert("bitcast", b.add(size, b.number(1.0)), "i32")
    piece = b.binary("lshr", bits, b.number(_BITS, "i32"))  # the five lowest bits count
    t = b.sub(size, _chosen(b, piece, 0))
    value = _chosen(b, piece, POINTS)
    for row in range(POINTS - 1, 0, -1):
        value = b.fma(t, value, _chosen(b, piece, row))
    return b.call("llvm.copysign", value, x)


def _chosen(b: Builder, piece: Op, row: int) -> Op:
    """Every lane's number in a row of the table."""
    t, indices = f"<{LANES} x float>", f"<{LANES} x i32>"
    function = "@llvm.x86.avx512.vpermi2var.ps.512"
    b.declared.add(f"declare {t} {function}({t}, {indices}, {t})")

    def halves() -> list[str]:
        numbers = (2 * row, 2 * row + 1)
        places = [b.new(f"getelementptr {t}, ptr @table_of_tanh, i64 {k}") for k in numbers]
        return [b.new(f"load {t}, ptr {place}, align 64") for place in places]

    low, high = b.once(("tanh", row), halves)

    def choose(piece: Op) -> str:
        return f"call {t} {function}({t} {low}, {indices} {piece.name}, {t} {high})"

    return by_vectors(b, choose, piece)


@lru_cache(1)
def _text() -> str:
    """The table in LLVM's language."""
    rows = [", ".join(f"float {spelled(x, 'float')}" for x in row) for row in _table()]
    kind = f"[{OCTAVES * PIECES} x float]"
    text = ", ".join(f"{kind} [{row}]" for row in rows)
    return f"@table_of_tanh = private constant [{len(rows)} x {kind}] [{text}], align 64"


def _table() -> np.ndarray:
    """The centres, and the coefficients from the constant to the highest, at the place of each
    piece: the lower bits of the exponent of 1 are not 0."""
    octave, piece = np.divmod(np.arange(OCTAVES * PIECES), PIECES)
    width = 2.0**octave / PIECES
    middle, half = 2.0**octave + (piece + 0.5) * width - 1, width / 2
    middle[0], half[0] = 0, width[0]
    tried = middle.astype(np.float32)[:, None]
    tried = tried + np.arange(_TRIED, dtype=np.float32) * np.spacing(tried)
    exact = np.tanh(tried.astype(np.float64))
    nearest = np.argmin(np.abs(exact - exact.astype(np.float32)), axis=1)
    centre = tried[np.arange(len(tried)), nearest].astype(np.float64)
    points = np.cos((np.arange(POINTS) + 0.5) * np.pi / POINTS)
    powers = np.vander(points, increasing=True)
    values = np.tanh(centre + points[:, None] * half) - np.tanh(centre)
    rows = np.linalg.solve(powers, values) / half ** np.arange(POINTS)[:, None]
    rows[0] = np.tanh(centre)
    return np.roll([centre, *rows], -PIECES, axis=1)
