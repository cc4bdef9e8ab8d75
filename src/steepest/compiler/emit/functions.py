"""Functions of a module beside `run`: code that is needed more than once, or apart."""

from typing import NamedTuple

from steepest.compiler.affine import Affine, affine, plus
from steepest.compiler.builder import Builder
from steepest.compiler.operands import Op

__all__ = ["Function", "turning"]

_PIECE = 4  # numbers that shuffles exchange without leaving a part of a register


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
    one row to the next are `step` numbers.

    Its rows come four at a time, in a loop, and each piece of four numbers is read where it will
    be in its vector: what is left to shuffle are such pieces. A square written out at once takes as
    long to compile as half a contraction.
    """
    builder, name = Builder(), f"@turn_{base}_{width}"
    count = min(width, _PIECE)

    def rows(first: Affine, _: list[Op]) -> None:
        def read(r: int) -> Op:
            places = [plus(first, affine(k * width)) for k in range(r, width, count)]
            pieces = [builder.load("%square", base, place, count) for place in places]
            while len(pieces) > 1:
                pairs = zip(pieces[::2], pieces[1::2], strict=True)
                pieces = [builder.shuffle(x, y, range(2 * x.width)) for x, y in pairs]
            return pieces[0]

        start = builder.new(f"mul i64 {builder.integer(first)}, %step")
        for r, x in enumerate(builder.transpose([read(r) for r in range(count)])):
            at = (0, ((start, 1), ("%step", r))) if r else (0, ((start, 1),))
            builder.store(x, "%place", at, width)

    builder.loop(width, rows, step=count)
    head = f"define hidden void {name}(ptr noalias %square, ptr noalias %place, i64 %step) nounwind"
    body = "\n".join([f"{head} {{", "entry:", *builder.lines, "  ret void", "}"])
    return Function(name, ["ptr", "ptr", "i64"], body)
