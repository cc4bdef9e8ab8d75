"""Indices through movement rows: where in its operands an element of a value is read.

A movement row is a map from the index of its result to the index of its operand, and that is all
the compiler ever does with it: reshape, permute, broadcast, slice and windows cost neither an
instruction nor memory.
"""

from collections.abc import Collection, Iterable
from itertools import product
from math import prod

from steepest import primitives as P
from steepest.compiler.graph import Value
from steepest.compiler.nests.affine import (
    ZERO,
    Affine,
    Index,
    affine,
    derived,
    plus,
    row_number,
    times,
)

__all__ = [
    "inside",
    "is_small_window",
    "is_tiling",
    "is_view",
    "origins",
    "scatter_index",
    "taken",
    "through",
    "window_indices",
]

_SMALL_WINDOW = 16  # elements that are read one after the other, without a loop

_MOVEMENT = frozenset({P.reshape, P.permute, P.broadcast, P.slice_, P.windows})


def is_view(v: Value) -> bool:
    """Whether v only renames the indices of its first operand: no code, no memory of its own."""
    row = v.row
    if row is P.sum_ or row is P.max_:  # over axes of length one: a reshape
        return all(v.operands[0].shape[axis] == 1 for axis in v.params["axes"])
    return row in _MOVEMENT or (row is P.fold and is_tiling(v))


def is_tiling(v: Value) -> bool:
    """Whether v is a fold of windows that lie side by side: every element is in exactly one."""
    if not v.is_row(P.fold):
        return False
    size, step = v.params["size"], v.params["step"]
    counts = v.operands[0].shape[-2 * len(size) : -len(size)]
    covered = tuple(n * s for n, s in zip(counts, step, strict=True))
    return tuple(size) == tuple(step) and covered == v.shape[-len(size) :]


def through(v: Value, index: Index) -> tuple[Value, Index]:
    """The operand of a view, and the index into it that an index into v stands for."""
    x, row, params = v.operands[0], v.row, v.params
    if row is P.permute:
        back = dict(zip(params["order"], index, strict=True))
        return x, tuple(back[d] for d in range(x.ndim))
    if row is P.broadcast:
        return x, tuple(a for d, a in enumerate(index) if d not in params["axes"])
    if row is P.slice_:
        pairs = zip(index, params["starts"], params["steps"], strict=True)
        return x, tuple(plus(affine(start), times(a, step)) for a, start, step in pairs)
    if row is P.windows:
        return x, _in_windows(v, index)
    if row is P.pad:  # where it is inside
        starts = zip(index, params["starts"], strict=True)
        return x, tuple(plus(a, affine(-start)) for a, start in starts)
    if row is P.fold:
        k = len(params["size"])
        parts = list(zip(index[-k:], params["size"], strict=True))
        at = tuple(derived("div", a, n) for a, n in parts)
        return x, index[:-k] + at + tuple(derived("mod", a, n) for a, n in parts)
    return x, _reshaped(index, v.shape, x.shape)


def origins(
    v: Value, index: Index, bounded: Collection[Value] = ()
) -> Iterable[tuple[Value, Index]]:
    """What the element of an equation at an index is computed from: operands, and where in them.

    Args:
        bounded: pads of which no element is asked for that is not inside.
    """
    if is_view(v) or v in bounded:
        return (through(v, index),)
    if v.row is P.pad:
        return ((v.operands[0], inside(v, index)[0]),)
    if v.row is P.take:
        return zip(reversed(v.operands), taken(v, index), strict=True)
    if v.row is P.uniform:
        return zip(v.operands * 2, ((ZERO,), (affine(1),)), strict=True)
    if is_small_window(v):
        return [(v.operands[0], at) for at in window_indices(v, index)]
    return [(x, index) for x in v.operands]


def is_small_window(v: Value) -> bool:
    """Whether v is a sum or a maximum over the few elements of a window, as in pooling."""
    if not (v.is_row(P.sum_, P.max_) and v.operands[0].is_row(P.windows)):
        return False
    x = v.operands[0]
    over = [d for d in v.params["axes"] if x.shape[d] > 1]
    within = bool(over) and min(over) >= x.ndim - len(x.params["size"])
    return within and prod(x.shape[d] for d in over) <= _SMALL_WINDOW


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
                found[g], at = derived("mod", at, old[g]), derived("div", at, old[g])
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
        found.append(derived("clamp", a if step == 1 else derived("div", a, step), n))
    return tuple(found), conditions


def scatter_index(v: Value, index: Index) -> Index:
    """Where in the result of a `fold` or `scatter_add` an element of its operand is added."""
    if v.is_row(P.fold):
        return _in_windows(v, index)
    number = v.operands[1]
    row = row_number(number, index[: number.ndim], v.params["rows"])
    return (row, *index[number.ndim :])


def _in_windows(v: Value, index: Index) -> Index:
    """Where in the array that windows slide over the element of a window is."""
    k = len(v.params["size"])
    lead, at, within = index[: -2 * k], index[-2 * k : -k], index[-k:]
    moved = zip(at, v.params["step"], within, strict=True)
    return lead + tuple(plus(times(a, step), i) for a, step, i in moved)


def taken(v: Value, index: Index) -> tuple[Index, Index]:
    """Where an element of a `take` reads the number of its row, and where in the table it is."""
    table, number = v.operands
    at = index[: number.ndim]
    return at, (row_number(number, at, table.shape[0]), *index[number.ndim :])
