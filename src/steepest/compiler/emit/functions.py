"""Functions of a module beside `run`: code that is needed more than once, or apart."""

from typing import NamedTuple

from steepest.compiler.builder import Builder
from steepest.compiler.index import Affine

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

    The shuffles of one square take as long to compile as half a contraction.
    """
    builder, name = Builder(), f"@turn_{base}_{width}"
    places: list[Affine] = [(0, (("%step", r),) if r else ()) for r in range(width)]
    rows = [builder.load("%place", base, at, width) for at in places]
    for at, x in zip(places, builder.transpose(rows), strict=True):
        builder.store(x, "%place", at, width)
    head = f"define hidden void {name}(ptr %place, i64 %step) nounwind {{\nentry:\n"
    return Function(name, ["ptr", "i64"], head + "\n".join(builder.lines) + "\n  ret void\n}")
