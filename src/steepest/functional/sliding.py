"""What convolution and pooling share: sizes per axis, windows with gaps, and zeros around the edge.

A window of k taps with dilation d reaches over d(k − 1) + 1 elements. Everything is movement: rows
that compute nothing and only say which element stands where.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import said
from steepest.tensors import Tensor, constant, where

__all__ = ["cut", "pad", "per_axis", "reaches", "sliding"]


def per_axis(name: str, what: str, value: Any, count: int, least: int) -> tuple[int, ...]:
    """One whole number for each of `count` axes, from one number or a sequence of them."""
    given = (value,) * count if isinstance(value, int) else tuple(value)
    given = given * count if len(given) == 1 else given
    if len(given) != count:
        raise RuntimeError(
            said(name, f"{what} is one number, or one per axis", expected=count, got=value)
        )
    if min(given) < least:
        raise RuntimeError(said(name, f"{what} is at least {least}", got=value))
    return tuple(int(n) for n in given)


def reaches(size: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """Over how many elements a window reaches, per axis."""
    return tuple(d * (k - 1) + 1 for k, d in zip(size, dilation, strict=True))


def cut(x: Tensor, starts: Sequence[int], sizes: Sequence[int], steps: Sequence[int]) -> Tensor:
    """A regular part of the last axes; the axes before them stay whole."""
    lead = x.ndim - len(sizes)
    sizes = (*x.shape[:lead], *sizes)
    starts, steps = (0,) * lead + tuple(starts), (1,) * lead + tuple(steps)
    if sizes == tuple(x.shape):
        return x
    return P.slice_(x, starts=starts, sizes=sizes, steps=steps)


def sliding(
    x: Tensor, size: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Tensor:
    """(…, *axes) as (…, *places, *size): the window at every place."""
    reach = reaches(size, dilation)
    found = P.windows(x, size=reach, step=tuple(stride))
    return cut(found, (0,) * len(size), tuple(size), dilation)


def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """The input with `value` (0 by default) around it.

    Args:
        pad: (before, after) of the last axis, then of the one before it, …; a negative number cuts
            that many elements off.
        mode: "constant".

    Raises:
        RuntimeError: not two numbers for each of the last axes, or more cut off than there is.
        NotImplementedError: another mode.
    """
    if mode != "constant":
        raise NotImplementedError(
            said("pad", f"there is no mode {mode!r}", expected="'constant'", write="pad(x, pad)")
        )
    pairs = [(int(a), int(b)) for a, b in zip(pad[::2], pad[1::2], strict=False)]
    if len(pad) % 2 or len(pairs) > input.ndim:
        raise RuntimeError(
            said("pad", "expected two numbers for each of the last axes", got=tuple(pad))
        )
    before, after = ([p[i] for p in pairs[::-1]] for i in (0, 1))
    axes = input.shape[input.ndim - len(pairs) :]
    kept = [n + min(a, 0) + min(b, 0) for n, a, b in zip(axes, before, after, strict=True)]
    if min(kept, default=0) < 0:
        raise RuntimeError(said("pad", "more is cut off than there is", got=tuple(input.shape)))
    x = cut(input, [max(-a, 0) for a in before], kept, (1,) * len(pairs))
    lead = x.ndim - len(pairs)
    around = [max(a, 0) + max(b, 0) for a, b in zip(before, after, strict=True)]
    shape = (*x.shape[:lead], *(n + m for n, m in zip(kept, around, strict=True)))
    if shape == tuple(x.shape):
        return x
    starts = (0,) * lead + tuple(max(a, 0) for a in before)
    place: dict[str, Any] = {"shape": shape, "starts": starts, "steps": (1,) * x.ndim}
    padded = P.pad(x, **place)
    if not value:
        return padded
    filler = Tensor(np.asarray(value, x.dtype))
    return where(P.pad(constant(True, x, np.dtype(bool)), **place), padded, filler)
