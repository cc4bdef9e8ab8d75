"""Executable: an image of code (see `objects`) in memory, and its function.

Memory is written first and run then, and never open to both. That processors which read
instructions by another way than numbers see what was written, is seen to by Linux when it makes
pages executable, elsewhere by us.
"""

import ctypes
import mmap
import os
import struct
import sys
from functools import lru_cache

from steepest.compiler.machine.blas import FUNCTIONS, addresses
from steepest.compiler.machine.objects import STUB, Image
from steepest.core import Problem, said

__all__ = ["NativeFunction"]


class NativeFunction:
    """A compiled function, called without the interpreter's lock.

    It takes pointers, then counts, and returns a count; it lives as long as this object.
    """

    def __init__(self, code: bytes, pointers: int, counts: int = 1):
        image = Image.from_bytes(code)
        complete = bytearray(image.code)
        for number, name in enumerate(image.outside):
            struct.pack_into("<Q", complete, STUB * number + STUB // 2, _address(name))
        self._pages = _Pages(complete)
        signature = [ctypes.c_void_p] * pointers + [ctypes.c_int64] * counts
        self._call = ctypes.CFUNCTYPE(ctypes.c_int64, *signature)(self._pages.start + image.entry)

    def __call__(self, *arguments: int) -> int:
        return self._call(*arguments)


@lru_cache(1)
def _libraries() -> list[ctypes.CDLL]:
    """Where the functions are that LLVM calls of its own accord, such as memcpy and fma."""
    if sys.platform == "win32":
        return [ctypes.CDLL("ucrtbase"), ctypes.CDLL("ntdll")]
    return [ctypes.CDLL(None, use_errno=True)]


def _address(name: str) -> int:
    if name in FUNCTIONS.values():
        return addresses()[name]
    for library in _libraries():
        if hasattr(library, name):
            return ctypes.cast(library[name], ctypes.c_void_p).value or 0
    raise Problem(said("compiler", f"this system has no function {name!r}"))


if sys.platform == "win32":

    class _Pages:
        """Memory that holds code, given back with this object.

        start  its address
        """

        def __init__(self, code: bytearray):
            size, before = ctypes.c_size_t(len(code)), ctypes.c_uint32()
            self._system = ctypes.WinDLL("kernel32")
            self._system.VirtualAlloc.restype = ctypes.c_void_p
            commit, writable, executable = 0x3000, 0x04, 0x20
            self.start = self._system.VirtualAlloc(None, size, commit, writable) or 0
            place = ctypes.c_void_p(self.start)
            if self.start:
                ctypes.memmove(place, bytes(code), len(code))
            if not self._system.VirtualProtect(place, size, executable, ctypes.byref(before)):
                raise _refused(ctypes.FormatError())

        def __del__(self) -> None:
            release = 0x8000
            self._system.VirtualFree(ctypes.c_void_p(self.start), ctypes.c_size_t(0), release)

else:

    class _Pages:
        """Memory that holds code, given back with this object.

        start  its address
        """

        def __init__(self, code: bytearray):
            (system,) = _libraries()
            self._memory = mmap.mmap(-1, len(code), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            self._memory.write(code)
            self.start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
            span = ctypes.c_void_p(self.start), ctypes.c_size_t(len(code))
            if system.mprotect(*span, mmap.PROT_READ | mmap.PROT_EXEC):
                raise _refused(os.strerror(ctypes.get_errno()))
            if sys.platform == "darwin":
                system.sys_icache_invalidate(*span)


def _refused(why: str) -> Problem:
    return Problem(said("compiler", "the system does not let memory become executable", got=why))
