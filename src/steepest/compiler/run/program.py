"""Program: a compiled step, and the arrays that it runs on.

`program.bind(arrays)` gives a `Bound`, the program on arrays of the user's: states and read-only
arrays are copied into a block of memory, in the program's layout, by `load`, many steps run in one
native call, and `save` copies the states back into the user's arrays. `program.run(...)` is all
three. Between these two a Bound has its block for itself; then another may have it: of sixty-four
trainings of one network each finds it in the processor's cache, where the one before has left it.
"""

from collections.abc import Callable, Sequence
from math import prod
from weakref import ref

import numpy as np

from steepest.compiler.graph import Value
from steepest.compiler.run.pages import LARGE, make_pages
from steepest.compiler.run.signature import Place, Signature, aligned
from steepest.compiler.run.team import native
from steepest.compiler.spans import address
from steepest.core import Aval, said

__all__ = ["Bound", "Program"]

_PAGE = 4096
_TURNED = 256  # rows of a large array that are copied at a time
_LINE = 16  # numbers of a cache line, at most


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
        self._free: Callable[[], _Free | None] = lambda: None

    def free(self) -> "_Free":
        """The blocks that no Bound has, and all of them may take; they live as long as a Bound."""
        found = self._free()
        if found is None:
            found = _Free()
            self._free = ref(found)
        return found

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


class _Block:
    """Memory in which a program runs.

    at      its address
    copied  the inputs that are copied into it, by their numbers, and where each of them is
    turned  the same of those that are large and lie the other way around
    states  those that are copied back
    """

    def __init__(self, program: Program):
        signature = program.signature
        self._memory = aligned(signature.bytes)
        self.at = address(self._memory)
        for place, constant in signature.constants:
            view = self._view(place, np.dtype(constant.dtype))
            view[...] = constant.array(place.shape)
        inputs = enumerate(zip(program.inputs, signature.inputs, strict=True))
        memory = [(k, v, place) for k, (v, place) in inputs if place.place == "memory"]
        held = [(k, v.role, self._view(place, v.dtype)) for k, v, place in memory]
        self.copied = [(k, view) for k, _, view in held if not _is_turned(view)]
        self.turned = [(k, view) for k, _, view in held if _is_turned(view)]
        self.states = [(k, view) for k, role, view in held if role == "state"]

    def _view(self, place: Place, dtype: np.dtype) -> np.ndarray:
        """The value's own shape, over the block."""
        strides = [stride * dtype.itemsize for stride in place.strides]
        return np.ndarray(place.shape, dtype, self._memory.data, place.offset, strides)


def _is_turned(view: np.ndarray) -> bool:
    """Whether it is large, and neighbours along the first axis lie side by side."""
    return view.nbytes >= LARGE and view.ndim > 1 and view.strides[0] == view.itemsize


def _turn(array: np.ndarray, view: np.ndarray) -> None:
    """Copy an array into one that lies the other way around.

    NumPy goes as the view lies, from row to row of the array. Rows that are a power of two apart,
    as in many large ones, drive each other out of the cache. So some rows at a time are copied to
    where they are a line longer, and from there.
    """
    shape = _TURNED, *array.shape[1:-1], array.shape[-1] + _LINE
    apart = np.empty(shape, array.dtype)[..., :-_LINE]
    for first in range(0, len(array), _TURNED):
        rows = array[first : first + _TURNED]
        apart[: len(rows)] = rows
        view[first : first + _TURNED] = apart[: len(rows)]


class _Free(list[_Block]):
    """Blocks that nobody has: a list that can be referred to weakly."""


class Bound:
    """A program and the user's arrays; for one thread at a time."""

    def __init__(self, program: Program):
        self.program = program
        self._free = program.free()
        self._block: _Block | None = None
        self._arrays = [np.empty(0)] * len(program.inputs)
        own = [k for k, x in enumerate(program.signature.inputs) if x.place != "memory"]
        self._direct = {
            k: _Direct(program.inputs[k], program.signature.inputs[k], number)
            for number, k in enumerate(own)
        }
        self._control, self._control_at = np.empty(0), 0
        self._outputs = [(prod(aval.shape), aval.dtype, aval.shape) for aval in program.outputs]
        self._batch = program.signature.batch
        self._gathered = [x for x in self._direct.values() if not x.stepped]
        self._sources = [0] * len(self._direct)  # where each is
        self._refreshed: list[_Direct] = []  # those that are copied before every run
        self._stepped = [x for x in self._direct.values() if x.stepped]
        self._limit = 0  # rows that every gathered array has
        self._make_rows(0)

    def place(self, number: int, array: np.ndarray) -> None:
        """Make this the user's array of an input.

        It is read from `load` and `run` on, and one with an entry per step at once.
        """
        direct = self._direct.get(number)
        if direct is None:
            v = self.program.inputs[number]
            if array.shape != v.aval.shape or array.dtype != v.aval.dtype:
                raise _misfit(v.name, v.dtype, v.shape, array)
            if v.role == "state":
                make_pages(array)
            self._arrays[number] = array
            return
        direct.place(array)
        self._sources[direct.number] = direct.at
        if not direct.stepped:
            self._limit = min(x.rows for x in self._gathered)
            self._refreshed = [x for x in self._gathered if x.copied]

    def load(self) -> None:
        """Copy states and whole arrays from the user's arrays into the program's memory."""
        arrays, block = self._arrays, self._taken()
        for number, view in block.copied:
            view[...] = arrays[number]
        for number, view in block.turned:
            _turn(arrays[number], view)

    def _taken(self) -> _Block:
        """The block in which to run, for nobody else until `save`."""
        if self._block is None:
            try:
                self._block = self._free.pop()
            except IndexError:
                self._block = _Block(self.program)
        return self._block

    def save(self) -> None:
        """Copy the states back into the user's arrays; the program's memory is free then."""
        arrays, block = self._arrays, self._block
        assert block is not None
        for number, view in block.states:
            arrays[number][...] = view
        self._free.append(block)
        self._block = None

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
        assert self._block is not None
        if control is not self._control:
            self._control, self._control_at = control, address(control)
        pointers = [self._block.at, 0, self._control_at, *self._sources]
        for (size, dtype, shape), array in zip(self._outputs, outputs, strict=True):
            if array.dtype != dtype or array.size < steps * size or not array.flags.c_contiguous:
                raise _misfit("output", dtype, (steps, *shape), array)
            pointers.append(address(array))
        for direct in self._stepped:
            if direct.rows < steps:
                raise direct.too_short(steps)
        for direct in self._refreshed:
            direct.refresh()
        pointers[1] = self._rows(index, steps * self._batch)
        return self.program.function(*pointers, steps)

    def _rows(self, index: np.ndarray | None, count: int) -> int:
        """Where the batches' row numbers are, checked, followed by rows that may be read."""
        if not count:
            return self._rows_at
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
        return self._rows_at

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
        self.stepped = value.role == "stepped"
        self.shape = value.shape if self.stepped else value.shape[1:]
        self.rows = self.at = 0
        self._array: np.ndarray
        self._room = np.empty(0)
        self.copied = False

    def place(self, array: np.ndarray) -> None:
        """Read the array itself, if it may be read a little beyond its end; else a copy.

        Reading beyond the end is harmless inside the memory page in which the array ends. Of what
        has an entry per step there is another array at nearly every run: those share one copy.
        """
        shape = array.shape
        if shape[1:] != self.shape or not (self.stepped or array.dtype == self.value.dtype):
            raise _misfit(self.value.name, self.value.dtype, (len(array), *self.shape), array)
        self._array, self.rows = array, shape[0]
        if self.stepped:
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


def _misfit(name: str, dtype: np.dtype, shape: tuple[int, ...], array: np.ndarray) -> ValueError:
    return ValueError(
        said(
            name or "input",
            "the array does not fit the compiled program",
            expected=f"{dtype} {shape}",
            got=f"{array.dtype} {array.shape}",
        )
    )
