"""The engine: LLVM IR text becomes machine code.

Code generation only, at level 2: the emitter writes what optimisation passes would otherwise have
to find, and passes cost more time than they save (measured; the generated steps are equally fast
with and without them). LLVM orders the instructions of a loop from its top, near the emitter's own
order, which keeps as many sums in registers as there are; from both ends, which is its habit, it
may load so early that sums must wait in memory. The time goes into the number of instructions, so a
program comes as several modules, generated beside each other on several cores.
"""

import os
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from queue import PriorityQueue

from steepest.compiler.machine import llvm
from steepest.compiler.machine.objects import linked
from steepest.compiler.machine.processor import processor
from steepest.compiler.machine.resident import awake, trim

__all__ = ["cores", "machine_code"]


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine_code(modules: Iterable[str], features: str) -> bytes:
    """The image of modules written as LLVM IR; LLVM works on as many as there are cores while the
    next are still being written. The longest of those that wait is the next, so that what is left
    at the end is short: no thread works alone for long.

    What LLVM needs for a module, many times the size of its code, is the system's again before the
    same thread begins with the next.
    """
    awake()
    here, objects = processor(), list[_Object]()
    system = f"{here.system}-elf"
    threads: list[threading.Thread] = []
    waiting: _Waiting = PriorityQueue()
    with ExitStack() as owned:
        try:
            for text in modules:
                objects.append(_Object(text, system))
                waiting.put((-len(text), len(objects), objects[-1]))
                if len(threads) < cores():
                    machine = owned.enter_context(llvm.machine(system, here.name, features))
                    threads.append(threading.Thread(target=_generate, args=(waiting, machine)))
                    threads[-1].start()
        finally:
            for number in range(len(threads)):
                waiting.put((1, number, None))
            for thread in threads:
                thread.join()
    return linked(x.code() for x in objects).to_bytes()


def _generate(waiting: "_Waiting", machine: int) -> None:
    """What a thread does: one module after the other, until None comes."""
    while (found := waiting.get()[-1]) is not None:
        found.generate(machine)


class _Object:
    """A module that becomes machine code in another thread."""

    def __init__(self, text: str, system: str):
        self._text, self._system = text, system
        self._code = b""
        self._wrong: BaseException | None = None

    def generate(self, machine: int) -> None:
        try:
            self._code = llvm.object_file(self._text, self._system, machine)
        except BaseException as wrong:
            self._wrong = wrong
        self._text = ""
        trim()

    def code(self) -> bytes:
        """What was generated."""
        if self._wrong is not None:
            raise self._wrong
        return self._code


_Waiting = PriorityQueue[tuple[int, int, _Object | None]]  # what is smallest comes first
