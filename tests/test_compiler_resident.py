"""LLVM's library in memory: what generating code touches comes page by page, and goes again."""

import os
from pathlib import Path

import pytest

from steepest.compiler.machine import resident
from steepest.compiler.machine.engine import machine_code
from steepest.compiler.machine.processor import processor

SMAPS = Path("/proc/self/smaps")
ALL = "define i64 @run(i64 %a, i64 %b) {\n  %c = add i64 %a, %b\n  ret i64 %c\n}"

pytestmark = pytest.mark.skipif(not SMAPS.exists(), reason="the system does not say what is where")


def occupied():
    """MiB of the library that are in memory and could be read anew."""
    starts = {f"{start:x}-{start + size:x}" for start, size in resident._unwritten()}
    found, counts = 0, False
    for line in SMAPS.read_text().splitlines():
        head, *rest = line.split()
        if "-" in head:
            counts = head in starts
        elif counts and head == "Rss:":
            found += int(rest[0])
    return found / 1024


def test_what_generating_code_has_touched_is_given_back():
    machine_code([ALL], processor().features)
    assert occupied() > 1
    resident.give_back()
    assert occupied() == 0


def test_nothing_stays_open_where_the_system_refuses(monkeypatch):
    monkeypatch.setattr(resident, "_asked", lambda *request: False)
    before = len(os.listdir("/proc/self/fd"))
    resident._one_by_one()
    assert len(os.listdir("/proc/self/fd")) == before


def test_pages_come_one_by_one_where_the_system_lets_them():
    resident.awake()
    fresh = resident._linux().syscall(resident._CALL.get(os.uname().machine, -1), 1)
    if fresh < 0:
        pytest.skip("the system refuses userfaultfd")
    os.close(fresh)
    resident.give_back()
    machine_code([ALL], processor().features)
    assert occupied() < 20  # 30 where each brings its neighbours
    resident.give_back()
