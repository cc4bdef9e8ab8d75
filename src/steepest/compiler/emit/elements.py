"""Elements of buffers, a vector of them at a time: one load or store where they lie side by side,
else lane by lane.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from steepest.compiler.ir.builder import Builder
from steepest.compiler.ir.operands import Op
from steepest.compiler.memory.buffers import Buffer
from steepest.compiler.nests.affine import (
    LANE,
    Affine,
    Derived,
    Index,
    address,
    affine,
    apart,
    at_lane,
    coefficient,
    plus,
    symbols,
    times,
    varies,
)

__all__ = ["Elements"]


class Elements(Builder):
    """A builder that knows buffers.

    width    lanes of the vectors being written; 0: scalars
    strided  accesses that went lane by lane, for tests to count
    """

    def __init__(self) -> None:
        super().__init__()
        self.width = 0
        self.strided = 0

    @contextmanager
    def wide(self, width: int) -> Iterator[None]:
        """Inside, vectors have this many lanes."""
        before, self.width = self.width, width
        yield
        self.width = before

    def columns(self, n: int) -> tuple[int, int]:
        """(vectors that cover n lanes, lanes of the last one that count)."""
        count = -(-n // self.width)
        return count, n - (count - 1) * self.width

    # ---- reading ---------------------------------------------------------------------------------

    def fetch(self, buffer: Buffer, index: Index) -> Op:
        """A buffer's element, or one per lane: adjacent lanes are one vector load."""
        each = self.lanes_inside(index, buffer.shape)
        if buffer.place == "gathered":
            if varies(index[:1], "L"):
                return self._lane_by_lane([self.sample(buffer, at_lane(index, i)) for i in each])
            buffer, index = self.sample(buffer, index)
        stride, at = apart(address(index, buffer.strides), "L")
        if "L" in symbols(at) or stride not in (0, 1):
            return self._lane_by_lane([(buffer, at_lane(index, i)) for i in each])
        return self._loaded(buffer, at, self.width * stride)

    def lanes_inside(self, index: Index, shape: Sequence[int]) -> range:
        """The lanes that are not known to lie beyond the end, where nothing need be read."""
        ends = [n - a[0] for a, n in zip(index, shape, strict=True) if a[1] == LANE[1]]
        return range(min([self.width, *ends]))

    def sample(self, buffer: Buffer, index: Index) -> tuple[Buffer, Index]:
        """Of the user's array the row that the batch has at this index, and where in it the element
        is. The row is found once for all of its elements."""
        number, *rest = index
        row = affine(Derived("row", 0, at=(number,)))
        place = self.pointer(buffer.pointer, buffer.base, times(row, buffer.strides[0]))
        shape, strides = buffer.shape[1:], buffer.strides[1:]
        return replace(buffer, shape=shape, strides=strides, pointer=place), tuple(rest)

    def _lane_by_lane(self, each: Sequence[tuple[Buffer, Index]]) -> Op:
        self.strided += len(each)
        found = [self._loaded(x, address(index, x.strides), 0) for x, index in each]
        return self.gather(found, self.width)

    def _loaded(self, buffer: Buffer, at: Affine, width: int) -> Op:
        x = self.load(buffer.pointer, buffer.base, at, width)
        return self.compare("ne", x, self.number(0, "i8")) if buffer.dtype == bool else x

    # ---- writing ---------------------------------------------------------------------------------

    def keep(self, buffer: Buffer, index: Index, x: Op) -> None:
        """Store x at an index of a buffer."""
        if buffer.dtype == bool:
            x = self.convert("zext", self.vector(x, self.width if x.width > 0 else 0), "i8")
        stride, at = apart(address(index, buffer.strides), "L")
        if stride in (0, 1):
            self.store(x, buffer.pointer, at, self.width * stride)
            return
        # Lanes beyond the end have no padding here: they go to the first lane's place, which is
        # written last.
        self.strided += self.width
        d = next(d for d, a in enumerate(index) if coefficient(a, "L"))
        _, position = apart(index[d], "L")
        for i in reversed(range(self.width)):
            offset = self._lane_offset(position, i, stride, buffer.shape[d])
            self.store(self.lane(x, i), buffer.pointer, plus(at, offset))

    def _lane_offset(self, position: Affine, lane: int, stride: int, size: int) -> Affine:
        if not lane or size % self.width == 0:
            return affine(lane * stride)
        last = self.index(plus(position, affine(lane)))
        fits = self.compare("slt", last, self.number(size, "i64"))
        step = self.select(fits, self.number(lane * stride, "i64"), self.number(0, "i64"))
        return affine(step.name)
