"""Functions of a module beside `run`: code that is needed more than once, or apart."""

from typing import NamedTuple

from steepest.compiler.ir.builder import Builder
from steepest.compiler.ir.operands import PIECE, Op
from steepest.compiler.nests.affine import Affine

__all__ = ["Function", "turning"]


class Function(NamedTuple):
    """A function of the module, and how others declare it.

    takes  the types of its parameters; names: what each was called where it was written
    result what it returns
    """

    name: str
    takes: list[str]
    text: str
    names: tuple[str, ...] = ()
    result: str = "void"

    @property
    def declaration(self) -> str:
        return f"declare hidden {self.result} {self.name}({', '.join(self.takes)})"


def turning(base: str, width: int) -> Function:
    """(square, place, step): write the transpose of width × width numbers to a place, where from
    one row to the next are `step` numbers. Some rows at a time, in a loop: a square written out at
    once takes as long to compile as half a contraction."""
    builder, name = Builder(), f"@turn_{base}_{width}"

    def rows(first: Affine, _: list[Op]) -> None:
        found = builder.columns_of("%square", base, first, width, width)
        start = builder.new(f"mul i64 {builder.integer(first)}, %step")
        for r, x in enumerate(found):
            at = (0, ((start, 1), ("%step", r))) if r else (0, ((start, 1),))
            builder.store(x, "%place", at, width)

    builder.loop(width, rows, step=min(width, PIECE))
    head = f"define hidden void {name}(ptr noalias %square, ptr noalias %place, i64 %step) nounwind"
    body = "\n".join([f"{head} {{", "entry:", *builder.lines, "  ret void", "}"])
    return Function(name, ["ptr", "ptr", "i64"], body)
