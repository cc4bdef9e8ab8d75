"""LLVM: what we declare of its library is what llvmlite declares, and what fails says so."""

import ctypes

import llvmlite.binding as binding
import pytest

from steepest.compiler.machine import llvm
from steepest.compiler.machine.processor import processor
from steepest.compiler.machine.resident import awake
from steepest.core import Problem


def passed(kind):
    """How a value of this type is passed: a pointer, or a number of so many bytes."""
    pointer = issubclass(kind, ctypes.c_void_p | ctypes.c_char_p | ctypes._Pointer)
    return "pointer" if pointer else (ctypes.sizeof(kind), kind(-1).value < 0)


@pytest.mark.parametrize(("name", "result", "arguments"), llvm._FUNCTIONS)
def test_functions_take_and_return_what_llvmlite_says(name, result, arguments):
    theirs = getattr(binding.ffi.lib, f"LLVMPY_{name}")
    if theirs.argtypes is not None:  # what is not declared, ctypes guesses
        assert [*map(passed, arguments)] == [*map(passed, theirs.argtypes)]
    if theirs.restype not in (None, ctypes.c_int):  # an int is what ctypes takes for not declared
        assert passed(result) == passed(theirs.restype)


def test_the_host_is_what_llvmlite_says():
    name, features, system, version = llvm.host()
    assert name == binding.get_host_cpu_name()
    assert features == binding.get_host_cpu_features().flatten()
    assert system == binding.get_default_triple()
    assert version == ".".join(map(str, binding.llvm_version_info))


def test_a_missing_library_says_what_to_install(monkeypatch):
    llvm.library.cache_clear()
    monkeypatch.setattr(llvm, "library_file", lambda: None)
    with pytest.raises(Problem, match="pip install llvmlite"):
        llvm.library()


@pytest.mark.parametrize(
    ("text", "system", "wrong"),
    [
        ("define i64 @run( {", "x86_64-linux-elf", "not valid"),
        ("", "nowhere", "knows no such system"),
    ],
)
def test_what_llvm_refuses_is_told_in_its_words(text, system, wrong):
    awake()
    here = processor()
    made = llvm.machine(system, here.name, here.features)
    with pytest.raises(Problem, match=wrong), made as machine:
        llvm.object_file(text, system, machine)
