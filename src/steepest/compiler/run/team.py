"""The team: threads of Python that run one native function together, and how many it pays to use.

Python's lock is free while native code runs, so its threads are as good as any. They are made once
and sleep between calls; waking one takes 7 to 35 µs, so only programs that have code for threads
(`sharing`) come here. A program's first steps are timed on one thread and on more, and the fastest
number is kept for a while, and then chosen anew, for other work comes and goes; sooner if some
threads were left out, for a core that slept may take some tenths of a second to come to full speed.
That changes no result, because the bits do not depend on it.
"""

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from functools import lru_cache
from math import inf
from time import perf_counter

import numpy as np

from steepest.compiler.machine.executable import NativeFunction
from steepest.compiler.memory.sharing import ABANDONED, MOST, YIELD
from steepest.compiler.run.signature import Places, aligned
from steepest.core import get_num_threads

__all__ = ["SharedFunction", "Team", "native"]

ROUNDS = 4  # timed calls for every number of threads; the first warms up
SECONDS = 2e-3  # what such a call should take
AGAIN = 100  # times as long as it took to make a choice, it is kept
SOON = 20  # the same if it left threads out
_CLEARLY = 0.95  # of the time on fewer threads


class _Mate:
    """A thread that sleeps until it has a job."""

    def __init__(self, number: int):
        self.number = number
        self.job: Callable[[int], int] | None = None
        self.wrong: BaseException | None = None
        self._called, self._done = threading.Lock(), threading.Lock()
        self._called.acquire()
        self._done.acquire()
        name = f"steepest {number}"
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def call(self, job: Callable[[int], int]) -> None:
        self.job, self.wrong = job, None
        self._called.release()

    def wait(self) -> None:
        self._done.acquire()

    def _work(self) -> None:
        while True:
            self._called.acquire()
            assert self.job is not None
            try:
                self.job(self.number)
            except BaseException as wrong:
                self.wrong = wrong
            self.job = None
            self._done.release()


class Team:
    """The threads of this process, beside the one that calls; one job at a time."""

    def __init__(self) -> None:
        self.free = threading.Lock()
        self._mates: list[_Mate] = []

    def size(self, wanted: int) -> int:
        """Threads that can work together: fewer than wanted where the system gives no more."""
        try:
            while len(self._mates) < wanted - 1:
                self._mates.append(_Mate(len(self._mates) + 1))
        except RuntimeError:
            return len(self._mates) + 1
        return wanted

    def run(self, job: Callable[[int], int], threads: int, abandon: Callable[[], None]) -> int:
        """job(0) here, and job(1) … job(threads − 1) at the same time; gives what job(0) gives.

        Args:
            threads: at most `size`.
            abandon: called when one of them fails, so that no other waits for it; the error is
                raised when all have ended.
        """

        def careful(number: int) -> int:
            try:
                return job(number)
            except BaseException:
                abandon()
                raise

        called: list[_Mate] = []
        try:
            for mate in self._mates[: threads - 1]:
                called.append(mate)
                mate.call(careful)
            done = careful(0)
        except BaseException:  # an interrupt may come before job(0) begins
            abandon()
            raise
        finally:
            _wait(called)
        for mate in called:
            if mate.wrong is not None:
                raise mate.wrong
        return done


def _wait(mates: list[_Mate]) -> None:
    """Until all have ended, also when the user interrupts meanwhile."""
    interrupt: KeyboardInterrupt | None = None
    for mate in mates:
        while True:
            try:
                mate.wait()
                break
            except KeyboardInterrupt as wrong:
                interrupt = wrong
    if interrupt is not None:
        raise interrupt


_team = Team()


def _renew() -> None:
    """A forked process has none of its parent's threads."""
    global _team
    _team = Team()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


@lru_cache(1)
def _giving_way() -> int:
    """The address of the function with which a thread gives its processor away; 0 if unknown."""
    try:
        if sys.platform == "win32":
            function = ctypes.WinDLL("kernel32").SwitchToThread
        else:
            function = ctypes.CDLL(None).sched_yield
    except (OSError, AttributeError):
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0


class SharedFunction:
    """A native function with code for threads, called like one without.

    kept  threads that it runs on; None until some steps have shown how many are fastest
    """

    def __init__(self, function: NativeFunction, places: Places):
        self._function, self._places = function, places
        self._own: list[np.ndarray] = []  # memory of the threads beside the first
        self.kept: int | None = None
        self._allowed, self._since, self._until = 0, 0.0, inf
        self._times: dict[int, list[float]] = {}

    def __call__(self, *arguments: int) -> int:
        """Pointers, the first to the program's memory, the third to its control; then steps."""
        *pointers, steps = arguments
        stopped = (ctypes.c_int64 * 3).from_address(pointers[2])
        team, done = _team, 0
        free = team.free.acquire(blocking=False)  # else another program of this process runs on it
        try:
            while done < steps:
                threads, last = self._next(team, done, steps) if free else (1, steps)
                start = perf_counter()
                reached = self._run(team, pointers, done, last, threads)
                if reached < last or stopped[0] or stopped[2]:
                    return reached
                if free and self.kept is None:
                    self._note(threads, (perf_counter() - start) / (last - done))
                done = reached
        finally:
            if free:
                team.free.release()
        return done

    def _run(self, team: Team, pointers: list[int], first: int, last: int, threads: int) -> int:
        """Steps first … last − 1 on so many threads."""
        words = pointers[0] + self._places.team
        while len(self._own) < threads - 1:
            self._own.append(aligned(self._places.own))
        own = [pointers[0] + self._places.private, *(block.ctypes.data for block in self._own)]
        ctypes.memset(words, 0, self._places.words + threads * self._places.each)
        ctypes.c_int64.from_address(words + YIELD).value = _giving_way()
        abandoned = ctypes.c_int64.from_address(words + ABANDONED)

        def part(thread: int) -> int:
            return self._function(*pointers, first, last, thread, threads, own[thread])

        def abandon() -> None:
            abandoned.value = 1

        return part(0) if threads == 1 else team.run(part, threads, abandon)

    def _next(self, team: Team, done: int, steps: int) -> tuple[int, int]:
        """On how many threads to run next, and up to which step."""
        allowed, now = get_num_threads(), perf_counter()
        if allowed != self._allowed or now > self._until:
            self._allowed, self._since, self._until, self.kept = allowed, now, inf, None
            most = team.size(min(allowed, MOST))
            self._times = {
                n: [] for n in sorted({max(most >> k, 1) for k in range(most.bit_length())})
            }
        known = [t for times in self._times.values() for t in times]
        if self.kept is None:
            threads = min(self._times, key=lambda n: len(self._times[n]))
            last = done + (max(int(SECONDS / min(known)), 1) if known else 1)
        else:
            threads, left = team.size(self.kept), self._until - now
            last = done + int(left / min(known)) + 1 if left < inf else steps
        return threads, min(last, steps)

    def _note(self, threads: int, seconds: float) -> None:
        """One more time per step; when there are enough, more threads must win clearly."""
        self._times[threads].append(seconds)
        if min(map(len, self._times.values())) == ROUNDS:
            fastest = {n: min(times[1:]) for n, times in self._times.items()}
            best = 1
            for n, t in fastest.items():
                best = n if t < _CLEARLY * fastest[best] else best
            now = perf_counter()
            again = AGAIN if best == max(fastest) else SOON
            self.kept, self._until = best, now + again * (now - self._since)

    def keep(self, threads: int) -> None:
        """Run on so many threads as long as `get_num_threads` says what it says now."""
        self._allowed, self._until, self.kept = get_num_threads(), inf, threads


def native(code: bytes, pointers: int, places: Places) -> Callable[..., int]:
    """The function of an image."""
    if not places.team:
        return NativeFunction(code, pointers)
    return SharedFunction(NativeFunction(code, pointers, counts=5), places)
