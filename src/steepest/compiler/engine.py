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
import threading
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from steepest.compiler.objects import linked
from steepest.compiler.processor import processor
from steepest.core import Problem, lazy, said

llvm = lazy("llvmlite.binding")

__all__ = ["machine_code"]

_CODEGEN_LEVEL = 2
_ORDER = "-misched-prera-direction=topdown"  # LLVM knows no place to say it but the whole process
_lock = threading.Lock()  # LLVM's global state is set up and used by one thread at a time


@lru_cache(1)
def _ready() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.set_option("", _ORDER)
    _give_back(llvm.ffi.lib._name)


def _give_back(library: str) -> None:
    """Let the system have the pages of a library that loading it has touched and that are not
    needed again: most of what LLVM occupies. They are read anew where they are.

    Only what nothing has written to can be read anew. What lies right before the writable pages
    has been writable itself while addresses were filled in.
    """
    maps = Path("/proc/self/maps")
    lines = maps.read_text().splitlines() if maps.exists() else []
    places = [line.split(maxsplit=5) for line in lines if line.endswith(os.path.realpath(library))]
    writable = {span.partition("-")[0] for span, access, *_ in places if "w" in access}
    for span, access, *_ in places:
        start, _, end = span.partition("-")
        if "w" not in access and end not in writable:
            first, size = int(start, 16), int(end, 16) - int(start, 16)
            madvise = ctypes.CDLL(None).madvise
            madvise(ctypes.c_void_p(first), ctypes.c_size_t(size), mmap.MADV_DONTNEED)


def _target(features: str) -> Any:
    """Emits objects in the format ELF on every system, of functions that may lie anywhere, near to
    one another: what `objects` links."""
    target = llvm.Target.from_triple(_triple())
    return target.create_target_machine(
        cpu=processor().name, features=features, opt=_CODEGEN_LEVEL, reloc="pic", codemodel="small"
    )


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine_code(modules: Iterable[str], features: str) -> bytes:
    """The image of modules written as LLVM IR; LLVM works on as many as there are cores while the
    next are still being written."""
    objects = [_Object(text, features) for text in modules]
    return linked(x.code() for x in objects).to_bytes()


class _Object:
    """One module's machine code, generated beside what else is done until it is asked for.

    llvmlite lets one thread at a time into LLVM, because modules usually share a context. This one
    has a context of its own, and then LLVM needs no such care: the long call goes past the lock.
    """

    def __init__(self, text: str, features: str):
        head = f'target triple = "{_triple()}"\n'
        with _lock:
            _ready()
            self._context = llvm.create_context()
            try:
                self._module = llvm.parse_assembly(head + text, self._context)
            except RuntimeError as wrong:
                raise Problem(
                    said("compiler", "the code that was generated is not valid LLVM", got=wrong)
                ) from wrong
            self._target = _target(features)
        self._buffer: Any = None
        self._why = ctypes.c_char_p()
        self._thread = threading.Thread(target=self._generate)
        self._thread.start()

    def _generate(self) -> None:
        generate = _unlocked("LLVMPY_TargetMachineEmitToMemory")
        with _room():
            self._buffer = generate(self._target, self._module, 1, ctypes.byref(self._why))

    def code(self) -> bytes:
        self._thread.join()
        if not self._buffer:
            raise Problem(said("compiler", "LLVM cannot generate this code", got=self._why.value))
        library = llvm.ffi.lib
        size = library.LLVMPY_GetBufferSize(self._buffer)
        code = ctypes.string_at(library.LLVMPY_GetBufferStart(self._buffer), size)
        library.LLVMPY_DisposeMemoryBuffer(self._buffer)
        return code


@lru_cache(1)
def _room() -> threading.Semaphore:
    """Free cores."""
    return threading.Semaphore(cores())


@lru_cache(1)
def _triple() -> str:
    """This system as LLVM calls it, with objects in one format."""
    return f"{processor().system}-elf"


@lru_cache(1)
def _unlocked(name: str) -> Any:
    """A function of llvmlite's library, called without its lock."""
    locked = getattr(llvm.ffi.lib, name)
    function = getattr(ctypes.CDLL(llvm.ffi.lib._name), name)
    function.argtypes, function.restype = locked.argtypes, locked.restype
    return function
