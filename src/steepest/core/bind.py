"""Rows, and who interprets them.

A `Primitive` is one row of the table and also the function that the rest of the library calls.
Calling it hands its operands to the interpreter of the current thread. The lowest interpreter
either computes (`Eager`, NumPy) or writes down what would be computed (the compiler's tracer); the
tape, which remembers operations for the backward pass, sits above either and is installed by the
floor that owns it.

Why interpreters? Because then one table serves eager computing, differentiation of any order and
compilation, and none of them needs a list of operations of its own.
"""

import contextvars
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from math import copysign
from typing import Any, Protocol

import numpy as np

from steepest.core.aval import Aval

__all__ = ["Eager", "Primitive", "current", "install", "interpreting", "spread"]


class Interpreter(Protocol):
    def bind(self, row: "Primitive", operands: tuple, params: dict) -> Any: ...

    def spread(self, number: float, dtype: np.dtype, shape: tuple[int, ...]) -> Any: ...


class Primitive:
    """One row: everything that is true of one operation.

    name      what it is called in the table, in graphs and in messages
    evaluate  NumPy arrays -> NumPy array
    shape     operand avals -> aval of the result; raises where the operands do not fit
    lowering  the kind of loop nest that the compiler makes of it
    vjp       per operand, (g, out, *operands, **params) -> gradient, written in rows, or None where
              the result does not change smoothly with that operand; filled in by the derivatives'
              page

    Array operands are positional, metadata is keyword-only.
    """

    __slots__ = ("evaluate", "lowering", "name", "shape", "vjp")

    def __init__(
        self,
        name: str,
        evaluate: Callable[..., Any],
        shape: Callable[..., Aval],
        lowering: str,
    ):
        self.name, self.evaluate, self.shape, self.lowering = name, evaluate, shape, lowering
        self.vjp: tuple[Callable[..., Any] | None, ...] = ()

    def __call__(self, *operands: Any, **params: Any) -> Any:
        return current.interpreter.bind(self, operands, params)

    def __repr__(self) -> str:
        return f"<row {self.name}>"


class Eager:
    """Computes at once, with NumPy."""

    computes = True  # a tracer does not: it has no numbers to look at, and nothing to overwrite

    def __init__(self) -> None:
        # Inside this context NumPy stays silent about inf and NaN, as PyTorch is; the user's own
        # error settings and warnings are never touched.
        context = contextvars.copy_context()
        context.run(np.seterr, all="ignore")
        self._run = context.run

    def bind(self, row: Primitive, operands: tuple | list, params: dict) -> np.ndarray:
        try:
            if params:
                out = self._run(row.evaluate, *operands, **params)
            else:  # a call that unpacks no names costs half
                out = self._run(row.evaluate, *operands)
        except (ValueError, TypeError, IndexError):
            # NumPy's complaint is about its own call; the row's shape rule names the mistake.
            row.shape(*(Aval(x.shape, x.dtype) for x in operands), **params)
            raise
        return out if type(out) is np.ndarray else np.asarray(out)

    def spread(self, number: float, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
        """A constant, which repeats the number."""
        return spread(number, dtype, shape)

    def numbers(self, value: np.ndarray, asked: str) -> np.ndarray:
        """The numbers of a value, for Python to look at."""
        return value

    def occurs(self, condition: np.ndarray) -> bool:
        """Whether a condition is met anywhere."""
        return bool(condition.any())

    def kept(self, value: np.ndarray) -> np.ndarray:
        """A value as it is now, whatever is done to it in place later."""
        return value.copy()

    def rebound(self, old: np.ndarray, new: np.ndarray) -> np.ndarray:
        """What a tensor holds that held `old` and is given `new` in its place."""
        return new


def spread(number: float, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """The number at every place of an array of that shape, none of which can be written to."""
    return _known(number, copysign(1, number), dtype, shape)


@lru_cache(maxsize=512)
def _known(number: float, sign: float, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """The same few numbers meet the same few shapes all through a training. The sign tells −0.0
    from 0.0."""
    # Five times as fast as broadcast_to.
    repeated = np.ndarray(shape, dtype, np.array(number, dtype), 0, (0,) * len(shape))
    repeated.flags.writeable = False
    return repeated


class _Current(threading.local):
    """The interpreter of this thread; another thread's tracing or `no_grad` does not disturb it."""

    default: Callable[[], Interpreter] = Eager

    def __init__(self) -> None:
        self.interpreter: Any = type(self).default()


current = _Current()


def install(default: Callable[[], Interpreter]) -> None:
    """Make `default()` the interpreter of every thread that has not started another."""
    _Current.default = default  # type: ignore[assignment]
    current.interpreter = default()


@contextmanager
def interpreting(interpreter: Interpreter) -> Iterator[Any]:
    """Hand every row called in this block, on this thread, to `interpreter`."""
    before, current.interpreter = current.interpreter, interpreter
    try:
        yield interpreter
    finally:
        current.interpreter = before
