"""What decides what is worthwhile: the cost of elementwise rows, roughly, where one that is not
listed takes one instruction; the caches, and the products that are large.
"""

from steepest import primitives as P
from steepest.compiler.graph import Value
from steepest.core import Primitive

__all__ = ["L1", "L2", "LARGE", "instructions", "is_expensive", "time"]

L1, L2 = 30_000, 820_000  # bytes of each cache that one operand may use
LARGE = 1 << 24  # products of numbers for which a library may be faster

_EXPENSIVE = frozenset({P.exp, P.log, P.tanh, P.sigmoid, P.erf, P.sin, P.cos, P.pow_, P.uniform})

_INSTRUCTIONS: dict[Primitive | None, int] = {
    **dict.fromkeys(_EXPENSIVE, 20),
    P.uniform: 80,
    P.sigmoid: 35,
}
_TIME = {**_INSTRUCTIONS, P.div: 8, P.sqrt: 8}


def is_expensive(v: Value) -> bool:
    """Whether computing v again costs more than reading it from memory."""
    return v.row in _EXPENSIVE


def instructions(v: Value) -> int:
    """Instructions per vector."""
    return _INSTRUCTIONS.get(v.row, 1)


def time(v: Value) -> int:
    """The time that it takes, in instructions of other rows."""
    return _TIME.get(v.row, 1)
