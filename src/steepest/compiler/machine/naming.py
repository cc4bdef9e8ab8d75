"""Names of what is kept on disk: digests of everything that compiled code depends on.

That is the graph's text, the vector width, the processor and its features, the version of LLVM,
whether there is a library to call, and the compiler's own source.
"""

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from steepest.compiler.machine.blas import is_installed
from steepest.compiler.machine.processor import processor

__all__ = ["entry_name"]


@lru_cache(1)
def _source() -> str:
    """A digest of what tells one state of the compiler's source from another."""
    package = str(Path(__file__).parents[2])
    folders, found = [f"{package}/compiler", f"{package}/primitives"], []
    for folder in folders:  # which grows meanwhile
        for entry in os.scandir(folder):
            if entry.name.endswith(".py"):
                stat = entry.stat()
                found.append((entry.path[len(package) :], stat.st_size, stat.st_mtime_ns))
            elif entry.is_dir() and entry.name != "__pycache__":
                folders.append(entry.path)
    return hashlib.sha256(repr(sorted(found)).encode()).hexdigest()


def entry_name(graph: str, width: int, features: str) -> str:
    """The name of the entry for a graph, told by its text or a digest of it, compiled with these
    settings."""
    here = processor()
    library = str(is_installed())
    machine = (str(width), features, here.name, here.system, here.version, library, _source())
    return _digest(graph, *machine)


@lru_cache(128)
def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
