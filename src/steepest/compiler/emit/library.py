"""Contractions that a library computes: plain sums into memory, then the epilogue over them."""

from math import prod

from steepest.compiler.emit.contraction import Contraction
from steepest.compiler.emit.expressions import Environment, lane_at
from steepest.compiler.emit.scalars import register_base
from steepest.compiler.ir.operands import Op, spelled
from steepest.compiler.machine.blas import FUNCTIONS
from steepest.compiler.memory.buffers import Buffer
from steepest.compiler.memory.matrices import Matrix, matrices
from steepest.compiler.nests.affine import Affine, plus, substitute, times

__all__ = ["Library"]

_BY_ROWS, _AS_IS, _TURNED = 101, 111, 112  # the library's numbers for the order of elements


class Library(Contraction):
    """A contraction that the library computes."""

    def write(self) -> None:
        loops = self.loops(self.roles.outer)
        self.emitter.over(loops, {}, lambda where, _: self._product(where))

    def _product(self, where: Environment) -> None:
        emitter, roles, sums, width = self.emitter, self.roles, self.scratch.partial, self.width
        found = matrices(self.nest, roles, emitter.layout)
        assert sums is not None and found is not None
        m, n = roles.size[roles.row], roles.size[roles.lane]
        across = -(-n // width) * width
        self._call(found, where, sums, (m, n, across))
        base = register_base(sums.dtype)

        def vector(i: Affine, j: Affine) -> None:
            x = emitter.load(sums.pointer, base, plus(times(i, across), j), width)
            position = {**where, self.row: i, self.lane: lane_at(j)}
            emitter.hold(self.anchor, position, x)
            emitter.write(self.nest.stores, position)

        def line(i: Affine, _: list[Op]) -> None:
            emitter.loop(across, lambda j, _: vector(i, j), step=width)

        emitter.loop(m, line)

    def _call(
        self,
        found: tuple[Matrix, Matrix],
        where: Environment,
        sums: Buffer,
        sizes: tuple[int, int, int],
    ) -> None:
        """sums = A·B, both where they are."""
        emitter, roles = self.emitter, self.roles
        base, name = sums.base, FUNCTIONS[sums.dtype]
        m, n, across = sizes
        k = prod(roles.size[i] for i in roles.inner)
        kinds = ["i32"] * 6 + [base, "ptr", "i32", "ptr", "i32", base, "ptr", "i32"]
        emitter.declared.add(f"declare void @{name}({', '.join(kinds)})")
        memory = [emitter.layout.buffers[x.value].pointer for x in found]
        starts = [substitute(x.start, where) for x in found]
        pointers = [emitter.pointer(p, base, at) for p, at in zip(memory, starts, strict=True)]
        turned = [_TURNED if x.turned else _AS_IS for x in found]
        values = [_BY_ROWS, *turned, m, n, k, spelled(1.0, base)]
        values += [pointers[0], found[0].step, pointers[1], found[1].step]
        values += [spelled(0.0, base), sums.pointer, across]
        operands = ", ".join(f"{t} {x}" for t, x in zip(kinds, values, strict=True))
        emitter.lines.append(f"  call void @{name}({operands})")
