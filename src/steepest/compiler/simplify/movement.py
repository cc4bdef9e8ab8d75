"""Movement: fewer, canonical, and after the arithmetic, which is then done on the smaller side."""

from steepest import primitives as P
from steepest.compiler.graph import Value, constant, equation, splat
from steepest.compiler.simplify.rewriter import ELEMENTWISE, rule

__all__ = ["squeezed", "without"]


@rule(P.reshape)
def reshaped(v: Value) -> Value | None:
    """A reshape to the same shape, or of a reshape."""
    (x,) = v.operands
    if x.shape == v.shape:
        return x
    return equation(P.reshape, x.operands[0], shape=v.shape) if x.is_row(P.reshape) else None


@rule(P.broadcast)
def broadcast_twice(v: Value) -> Value | None:
    """A broadcast to the same shape, or of a broadcast, or of axes of length one."""
    (x,) = v.operands
    if x.shape == v.shape:
        return x
    new = v.params["axes"]
    kept = [i for i in range(v.ndim) if i not in new]
    if x.is_row(P.broadcast):
        axes = tuple(sorted((*new, *(kept[i] for i in x.params["axes"]))))
        return equation(P.broadcast, x.operands[0], shape=v.shape, axes=axes)
    if 1 in x.shape:  # length-one axes say nothing: they become new axes of the broadcast
        ones = [i for i, n in zip(kept, x.shape, strict=True) if n == 1]
        axes = tuple(sorted((*new, *ones)))
        return equation(P.broadcast, squeezed(x), shape=v.shape, axes=axes)
    return None


@rule(P.permute)
def permuted(v: Value) -> Value | None:
    """A permutation that changes nothing, or of a permutation; one of unit axes is a reshape."""
    (x,) = v.operands
    order = v.params["order"]
    if order == tuple(range(v.ndim)):
        return x
    if x.is_row(P.permute):
        inner = x.params["order"]
        return equation(P.permute, x.operands[0], order=tuple(inner[i] for i in order))
    long = [i for i in order if x.shape[i] != 1]
    return equation(P.reshape, x, shape=v.shape) if long == sorted(long) else None


@rule(P.slice_, P.pad)
def whole(v: Value) -> Value | None:
    """A slice of everything, and a pad by nothing."""
    (x,) = v.operands
    return x if x.shape == v.shape and set(v.params["steps"]) <= {1} else None


@rule(P.slice_)
def sliced_after_permuting(v: Value) -> Value | None:
    """A slice of a permutation is a permutation of a slice."""
    (x,) = v.operands
    if not x.is_row(P.permute):
        return None
    order = x.params["order"]
    starts, sizes, steps = (
        tuple(v.params[key][order.index(i)] for i in range(v.ndim))
        for key in ("starts", "sizes", "steps")
    )
    part = equation(P.slice_, x.operands[0], starts=starts, sizes=sizes, steps=steps)
    return equation(P.permute, part, order=order)


@rule(*ELEMENTWISE)
def below(v: Value) -> Value | None:
    """f(broadcast(a), broadcast(b), 2) = broadcast(f(a, b, 2)); the same for reshape."""
    moved = [x for x in v.operands if x.is_row(P.broadcast, P.reshape)]
    if not moved or any(x not in moved and splat(x) is None for x in v.operands):
        return None
    first = moved[0]
    small = first.operands[0].shape
    if first.is_row(P.reshape) and 1 in small:  # `without_ones` wants it the other way
        return None
    for x in moved:
        if x.row is not first.row or x.params != first.params or x.operands[0].shape != small:
            return None
    assert v.row is not None and first.row is not None
    operands = [x.operands[0] if x in moved else constant(splat(x), small) for x in v.operands]
    return equation(first.row, equation(v.row, *operands, **v.params), **first.params)


@rule(*ELEMENTWISE)
def without_ones(v: Value) -> Value | None:
    """Axes of length one say nothing: f(x) is computed without them."""
    if 1 not in v.shape:
        return None
    assert v.row is not None
    bare = equation(v.row, *map(squeezed, v.operands), **v.params)
    return equation(P.reshape, bare, shape=v.shape)


@rule(P.broadcast)
def broadcast_without_ones(v: Value) -> Value | None:
    """A broadcast that also makes axes of length one."""
    if 1 not in v.shape:
        return None
    (x,) = v.operands
    kept = [i for i in range(v.ndim) if v.shape[i] != 1]
    axes = tuple(kept.index(i) for i in v.params["axes"] if i in kept)
    shape = tuple(v.shape[i] for i in kept)
    bare = equation(P.broadcast, squeezed(x), shape=shape, axes=axes)
    return equation(P.reshape, bare, shape=v.shape)


def squeezed(x: Value) -> Value:
    """x without its axes of length one."""
    return equation(P.reshape, x, shape=tuple([n for n in x.shape if n != 1]))


def without(x: Value, axes: tuple[int, ...]) -> Value | None:
    """x with the given axes dropped if it is constant along them; else None."""
    shape = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    repeated = splat(x)
    if repeated is not None:
        return constant(repeated, shape)
    if not x.is_row(P.broadcast):
        return None
    (y,), new = x.operands, x.params["axes"]
    kept = [i for i in range(x.ndim) if i not in new]  # dimension of y -> dimension of x
    if any(a not in new and y.shape[kept.index(a)] != 1 for a in axes):
        return None
    smaller = tuple(n for i, n in zip(kept, y.shape, strict=True) if i not in axes)
    left = [i for i in range(x.ndim) if i not in axes]
    return equation(
        P.broadcast,
        equation(P.reshape, y, shape=smaller),
        shape=shape,
        axes=tuple(left.index(i) for i in new if i not in axes),
    )
