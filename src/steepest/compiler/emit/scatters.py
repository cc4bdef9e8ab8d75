"""Scatter nests: zeros, to which everything is added where its row number says."""

from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.loops import Loops
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import Buffer, lanes
from steepest.compiler.nests.affine import Affine, affine, placed
from steepest.compiler.nests.index import scatter_index
from steepest.compiler.nests.nest import Nest

__all__ = ["write_scatter"]


def write_scatter(emitter: Loops, nest: Nest) -> None:
    """Zero, then add: rows of scatter_add by vectors where they are contiguous."""
    assert nest.anchor is not None
    v, (x, index) = nest.anchor, nest.scattered_operands()[0]
    buffer, target = emitter.layout.buffers[v], scatter_index(v, index)
    _clear(emitter, buffer)
    *outer, (symbol, n) = list(zip(nest.symbols, nest.space, strict=True)) or [("", 1)]
    adjacent = target[-1:] == (affine(symbol),) and buffer.strides[-1] == 1
    emitter.width = lanes(n, emitter.layout.width) if adjacent else 0
    if emitter.width and n % emitter.width and n != v.shape[-1]:
        emitter.width = 0  # what lies behind the last lane are elements, not padding
    step = max(emitter.width, 1)

    def add(environment: Environment, _: list[Op]) -> None:
        def one(j: Affine, _: list[Op]) -> None:
            place = {**environment, symbol: lane_at(j) if emitter.width else j}
            y = emitter.pull(x, placed(index, place))
            at = placed(target, place)
            emitter.keep(buffer, at, emitter.add(emitter.fetch(buffer, at), y))

        emitter.loop(-(-n // step) * step, one, step=step)

    emitter.over(outer, {}, add)


def _clear(emitter: Loops, buffer: Buffer) -> None:
    width = emitter.width = lanes(buffer.size, emitter.layout.width)
    whole, zero = buffer.size // width * width, emitter.number(0, buffer.base)

    def one(j: Affine, _: list[Op]) -> None:
        emitter.store(zero, buffer.pointer, j, width)

    emitter.loop(whole, one, step=width)
    for j in range(whole, buffer.size):
        emitter.store(zero, buffer.pointer, affine(j))
