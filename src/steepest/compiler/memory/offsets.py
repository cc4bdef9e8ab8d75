"""Offsets: every buffer's place in a block of memory.

What stays lies side by side; what lives only within a step shares places with what does not live at
the same time.
"""

from bisect import insort
from collections.abc import Iterable

from steepest.compiler.memory.buffers import Buffer
from steepest.compiler.memory.layout import Layout

__all__ = ["Span", "overrun", "share_places", "side_by_side", "whole_lines"]

_LINE = 64  # bytes of a line of the cache

Span = tuple[int, int]  # the first and the last moment in which something is used


def side_by_side(buffers: Iterable[Buffer], layout: Layout, start: int = 0) -> int:
    """Give every buffer a place of its own, from a place on; gives where the last ends."""
    for buffer in dict.fromkeys(buffers):
        buffer.offset, start = start, start + _room(buffer, layout)
    return start


def share_places(spans: dict[Buffer, Span], layout: Layout, start: int) -> int:
    """Give every buffer a place, from a place on, that no other has in its span; gives where the
    last ends. First fit, largest first."""
    placed: list[tuple[int, int, int, int]] = []  # in the order in which they lie
    top = start
    for buffer, (low, high) in sorted(spans.items(), key=lambda item: -item[0].bytes):
        size, at = _room(buffer, layout), start
        for begin, end, first, last in placed:
            if begin >= at + size:
                break
            if first <= high and low <= last:
                at = max(at, end)
        insort(placed, (at, at + size, low, high))
        buffer.offset, top = at, max(top, at + size)
    return top


def overrun(layout: Layout) -> int:
    """How far lanes that are loaded one by one may point beyond the last buffer."""
    strides = [max(b.strides, default=0) * b.dtype.itemsize for b in layout.buffers.values()]
    return layout.width * max(strides, default=0) + _LINE


def whole_lines(size: int) -> int:
    """So many bytes, and what is left of the last line."""
    return -(-size // _LINE) * _LINE


def _room(buffer: Buffer, layout: Layout) -> int:
    """Bytes that a buffer takes: whole lines, and a vector beyond its end that may be read."""
    return whole_lines(buffer.bytes + layout.width * buffer.dtype.itemsize)
