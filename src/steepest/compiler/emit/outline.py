"""Outlines: what the code of a nest depends on, without where its arrays are.

Nests of one outline are one function, written once: equal layers, the steps of a sequence. So an
outline has everything that an emitter looks at: the nest's own space, roles, tile and scratch
memory; every value that it evaluates, numbered in the order in which they are met, with its row and
its operands' numbers; every access to memory, as the number of an array and the offset from where
the nest begins in it. The numbers are also the order in which a call gives the arrays.

A value at two indices may be one and the same where loops are written out, so the index of each is
part of the outline; counted from the first one, because the steps of a sequence differ in where
they begin.
"""

from collections.abc import Hashable
from typing import Any

from steepest import primitives as P
from steepest.compiler.graph import Value, splat
from steepest.compiler.memory.buffers import Buffer
from steepest.compiler.memory.layout import Layout
from steepest.compiler.memory.parts import copied_parts
from steepest.compiler.memory.plan import Plan
from steepest.compiler.memory.roles import Roles
from steepest.compiler.nests.affine import Affine, Index, address
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.index import inside, is_small_window, is_view, origins, through
from steepest.compiler.nests.nest import Nest, reduced_axes, squeeze
from steepest.compiler.nests.reach import is_leaf, is_read

__all__ = ["Outline", "named"]


class Outline:
    """One nest's.

    key       equal for nests that are one function
    pointers  of the arrays, in the order of their numbers
    begins    pointer -> elements before the first that the nest reads there
    """

    def __init__(self, nest: Nest, fusion: Fusion, layout: Layout, plan: Plan):
        self.nest, self.fusion, self.layout, self.plan = nest, fusion, layout, plan
        self.begins = _begins(nest, fusion, layout)
        self.pointers: dict[str, int] = {}
        self._values: dict[Value, tuple[int, tuple[int, ...]]] = {}
        self._numbers: dict[Hashable, int] = {}
        self._met: list[Hashable] = []
        self._held = {v: number for number, v in enumerate(nest.held)}
        whole = self._shared(), self._nest(), self._scratch(), self._evaluated()
        self.key: Hashable = (*whole, tuple(self._met))

    def names(self) -> list[str]:
        """What the arrays are called where code is written for this nest."""
        return [named(p, self.begins.get(p, 0)) for p in self.pointers]

    # ---- the nest itself -------------------------------------------------------------------------

    def _shared(self) -> Hashable:
        """What threads do with it."""
        sharing = self.plan.sharing
        if sharing is None:
            return None
        pieces = sharing.pieces.get(self.nest, 0)
        if pieces:
            self._array(f"%counter{list(sharing.pieces).index(self.nest)}")
        return self.nest in sharing.split, self.nest in sharing.long, pieces

    def _nest(self) -> Hashable:
        nest, roles = self.nest, self.layout.roles.get(self.nest)
        dtype = nest.anchor.dtype if nest.anchor is not None else None
        what = nest.kind, nest.space, nest.depth, dtype, self.plan.tiles.get(nest)
        return *what, roles and self._roles(roles)

    def _roles(self, roles: Roles) -> Hashable:
        symbol = self.nest.symbol
        return (
            (symbol(roles.row), symbol(roles.lane), symbol(roles.summed)),
            tuple(map(symbol, roles.outer)),
            tuple(map(symbol, roles.inner)),
            tuple(sorted([(symbol(i), n) for i, n in roles.size.items() if n > 1])),
            (roles.strided, roles.waiting, roles.a_index, roles.b_index),
            (self._value(roles.a, roles.a_index), self._value(roles.b, roles.b_index)),
        )

    def _scratch(self) -> Hashable:
        scratch = self.plan.scratch.get(self.nest)
        if scratch is None:
            return None
        own = (scratch.partial, scratch.start, scratch.spill, scratch.left, scratch.right)
        ahead = self.plan.ahead.get(self.nest)
        return (
            tuple([b and self._buffer(b) for b in own]),
            ahead and tuple([self._access(buffer, index) for buffer, index in ahead]),
        )

    def _evaluated(self) -> Hashable:
        """What it holds, sums and stores, and from what; the parts that a join copies; what a
        scatter adds, and where."""
        nest = self.nest
        found: list[Hashable] = []
        if nest.kind in ("row", "reduce"):
            for v in (*nest.held, *nest.sums):
                of = nest.placed(v.operands[0]) if nest.kind == "row" else nest.reduced_operand(v)
                axes = reduced_axes(v), v.operands[0].shape, v in nest.held
                found.append((self._row(v), axes, self._value(*of)))
        elif nest.kind == "join":
            assert nest.anchor is not None
            for x, index, begin in copied_parts(nest, self.layout.buffers):
                found.append((x.shape, begin, index, self._value(x, index)))
            found.append(nest.anchor.params["axis"])
        elif nest.kind == "scatter":
            assert nest.anchor is not None
            found += [nest.anchor.operands[0].shape, *nest.anchor.params.items()]
            found.append((nest.anchor.shape, self.layout.buffers[nest.anchor].strides))
            found += [self._value(x, index) for x, index in nest.scattered_operands()]
        for v in nest.written():
            place = nest.index_of(v)
            where = (squeeze(v.shape), self._buffer(self.layout.buffers[v]))
            if v in nest.stores and place is not None:
                access = self._access(self.layout.buffers[v], place)
                found.append((where, access, self._value(v, place)))
            else:
                found.append(where)
        return tuple(found)

    # ---- memory ----------------------------------------------------------------------------------

    def _array(self, pointer: str) -> int:
        return self.pointers.setdefault(pointer, len(self.pointers))

    def _buffer(self, buffer: Buffer) -> Hashable:
        wide = [(n, step) for n, step in zip(buffer.shape, buffer.strides, strict=True) if n != 1]
        return self._array(buffer.pointer), buffer.base, buffer.size, tuple(wide)

    def _access(self, buffer: Buffer, index: Index) -> Hashable:
        """An element: how far from where the nest begins, along what."""
        constant, terms = address(index, buffer.strides)
        begin = self.begins.get(buffer.pointer, 0)
        along = tuple([(a[1], step) for a, step in zip(index, buffer.strides, strict=True) if a[1]])
        return (
            self._array(buffer.pointer),
            buffer.base,
            buffer.place,
            constant - begin,
            terms,
            along,
        )

    # ---- values ----------------------------------------------------------------------------------

    def _value(self, v: Value, index: Index) -> int:
        """The number of a value at an index, which is met now if it has not been before."""
        while is_view(v) and not self._is_there(v):
            v, index = through(v, index)
        number = splat(v)
        key = (v, index) if number is None else (v.dtype, number.tobytes())
        known = self._numbers.get(key)
        if known is None:
            met = (self._what(v, index), self._at(v, index)) if number is None else key
            known = self._numbers[key] = len(self._met)
            self._met.append(met)
        return known

    def _is_there(self, v: Value) -> bool:
        return v in self._held or is_read(v, self.nest, self.fusion.home)

    def _at(self, v: Value, index: Index) -> Hashable:
        """Which value it is, and the index counted from where it was first met."""
        wide = [a for a, n in zip(index, v.shape, strict=True) if n != 1]
        number, first = self._values.setdefault(v, (len(self._values), tuple([a[0] for a in wide])))
        return number, tuple([(a[0] - c, a[1]) for a, c in zip(wide, first, strict=True)])

    def _row(self, v: Value) -> Hashable:
        assert v.row is not None
        return v.row.name, v.dtype, squeeze(v.shape)

    def _what(self, v: Value, index: Index) -> Hashable:
        if v in self._held:
            return self._held[v]
        if is_leaf(v, self.nest, self.fusion.home):
            loaded = self.fusion.is_loaded(v, self.nest)
            buffer = (self.layout.buffers if loaded else self.layout.sources)[v]
            return self._access(buffer, index), self._gathered(buffer, index)
        parts = [self._value(x, at) for x, at in origins(v, index, self.nest.bounded)]
        return self._row(v), *self._besides(v, index), *parts

    def _gathered(self, buffer: Buffer, index: Index) -> Affine | None:
        """The sample that is read, where the batch says which it is."""
        return index[0] if buffer.place == "gathered" else None

    def _besides(self, v: Value, index: Index) -> tuple[Any, ...]:
        """What the code of an equation that is computed has besides its operands."""
        if v in self.nest.bounded:
            return "bounded", index, v.params["starts"], v.operands[0].shape
        if v.is_row(P.pad):
            return index, tuple(inside(v, index)[1]), v.operands[0].shape
        if v.is_row(P.take, P.uniform):
            return index, v.operands[0].shape
        return () if is_small_window(v) else (*v.params.items(),)


def named(pointer: str, start: int) -> str:
    """An array from an element on."""
    return f"{pointer}_{start}" if start else pointer


def _begins(nest: Nest, fusion: Fusion, layout: Layout) -> dict[str, int]:
    """Where in its arrays the nest begins to read, if not where they begin."""
    starts: dict[Buffer, set[int]] = {layout.buffers[v]: {0} for v in nest.written()}
    for v, indices in fusion.reads(nest).items():
        buffer = layout.buffers.get(v)
        if buffer is not None and buffer.place == "memory":
            found = {address(index, buffer.strides)[0] for index in indices}
            starts.setdefault(buffer, set()).update(found)
    return {b.pointer: start for b, every in starts.items() if (start := min(every)) > 0}
