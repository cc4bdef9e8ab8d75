"""Contractions that a library computes: plain sums into memory, then the epilogue over them."""

from math import prod

from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.scalars import register_base
from steepest.compiler.emit.tiles import Tiles
from steepest.compiler.ir.operands import Op, spelled
from steepest.compiler.machine.blas import FUNCTIONS
from steepest.compiler.memory.buffers import Buffer, lanes
from steepest.compiler.memory.matrices import Matrix, matrices
from steepest.compiler.memory.roles import Roles
from steepest.compiler.nests.affine import Affine, plus, substitute, times
from steepest.compiler.nests.nest import Nest

__all__ = ["Library"]

_BY_ROWS, _AS_IS, _TURNED = 101, 111, 112  # the library's numbers for the order of elements


class Library(Tiles):
    """Emitter of contract nests, with tiles or by the library."""

    def contract(self, nest: Nest) -> None:
        if not self.plan.tiles[nest].library:
            super().contract(nest)
            return
        roles = self.layout.roles[nest]
        self.width = lanes(roles.size[roles.lane], self.layout.width)
        outer = [(nest.symbol(i), roles.size[i]) for i in roles.outer]
        self.over(outer, {}, lambda where, _: self._product(nest, roles, where))

    def _product(self, nest: Nest, roles: Roles, where: Environment) -> None:
        sums, found = self.plan.scratch[nest].partial, matrices(nest, roles, self.layout)
        assert sums is not None and found is not None
        m, n = roles.size[roles.row], roles.size[roles.lane]
        across = -(-n // self.width) * self.width
        self._call(roles, found, where, sums, (m, n, across))
        row, lane = nest.symbol(roles.row), nest.symbol(roles.lane)
        base = register_base(sums.dtype)
        assert nest.anchor is not None
        anchor = nest.anchor

        def vector(i: Affine, j: Affine) -> None:
            x = self.load(sums.pointer, base, plus(times(i, across), j), self.width)
            position = {**where, row: i, lane: lane_at(j)}
            self.hold(anchor, position, x)
            self.write(nest.stores, position)

        def line(i: Affine, _: list[Op]) -> None:
            self.loop(across, lambda j, _: vector(i, j), step=self.width)

        self.loop(m, line)

    def _call(
        self,
        roles: Roles,
        found: tuple[Matrix, Matrix],
        where: Environment,
        sums: Buffer,
        sizes: tuple[int, int, int],
    ) -> None:
        """sums = A·B, both where they are."""
        base, name = sums.base, FUNCTIONS[sums.dtype]
        m, n, across = sizes
        k = prod(roles.size[i] for i in roles.inner)
        kinds = ["i32"] * 6 + [base, "ptr", "i32", "ptr", "i32", base, "ptr", "i32"]
        self.declared.add(f"declare void @{name}({', '.join(kinds)})")
        pointers = [
            self.pointer(self.layout.buffers[x.value].pointer, base, substitute(x.start, where))
            for x in found
        ]
        turned = [_TURNED if x.turned else _AS_IS for x in found]
        values = [_BY_ROWS, *turned, m, n, k, spelled(1.0, base)]
        values += [pointers[0], found[0].step, pointers[1], found[1].step]
        values += [spelled(0.0, base), sums.pointer, across]
        operands = ", ".join(f"{t} {x}" for t, x in zip(kinds, values, strict=True))
        self.lines.append(f"  call void @{name}({operands})")
