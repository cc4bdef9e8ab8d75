"""Programs come and go: the machine code of those that nobody can call is released.

`make soak` reads the resident memory of five hundred compilations; here what is alive is counted.
"""

import gc

from memory import compiled

from steepest.compiler import programs, steady
from steepest.compiler.machine.executable import NativeFunction

KEPT = 4


def alive() -> int:
    gc.collect()
    return sum(type(x) is NativeFunction for x in gc.get_objects())


def test_twenty_compilations_keep_what_may_be_called_again(monkeypatch):
    monkeypatch.setattr(programs, "_KEPT", KEPT)
    monkeypatch.setattr(programs, "_programs", type(programs._programs)())
    monkeypatch.setattr(steady, "_KEPT", KEPT)
    gc.freeze()  # what is there already is not walked through again and again
    counts = [alive() for _ in compiled(20)]
    gc.unfreeze()
    assert max(counts) <= 2 * KEPT  # of the process, and of the one function that lives on
    assert counts[-1] >= KEPT
