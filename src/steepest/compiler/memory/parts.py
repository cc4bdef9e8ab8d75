"""Parts of joins: what the nests that compute them store where it belongs, and what is copied."""

from dataclasses import replace

from steepest.compiler.graph import Value
from steepest.compiler.memory.buffers import Buffer, Buffers, lanes
from steepest.compiler.nests.affine import Index
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.nest import Nest, squeeze
from steepest.primitives import reshape

__all__ = ["copied_parts", "place_parts"]


def place_parts(fusion: Fusion, buffers: Buffers, fixed: set[Value], width: int) -> None:
    """Parts of joins that a nest can store where they belong get no memory of their own.

    Args:
        fixed: values that stay where they are.
    """
    fixed = fixed | {after for _, after in fusion.graph.state}
    for v in reversed(fusion.graph.equations()):
        if v.lowering != "join" or v in fixed:
            continue
        begin, axis = 0, v.params["axis"]
        for x in v.operands:
            base = _without_ones(x)
            home = fusion.home.get(base)
            stored = home is not None and (base in home.stores or home.kind == "join")
            if stored and base not in fixed:
                part = _part(buffers[base], x, buffers[v], axis, begin, width)
                buffers[base] = part or buffers[base]
            begin += x.shape[axis]


def _without_ones(x: Value) -> Value:
    """What x is without axes of length one that were added or left out."""
    while x.is_row(reshape) and squeeze(x.shape) == squeeze(x.operands[0].shape):
        x = x.operands[0]
    return x


def _part(old: Buffer, x: Value, whole: Buffer, axis: int, begin: int, width: int) -> Buffer | None:
    """The place in the whole for what has been in a buffer of its own; None where lanes would be
    apart or reach into the next part."""
    wide = [d for d, n in enumerate(x.shape) if n > 1]
    strides = [whole.strides[d] for d in wide]
    n = x.shape[wide[-1]] if wide else 1
    apart = bool(strides) and strides[-1] != 1
    if old.within or apart or (whole.strides[axis] == 1 and n % lanes(n, width)):
        return None
    kept = iter(strides)
    step = tuple(1 if n == 1 else next(kept) for n in old.shape)
    start = whole.start + begin * whole.strides[axis]
    return replace(old, strides=step, within=whole.whole, start=start)


def copied_parts(nest: Nest, buffers: Buffers) -> list[tuple[Value, Index, int]]:
    """The parts that a join nest copies, each at an index into itself, and where it begins."""
    assert nest.anchor is not None
    joined, axis = buffers[nest.anchor], nest.anchor.params["axis"]
    found, begin = [], 0
    for x, index in nest.joined_operands():
        base = buffers.get(_without_ones(x))
        there = joined.start + begin * joined.strides[axis]
        if base is None or base.whole is not joined.whole or base.start != there:
            found.append((x, index, begin))
        begin += x.shape[axis]
    return found
