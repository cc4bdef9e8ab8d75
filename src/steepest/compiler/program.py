"""Program: a compiled step, and the arrays that it runs on.

`program.bind(arrays)` copies states and read-only arrays into the program's layout once and gives a
`Bound`, which runs many steps in one native call; `bound.save()` copies the states back into the
user's arrays. `program.run(...)` is all three.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from steepest.compiler.graph import Graph, Value, splat
from steepest.compiler.layout import Buffer, Layout
from steepest.compiler.plan import Plan
from steepest.core import said

__all__ = ["Bound", "Program", "Signature"]

_PAGE = 4096


@dataclass
class Place:
    """Where an array is: its strides (in elements) and offset (in bytes) in the program's block.

    place   "memory"; or "gathered" or "stepped": read where the user has it
    beyond  bytes after its end that may be read (and are not used)
    """

    place: str
    offset: int
    strides: list[int]
    beyond: int


@dataclass
class Signature:
    """What binding arrays needs to know about compiled code; JSON-able.

    inputs     one place per input of the graph; constants: one per constant that is no single
               number, in the order of the graph's values
    bytes      size of the program's block
    batch      rows that a step gathers, 0 if none
    width      lanes of its vectors
    team       where in the block the threads' own words are; 0: it has no code for threads
    """

    inputs: list[Place]
    constants: list[Place]
    bytes: int
    batch: int
    width: int
    pointers: int
    team: int

    @classmethod
    def of(cls, graph: Graph, layout: Layout, plan: Plan) -> "Signature":
        sources = layout.sources
        inputs = [_place(sources.get(v) or layout.buffers[v], layout) for v in graph.inputs]
        constants = [_place(layout.buffers[v], layout) for v in arrays_of(graph)]
        gathered = [v.shape[0] for v in graph.inputs if v.role == "gathered"]
        pointers = 3 + len(sources) + len(graph.outputs)
        batch = gathered[0] if gathered else 0
        return cls(inputs, constants, plan.bytes, batch, layout.width, pointers, plan.team)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Signature":
        places = {key: [Place(**place) for place in data[key]] for key in ("inputs", "constants")}
        return cls(**{**data, **places})


def arrays_of(graph: Graph) -> list[Value]:
    """Constants that need memory."""
    return [v for v in graph.values() if v.kind == "constant" and splat(v) is None]


def _place(buffer: Buffer, layout: Layout) -> Place:
    rest = buffer.strides[1:] if buffer.place == "gathered" else buffer.strides
    beyond = layout.width * max(rest, default=1) * buffer.dtype.itemsize
    return Place(buffer.place, buffer.offset, list(buffer.strides), beyond)


def aligned(count: int) -> np.ndarray:
    """Zeroed bytes that begin at a cache line."""
    raw = np.zeros(count + 64, np.uint8)
    skip = -raw.ctypes.data % 64
    return raw[skip : skip + count]


class Program:
    """A compiled step.

    graph      what it computes; `explain()` shows how
    signature  where its arrays go
    """

    def __init__(
        self,
        graph: Graph,
        signature: Signature,
        function: Callable[..., int],
        explanation: Callable[[], str],
    ):
        self.graph, self.signature, self.function = graph, signature, function
        self._explanation = explanation

    def explain(self) -> str:
        """The step as equations, then as loop nests."""
        return f"{self.graph.text()}\n\n{self._explanation()}"

    def bind(self, arrays: dict[Value, np.ndarray]) -> "Bound":
        """The program on these arrays: one per input.

        Gathered arrays have any number of rows, stepped ones one entry per step; both are read
        where they are. States and whole arrays are copied into the program's layout.
        """
        return Bound(self, arrays)

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
        done = bound.run(index, steps, outputs, control)
        bound.save()
        return done


class Bound:
    """A program with its arrays and its memory; for one thread at a time.

    arrays  the user's array of every input; replacing one is allowed between runs (then `load`)
    """

    def __init__(self, program: Program, arrays: dict[Value, np.ndarray]):
        self.program, self.arrays = program, dict(arrays)
        self._block = aligned(program.signature.bytes)
        constants = arrays_of(program.graph)
        for v, place in zip(constants, program.signature.constants, strict=True):
            self._view(v, place)[...] = v.data
        self._copied: list[tuple[Value, np.ndarray]] = []
        self._direct: list[tuple[Value, Place]] = []
        for v, place in zip(program.graph.inputs, program.signature.inputs, strict=True):
            if place.place == "memory":
                self._copied.append((v, self._view(v, place)))
            else:
                self._direct.append((v, place))
        self._held: dict[Value, np.ndarray] = {}
        self.load()

    def _view(self, v: Value, place: Place) -> np.ndarray:
        """The value's own shape, over the program's block."""
        strides = [stride * v.dtype.itemsize for stride in place.strides]
        return np.ndarray(v.shape, v.dtype, self._block.data, place.offset, strides)

    def load(self) -> None:
        """Copy states and whole arrays from the user's arrays into the program's memory."""
        for v, view in self._copied:
            array = self.arrays[v]
            if array.shape != v.aval.shape or array.dtype != v.aval.dtype:
                raise _misfit(v, v.shape, array)
            np.copyto(view, array)

    def save(self) -> None:
        """Copy the states back into the user's arrays."""
        for v, view in self._copied:
            if v.role == "state":
                np.copyto(self.arrays[v], view)

    def run(
        self,
        index: np.ndarray | None,
        steps: int,
        outputs: list[np.ndarray],
        control: np.ndarray | None = None,
    ) -> int:
        """Run up to `steps` steps in one native call, and give the number done.

        Args:
            index: row numbers of the samples, (steps · batch) int64, if the program gathers.
            outputs: per output an array of `steps` entries, written as the steps are done.
            control: three int64: write to [0] from another thread to stop; [1] counts the steps
                done; [2] becomes 1 if the run ended at a loss that is not finite.
        """
        control = np.zeros(3, np.int64) if control is None else control
        rows = self._row_numbers(index, steps)
        for v, array in zip(self.program.graph.outputs, outputs, strict=True):
            room = array.size >= steps * v.size and array.flags.c_contiguous
            if array.dtype != v.dtype or not room:
                raise _misfit(v, (steps, *v.shape), array, "output")
        direct = [self._readable(v, place, steps) for v, place in self._direct]
        places = [x.ctypes.data for x in (self._block, rows, control, *direct, *outputs)]
        return self.program.function(*places, steps)

    def _readable(self, v: Value, place: Place, steps: int) -> np.ndarray:
        """The user's array itself, if it may be read a little beyond its end; else a copy.

        Reading beyond the end is harmless inside the memory page in which the array ends.
        """
        array = self.arrays[v]
        shape = v.shape[1:] if place.place == "gathered" else v.shape
        few = place.place == "stepped" and len(array) < steps
        if array.dtype != v.dtype or array.shape[1:] != shape or few:
            raise _misfit(v, (steps if few else len(array), *shape), array)
        end = array.ctypes.data + array.nbytes
        if array.flags.c_contiguous and -end % _PAGE >= place.beyond:
            return array
        held = self._held.get(v)
        if held is None or held.shape != array.shape:
            room = aligned(array.nbytes + place.beyond)
            held = self._held[v] = np.ndarray(array.shape, array.dtype, buffer=room.data)
        np.copyto(held, array)
        return held

    def _row_numbers(self, index: np.ndarray | None, steps: int) -> np.ndarray:
        """The batches' row numbers, checked, followed by rows that may be read."""
        signature = self.program.signature
        count = steps * signature.batch
        rows = np.zeros(count + signature.width, np.int64)
        if not count:
            return rows
        if index is None or index.size != count:
            shape = None if index is None else index.shape
            raise ValueError(said("index", "one row number per sample", expected=count, got=shape))
        rows[:count] = index.reshape(-1)
        limit = min(len(self.arrays[v]) for v, _ in self._direct if v.role == "gathered")
        if rows.view(np.uint64).max() >= limit:  # a negative number is a very large one
            got = f"{rows.min()} to {rows.max()}"
            raise IndexError(said("index", "no such row", expected=f"0 to {limit - 1}", got=got))
        return rows


def _misfit(v: Value, shape: tuple[int, ...], array: np.ndarray, what: str = "input") -> ValueError:
    return ValueError(
        said(
            v.name or what,
            "the array does not fit the compiled program",
            expected=f"{v.dtype} {shape}",
            got=f"{array.dtype} {array.shape}",
        )
    )
