"""Functions of a module beside `run`: code that is needed more than once, or apart."""

from typing import NamedTuple

from steepest.compiler.affine import Affine, affine, plus
from steepest.compiler.builder import Builder
from steepest.compiler.operands import Op

__all__ = ["Function", "turning"]


class Function(NamedTuple):
    """A function of the module, and how others declare it.

    takes  the types of its parameters; names: what each was called where it was written
    """

    name: str
    takes: list[str]
    text: str
    names: tuple[str, ...] = ()

    @property
    def declaration(self) -> str:
        return f"declare hidden void {self.name}({', '.join(self.takes)})"


def turning(base: str, width: int) -> Function:
    """(place, step): transpose the square of width × width numbers at a place, where it is; from
    one of its rows to the next are `step` numbers.

    Its quarters change places as they are read, which costs no shuffle; what is left to shuffle
    are the quarters. One square takes as long to compile as half a contraction.
    """
    builder, name, half = Builder(), f"@turn_{base}_{width}", width // 2
    places: list[Affine] = [(0, (("%step", r),) if r else ()) for r in range(width)]

    def read(r: int) -> Op:
        across = affine(half if r >= half else 0)
        at = [plus(places[r % half + k], across) for k in (0, half)]
        left, right = (builder.load("%place", base, a, half) for a in at)
        return builder.shuffle(left, right, range(width))

    rows = [read(r) for r in range(width)]
    for at, x in zip(places, builder.transpose(rows, half), strict=True):
        builder.store(x, "%place", at, width)
    head = f"define hidden void {name}(ptr %place, i64 %step) nounwind {{\nentry:\n"
    return Function(name, ["ptr", "i64"], head + "\n".join(builder.lines) + "\n  ret void\n}")
