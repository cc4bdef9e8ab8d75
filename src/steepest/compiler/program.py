"""Program: a compiled step, and the arrays that it runs on.

`program.bind(arrays)` gives a `Bound`, the program with memory of its own: states and read-only
arrays are copied into the program's layout by `load`, many steps run in one native call, and `save`
copies the states back into the user's arrays. `program.run(...)` is all three.
"""

from collections.abc import Sequence
from ctypes import addressof, c_char
from math import prod
from typing import Any

import numpy as np

from steepest.compiler.graph import Value
from steepest.compiler.signature import Place, Signature, aligned
from steepest.compiler.team import native
from steepest.core import Aval, said

__all__ = ["Bound", "Program"]

_PAGE = 4096


class Program:
    """A compiled step.

    inputs     what arrays are bound to, in the shapes in which the program reads them
    outputs    shape and dtype of what it writes in every step
    signature  where its arrays go
    code       its image (see `objects`)
    """

    def __init__(
        self,
        inputs: Sequence[Value],
        outputs: Sequence[Aval],
        signature: Signature,
        code: bytes,
    ):
        self.inputs, self.outputs = list(inputs), list(outputs)
        self.signature, self.code = signature, code
        self.function = native(code, signature.pointers, signature.threads)

    def bind(self, arrays: dict[Value, np.ndarray]) -> "Bound":
        """The program on these arrays: one per input.

        Gathered arrays have any number of rows and are read where they are. Stepped ones have one
        entry per step and are copied now, states and whole arrays by `load`.
        """
        bound = Bound(self)
        for number, v in enumerate(self.inputs):
            bound.place(number, arrays[v])
        return bound

    def run(
        self,
        arrays: dict[Value, np.ndarray],
        index: np.ndarray | None,
        steps: int,
        outputs: list[np.ndarray],
        control: np.ndarray | None = None,
    ) -> int:
        """Run steps, change the states' arrays in place, and give the number of steps done."""
        bound = self.bind(arrays)
        bound.load()
        control = np.zeros(3, np.int64) if control is None else control
        done = bound.run(index, steps, outputs, control)
        bound.save()
        return done


class Bound:
    """A program with its memory, and the user's arrays; for one thread at a time."""

    def __init__(self, program: Program):
        self.program = program
        self._block = aligned(program.signature.bytes)
        for place, constant in program.signature.constants:
            view = self._view(place, np.dtype(constant.dtype))
            view[...] = constant.array(place.shape)
        self._arrays = [np.empty(0)] * len(program.inputs)
        self._copied: list[tuple[int, np.ndarray]] = []
        self._states: list[tuple[int, np.ndarray]] = []
        self._direct: dict[int, _Direct] = {}
        self._control, self._control_at = np.empty(0), 0
        for k, place in enumerate(program.signature.inputs):
            v = program.inputs[k]
            if place.place == "memory":
                self._copied.append((k, self._view(place, v.dtype)))
                self._states += self._copied[-1:] if v.role == "state" else []
            else:
                self._direct[k] = _Direct(v, place, len(self._direct))
        self._sizes = [(aval.dtype, prod(aval.shape)) for aval in program.outputs]
        self._gathered = [x for x in self._direct.values() if x.value.role == "gathered"]
        self._sources = [0] * len(self._direct)  # where each is
        self._refreshed: list[_Direct] = []  # those that are copied before every run
        self._stepped = [x for x in self._direct.values() if x.value.role == "stepped"]
        self._limit = 0  # rows that every gathered array has
        self._block_at = self._block.ctypes.data
        self._make_rows(0)

    def _view(self, place: Place, dtype: np.dtype) -> np.ndarray:
        """The value's own shape, over the program's block."""
        strides = [stride * dtype.itemsize for stride in place.strides]
        return np.ndarray(place.shape, dtype, self._block.data, place.offset, strides)

    def place(self, number: int, array: np.ndarray) -> None:
        """Make this the user's array of an input.

        It is read from `load` and `run` on, and one with an entry per step at once.
        """
        v = self.program.inputs[number]
        if number in self._direct:
            direct = self._direct[number]
            direct.place(array)
            self._sources[direct.number] = direct.at
            if v.role == "gathered":
                self._limit = min(x.rows for x in self._gathered)
                self._refreshed = [x for x in self._gathered if x.copied]
        else:
            if array.shape != v.aval.shape or array.dtype != v.aval.dtype:
                raise _misfit(v.name, v.dtype, v.shape, array)
        self._arrays[number] = array

    def load(self) -> None:
        """Copy states and whole arrays from the user's arrays into the program's memory."""
        arrays = self._arrays
        for number, view in self._copied:
            view[...] = arrays[number]

    def save(self) -> None:
        """Copy the states back into the user's arrays."""
        arrays = self._arrays
        for number, view in self._states:
            arrays[number][...] = view

    def run(
        self, index: np.ndarray | None, steps: int, outputs: list[np.ndarray], control: np.ndarray
    ) -> int:
        """Run up to `steps` steps in one native call, and give the number done.

        Args:
            index: row numbers of the samples, (steps · batch) int64, if the program gathers.
            outputs: per output an array of `steps` entries, written as the steps are done.
            control: three int64: write to [0] from another thread to stop; [1] counts the steps
                done; [2] becomes 1 if the run ended at a loss that is not finite.
        """
        for number, (dtype, size) in enumerate(self._sizes):
            array = outputs[number]
            if array.dtype != dtype or array.size < steps * size or not array.flags.c_contiguous:
                shape = (steps, *self.program.outputs[number].shape)
                raise _misfit("output", dtype, shape, array)
        for direct in self._stepped:
            if direct.rows < steps:
                raise direct.too_short(steps)
        for direct in self._refreshed:
            direct.refresh()
        self._take_rows(index, steps)
        if control is not self._control:
            self._control, self._control_at = control, _address(control)
        pointers = (self._block_at, self._rows_at, self._control_at, *self._sources)
        return self.program.function(*pointers, *map(_address, outputs), steps)

    def _take_rows(self, index: np.ndarray | None, steps: int) -> None:
        """The batches' row numbers, checked, followed by rows that may be read."""
        count = steps * self.program.signature.batch
        if not count:
            return
        if index is None or index.size != count:
            shape = None if index is None else index.shape
            raise ValueError(said("index", "one row number per sample", expected=count, got=shape))
        if self._numbers.size != count:
            self._make_rows(count)
        self._numbers[...] = index
        # A negative number is a very large one. Where the largest is, NumPy says sooner than it.
        unsigned = self._unsigned
        if unsigned.item(unsigned.argmax()) >= self._limit:
            got, most = f"{index.min()} to {index.max()}", self._limit - 1
            raise IndexError(said("index", "no such row", expected=f"0 to {most}", got=got))

    def _make_rows(self, count: int) -> None:
        rows = np.zeros(count + self.program.signature.width, np.int64)
        self._rows_at = rows.ctypes.data
        self._numbers = rows[:count]
        self._unsigned = self._numbers.view(np.uint64)


class _Direct:
    """An input that is read where the user has it, or in a copy.

    number  which of a program's it is
    rows    the number of samples, or of steps
    at      where the numbers are
    copied  whether they are copied there before every run
    """

    def __init__(self, value: Value, place: Place, number: int):
        self.value, self.beyond, self.number = value, place.beyond, number
        self.shape = value.shape[1:] if place.place == "gathered" else value.shape
        self.rows = self.at = 0
        self._array: np.ndarray
        self._room = np.empty(0)
        self.copied = False

    def place(self, array: np.ndarray) -> None:
        """Read the array itself, if it may be read a little beyond its end; else a copy.

        Reading beyond the end is harmless inside the memory page in which the array ends. Of what
        has an entry per step there is another array at nearly every run: those share one copy.
        """
        stepped = self.value.role == "stepped"
        if array.shape[1:] != self.shape or not (stepped or array.dtype == self.value.dtype):
            raise _misfit(self.value.name, self.value.dtype, (len(array), *self.shape), array)
        self._array, self.rows = array, len(array)
        if stepped:
            if len(self._room) < self.rows:
                self._make_room(array.shape)
            self._room[: self.rows] = array
            return
        self.at = array.ctypes.data
        past = -(self.at + array.nbytes) % _PAGE  # bytes from the array's end to the page's
        self.copied = not array.flags.c_contiguous or past < self.beyond
        if self.copied:
            self._make_room(array.shape)

    def _make_room(self, shape: tuple[int, ...]) -> None:
        dtype = self.value.dtype
        room = aligned(prod(shape) * dtype.itemsize + self.beyond)
        self._room = np.ndarray(shape, dtype, buffer=room.data)
        self.at = self._room.ctypes.data

    def refresh(self) -> None:
        """Copy the numbers as they are now."""
        self._room[...] = self._array

    def too_short(self, steps: int) -> ValueError:
        """The refusal of an array with fewer entries than steps."""
        return _misfit(self.value.name, self.value.dtype, (steps, *self.shape), self._array)


def _address(array: Any) -> int:
    """Where an array that may be written begins; four times as fast as `array.ctypes.data`."""
    return addressof(c_char.from_buffer(array)) if array.size else 0


def _misfit(name: str, dtype: np.dtype, shape: tuple[int, ...], array: np.ndarray) -> ValueError:
    return ValueError(
        said(
            name or "input",
            "the array does not fit the compiled program",
            expected=f"{dtype} {shape}",
            got=f"{array.dtype} {array.shape}",
        )
    )
