"""What instructions of LLVM work on, and how it is spelled."""

import struct
from typing import Any, NamedTuple

__all__ = ["FLOATS", "NUMBER", "PIECE", "Op", "kind", "spelled"]

NUMBER = -1  # the width of an Op that is a literal number
PIECE = 4  # numbers of 32 bits that shuffles exchange without leaving a part of a register
FLOATS = {"float": "f32", "double": "f64"}  # and what LLVM's functions of them end with


class Op(NamedTuple):
    """A value in generated code: its name (or number), its base type, its lanes (0: a scalar)."""

    name: Any
    base: str
    width: int


def spelled(x: float, base: str) -> str:
    """A number as LLVM writes it; floats by their bits, so that nothing is rounded twice."""
    if base == "float":
        x = struct.unpack("<f", struct.pack("<f", x))[0]
    if base in FLOATS:
        return f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"
    return ("true" if x else "false") if base == "i1" else str(int(x))


def kind(base: str, width: int) -> str:
    return f"<{width} x {base}>" if width > 0 else base
