"""Who writes the code of a nest: for each kind a page, and for contractions one of four."""

from collections.abc import Callable

from steepest.compiler.emit.contraction import Contraction
from steepest.compiler.emit.library import Library
from steepest.compiler.emit.loops import Loops
from steepest.compiler.emit.maps import write_join, write_map
from steepest.compiler.emit.reductions import write_reduce
from steepest.compiler.emit.rows import write_row
from steepest.compiler.emit.scatters import write_scatter
from steepest.compiler.emit.tiles import Tiles
from steepest.compiler.emit.waiting import Dots, Waiting
from steepest.compiler.nests.nest import Nest

__all__ = ["WRITERS"]


def write_contraction(emitter: Loops, nest: Nest) -> None:
    """By the library, in register tiles, or with sums that wait in memory."""
    roles = emitter.layout.roles[nest]
    way: type[Contraction] = Library if emitter.plan.tiles[nest].library else Tiles
    if roles.waiting:
        way = Dots if roles.summed else Waiting
    way(emitter, nest).write()


WRITERS: dict[str, Callable[[Loops, Nest], None]] = {
    "contract": write_contraction,
    "reduce": write_reduce,
    "row": write_row,
    "map": write_map,
    "scatter": write_scatter,
    "join": write_join,
}
