"""Counters of the code of the timed workloads stay under bounds, for a processor with AVX-512.

What they count costs time and breaks nothing, so nothing else would tell: a state that loses the
layout of its parameter, an operand that is copied once more, threads that meet once more, tiles
that do not fit into registers, code that is written out where a loop would do.
"""

import re
import struct
from functools import cache
from typing import NamedTuple

import pytest
from benchmarks import peers
from benchmarks.workloads import WORKLOADS

from steepest.compiler import NotCompilable, programs
from steepest.compiler.graph import Graph
from steepest.compiler.lower import stages
from steepest.core import RequestError, lazy

llvm = lazy("llvmlite.binding")

AVX512 = "+avx512f,+avx2,+fma"
TRIPLE = "x86_64-unknown-linux-gnu"


class Counters(NamedTuple):
    """strided   memory accesses lane by lane, in the text of the program
    copies    operands of products that are copied panel by panel
    barriers  in a step on several threads
    aside     states whose new value waits elsewhere and is copied at the end of the step
    spills    vectors that are put on the stack, and taken back
    nests     loop nests
    code      bytes of machine code per nest
    longest   bytes of the longest function
    """

    strided: int
    copies: int
    barriers: int
    aside: int
    spills: int
    nests: int
    code: int
    longest: int


BOUNDS = {
    "W1": Counters(20, 0, 0, 0, 30, 8, 800, 3000),
    "W2": Counters(20, 1, 0, 0, 150, 14, 2000, 6500),
    "W3": Counters(10, 0, 0, 0, 10, 8, 500, 3000),
    "W4": Counters(70, 3, 7, 0, 110, 11, 2200, 4000),
    "W5": Counters(200, 5, 18, 0, 260, 28, 2600, 9000),
    "W6": Counters(70, 10, 9, 0, 130, 16, 3200, 8000),
}


@cache
def graph_of(name: str) -> Graph:
    """A workload's step as the graph that is lowered."""
    found = []

    def keep(graph):
        found.append(graph)
        raise RequestError("seen")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEEPEST_CACHE", "")
        patch.setattr(programs, "lower", keep)
        patch.setattr(programs, "_programs", type(programs._programs)())
        work = WORKLOADS[name]()
        with pytest.raises(NotCompilable, match="seen"):
            peers.peers_of(work)[peers.BASE](work).epoch()
    return found[0]


def compiled(text: str) -> tuple[str, bytes]:
    """Assembly and object file of a program, for the processor that the bounds are for."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    try:
        target = llvm.Target.from_triple(TRIPLE)
    except RuntimeError:
        pytest.skip("LLVM cannot write this processor's code here")
    module = llvm.parse_assembly(f'target triple = "{TRIPLE}"\n{text}')
    machine = target.create_target_machine(
        cpu="skylake-avx512", opt=2, reloc="pic", codemodel="small"
    )
    return machine.emit_assembly(module), machine.emit_object(module)


def function_sizes(elf: bytes) -> list[int]:
    """Bytes of every function in an object file: what its table of symbols says of them."""
    (at,) = struct.unpack_from("<Q", elf, 40)
    size, count = struct.unpack_from("<HH", elf, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", elf, at + k * size) for k in range(count)]
    start, length = next((s[4], s[5]) for s in sections if s[1] == 2)
    symbols = [struct.unpack_from("<IBBHQQ", elf, start + k) for k in range(0, length, 24)]
    return [symbol[5] for symbol in symbols if symbol[1] & 15 == 2]


def counted(name: str) -> Counters:
    lowered = stages(graph_of(name), width=16, features=AVX512)
    fusion, plan = lowered.fusion, lowered.plan
    assembly, elf = compiled(lowered.emitted.text)
    sizes = function_sizes(elf)
    assert len(sizes) == len(re.findall("^define ", lowered.emitted.text, re.MULTILINE))
    return Counters(
        lowered.emitted.strided,
        sum(tile.left + tile.right for tile in plan.tiles.values()),
        plan.sharing.barriers if plan.sharing else 0,
        len(fusion.aside),
        len(re.findall(r"mov[au]p[sd]\s.*\(%rsp\)", assembly)),
        len(fusion.nests),
        sum(sizes) // len(fusion.nests),
        max(sizes),
    )


@pytest.mark.parametrize("name", BOUNDS)
def test_counters(name):
    found = counted(name)
    over = {
        field: (x, most)
        for field, x, most in zip(Counters._fields, found, BOUNDS[name], strict=True)
        if x > most
    }
    assert not over, found


def test_a_sweep_runs_one_program():
    """The members of W7 are trainings of W2 with learning rates of their own, which are data."""
    assert graph_of("W7").key == graph_of("W2").key
