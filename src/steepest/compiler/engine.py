"""The engine: LLVM IR text becomes machine code.

Code generation only, at level 2: the emitter writes what optimisation passes would otherwise have
to find, and passes cost more time than they save (measured; the generated steps are equally fast
with and without them). LLVM orders the instructions of a loop from its top, near the emitter's own
order, which keeps as many sums in registers as there are; from both ends, which is its habit, it
may load so early that sums must wait in memory. The time goes into the number of instructions, so a
program comes as several modules, generated beside each other on several cores.
"""

import ctypes
import os
import threading
from collections.abc import Iterable
from functools import lru_cache
from queue import SimpleQueue
from typing import Any

from steepest.compiler.objects import linked
from steepest.compiler.processor import processor
from steepest.compiler.resident import awake, trim
from steepest.core import Problem, lazy, said

llvm = lazy("llvmlite.binding")

__all__ = ["machine_code"]

_CODEGEN_LEVEL = 2


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
    next are still being written.

    What LLVM needs for a module, many times the size of its code, is the system's again before the
    same thread begins with the next.
    """
    awake()
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
    """A module that becomes machine code in another thread.

    llvmlite lets one thread at a time into LLVM, because modules usually share a context. This one
    has a context of its own, and then LLVM needs no such care: the long call goes past the lock.
    """

    def __init__(self, text: str, features: str):
        self._text, self._features = text, features
        self._code = b""
        self._wrong: BaseException | None = None

    def generate(self) -> None:
        try:
            self._code = self._generated()
        except BaseException as wrong:
            self._wrong = wrong
        self._text = ""
        trim()

    def _generated(self) -> bytes:
        text = f'target triple = "{_triple()}"\n{self._text}'
        with llvm.create_context() as context, _target(self._features) as target:
            try:
                module = llvm.parse_assembly(text, context)
            except RuntimeError as wrong:
                raise Problem(
                    said("compiler", "the code that was generated is not valid LLVM", got=wrong)
                ) from wrong
            with module:
                return _emitted(target, module)

    def code(self) -> bytes:
        """What was generated."""
        if self._wrong is not None:
            raise self._wrong
        return self._code


def _emitted(target: Any, module: Any) -> bytes:
    """A module's object file."""
    library, why = llvm.ffi.lib, ctypes.c_char_p()
    generate = _unlocked("LLVMPY_TargetMachineEmitToMemory")
    buffer = generate(target, module, 1, ctypes.byref(why))
    if not buffer:
        raise Problem(said("compiler", "LLVM cannot generate this code", got=why.value))
    size = library.LLVMPY_GetBufferSize(buffer)
    code = ctypes.string_at(library.LLVMPY_GetBufferStart(buffer), size)
    library.LLVMPY_DisposeMemoryBuffer(buffer)
    return code


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
