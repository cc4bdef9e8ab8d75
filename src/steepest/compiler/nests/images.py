"""Which dimension of images is contiguous: samples or channels, the same for all that carries them.

A convolution reads the same few weights at every position. Its lanes are the samples of the
mini-batch, which always fill them, or the channels, where there are enough. All values that are
tied to one another through convolutions, pooling and arithmetic take the same side, so that none
has to be turned around on the way.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from steepest import primitives as P
from steepest.compiler.graph import Graph, Value
from steepest.compiler.nests.index import is_small_window
from steepest.compiler.nests.reach import is_elementwise

__all__ = ["Images", "images"]

_JOINING = (P.pad, P.windows, P.fold, P.slice_, P.reshape)


@dataclass(eq=False)
class _Group:
    """Values that are laid out alike; of those that are convolutions, where their channels are."""

    values: list[Value] = field(default_factory=list)
    channels: dict[Value, int] = field(default_factory=dict)


class Images(NamedTuple):
    """contiguous  the contiguous dimension of every value that is tied to a convolution
    bounded     pads that are never written: the loops of the convolution stay inside
    """

    contiguous: dict[Value, int]
    bounded: set[Value]


def images(graph: Graph, width: int) -> Images:
    """Decide for the whole graph."""
    contiguous = _contiguous(graph, width)
    users = graph.consumers()
    bounded = set()
    for v in graph.equations():
        pad = _only_padded_for(v, users)
        # Lanes that are channels have rows that are neighbouring places of the image: their loops
        # would end in different places, so there the border is written.
        if pad is not None and all(
            _channels(user) is not None and contiguous.get(user) == 0 for user in users[v]
        ):
            bounded.add(pad)
    return Images(contiguous, bounded)


def _contiguous(graph: Graph, width: int) -> dict[Value, int]:
    found: dict[Value, int] = {}
    for group in _groups(graph):
        samples = group.values[0].shape[0]
        enough = min(_share(v.shape[d], width) for v, d in group.channels.items())
        if enough < _share(samples, width):
            found |= dict.fromkeys(group.values, 0)
        else:
            for v, d in group.channels.items():
                found |= {x: d for x in group.values if x.ndim == v.ndim}
    return found


def _only_padded_for(v: Value, users: dict[Value, list[Value]]) -> Value | None:
    """The pad that windows slide over, if it serves nothing else, and no window lies wholly
    outside."""
    if not v.is_row(P.windows):
        return None
    pad, size = v.operands[0], v.params["size"]
    if not pad.is_row(P.pad) or len(users[pad]) > 1:
        return None
    inside, starts = pad.operands[0], pad.params["starts"]
    k = len(size)
    ends = [m - s - n for m, s, n in zip(pad.shape, starts, inside.shape, strict=True)]
    lead = not any([*starts[:-k], *ends[:-k]])
    near = all(max(s, e) < n for s, e, n in zip(starts[-k:], ends[-k:], size, strict=True))
    stored = inside.kind == "row" and set(pad.params["steps"]) == {1}
    return pad if lead and near and stored else None


def _share(n: int, width: int) -> float:
    """The part of the lanes that n elements use."""
    return n / (-(-n // width) * width)


def _groups(graph: Graph) -> list[_Group]:
    """The values that carry samples in dimension 0, as the equations tie them, each group from one
    of its convolutions on."""
    channels = {v: d for v in graph.equations() if (d := _channels(v)) is not None}
    ties: dict[Value, list[list[Value]]] = {}
    for tied in map(_tied, graph.equations() if channels else ()):
        for x in tied:
            ties.setdefault(x, []).append(tied)
    groups, grouped = list[_Group](), set[Value]()
    for v in channels:
        group, pending = _Group(), [v]
        while pending:
            x = pending.pop()
            if x not in grouped:
                grouped.add(x)
                group.values.append(x)
                group.channels |= {x: channels[x]} if x in channels else {}
                pending += [y for tied in ties.get(x, ()) for y in tied]
        groups += [group] if group.values else []
    return groups


def _tied(v: Value) -> list[Value]:
    """The values that this equation ties to one another: same samples, one element from another."""
    if v.is_row(P.contract):
        windows = _windowed(v)
        if windows is None:
            return []
        a, b, out = P.split_spec(v.params["spec"])
        of_samples = [x for x, word in zip(v.operands, (a, b), strict=True) if word[0] == windows]
        return of_samples + [v] * (out[0] == windows)
    if not (is_elementwise(v) or v.is_row(*_JOINING) or is_small_window(v)):
        return []
    others = [x for x in v.operands if x.kind != "constant"]
    return [x for x in [v, *others] if x.ndim > 1 and v.ndim > 1 and x.shape[0] == v.shape[0]]


def _windowed(v: Value) -> str | None:
    """The letter of the samples in a contraction that reads windows of images."""
    words = P.split_spec(v.params["spec"])
    for x, word in zip(v.operands, words, strict=False):
        while x.is_row(P.reshape):
            x = x.operands[0]
        if x.is_row(P.windows) and x.ndim > 2 * len(x.params["size"]):
            return word[0]
    return None


def _channels(v: Value) -> int | None:
    """Where the result of a convolution has its channels: the letter that only its weight has."""
    if not v.is_row(P.contract):
        return None
    samples = _windowed(v)
    a, b, out = P.split_spec(v.params["spec"])
    if samples is None or out[0] != samples:
        return None
    other = b if a[0] == samples else a
    found = [d for d, letter in enumerate(out) if letter in other]
    return found[0] if found else None
