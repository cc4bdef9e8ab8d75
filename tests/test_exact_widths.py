"""The same programs for other processors: AVX2 and plain x86-64 run here, AArch64 is only written.

A processor is a vector width and what LLVM may use; features that this processor has beyond it are
forbidden by name, and the assembly is searched for registers that it does not have.
"""

import re

import llvmlite.binding as llvm
import numpy as np
import pytest
from random_graphs import Maker
from test_compiler_lower import NETWORKS, network

from steepest.compiler.graph import Graph, constant, equation, inlet
from steepest.compiler.lower import lower, stages
from steepest.compiler.machine.processor import processor
from steepest.compiler.replay import replay
from steepest.core import Aval
from steepest.primitives import TABLE

SSE2 = {"64bit", "cmov", "cx8", "fxsr", "mmx", "sse", "sse2"}
BEYOND_AVX2 = re.compile(r"avx512|avx10|evex|egpr|amx")
INTEL = pytest.mark.skipif("+avx2" not in processor().features.split(","), reason="needs AVX2")


def limited(allowed: str) -> str:
    """This processor's features, those that are not allowed switched off."""
    names = [feature[1:] for feature in processor().features.split(",") if feature[0] == "+"]
    keep = {"AVX2": lambda name: not BEYOND_AVX2.search(name), "SSE2": lambda name: name in SSE2}
    return ",".join("-+"[keep[allowed](name)] + name for name in names)


# width, the vector registers that the processor lacks
PROCESSORS = {
    "AVX2": (8, r"zmm|[xy]mm(1[6-9]|2\d|3[01])|\bk[0-7]\b"),
    "SSE2": (4, r"[yz]mm|\bv\w+ps"),
}


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setenv("STEEPEST_CACHE", "")


def assembly(text: str, triple: str, cpu: str, features: str) -> str:
    """What LLVM writes for a processor."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    module = llvm.parse_assembly(f'target triple = "{triple}"\n{text}')
    machine = llvm.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=features, opt=2
    )
    return machine.emit_assembly(module)


def assert_runs(graph: Graph, arrays: dict, index: np.ndarray, name: str, close: float) -> None:
    """Three steps on the limited processor give what replaying gives."""
    width, features = PROCESSORS[name][0], limited(name)
    results = []
    for run in (
        lower(graph, width=width, features=features).run,
        lambda *arguments: replay(graph, *arguments),
    ):
        mine = {v: array.copy() for v, array in arrays.items()}
        outputs = [np.zeros((3, *v.shape), v.dtype) for v in graph.outputs]
        done = run(mine, index, 3, outputs, np.zeros(3, np.int64))
        states = [mine[v] for v in arrays if v.role == "state"]
        results.append((done, [*outputs, *states]))
    (done, found), (wanted_done, wanted) = results
    assert done == wanted_done
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=close, atol=close)


@INTEL
@pytest.mark.parametrize("seed", range(100, 108))
@pytest.mark.parametrize("name", PROCESSORS)
def test_random_programs(name, seed):
    graph, arrays, batch = Maker(seed).graph(6 + seed % 24)
    index = np.random.default_rng(seed).integers(0, 40, 3 * batch)
    # as in test_compiler_lower: float32 through up to 30 rows and three steps
    assert_runs(graph, arrays, index, name, 1e-4)


@INTEL
@pytest.mark.parametrize("settings", NETWORKS[:3], ids=lambda s: "-".join(map(str, s[0])))
@pytest.mark.parametrize("name", PROCESSORS)
def test_training_steps(name, settings):
    graph, arrays = network(*settings)
    order = np.random.default_rng(1).permutation(3 * settings[-1])
    assert_runs(graph, arrays, order, name, 1e-3)


@INTEL
@pytest.mark.parametrize("name", PROCESSORS)
def test_no_register_is_used_that_the_processor_lacks(name):
    width, lacking = PROCESSORS[name]
    graph, _ = network(*NETWORKS[0])
    text = stages(graph, width=width, features=limited(name)).emitted.text
    code = assembly(text, llvm.get_default_triple(), processor().name, limited(name))
    assert not re.search(lacking, code)


# ---- AArch64 -------------------------------------------------------------------------------------


def neon(graph: Graph) -> str:
    text = stages(graph, width=4, features="+neon").emitted.text
    return assembly(text, "aarch64-unknown-linux-gnu", "neoverse-n1", "+neon")


def count(pattern: str, code: str) -> int:
    return len(re.findall(pattern, code))


@pytest.mark.parametrize("sizes", [(32, 64, 64), (20, 100, 12), (5, 7, 9)])
def test_contractions_are_vectors_of_fused_products_on_neon(sizes):
    m, k, n = sizes
    x, y = (
        inlet(i, Aval(s, np.dtype(np.float32)), "whole") for i, s in (("x", (m, k)), ("y", (n, k)))
    )
    product = equation(TABLE["contract"], x, y, spec="bi,oi->bo")
    code = neon(Graph([x, y], [constant(np.float32(0), ()), product]))
    assert count(r"\bfmla\s+v\d+\.4s", code) >= 4
    assert count(r"\bfmadd\b", code) == 0


# A layer of one unit is arithmetic on single numbers, as it should be.
LAYERED = [settings for settings in NETWORKS if 1 not in settings[0][:-1]]


@pytest.mark.parametrize("settings", LAYERED, ids=lambda s: "-".join(map(str, s[0])))
def test_training_steps_are_vectors_on_neon(settings):
    """Single numbers are multiplied too (rates, losses, what is left of rows), but few."""
    code = neon(network(*settings)[0])
    assert count(r"\bfmla\s+v\d+\.4s", code) > 4 * count(r"\bfmadd\b", code)
    assert count(r"\bbl\s+fmaf?\b", code) == 0


@pytest.mark.parametrize("seed", range(100, 108))
def test_random_programs_can_be_written_for_neon(seed):
    graph, _, _ = Maker(seed).graph(6 + seed % 24)
    assert "run:" in neon(graph)
