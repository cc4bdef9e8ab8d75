"""Nests -> memory: the layout of every stored value.

Rules: values keep their order, last dimension contiguous. A state takes the order that its first
contraction wants (the letter of the result contiguous, so that the weight is read along the lanes),
and every state that is updated together with it follows. Contiguous dimensions are padded to whole
vectors; leading dimensions that are multiples of 4 KB get one vector more. Pad lanes hold arbitrary
numbers: sums over lanes mask them, everything else ignores them.
"""

from dataclasses import dataclass, field

from steepest.compiler.graph import Value, splat
from steepest.compiler.memory.buffers import Buffer, Buffers, padded, plain
from steepest.compiler.memory.parts import place_parts
from steepest.compiler.memory.roles import Roles, roles_of
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.nest import Nest, last_wide
from steepest.primitives import split_spec

__all__ = ["Layout", "lay_out"]


@dataclass
class Layout:
    """Buffers of inputs, constants and stored values, and the roles in each contract nest.

    A gathered input whose rows are copied has two: the user's array in `sources`, the copy in
    `buffers`.
    """

    width: int
    buffers: Buffers = field(default_factory=dict)
    sources: Buffers = field(default_factory=dict)
    roles: dict[Nest, Roles] = field(default_factory=dict)

    def stored(self, v: Value) -> Value:
        """What is in memory of a result, which may be a view of it."""
        while v not in self.buffers and v.operands:
            v = v.operands[0]
        return v


def lay_out(fusion: Fusion, width: int, images: dict[Value, int] | None = None) -> Layout:
    """Decide every layout and role once."""
    layout = Layout(width)
    graph, buffers = fusion.graph, layout.buffers
    contiguous = _contiguous(fusion)
    images = images or {}
    for v in graph.inputs:
        if v.role in ("gathered", "stepped"):
            buffers[v] = layout.sources[v] = plain(v.shape, v.dtype, v.role)
        else:
            buffers[v] = padded(v.shape, v.dtype, contiguous.get(v, last_wide(v.shape)), width)
    for before, after in graph.state:
        if after is not before:
            same = buffers[before]
            aside = Buffer(same.shape, same.dtype, same.strides, same.size)
            buffers[after] = aside if before in fusion.aside else same
    for v in graph.values():
        array = v.kind == "constant" and splat(v) is None
        copied = v in layout.sources and v in fusion.home
        if array or copied or (v in fusion.home and v not in buffers):
            buffers[v] = padded(v.shape, v.dtype, images.get(v, last_wide(v.shape)), width)
    place_parts(fusion, buffers, set(images), width)
    for nest in fusion.nests:
        if nest.kind == "contract":
            layout.roles[nest] = roles_of(nest, buffers, width)
    return layout


def _contiguous(fusion: Fusion) -> dict[Value, int]:
    """The contiguous dimension of states: what the first contraction wants, passed on to slots."""
    states = {before for before, _ in fusion.graph.state}
    found: dict[Value, int] = {}
    for nest in fusion.nests:
        if nest.kind != "contract" or nest.anchor is None:
            continue
        a, b, out = split_spec(nest.anchor.params["spec"])
        for x, word in zip(nest.anchor.operands, (a, b), strict=True):
            kept = [d for d, i in enumerate(word) if i in out and x.shape[d] > 1]
            if x in states and x not in found and x.ndim > 1 and kept:
                found[x] = kept[-1]
    groups = _updated_together(fusion)
    changed = True
    while changed:
        changed = False
        for group in groups:
            known = [found[x] for x in group if x in found]
            for x in group if known else []:
                changed = changed or x not in found
                found.setdefault(x, known[0])
    return found


def _updated_together(fusion: Fusion) -> list[list[Value]]:
    """For each state, the states of its shape that its new value is computed from at its index."""
    old = {after: before for before, after in fusion.graph.state}
    groups = []
    for before, after in fusion.graph.state:
        if after is before:
            continue
        nest = fusion.home[after]
        walk = fusion.reach(nest)
        if nest.kind not in ("scatter", "join") and after not in nest.sums:  # no index in these
            walk(*nest.placed(after))
        leaves = [old.get(x, x) for x in walk.reads]
        groups.append(
            [before, *(x for x in leaves if x in old.values() and x.shape == before.shape)]
        )
    return groups
