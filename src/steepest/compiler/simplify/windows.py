"""Windows: an overlap-add of products is read, never scattered, and only where it is needed."""

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
def of_sum(v: Value) -> Value | None:
    """fold(g·w + y) = fold(g·w) + fold(y), as in a derivative of a derivative: the first is a
    convolution, and what every window adds is never stored."""
    (total,) = v.operands
    if not total.is_row(P.add) or set(v.params["step"]) != {1}:
        return None
    if not any(x.is_row(P.contract) for x in total.operands):
        return None
    first, second = (equation(P.fold, x, **v.params) for x in total.operands)
    return equation(P.add, first, second)


@rule(P.fold)
def without_leading_ones(v: Value) -> Value | None:
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


@rule(P.slice_)
def of_convolution(v: Value) -> Value | None:
    """Part of a convolution is the convolution of part of the image: no window is in vain."""
    (y,) = v.operands
    if not y.is_row(P.contract) or set(v.params["steps"]) != {1}:
        return None
    (x, w), (a, b, out) = y.operands, P.split_spec(y.params["spec"])
    if not x.is_row(P.windows) or set(x.params["step"]) != {1} or not x.operands[0].is_row(P.pad):
        return None
    k, image = len(x.params["size"]), x.operands[0]
    at = a[-2 * k : -k]
    cut = [i for i, n, m in zip(out, v.shape, y.shape, strict=True) if n != m]
    if not set(cut) <= set(at) - set(b):
        return None
    begins = dict(zip(out, v.params["starts"], strict=True))
    counts = dict(zip(out, v.shape, strict=True))
    lead = image.ndim - k
    starts = (0,) * lead + tuple(begins[i] for i in at)
    sizes = image.shape[:lead] + tuple(
        counts[i] + n - 1 for i, n in zip(at, x.params["size"], strict=True)
    )
    part = equation(P.slice_, image, starts=starts, sizes=sizes, steps=(1,) * image.ndim)
    return equation(P.contract, equation(P.windows, part, **x.params), w, spec=y.params["spec"])


@rule(P.slice_)
def of_padded(v: Value) -> Value | None:
    """Part of a pad is a smaller pad."""
    (y,) = v.operands
    if not y.is_row(P.pad) or {*v.params["steps"], *y.params["steps"]} != {1}:
        return None
    (x,) = y.operands
    before = [p - s for p, s in zip(y.params["starts"], v.params["starts"], strict=True)]
    low = [max(0, -p) for p in before]
    high = [min(n, m - p) for n, m, p in zip(x.shape, v.shape, before, strict=True)]
    if any(h <= s for s, h in zip(low, high, strict=True)):
        return None
    sizes = tuple(h - s for s, h in zip(low, high, strict=True))
    part = equation(P.slice_, x, starts=tuple(low), sizes=sizes, steps=(1,) * x.ndim)
    starts = tuple(max(0, p) for p in before)
    return equation(P.pad, part, shape=v.shape, starts=starts, steps=(1,) * x.ndim)
