"""Steady: a loop is used as long as the step is what it was captured as, and then made anew."""

import gc
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from steepest.compiler.capture.refusal import refusal
from steepest.compiler.loop import Loop

__all__ = ["Steady"]

_KEPT = 64  # loops; beyond, the one unused for longest goes
_PATIENCE = 16  # recaptures in a row after which a step counts as one that never stays the same


@contextmanager
def _uncollected() -> Iterator[None]:
    """Python does not look for garbage meanwhile: nearly all that a capture and a compilation make
    lives until they end, and is looked at again and again."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


class Steady:
    """Loops by what they were captured for, captured anew where the step has changed."""

    def __init__(self) -> None:
        self.loops: OrderedDict[Any, Loop] = OrderedDict()
        self.changes: dict[Any, int] = {}

    def get(self, key: Any, make: Callable[[], Loop]) -> Loop:
        loop = self.loops.get(key)
        reason = loop.stale() if loop else None
        if loop is not None and reason is None:
            if self.changes:
                self.changes.pop(key, None)
            self.loops.move_to_end(key)
            return loop
        if reason is not None:
            self.changes[key] = self.changes.get(key, 0) + 1
        if self.changes.get(key, 0) > _PATIENCE:
            name = "x" if " " in str(reason) else reason
            raise refusal(
                f"{reason} changes between the calls of the step, so each would be compiled anew",
                write=f"{name} = tensor(number) once, and {name}.fill_(number) where it changes; "
                "or an argument of the step that is a tensor",
            )
        with _uncollected():
            self.loops[key] = made = make()
        self.loops.move_to_end(key)
        if len(self.loops) > _KEPT:
            gone, _ = self.loops.popitem(last=False)
            self.changes.pop(gone, None)
        return made

    def explain(self) -> str:
        """All stages of every program made so far, as text that reads like mathematics."""
        return "\n\n".join(loop.explain() for loop in self.loops.values())
