"""The processor: what LLVM calls it, and what it can do.

LLVM takes longer to wake than everything else that a program needs which another process has
compiled. So what it once said of this processor is kept on disk, under a digest of the library and
of what the system says of the processor. Only Linux says that without being asked at length;
elsewhere every process wakes LLVM.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from steepest.compiler.machine import cache, llvm
from steepest.compiler.machine.resident import awake

__all__ = [
    "Processor",
    "entry",
    "has_estimates",
    "pause",
    "processor",
    "vector_lanes",
    "vector_registers",
]

_SYSTEM = Path("/sys/devices/system/cpu")
_MODEL = "modalias"  # maker, family, model and a number for every feature
_ARM_MODEL = "cpu0/regs/identification/midr_el1"


class Processor(NamedTuple):
    """In LLVM's words: the processor's name and its features, the system, and LLVM's version."""

    name: str
    features: str
    system: str
    version: str


@lru_cache(1)
def processor() -> Processor:
    """The one that this process runs on."""
    kept_as = entry()
    kept = cache.load(kept_as) if kept_as else None
    if kept is not None:
        return Processor(**kept[0])
    awake()
    found = Processor(*llvm.host())
    if kept_as:
        cache.save(kept_as, found._asdict(), b"")
    return found


def entry() -> str:
    """The name under which LLVM's answers are kept, a digest of all that they depend on; "" where
    the system does not tell it."""
    library, model = llvm.library_file(), _read(_MODEL)
    if library is None or not library.exists() or not model:
        return ""
    file = library.stat()
    parts = [*Processor._fields, model, _read(_ARM_MODEL), str(file.st_size), str(file.st_mtime_ns)]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _read(file: str) -> str:
    try:
        return (_SYSTEM / file).read_text()
    except OSError:
        return ""


def vector_lanes(features: str) -> int:
    """How many float32 numbers a vector register holds."""
    return 16 if "+avx512f" in features else 8 if "+avx," in features + "," else 4


def vector_registers(features: str) -> int:
    """How many vector registers a register tile may fill."""
    return 32 if "+avx512f" in features or "+neon" in features else 16


def pause(features: str) -> str:
    """The instruction with which a processor waits for another; "" where there is none."""
    if "+sse2" in features:
        return "call void @llvm.x86.sse2.pause()"
    return "call void @llvm.aarch64.hint(i32 1)" if "+neon" in features else ""


def has_estimates(features: str) -> bool:
    """Whether the processor has instructions that guess 1/x and 1/√x of its longest vectors, and
    that choose their lanes from a table."""
    return "+avx512f" in features
