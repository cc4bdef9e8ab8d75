"""Map nests, which compute every element by itself, and join nests, which copy."""

from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.loops import Loops
from steepest.compiler.graph import Value
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import Buffer, lanes
from steepest.compiler.memory.parts import copied_parts
from steepest.compiler.nests.affine import (
    Affine,
    Index,
    address,
    affine,
    at_lane,
    coefficient,
    placed,
    plus,
    varies,
)
from steepest.compiler.nests.nest import Nest

__all__ = ["write_join", "write_map"]

_LIGHT = 10  # instructions per vector, up to which a map takes four vectors at a time


def write_map(emitter: Loops, nest: Nest) -> None:
    """Lanes along the dimension along which memory runs."""
    if not nest.space:
        emitter.width = 0
        emitter.write(nest.stores, {})
        return
    k = _lane_dimension(emitter, nest, nest.stores[0])
    n, symbol = nest.space[k], nest.symbols[k]
    emitter.width = lanes(n, emitter.layout.width)
    count, _ = emitter.columns(n)
    # What is read lane by lane, or is long, is long enough with one other beside it.
    few = _has_strides(emitter, nest, symbol) or emitter.fusion.work(nest) > _LIGHT
    step = next(s for s in (4, 2, 1) if s <= (2 if few else 4) and count % s == 0)

    def compute(j: Affine, environment: Environment) -> None:
        emitter.write(nest.stores, {**environment, symbol: lane_at(j)})

    def inside(environment: Environment, _: list[Op]) -> None:
        def body(j: Affine, _: list[Op]) -> None:
            with emitter.wide(step * emitter.width):
                compute(j, environment)

        within = None if others else emitter.part(count // step, step * emitter.width)
        emitter.loop(count * emitter.width, body, step=step * emitter.width, within=within)

    def around(j: Affine, _: list[Op]) -> None:
        with emitter.wide(step * emitter.width):
            for buffer, number in samples:
                at = placed((number,), {symbol: lane_at(j)})
                for lane in range(emitter.width):
                    emitter.sample(buffer, at_lane(at, lane))
            line = emitter.line(others)
            emitter.over(others, {}, lambda environment, _: compute(j, environment), line=line)

    others = [(s, m) for s, m in zip(nest.symbols, nest.space, strict=True) if s != symbol]
    samples = _samples(emitter, nest, symbol) if others else []
    if samples:
        emitter.loop(count * emitter.width, around, step=step * emitter.width)
    else:
        emitter.over(others, {}, inside, line=emitter.line(others))


def _samples(emitter: Loops, nest: Nest, symbol: str) -> list[tuple[Buffer, Affine]]:
    """The user's arrays of which every lane reads another row, whatever the other loops are at, and
    the number of the row. Where the rows are is found once, before these loops."""
    return [
        (emitter.source(v), number)
        for v, indices in emitter.fusion.reads(nest).items()
        if emitter.source(v).place == "gathered"
        for number in dict.fromkeys(index[0] for index in indices)
        if [s for s in nest.symbols if varies((number,), s)] == [symbol]
    ]


def _has_strides(emitter: Loops, nest: Nest, symbol: str) -> bool:
    """Whether what the nest reads is neither one number nor contiguous along a loop."""
    return any(
        coefficient(address(index, emitter.layout.buffers[v].strides), symbol) not in (0, 1)
        for v, indices in emitter.fusion.reads(nest).items()
        for index in indices
    )


def _lane_dimension(emitter: Loops, nest: Nest, v: Value) -> int:
    """The dimension of the nest along which v is contiguous in memory."""
    strides = emitter.layout.buffers[v].strides
    wide = [stride for stride, n in zip(strides, v.shape, strict=True) if n != 1]
    return wide.index(1) if 1 in wide else len(wide) - 1


def write_join(emitter: Loops, nest: Nest) -> None:
    """Copy what is not where it belongs: whole vectors, then the rest one by one, because the next
    part follows at once."""
    for x, index, begin in copied_parts(nest, emitter.layout.buffers):
        _copy_part(emitter, nest, x, index, begin)


def _copy_part(emitter: Loops, nest: Nest, x: Value, index: Index, begin: int) -> None:
    assert nest.anchor is not None
    buffer, axis = emitter.layout.buffers[nest.anchor], nest.anchor.params["axis"]
    loops = [(a[1][0][0], n) for a, n in zip(index, x.shape, strict=True) if n > 1]
    *outer, (symbol, n) = loops or [("", 1)]
    width = lanes(n, emitter.layout.width)
    whole = n // width * width

    def copy(environment: Environment, _: list[Op]) -> None:
        def one(j: Affine, _: list[Op]) -> None:
            where = {**environment, symbol: lane_at(j) if emitter.width else j}
            at = placed(index, where)
            there = (*at[:axis], plus(at[axis], affine(begin)), *at[axis + 1 :])
            emitter.keep(buffer, there, emitter.pull(x, at))

        for first, last, emitter.width in ((0, whole, width), (whole, n, 0)):
            emitter.loop(last, one, start=first, step=max(emitter.width, 1))

    emitter.over(outer, {}, copy)
