"""Arrays laid one after the other along an axis.

The table writes that as pads that are chosen from, or added: every part in an array of the whole
size. Here it is `join`, a row that only the compiler has; each of its parts is stored where it
belongs (see `memory/parts`). With it the sum of products that a sequence leaves, one per step, is
one product of all steps.
"""

from itertools import pairwise

import numpy as np

from steepest import primitives as P
from steepest.compiler.graph import Value, constant, equation
from steepest.compiler.simplify.constants import number
from steepest.compiler.simplify.rewriter import rule
from steepest.core import Aval, Primitive, is_float

__all__ = ["join"]


def _joined(*xs: Aval, axis: int) -> Aval:
    """The shape rule: alike but for the axis."""
    first, total = xs[0], sum(x.shape[axis] for x in xs)
    shape = (*first.shape[:axis], total, *first.shape[axis + 1 :])
    alike = {(x.dtype, *x.shape[:axis], *x.shape[axis + 1 :]) for x in xs}
    assert len(alike) == 1, f"join of {xs} along {axis}"
    return Aval(shape, first.dtype)


join = Primitive("join", lambda *xs, axis: np.concatenate(xs, axis), _joined, "join")


# ---- from pads -----------------------------------------------------------------------------------


@rule(P.where)
def chosen_pads(v: Value) -> Value | None:
    """where(here, x padded to here, y padded to beside it) = both, joined."""
    inside, x, y = v.operands
    marked = inside.is_row(P.pad) and number(inside.operands[0]) is True
    return _beside(x, y) if marked and x.is_row(P.pad) and inside.params == x.params else None


@rule(P.add)
def added_pads(v: Value) -> Value | None:
    """x padded to here + y padded to beside it = both, joined; also as the last of more terms."""
    x, y = v.operands
    found = _beside(x, y)
    if found is not None:
        return found
    for rest, pad in ((x, y), (y, x)):
        for a, b in (rest.operands, rest.operands[::-1]) if rest.is_row(P.add) else ():
            found = _beside(b, pad)
            if found is not None:
                return equation(P.add, a, found)
    return None


def _beside(x: Value, y: Value) -> Value | None:
    """Two pads of neighbours along one axis, as a pad of both."""
    if not (x.is_row(P.pad) and y.is_row(P.pad)) or {*x.params["steps"], *y.params["steps"]} != {1}:
        return None
    (a, at), (b, other) = ((p.operands[0], p.params["starts"]) for p in (x, y))
    apart = [i for i in range(x.ndim) if (at[i], a.shape[i]) != (other[i], b.shape[i])]
    if len(apart) != 1:
        return None
    (axis,) = apart
    if at[axis] > other[axis]:
        a, at, b, other = b, other, a, at
    if at[axis] + a.shape[axis] != other[axis]:
        return None
    return equation(P.pad, equation(join, a, b, axis=axis), **{**x.params, "starts": at})


@rule(P.slice_)
def of_chosen_pads(v: Value) -> Value | None:
    """A slice that lies within one of the parts that are chosen from is a slice of that part."""
    (x,) = v.operands
    if not x.is_row(P.where) or not x.operands[0].is_row(P.pad):
        return None
    inside, yes, no = x.operands
    where = _where(v, inside) if number(inside.operands[0]) is True else None
    return None if where is None else equation(P.slice_, yes if where else no, **v.params)


@rule(P.slice_)
def beside_pad(v: Value) -> Value | None:
    """What lies in a pad's border is zero."""
    (x,) = v.operands
    if x.is_row(P.pad) and _where(v, x) is False:
        return constant(np.zeros((), v.dtype), v.shape)
    return None


def _where(v: Value, pad: Value) -> bool | None:
    """Whether a slice is within what is padded; False where it is beside it, None if it is both."""
    if {*v.params["steps"], *pad.params["steps"]} != {1}:
        return None
    low, begin = v.params["starts"], pad.params["starts"]
    pairs = list(zip(low, v.shape, begin, pad.operands[0].shape, strict=True))
    if all(b <= a and a + n <= b + m for a, n, b, m in pairs):
        return True
    return False if any(a + n <= b or b + m <= a for a, n, b, m in pairs) else None


# ---- of joins ------------------------------------------------------------------------------------


@rule(join)
def flat(v: Value) -> Value | None:
    """A join of joins along its axis, or of one part."""
    axis = v.params["axis"]
    if len(v.operands) == 1:
        return v.operands[0]
    parts: list[Value] = []
    for x in v.operands:
        parts += x.operands if x.is_row(join) and x.params["axis"] == axis else [x]
    return equation(join, *parts, axis=axis) if len(parts) > len(v.operands) else None


@rule(join)
def stacked(v: Value) -> Value | None:
    """Steps times samples are in memory what one longer axis is: that is joined."""
    axis = v.params["axis"]
    if axis + 1 == v.ndim or not all(_is_stack(x, axis) for x in v.operands):
        return None
    rows = [_merged(x, axis) for x in v.operands]
    return equation(P.reshape, equation(join, *rows, axis=axis), shape=v.shape)


def _is_stack(x: Value, axis: int) -> bool:
    """Whether x is one step, or several that were joined with their samples."""
    if x.shape[axis] == 1:
        return True
    return x.is_row(P.reshape) and x.operands[0].shape == _merged_shape(x, axis)


@rule(P.slice_)
def of_stacked(v: Value) -> Value | None:
    """A step of a sequence is a part of what is joined."""
    (x,) = v.operands
    if not (x.is_row(P.reshape) and x.operands[0].is_row(join)):
        return None
    (y,), sizes = x.operands, v.params["sizes"]
    d = y.params["axis"]
    if d + 1 >= x.ndim or y.shape != _merged_shape(x, d) or set(v.params["steps"]) != {1}:
        return None
    if any(n != x.shape[i] for i, n in enumerate(sizes) if i != d):
        return None
    rows = x.shape[d + 1]
    starts = tuple(v.params["starts"][d] * rows if i == d else 0 for i in range(y.ndim))
    shape = tuple(sizes[d] * rows if i == d else n for i, n in enumerate(y.shape))
    part = equation(P.slice_, y, starts=starts, sizes=shape, steps=(1,) * y.ndim)
    return equation(P.reshape, part, shape=v.shape)


@rule(P.slice_)
def of_join(v: Value) -> Value | None:
    """What lies within one part is a slice of that part."""
    (x,) = v.operands
    if not x.is_row(join):
        return None
    axis = x.params["axis"]
    start = v.params["starts"][axis]
    ends = sorted([start, start + (v.shape[axis] - 1) * v.params["steps"][axis]])
    begin = 0
    for part in x.operands:
        if begin <= ends[0] and ends[1] < begin + part.shape[axis]:
            starts = list(v.params["starts"])
            starts[axis] -= begin
            return equation(P.slice_, part, **{**v.params, "starts": tuple(starts)})
        begin += part.shape[axis]
    return None


# ---- sums over the steps of a sequence -----------------------------------------------------------


@rule(P.contract)
def by_zero(v: Value) -> Value | None:
    """A product with zeros: the first step of a sequence has no past."""
    if any(number(x) == 0 for x in v.operands):
        return constant(np.zeros((), v.dtype), v.shape)
    return None


@rule(P.add)
def of_products(v: Value) -> Value | None:
    """Σ a·b + Σ c·d = Σ (a, c)·(b, d), joined along a letter that is summed (rounding).

    The later term comes first: backward, a sequence is gone through from its end.
    """
    x, y = v.operands
    if not (x.is_row(P.contract) and y.is_row(P.contract)) or not is_float(v.dtype):
        return None
    spec = x.params["spec"]
    a, b, out = P.split_spec(spec)
    letter = next((i for i in a if i in b and i not in out), "")
    if spec != y.params["spec"] or not letter:
        return None
    if any(z.is_row(P.windows, P.pad) for z in (*x.operands, *y.operands)):
        return None
    pairs = zip((a, b), y.operands, x.operands, strict=True)
    found = [_lengthened(first, second, word.index(letter)) for word, first, second in pairs]
    sides = [z for z in found if z is not None]
    return equation(P.contract, *sides, spec=spec) if len(sides) == 2 else None


def _lengthened(x: Value, y: Value, axis: int) -> Value | None:
    """x, then y."""
    if x.shape[:axis] != y.shape[:axis] or x.shape[axis + 1 :] != y.shape[axis + 1 :]:
        return None
    return equation(join, x, y, axis=axis)


@rule(P.contract)
def inner_letters(v: Value) -> Value | None:
    """Two letters that are summed, side by side in both operands, are one: a longer sum."""
    x, y = v.operands
    a, b, out = P.split_spec(v.params["spec"])
    if not (_lies_in_order(x) and _lies_in_order(y)):
        return None
    for pair in map("".join, pairwise(a)):
        if pair in b and not set(pair) & set(out):
            sides = (_merged(z, letters.index(pair)) for z, letters in ((x, a), (y, b)))
            spec = f"{a.replace(pair, pair[0])},{b.replace(pair, pair[0])}->{out}"
            return equation(P.contract, *sides, spec=spec)
    return None


def _lies_in_order(x: Value) -> bool:
    """Whether an element's neighbours are its neighbours in memory."""
    while x.is_row(P.reshape):
        x = x.operands[0]
    gathered = x.kind == "input" and x.role == "gathered"
    return not gathered and not x.is_row(P.windows, P.pad, P.permute, P.broadcast)


def _merged(x: Value, d: int) -> Value:
    """Axes d and d + 1 as one."""
    return equation(P.reshape, x, shape=_merged_shape(x, d))


def _merged_shape(x: Value, d: int) -> tuple[int, ...]:
    return (*x.shape[:d], x.shape[d] * x.shape[d + 1], *x.shape[d + 2 :])
