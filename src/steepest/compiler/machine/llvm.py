"""LLVM: what the compiler asks of the library that llvmlite brings, and nothing else of it.

The library is called as it is. llvmlite's own Python takes several times as long to import as the
library takes to load, and lets one thread at a time into it, because modules usually share a
context. Here each has a context of its own, and then LLVM needs no such care.

A call without Python's lock waits for it on the way back, up to 5 ms where the compiler writes the
next module meanwhile: longer than most calls take. So only the long ones go without.

Source: llvmlite's declarations of the same functions, `llvmlite/binding/*.py`.
"""

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ctypes import c_char_p, c_int, c_size_t, c_uint, c_void_p
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from steepest.core import Problem, said

__all__ = ["host", "library", "library_file", "machine", "object_file", "wake"]

_FILES = {"win32": "llvmlite.dll", "darwin": "libllvmlite.dylib"}
_LEVEL = 2
_OBJECT = 1  # not assembly
_LONG = {"ParseAssembly", "TargetMachineEmitToMemory"}  # other threads of Python run meanwhile

# name, what it returns, what it takes; a text that it makes goes where the last pointer points
_FUNCTIONS: list[tuple[str, Any, list[Any]]] = [
    ("GetVersionInfo", c_uint, []),
    ("GetHostCPUName", None, [c_void_p]),
    ("GetHostCPUFeatures", c_int, [c_void_p]),
    ("GetDefaultTargetTriple", None, [c_void_p]),
    ("DisposeString", None, [c_char_p]),
    ("InitializeNativeTarget", None, []),
    ("InitializeNativeAsmPrinter", None, []),
    ("SetCommandLine", None, [c_char_p, c_char_p]),
    ("ContextCreate", c_void_p, []),
    ("ContextDispose", None, [c_void_p]),
    ("ParseAssembly", c_void_p, [c_void_p, c_char_p, c_void_p]),
    ("DisposeModule", None, [c_void_p]),
    ("GetTargetFromTriple", c_void_p, [c_char_p, c_void_p]),
    # target, system, processor, features, level, relocation, code model, print, JIT, ABI
    (
        "CreateTargetMachine",
        c_void_p,
        [c_void_p, *[c_char_p] * 3, c_int, *[c_char_p] * 2, *[c_int] * 2, c_char_p],
    ),
    ("DisposeTargetMachine", None, [c_void_p]),
    ("TargetMachineEmitToMemory", c_void_p, [c_void_p, c_void_p, c_int, c_void_p]),
    ("GetBufferStart", c_void_p, [c_void_p]),
    ("GetBufferSize", c_size_t, [c_void_p]),
    ("DisposeMemoryBuffer", None, [c_void_p]),
]


@lru_cache(1)
def library_file() -> Path | None:
    """Where the library is; None where llvmlite is not installed."""
    package = find_spec("llvmlite")
    places = package.submodule_search_locations if package else None
    if not places:
        return None
    return Path(places[0]) / "binding" / _FILES.get(sys.platform, "libllvmlite.so")


@lru_cache(1)
def library() -> ctypes.CDLL:
    """The library, loaded; its functions begin with LLVMPY_."""
    file = library_file()
    if file is None or not file.exists():
        raise Problem(
            said("compiler", "LLVM is missing", expected=file, write="pip install llvmlite")
        )
    found, unlocked = ctypes.PyDLL(str(file)), ctypes.CDLL(str(file))
    for name, result, arguments in _FUNCTIONS:
        function = getattr(unlocked if name in _LONG else found, f"LLVMPY_{name}")
        function.restype, function.argtypes = result, arguments
        setattr(found, f"LLVMPY_{name}", function)
    return found


def wake(option: str) -> None:
    """Make code generation ready, with an option for the whole process, as on LLVM's command
    line."""
    llvm = library()
    llvm.LLVMPY_InitializeNativeTarget()
    llvm.LLVMPY_InitializeNativeAsmPrinter()
    llvm.LLVMPY_SetCommandLine(b"", option.encode())


def host() -> tuple[str, str, str, str]:
    """The name of this processor, its features, the system, and LLVM's version, in its words."""
    llvm = library()
    name, features, system = (
        _written(f)[1]
        for f in (
            llvm.LLVMPY_GetHostCPUName,
            llvm.LLVMPY_GetHostCPUFeatures,
            llvm.LLVMPY_GetDefaultTargetTriple,
        )
    )
    features = ",".join(sorted(filter(None, features.split(",")), key=lambda flag: flag[1:]))
    version = llvm.LLVMPY_GetVersionInfo().to_bytes(4, "big").lstrip(b"\0")
    return name, features, system, ".".join(map(str, version))


@contextmanager
def machine(system: str, name: str, features: str) -> Iterator[int]:
    """What generates code, for one module after the other: it takes a while to be made.

    Args:
        system, name, features: what the code is for, as `host` says it.

    Raises:
        Problem: LLVM does not know the system.
    """
    llvm, triple = library(), system.encode()
    target = _made("knows no such system", llvm.LLVMPY_GetTargetFromTriple, triple)
    setting = triple, name.encode(), features.encode(), _LEVEL, b"pic", b"small", 0, 0, b""
    made = llvm.LLVMPY_CreateTargetMachine(target, *setting)
    try:
        yield made
    finally:
        llvm.LLVMPY_DisposeTargetMachine(made)


def object_file(text: str, system: str, machine: int) -> bytes:
    """A module of LLVM IR as machine code that may lie anywhere, near to what it calls.

    Args:
        text: the module.
        system: what it is for.
        machine: what generates it.

    Raises:
        Problem: the text is not valid, or LLVM cannot generate its code.
    """
    llvm = library()
    with ExitStack() as owned:

        def own(what: int, give_back: Callable[[int], None]) -> int:
            owned.callback(give_back, what)
            return what

        context = own(llvm.LLVMPY_ContextCreate(), llvm.LLVMPY_ContextDispose)
        wrong = "is given code that is not valid"
        source = f'target triple = "{system}"\n{text}'.encode()
        module = _made(wrong, llvm.LLVMPY_ParseAssembly, context, source)
        own(module, llvm.LLVMPY_DisposeModule)
        emit = llvm.LLVMPY_TargetMachineEmitToMemory
        buffer = _made("cannot generate this code", emit, machine, module, _OBJECT)
        own(buffer, llvm.LLVMPY_DisposeMemoryBuffer)
        return ctypes.string_at(
            llvm.LLVMPY_GetBufferStart(buffer), llvm.LLVMPY_GetBufferSize(buffer)
        )


def _made(wrong: str, function: Callable[..., int | None], *arguments: Any) -> int:
    """What a function makes that writes why it cannot."""
    made, why = _written(function, *arguments)
    if not made:
        raise Problem(said("compiler", f"LLVM {wrong}", got=why))
    return made


def _written(function: Callable[..., Any], *arguments: Any) -> tuple[Any, str]:
    """What a function returns, and the text that it writes."""
    place = c_char_p()
    returned, text = function(*arguments, ctypes.byref(place)), place.value or b""
    if place:
        library().LLVMPY_DisposeString(place)
    return returned, text.decode()
