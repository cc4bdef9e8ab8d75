"""Windows: an overlap-add is read, never scattered."""

from steepest import primitives as P
from steepest.compiler.graph import Value, equation
from steepest.compiler.simplify.rewriter import rule

__all__: list[str] = []


@rule(P.fold)
def gathered(v: Value) -> Value | None:
    """fold(g·w) = windows(pad(g))·flipped w: the adjoint of a convolution is a convolution.

    Every element of the result asks which windows it was in; the pad answers 0 for those beyond
    the edge. For windows that move by one.
    """
    (product,) = v.operands
    size = v.params["size"]
    k = len(size)
    if not product.is_row(P.contract) or set(v.params["step"]) != {1}:
        return None
    (g, w), (a, b, out) = product.operands, P.split_spec(product.params["spec"])
    lead, at, within = out[: -2 * k], out[-2 * k : -k], out[-k:]
    if a.endswith(within) and b.endswith(at):
        (g, w), (a, b) = (w, g), (b, a)
    if not (a.endswith(at) and b.endswith(within)) or set(at) & set(b) or set(within) & set(a):
        return None
    before = (0,) * (g.ndim - k) + tuple(n - 1 for n in size)
    shape = tuple(n + 2 * m for n, m in zip(g.shape, before, strict=True))
    g = equation(P.pad, g, shape=shape, starts=before, steps=(1,) * g.ndim)
    g = equation(P.windows, g, size=tuple(size), step=(1,) * k)
    return equation(P.contract, g, _flipped(w, k), spec=f"{a}{within},{b}->{lead}{at}")


def _flipped(w: Value, k: int) -> Value:
    """The last k dimensions backwards."""
    kept = w.ndim - k
    starts = (0,) * kept + tuple(n - 1 for n in w.shape[kept:])
    return equation(P.slice_, w, starts=starts, sizes=w.shape, steps=(1,) * kept + (-1,) * k)


@rule(P.fold)
def of_repeated_ones(v: Value) -> Value | None:
    """Leading axes of length one disappear."""
    (x,) = v.operands
    k = len(v.params["size"])
    lead = v.shape[:-k]
    if 1 not in lead:
        return None
    bare = tuple(n for n in lead if n != 1)
    inner = equation(P.reshape, x, shape=bare + x.shape[len(lead) :])
    folded = equation(P.fold, inner, **{**v.params, "shape": bare + v.shape[-k:]})
    return equation(P.reshape, folded, shape=v.shape)
