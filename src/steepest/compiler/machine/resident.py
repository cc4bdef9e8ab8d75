"""LLVM's library: woken when it is first needed, and no more of it in memory than is in use.

It is larger than all else that a process loads to train a network. Waking it runs through it from
one end to the other, and generating code through another part of it. What was touched goes back to
the system as soon as nobody is in there, and is read anew, in 3 ms, where it is needed again.
"""

import ctypes
import mmap
import os
import sys
import threading
from functools import lru_cache
from pathlib import Path

from steepest.compiler.machine import llvm

__all__ = ["awake", "give_back", "trim"]

_ORDER = "-misched-prera-direction=topdown"  # LLVM knows no place to say it but the whole process
_MAPS = Path("/proc/self/maps")
_lock = threading.Lock()  # LLVM's global state is set up by one thread

# Linux's userfaultfd(2): the number of the call, what it is asked for, and what it answers to.
_CALL = {"x86_64": 323, "aarch64": 282}
_OF_PROGRAMS = 1  # what the program does, not what the system does for it: so much all may watch
_BEGIN, _WATCH = 0xC018AA3F, 0xC020AA00
_VERSION, _WITHOUT_US, _WRITES = 0xAA, 1 << 15, 2


def awake() -> None:
    """Load LLVM and set it up, unless that is done."""
    with _lock:
        _woken()


@lru_cache(1)
def _woken() -> None:
    trim()
    llvm.wake(_ORDER)
    give_back()
    _one_by_one()


def give_back() -> None:
    """Let the system have the pages of LLVM's library that loading it, or generating code, has
    touched, and what the C library keeps of memory that is free."""
    trim()
    for start, size in _unwritten():
        _linux().madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), mmap.MADV_DONTNEED)


def trim() -> None:
    """Let the system have what the C library keeps of memory that is free."""
    if sys.platform == "linux" and hasattr(_linux(), "malloc_trim"):
        _linux().malloc_trim(ctypes.c_size_t(0))


def _one_by_one() -> None:
    """From now on, every page of the library comes when it is needed itself.

    With one, Linux brings the fifteen around it that it has at hand, and so generating code would
    occupy 41 MB, of which it uses 16. It brings no others where it watches for writes, and there
    is no other way to be served so: it is asked to watch pages that nobody writes to. Where it
    refuses, as in some containers, they come as ever.
    """
    call = _CALL.get(os.uname().machine) if sys.platform == "linux" else None
    watch = -1 if call is None else _linux().syscall(call, os.O_CLOEXEC | _OF_PROGRAMS)
    if watch < 0:
        return
    if not _asked(watch, _BEGIN, _VERSION, _WITHOUT_US, 0):
        os.close(watch)
        return
    for start, size in _unwritten():
        _asked(watch, _WATCH, start, size, _WRITES, 0)


def _asked(watch: int, what: int, *words: int) -> bool:
    """Whether a request was granted."""
    request = (ctypes.c_uint64 * len(words))(*words)
    return _linux().ioctl(watch, ctypes.c_ulong(what), request) == 0


@lru_cache(1)
def _unwritten() -> list[tuple[int, int]]:
    """Where the library is, address and size, that nothing has written to: what can be read anew.

    What lies right before the writable pages has been writable itself while addresses were filled
    in.
    """
    name = os.path.realpath(llvm.library()._name)
    lines = _MAPS.read_text().splitlines() if _MAPS.exists() else []
    places = [line.split(maxsplit=5) for line in lines if line.endswith(name)]
    writable = {span.partition("-")[0] for span, access, *_ in places if "w" in access}
    found = [span.split("-") for span, access, *_ in places if "w" not in access]
    ends = [(int(start, 16), int(end, 16)) for start, end in found if end not in writable]
    return [(start, end - start) for start, end in ends]


@lru_cache(1)
def _linux() -> ctypes.CDLL:
    """The C library's functions, and those of the system."""
    return ctypes.CDLL(None)
