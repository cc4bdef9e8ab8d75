"""The engine: LLVM IR text becomes machine code.

Code generation only, at level 2: the emitter writes what optimisation passes would otherwise have
to find, and passes cost more time than they save (measured; the generated steps are equally fast
with and without them). LLVM orders the instructions of a loop from its top, near the emitter's own
order, which keeps as many sums in registers as there are; from both ends, which is its habit, it
may load so early that sums must wait in memory. The time goes into the number of instructions, so a
program comes as several modules, generated beside each other on several cores.
"""

import ctypes
import mmap
import os
import sys
import threading
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue

from steepest.compiler import llvm
from steepest.compiler.objects import linked
from steepest.compiler.processor import processor

__all__ = ["give_back", "machine_code"]

# LLVM knows no place to say these but the whole process. Without strength reduction, which looks
# for better addresses in every loop than the emitter has written, code is made in a tenth less
# time and runs as fast.
_OPTIONS = ("-misched-prera-direction=topdown", "-disable-lsr")
_lock = threading.Lock()  # LLVM's global state is set up and used by one thread at a time


@lru_cache(1)
def _ready() -> None:
    llvm.wake(_OPTIONS)
    give_back()


def give_back() -> None:
    """Let the system have the pages of LLVM's library that loading it, or generating code, has
    touched: most of what LLVM occupies. Those that are needed again are read anew, in 3 ms.

    Only what nothing has written to can be read anew. What lies right before the writable pages
    has been writable itself while addresses were filled in.
    """
    _trim()
    maps, name = Path("/proc/self/maps"), os.path.realpath(llvm.library()._name)
    lines = maps.read_text().splitlines() if maps.exists() else []
    places = [line.split(maxsplit=5) for line in lines if line.endswith(name)]
    writable = {span.partition("-")[0] for span, access, *_ in places if "w" in access}
    for span, access, *_ in places:
        start, _, end = span.partition("-")
        if "w" not in access and end not in writable:
            first, size = int(start, 16), int(end, 16) - int(start, 16)
            madvise = ctypes.CDLL(None).madvise
            madvise(ctypes.c_void_p(first), ctypes.c_size_t(size), mmap.MADV_DONTNEED)


def _trim() -> None:
    """Let the system have what the C library keeps of memory that is free."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if library is not None and hasattr(library, "malloc_trim"):
        library.malloc_trim(ctypes.c_size_t(0))


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine_code(modules: Iterable[str], features: str) -> bytes:
    """The image of modules written as LLVM IR; LLVM works on as many as there are cores while the
    next are still being written.

    What LLVM needs for a module, many times the size of its code, is the system's again before the
    same thread begins with the next.
    """
    with _lock:
        _ready()
    objects: list[_Object] = []
    threads: list[threading.Thread] = []
    waiting: SimpleQueue[_Object | None] = SimpleQueue()
    try:
        for text in modules:
            objects.append(_Object(text, features))
            waiting.put(objects[-1])
            if len(threads) < cores():
                threads.append(threading.Thread(target=_generate, args=(waiting,)))
                threads[-1].start()
    finally:
        for _ in threads:
            waiting.put(None)
    for thread in threads:
        thread.join()
    return linked(x.code() for x in objects).to_bytes()


def _generate(waiting: "SimpleQueue[_Object | None]") -> None:
    """What a thread does: one module after the other, until None comes."""
    for found in iter(waiting.get, None):
        found.generate()


class _Object:
    """A module that becomes machine code in another thread."""

    def __init__(self, text: str, features: str):
        self._text, self._features = text, features
        self._code = b""
        self._wrong: BaseException | None = None

    def generate(self) -> None:
        here = processor()
        try:
            self._code = llvm.object_file(
                self._text, f"{here.system}-elf", here.name, self._features
            )
        except BaseException as wrong:
            self._wrong = wrong
        self._text = ""
        _trim()

    def code(self) -> bytes:
        """What was generated."""
        if self._wrong is not None:
            raise self._wrong
        return self._code
