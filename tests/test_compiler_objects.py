"""Objects: what LLVM emits is linked, loaded and called, and released again; and is refused where
it is what no emitter of ours writes."""

import ctypes
import gc
import struct
import weakref
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest

from steepest.compiler.machine import executable
from steepest.compiler.machine.blas import is_installed
from steepest.compiler.machine.engine import machine_code
from steepest.compiler.machine.executable import NativeFunction
from steepest.compiler.machine.objects import Image, linked
from steepest.compiler.machine.processor import processor
from steepest.core import Problem

MAPS = Path("/proc/self/maps")
ADD = "define hidden i64 @add(i64 %a, i64 %b) {\n  %c = add i64 %a, %b\n  ret i64 %c\n}"
SUM = """declare hidden i64 @add(i64, i64)
define i64 @run(i64 %a, i64 %b) {
  %c = call i64 @add(i64 %a, i64 %b)
  ret i64 %c
}"""
COPY = """declare ptr @memcpy(ptr, ptr, i64)
define i64 @run(ptr %to, ptr %from, i64 %n) {
  %x = call ptr @memcpy(ptr %to, ptr %from, i64 %n)
  ret i64 %n
}"""
NUMBER = (
    "define double @run(double %x) {\n  %y = fmul double %x, 0x400921FB54442D18\n  ret double %y\n}"
)


def native(*modules, pointers=0, counts=1):
    return NativeFunction(machine_code(modules, processor().features), pointers, counts)


def emitted(text, triple="x86_64-unknown-linux-gnu-elf", **settings):
    """The object file for a processor that need not be this one."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    module = llvm.parse_assembly(f'target triple = "{triple}"\n{text}')
    given = {"reloc": "pic", "codemodel": "small", **settings}
    return llvm.Target.from_triple(triple).create_target_machine(**given).emit_object(module)


def test_files_call_each_other_in_any_order():
    for modules in ([ADD, SUM], [SUM, ADD]):
        assert native(*modules, counts=2)(40, 2) == 42


def test_a_function_outside_is_called_wherever_it_is():
    run = native(COPY, pointers=2)
    source, copy = np.arange(100.0), np.zeros(100)
    assert run(copy.ctypes.data, source.ctypes.data, source.nbytes) == source.nbytes
    np.testing.assert_array_equal(copy, source)


@pytest.mark.skipif(not is_installed(), reason="needs the library")
def test_the_library_is_called_by_the_name_in_the_image():
    kinds = "i32, i32, i32, i32, i32, i32, double, ptr, i32, ptr, i32, double, ptr, i32"
    run = native(
        f"""declare void @cblas_dgemm({kinds})
define i64 @run(ptr %a, ptr %b, ptr %c, i64 %n) {{
  call void @cblas_dgemm(i32 101, i32 111, i32 111, i32 2, i32 2, i32 2, double 1.0,
    ptr %a, i32 2, ptr %b, i32 2, double 0.0, ptr %c, i32 2)
  ret i64 %n
}}""",
        pointers=3,
    )
    a, b, c = np.arange(4.0).reshape(2, 2), np.eye(2) * 3, np.zeros((2, 2))
    run(a.ctypes.data, b.ctypes.data, c.ctypes.data, 0)
    np.testing.assert_array_equal(c, 3 * a)


@pytest.mark.skipif(not MAPS.exists(), reason="this system does not list its pages")
def test_no_page_can_be_written_and_run():
    run = native(SUM, ADD, counts=2)
    access = dict(line.split()[:2] for line in MAPS.read_text().splitlines())
    (mine,) = (x for x in access if int(x.split("-")[0], 16) == run._pages.start)
    assert access[mine] == "r-xp"


def test_many_are_alive_and_go_with_their_functions():
    functions = [native(f"define i64 @run(i64 %n) {{\n ret i64 {k}\n}}") for k in range(8)]
    assert [run(0) for run in functions] == list(range(8))
    released = [weakref.ref(run._pages) for run in functions]
    del functions
    gc.collect()
    assert not any(pages() for pages in released)


def test_what_is_linked_may_lie_anywhere():
    """The same bytes, moved by pages, give the same."""
    image = Image.from_bytes(machine_code([SUM, ADD], processor().features))
    moved = image._replace(code=bytes(8192) + image.code, entry=image.entry + 8192)
    assert not image.outside
    assert NativeFunction(moved.to_bytes(), 0, 2)(40, 2) == 42


def test_arm_finds_its_constants_and_its_functions():
    """There is no such processor here: its instructions are read."""
    text = f"declare double @sin(double)\n{NUMBER.replace('%x, ', '%z, ')}"
    text = text.replace("{\n", "{\n  %z = call double @sin(double %x)\n")
    image = linked([emitted(text, "aarch64-unknown-linux-gnu-elf")])
    assert image.outside == ["sin"]
    assert image.code[:8] == bytes.fromhex("5000005800021fd6")  # ldr x16, .+8; br x16
    found = dict.fromkeys(("call", "page", "load"), 0)
    for at, (word,) in enumerate(struct.iter_unpack("<I", image.code)):
        if word >> 26 == 0b100101 and 4 * at >= image.entry:
            jump = (word & 0x3FFFFFF) - (word >> 25 & 1) * (1 << 26)
            found["call"] = at + jump + 1  # the stub is at 0
        if word & 0x9F000000 == 0x90000000:
            found["page"] = (word >> 29 & 3) + (word >> 3 & 0x1FFFFC) + 1
        if word & 0xFFC00000 == 0xFD400000 and found["page"]:
            place = (word >> 10 & 0xFFF) * 8
            found["load"] = struct.unpack_from("<d", image.code, place)[0]
    assert found == {"call": 1, "page": 1, "load": np.pi}


@pytest.mark.parametrize("system", ["unknown-linux-gnu", "apple-macosx", "pc-windows-msvc"])
def test_all_systems_give_one_format(system):
    image = linked([emitted(text, f"x86_64-{system}-elf") for text in (SUM, ADD)])
    assert image.outside == [] and 0 <= image.entry < len(image.code)


def test_what_cannot_be_linked_is_named():
    state = "@n = global i64 1\ndefine i64 @run() {\n  %n = load i64, ptr @n\n  ret i64 %n\n}"
    for file, why in [
        (b"MZ" + bytes(100), "no object file"),
        (b"", "no object file"),
        (emitted(ADD), "no function 'run'"),
        (emitted(state, reloc="static"), "section .data"),
        (emitted(NUMBER, codemodel="large", reloc="static"), "relocation 1"),
    ]:
        with pytest.raises(Problem, match=why):
            linked([file])


def test_a_function_that_nobody_has_is_named():
    with pytest.raises(Problem, match="no_such_function"):
        native(COPY.replace("memcpy", "no_such_function"), pointers=2)


def test_a_system_that_forbids_code_is_told(monkeypatch):
    class Forbids:
        def mprotect(self, *_):
            ctypes.set_errno(13)
            return -1

    code = machine_code([SUM, ADD], processor().features)
    monkeypatch.setattr(executable, "_libraries", lambda: [Forbids()])
    with pytest.raises(Problem, match="Permission denied"):
        NativeFunction(code, 0, 2)
