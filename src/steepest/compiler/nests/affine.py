"""Affine index expressions: integers that are sums of loop variables times constants.

An `Affine` is (constant, ((symbol, coefficient), …)); an index is one Affine per dimension. Symbols
are loop variables; `LANE` is the lane of a vector.

Arithmetic that is not affine (a reshape that splits a dimension, a row number read from memory) is
one more symbol, a `Derived`, which code generation computes as an integer.
"""

from typing import Any

__all__ = [
    "LANE",
    "ZERO",
    "Affine",
    "Derived",
    "Index",
    "address",
    "affine",
    "apart",
    "at_lane",
    "coefficient",
    "derived",
    "placed",
    "plus",
    "row_number",
    "substitute",
    "symbols",
    "times",
    "varies",
]

Affine = tuple[int, tuple[tuple[str, int], ...]]
Index = tuple[Affine, ...]

ZERO: Affine = (0, ())
LANE: Affine = (0, (("L", 1),))


class Derived(str):
    """A symbol that stands for integer arithmetic.

    kind   "div" and "mod" by `size`, "clamp" to 0 … size − 1, or "row": the number that `value`
           holds at the index `at`, kept within 0 … size − 1
    """

    kind: str
    operand: Affine
    size: int
    value: Any
    at: Index

    def __new__(
        cls, kind: str, size: int, operand: Affine = ZERO, value: Any = None, at: Index = ()
    ) -> "Derived":
        what = f"{id(value)}{at}" if kind == "row" else f"{operand}"
        self = super().__new__(cls, f"{kind}({what},{size})")
        self.kind, self.size, self.operand = kind, size, operand
        self.value, self.at = value, at
        return self


def affine(x: int | str) -> Affine:
    return (x, ()) if isinstance(x, int) else (0, ((x, 1),))


def plus(a: Affine, b: Affine) -> Affine:
    if not b[1]:
        return a[0] + b[0], a[1]
    if not a[1]:
        return a[0] + b[0], b[1]
    terms = dict(a[1])
    for symbol, c in b[1]:
        terms[symbol] = terms.get(symbol, 0) + c
    return _in_order(a[0] + b[0], terms)


def _in_order(constant: int, terms: dict[str, int]) -> Affine:
    if Derived in map(type, terms):
        constant += _rejoin(terms)
    return constant, tuple(sorted([term for term in terms.items() if term[1]]))


def _rejoin(terms: dict[str, int]) -> int:
    """n·(a div n) + a mod n is a again: a reshape of a reshape leaves no division behind.

    Returns the constants of what has been joined, which are not among the terms.
    """
    for symbol in [s for s in terms if type(s) is Derived and s.kind == "mod"]:
        assert isinstance(symbol, Derived)
        quotient, c = Derived("div", symbol.size, symbol.operand), terms[symbol]
        if c and terms.get(quotient) == c * symbol.size:
            del terms[symbol], terms[quotient]
            constant, along = symbol.operand
            for s, k in along:
                terms[s] = terms.get(s, 0) + c * k
            return c * constant + _rejoin(terms)
    return 0


def times(a: Affine, k: int) -> Affine:
    if k == 1:
        return a
    return (a[0] * k, tuple([(s, c * k) for s, c in a[1]])) if k else ZERO


def coefficient(a: Affine, symbol: str) -> int:
    return dict(a[1]).get(symbol, 0)


def apart(a: Affine, symbol: str) -> tuple[int, Affine]:
    """The coefficient of a symbol, and the number without it."""
    return coefficient(a, symbol), (a[0], tuple([term for term in a[1] if term[0] != symbol]))


def address(index: Index, strides: tuple[int, ...]) -> Affine:
    """The offset, in elements, of an index into strided memory."""
    constant, terms = 0, dict[str, int]()
    for (start, along), stride in zip(index, strides, strict=True):
        constant += start * stride
        for symbol, c in along:
            terms[symbol] = terms.get(symbol, 0) + c * stride
    return _in_order(constant, terms)


def symbols(a: Affine) -> set[str]:
    """Every symbol that the number depends on, also inside derived ones."""
    found: set[str] = set()
    for symbol, _ in a[1]:
        if type(symbol) is Derived:
            for part in (symbol.operand, *symbol.at):
                found |= symbols(part)
        else:
            found.add(symbol)
    return found


def varies(index: Index, symbol: str) -> bool:
    """Whether the index depends on the symbol in any way."""
    return any(symbol in symbols(a) for a in index)


def substitute(a: Affine, known: dict[str, Affine]) -> Affine:
    """The number with some symbols replaced, also inside derived ones."""
    total: Affine = (a[0], ())
    for symbol, c in a[1]:
        if symbol in known:
            total = plus(total, times(known[symbol], c))
        elif isinstance(symbol, Derived):
            total = plus(total, times(_substitute_inside(symbol, known), c))
        else:
            total = plus(total, (0, ((symbol, c),)))
    return total


def _substitute_inside(symbol: Derived, known: dict[str, Affine]) -> Affine:
    if symbol.kind == "row":
        return row_number(symbol.value, placed(symbol.at, known), symbol.size)
    return derived(symbol.kind, substitute(symbol.operand, known), symbol.size)


def placed(index: Index, known: dict[str, Affine]) -> Index:
    """The index with some symbols replaced, as by where loops are now."""
    return tuple([substitute(a, known) for a in index])


def at_lane(index: Index, lane: int) -> Index:
    """The index of one lane of a vector."""
    return placed(index, {"L": affine(lane)})


def derived(kind: str, a: Affine, size: int) -> Affine:
    """a div size, a mod size or a kept within 0 … size − 1; computed now where a is a number."""
    if a[1]:
        return affine(Derived(kind, size, a))
    if kind == "clamp":
        return affine(min(max(a[0], 0), size - 1))
    return affine(a[0] // size if kind == "div" else a[0] % size)


def row_number(value: Any, at: Index, size: int) -> Affine:
    """The number that a value holds at an index, as a row of an array that has so many."""
    return affine(Derived("row", size, value=value, at=at))
