"""Affine index expressions, and how the movement rows act on them.

An `Affine` is (constant, ((symbol, coefficient), …)); an index is one Affine per dimension. Symbols
are loop variables; `LANE` is the lane of a vector. A movement row is a map from the index of its
result to the index of its operand, and that is all the compiler ever does with it: reshape,
permute, broadcast, slice and windows cost neither an instruction nor memory.

Arithmetic that is not affine (a reshape that splits a dimension, a row number read from memory) is
one more symbol, a `Derived`, which code generation computes as an integer.
"""

from itertools import product
from math import prod
from typing import Any

from steepest.compiler.graph import Value

__all__ = [
    "LANE",
    "Affine",
    "Derived",
    "Index",
    "ZERO",
    "address",
    "affine",
    "at_lane",
    "coefficient",
    "inside",
    "is_small_window",
    "is_tiling",
    "is_view",
    "plus",
    "scatter_index",
    "substitute",
    "symbols",
    "through",
    "times",
    "varies",
    "window_indices",
]

Affine = tuple[int, tuple[tuple[str, int], ...]]
Index = tuple[Affine, ...]

ZERO: Affine = (0, ())
LANE: Affine = (0, (("L", 1),))

_SMALL_WINDOW = 16  # elements that are read one after the other, without a loop

_MOVEMENT = {"reshape", "permute", "broadcast", "slice", "windows"}


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
        at = tuple(substitute(i, known) for i in symbol.at)
        return affine(Derived("row", symbol.size, value=symbol.value, at=at))
    return _derived(symbol.kind, substitute(symbol.operand, known), symbol.size)


def at_lane(index: Index, lane: int) -> Index:
    """The index of one lane of a vector."""
    return tuple(substitute(a, {"L": affine(lane)}) for a in index)


def _derived(kind: str, a: Affine, size: int) -> Affine:
    """a div size, a mod size or a kept within 0 … size − 1; computed now where a is a number."""
    if a[1]:
        return affine(Derived(kind, size, a))
    if kind == "clamp":
        return affine(min(max(a[0], 0), size - 1))
    return affine(a[0] // size if kind == "div" else a[0] % size)


# ---- movement -----------------------------------------------------------------------------------


def is_view(v: Value) -> bool:
    """Whether v only renames the indices of its first operand: no code, no memory of its own."""
    if v.row is None:
        return False
    name = v.row.name
    if name in ("sum", "max"):  # over axes of length one: a reshape
        return all(v.operands[0].shape[axis] == 1 for axis in v.params["axes"])
    return name in _MOVEMENT or (name == "fold" and is_tiling(v))


def is_tiling(v: Value) -> bool:
    """Whether v is a fold of windows that lie side by side: every element is in exactly one."""
    if v.row is None or v.row.name != "fold":
        return False
    size, step = v.params["size"], v.params["step"]
    counts = v.operands[0].shape[-2 * len(size) : -len(size)]
    covered = tuple(n * s for n, s in zip(counts, step, strict=True))
    return tuple(size) == tuple(step) and covered == v.shape[-len(size) :]


def through(v: Value, index: Index) -> tuple[Value, Index]:
    """The operand of a view, and the index into it that an index into v stands for."""
    assert v.row is not None
    x, name, params = v.operands[0], v.row.name, v.params
    if name == "permute":
        back = dict(zip(params["order"], index, strict=True))
        return x, tuple(back[d] for d in range(x.ndim))
    if name == "broadcast":
        return x, tuple(a for d, a in enumerate(index) if d not in params["axes"])
    if name == "slice":
        pairs = zip(index, params["starts"], params["steps"], strict=True)
        return x, tuple(plus(affine(start), times(a, step)) for a, start, step in pairs)
    if name == "windows":
        k = len(params["size"])
        lead, at, within = index[: -2 * k], index[-2 * k : -k], index[-k:]
        moved = zip(at, params["step"], within, strict=True)
        return x, lead + tuple(plus(times(a, step), i) for a, step, i in moved)
    if name == "pad":  # where it is inside
        starts = zip(index, params["starts"], strict=True)
        return x, tuple(plus(a, affine(-start)) for a, start in starts)
    if name == "fold":
        k = len(params["size"])
        parts = list(zip(index[-k:], params["size"], strict=True))
        at = tuple(_derived("div", a, n) for a, n in parts)
        return x, index[:-k] + at + tuple(_derived("mod", a, n) for a, n in parts)
    return x, _reshaped(index, v.shape, x.shape)


def is_small_window(v: Value) -> bool:
    """Whether v is a sum or a maximum over the few elements of a window, as in pooling."""
    if v.row is None or v.row.name not in ("sum", "max"):
        return False
    x, axes = v.operands[0], v.params["axes"]
    over = [d for d in axes if x.shape[d] > 1]
    first = x.ndim - len(x.params["size"]) if x.row is not None and x.row.name == "windows" else 99
    return bool(over) and min(over) >= first and prod(x.shape[d] for d in over) <= _SMALL_WINDOW


def window_indices(v: Value, index: Index) -> list[Index]:
    """The indices into its operand that an element of a small reduction comes from."""
    shape, axes = v.operands[0].shape, v.params["axes"]
    found = []
    for offset in product(*(range(shape[d]) for d in axes)):
        within, kept = dict(zip(axes, offset, strict=True)), iter(index)
        found.append(
            tuple(affine(within[d]) if d in within else next(kept) for d in range(len(shape)))
        )
    return found


def _reshaped(index: Index, new: tuple[int, ...], old: tuple[int, ...]) -> Index:
    """The index into `old` of an index into `new`: both fall into groups of equal size."""
    pending = [(n, a) for n, a in zip(new, index, strict=True) if n != 1]
    found: list[Affine] = [ZERO] * len(old)
    group: list[int] = []  # dimensions of `old` that the pending ones are not yet matched with
    at, taken = ZERO, 1
    for d in [d for d, n in enumerate(old) if n != 1]:
        group.append(d)
        size = prod(old[g] for g in group)
        while taken < size:
            n, a = pending.pop(0)
            at, taken = plus(times(at, n), a), taken * n
        if taken == size:
            for g in reversed(group[1:]):
                found[g], at = _derived("mod", at, old[g]), _derived("div", at, old[g])
            found[group[0]] = at
            group, at, taken = [], ZERO, 1
    return tuple(found)


def inside(v: Value, index: Index) -> tuple[Index, list[tuple[Affine, int, int]]]:
    """What an element of a `pad` reads: an index into its operand, kept within it, and conditions.

    A condition (a, size, step) says 0 ≤ a < size·step and step divides a; where one fails the
    element is zero.
    """
    x, found, conditions = v.operands[0], [], []
    parts = zip(index, x.shape, v.shape, v.params["starts"], v.params["steps"], strict=True)
    for a, n, whole, start, step in parts:
        if n == whole and step == 1:
            found.append(a)
            continue
        a = plus(a, affine(-start))
        conditions.append((a, n, step))
        found.append(_derived("clamp", a if step == 1 else _derived("div", a, step), n))
    return tuple(found), conditions


def scatter_index(v: Value, index: Index) -> Index:
    """Where in the result of a `fold` or `scatter_add` an element of its operand is added."""
    assert v.row is not None
    if v.row.name == "fold":
        k = len(v.params["size"])
        lead, at, within = index[: -2 * k], index[-2 * k : -k], index[-k:]
        moved = zip(at, v.params["step"], within, strict=True)
        return lead + tuple(plus(times(a, step), i) for a, step, i in moved)
    number = v.operands[1]
    row = Derived("row", v.params["rows"], value=number, at=index[: number.ndim])
    return (affine(row), *index[number.ndim :])
