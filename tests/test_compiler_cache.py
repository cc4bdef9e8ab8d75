"""Programs on disk: the same bits, found again, and never trusted when broken."""

import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pytest

from steepest.compiler import lower as stages
from steepest.compiler import programs
from steepest.compiler.graph import Graph, constant, equation, inlet
from steepest.compiler.machine import cache, naming
from steepest.compiler.machine.processor import entry, processor
from steepest.compiler.programs import program_for
from steepest.core import Aval
from steepest.primitives import TABLE

F32 = np.dtype(np.float32)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    processor()  # known already, so that what is kept of it is not among the programs
    monkeypatch.setenv("STEEPEST_CACHE", str(tmp_path / "programs"))
    return tmp_path / "programs"


def graph(factor=3.0):
    table = constant(np.arange(6, dtype=np.float32))  # has a place in memory of its own
    x = inlet("x", Aval((6,), F32), "state")
    after = equation(TABLE["mul"], x, constant(np.float32(factor), (6,)))
    after = equation(TABLE["add"], after, table)
    return Graph([x], [equation(TABLE["sum"], after, axes=(0,))], [(x, after)])


def result(factor=3.0):
    """The step of a process that starts now."""
    programs._programs.clear()
    program, _ = program_for(graph(factor), [])
    (x,) = program.inputs
    state, losses = np.arange(6, dtype=np.float32), np.zeros(4, F32)
    program.run({x: state}, None, 4, [losses])
    return state, losses


def forbid(monkeypatch):
    def refuse(*_):
        raise AssertionError("compiled again")

    monkeypatch.setattr(stages, "machine_code", refuse)
    monkeypatch.setattr(programs, "simplify", refuse)


def test_the_second_time_nothing_is_compiled(folder, monkeypatch):
    first = result()
    assert len(list(folder.iterdir())) == 1
    forbid(monkeypatch)
    for a, b in zip(first, result(), strict=True):
        np.testing.assert_array_equal(a, b)


STEP = """
import steepest
from steepest.compiler.machine import llvm

w = steepest.ones(4)

@steepest.compile
def step(x):
    w.mul_(x)
    return w.sum()

print(step(steepest.ones(4) * 3).item(), llvm.library.cache_info().currsize)
"""


@pytest.mark.skipif(not entry(), reason="this system does not say what its processor is")
def test_a_process_that_finds_its_program_loads_no_llvm(tmp_path):
    environment = os.environ | {"STEEPEST_CACHE": str(tmp_path)}
    command = [sys.executable, "-c", STEP]
    runs = [subprocess.check_output(command, env=environment, text=True) for _ in range(2)]
    assert runs == ["12.0 1\n", "12.0 0\n"]


def test_what_is_kept_of_the_processor_is_what_llvm_says(tmp_path, monkeypatch):
    said = processor()
    monkeypatch.setenv("STEEPEST_CACHE", str(tmp_path))
    for _ in range(2):
        processor.cache_clear()
        assert processor() == said
    for path in tmp_path.iterdir():
        path.write_bytes(b"broken")
    processor.cache_clear()
    assert processor() == said


def test_another_program_is_another_entry(folder):
    result(3.0)
    result(4.0)
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other"])
def test_a_broken_entry_is_made_again(folder, damage):
    want = result()
    (path,) = folder.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[-5] ^= 1
    broken = {"cut": content[:-100], "flip": content, "empty": b"", "other": b"x" * 500}[damage]
    path.write_bytes(broken)
    for a, b in zip(want, result(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert cache.load(path.name) is not None


def test_an_unwritable_folder_keeps_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("STEEPEST_CACHE", str(tmp_path / "file" / "programs"))
    result()
    monkeypatch.setenv("STEEPEST_CACHE", "")
    result()


def test_settings_are_part_of_the_name():
    names = {naming.entry_name(g, w, f) for g in "ab" for w in (4, 8) for f in ("+avx", "")}
    assert len(names) == 8


@pytest.mark.parametrize("part", ["_source", "name", "system", "version"])
def test_what_another_compiler_has_written_is_not_taken(folder, monkeypatch, part):
    """A changed source of ours; another processor, system or version of LLVM."""
    result()
    if part == "_source":
        monkeypatch.setattr(naming, part, lambda: "edited")
    else:
        other = processor()._replace(**{part: "17"})
        monkeypatch.setattr(naming, "processor", lambda: other)
    result()
    assert len(list(folder.iterdir())) == 2


def _save(name):
    for _ in range(30):
        cache.save(name, {"n": 1}, b"code" * 5000)
        assert cache.load(name) is not None


def test_processes_may_write_one_entry_at_a_time(folder):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_save, args=("entry",)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert [path.name for path in folder.iterdir()] == ["entry"]


def test_old_entries_go_first(folder, monkeypatch):
    monkeypatch.setattr(cache, "_MOST", 8)
    for k in range(8):
        cache.save(f"entry{k}", {}, b"")
    assert cache.load("entry0") is not None  # used last, so it stays
    cache.save("entry8", {}, b"")
    left = {path.name for path in folder.iterdir()}
    assert left == {f"entry{k}" for k in (0, 3, 4, 5, 6, 7, 8)}
