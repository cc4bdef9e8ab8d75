"""When a step cannot become a program: one exception, and the user's line that it is about."""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from steepest.core import said

__all__ = ["Lines", "Mistaken", "NotCompilable", "line_of", "refusal", "refusing", "user_line"]

# Frames of these packages are how an operation is done, not where it is asked for.
_MACHINERY = tuple(
    f"steepest.{name}"
    for name in ("autograd", "compiler", "core", "functional", "primitives", "tensors")
)
_BOUNDARY = "steepest.compiler.capture.trace"


class NotCompilable(RuntimeError):
    """The step cannot be compiled; the message names the line and says what to write instead.

    Raised before anything has changed: the same step may be run eagerly instead.
    """


class Mistaken(NotCompilable):
    """An error of the step itself, its cause; most likely it has it when it runs eagerly, too."""


def refusal(
    what: str, *, line: str = "", expected: object = None, got: object = None, write: object = None
) -> NotCompilable:
    """The exception for one reason, `what`, at one of the user's lines."""
    where = f"compile, {line}" if line else "compile"
    return NotCompilable(said(where, what, expected=expected, got=got, write=write))


@contextmanager
def refusing(kind: type[NotCompilable] = NotCompilable) -> Iterator[None]:
    """Whatever goes wrong inside becomes a reason to run the step eagerly, of this kind.

    A mistake of the user's shows again, as what it is, when the step runs eagerly.
    """
    try:
        yield
    except NotCompilable:
        raise
    except Exception as wrong:
        what = f"{type(wrong).__name__}: {str(wrong).partition(chr(10))[0]}"
        raise kind(said("compile", f"compiling failed with {what}")) from wrong


def line_of(step: Any) -> str:
    """ "file.py:12": where a step begins, for what cannot be said of one of its lines."""
    code = getattr(inspect.unwrap(step), "__code__", None)
    return f"{code.co_filename.rpartition('/')[2]}:{code.co_firstlineno}" if code else ""


def user_line() -> str:
    """ "file.py:12": the line of the step that asks for what is being traced.

    It is the innermost line outside of the library; in a step made of library code alone, the line
    of the layer or the optimizer.
    """
    return Lines().of(sys._getframe(1))


class Lines:
    """Such lines, of one run: every equation asks for its own.

    While one call of a layer lasts, whoever has called it waits at one line, so the way from there
    on is gone once.
    """

    def __init__(self) -> None:
        self._layer: FrameType | None = None
        self._caller = ""
        self._user: tuple[FrameType | None, int] = None, 0
        self._line = ""

    def of(self, inside: FrameType | None) -> str:
        """The line that has led to this frame."""
        frame = _outside(inside)
        if frame is None:
            return ""
        if frame is not self._layer:
            if _PLACES[frame.f_globals.get("__name__", "")] == "user":
                return self._of_user(frame)
            outer = _outside(frame.f_back, but="layer")
            self._caller = _written(outer) if outer else ""
            # A generator may be continued by someone else.
            self._layer = None if frame.f_code.co_flags & inspect.CO_GENERATOR else frame
        return self._caller or _written(frame)

    def _of_user(self, frame: FrameType) -> str:
        """Nearly always the line of before: a backward pass is hundreds of equations."""
        here = frame, frame.f_lasti
        if here != self._user:
            self._user, self._line = here, _written(frame)
        return self._line


def _outside(frame: FrameType | None, but: str = "") -> FrameType | None:
    """The first frame from here outward that is neither machinery nor `but`; None where the step
    begins before."""
    while frame is not None:
        place = _PLACES[frame.f_globals.get("__name__", "")]
        if place and place != but:
            if place != "boundary":
                return frame
            if frame.f_code.co_name == "run":
                break
        frame = frame.f_back
    return None


class _Places(dict[str, str]):
    """Whose code the frames of a module run: "" for machinery, which most frames of a trace are.
    Every equation asks about a dozen frames."""

    def __missing__(self, module: str) -> str:
        outside = "layer" if module.startswith("steepest.") else "user"
        place = "" if module.startswith(_MACHINERY) else outside
        self[module] = "boundary" if module == _BOUNDARY else place
        return self[module]


_PLACES = _Places()


def _written(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}"
