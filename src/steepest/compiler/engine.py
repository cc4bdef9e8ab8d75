"""The engine: LLVM IR text becomes machine code, and machine code a function.

Code generation only, at level 2: the emitter writes what optimisation passes would otherwise have
to find, and passes cost more time than they save (measured; the generated steps are equally fast
with and without them).
"""

import ctypes
import threading
from functools import lru_cache
from typing import Any

from steepest.compiler.blas import FUNCTIONS, addresses, is_installed
from steepest.core import Problem, lazy, said

llvm = lazy("llvmlite.binding")

__all__ = [
    "NativeFunction",
    "code_generator",
    "host",
    "machine_code",
    "vector_lanes",
    "vector_registers",
]

_CODEGEN_LEVEL = 2
_lock = threading.Lock()  # LLVM's global state is set up and used by one thread at a time


@lru_cache(1)
def _ready() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@lru_cache(1)
def host() -> tuple[str, str]:
    """The processor's name and its features, as LLVM calls them."""
    with _lock:
        _ready()
        return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def code_generator() -> tuple[str, ...]:
    """What else generated code depends on: the processor, the version of LLVM, and whether there is
    a library to call."""
    version = ".".join(map(str, llvm.llvm_version_info))
    library = str(is_installed())
    return host()[0], llvm.get_default_triple(), version, str(_CODEGEN_LEVEL), library


def vector_lanes(features: str) -> int:
    """How many float32 numbers a vector register holds."""
    return 16 if "+avx512f" in features else 8 if "+avx," in features + "," else 4


def vector_registers(features: str) -> int:
    """How many vector registers a register tile may fill."""
    return 32 if "+avx512f" in features or "+neon" in features else 16


def _target(features: str) -> Any:
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=host()[0], features=features, opt=_CODEGEN_LEVEL, jit=True
    )


def machine_code(text: str, features: str) -> bytes:
    """The object file of a module written as LLVM IR."""
    host()
    with _lock:
        try:
            module = llvm.parse_assembly(f'target triple = "{llvm.get_default_triple()}"\n{text}')
        except RuntimeError as wrong:
            raise Problem(
                said("compiler", "the code that was generated is not valid LLVM", got=wrong)
            ) from wrong
        return _target(features).emit_object(module)


class NativeFunction:
    """A compiled function, called without the interpreter's lock.

    It takes pointers, then one count, and returns a count; it lives as long as this object.
    """

    def __init__(self, code: bytes, name: str, pointers: int):
        features = host()[1]
        for symbol in FUNCTIONS.values():
            if symbol.encode() in code:
                llvm.add_symbol(symbol, addresses()[symbol])
        with _lock:
            self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target(features))
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            self._engine.finalize_object()
            place = self._engine.get_function_address(name)
        if not place:
            raise Problem(said("compiler", f"the object code has no function {name!r}"))
        signature = [ctypes.c_void_p] * pointers + [ctypes.c_int64]
        self._call = ctypes.CFUNCTYPE(ctypes.c_int64, *signature)(place)

    def __call__(self, *arguments: int) -> int:
        return self._call(*arguments)
