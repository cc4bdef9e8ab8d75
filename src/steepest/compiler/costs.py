"""What the elementwise rows cost, roughly: a row that is not listed costs one instruction."""

from steepest import primitives as P
from steepest.compiler.graph import Value
from steepest.core import Primitive

__all__ = ["instructions", "is_expensive", "time"]

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
