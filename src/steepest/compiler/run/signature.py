"""Signature: where a program's arrays go; all that binding needs to know about compiled code."""

from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from steepest.compiler.graph import Graph, Value, splat
from steepest.compiler.memory.buffers import Buffer
from steepest.compiler.memory.layout import Layout
from steepest.compiler.memory.plan import Plan

__all__ = ["Constant", "Place", "Places", "Signature", "aligned"]


@dataclass
class Place:
    """An array in the program: its strides (in elements) and offset (in bytes) in the block.

    place   "memory"; or "gathered" or "stepped": read where the user has it
    beyond  bytes after its end that may be read (and are not used)
    """

    shape: list[int]
    place: str
    offset: int
    strides: list[int]
    beyond: int

    @classmethod
    def of(cls, v: Value, buffer: Buffer, layout: Layout) -> "Place":
        first = 1 if buffer.place == "gathered" else 0
        axes = zip(buffer.shape[first:], buffer.strides[first:], strict=True)
        # Lanes go along one axis, and never along one of length 1.
        most = max([stride for n, stride in axes if n > 1], default=1)
        beyond = layout.width * most * buffer.dtype.itemsize
        return cls(list(v.shape), buffer.place, buffer.offset, list(buffer.strides), beyond)


@dataclass
class Constant:
    """The numbers of a constant that needs memory, as text."""

    dtype: str
    data: str

    @classmethod
    def of(cls, array: np.ndarray) -> "Constant":
        return cls(array.dtype.str, b64encode(array.tobytes()).decode())

    def array(self, shape: list[int]) -> np.ndarray:
        return np.frombuffer(b64decode(self.data), self.dtype).reshape(shape)


class Places(NamedTuple):
    """Where in a program's memory the threads have theirs: their words (0: it has no code for
    threads) with the bytes of those in common and of each thread's, and the memory of the first
    thread's own; every further thread needs so much too."""

    team: int
    words: int
    each: int
    private: int
    own: int


def aligned(count: int) -> np.ndarray:
    """Zeroed bytes that begin at a cache line."""
    raw = np.zeros(count + 64, np.uint8)
    skip = -raw.ctypes.data % 64
    return raw[skip : skip + count]


@dataclass
class Signature:
    """What binding arrays needs to know about compiled code; JSON-able.

    inputs     one place per input of the graph
    constants  of every constant that is no single number, its place and its numbers
    bytes      size of the program's block
    batch      rows that a step gathers, 0 if none
    width      lanes of its vectors
    threads    what threads need in the block
    """

    inputs: list[Place]
    constants: list[tuple[Place, Constant]]
    bytes: int
    batch: int
    width: int
    pointers: int
    threads: Places

    @classmethod
    def of(cls, graph: Graph, layout: Layout, plan: Plan) -> "Signature":
        sources, buffers = layout.sources, layout.buffers
        inputs = [Place.of(v, sources.get(v) or buffers[v], layout) for v in graph.inputs]
        constants = [
            (Place.of(v, buffers[v], layout), Constant.of(v.data))
            for v in graph.values()
            if v.data is not None and splat(v) is None
        ]
        gathered = [v.shape[0] for v in graph.inputs if v.role == "gathered"]
        pointers = 3 + len(sources) + len(graph.outputs)
        batch = gathered[0] if gathered else 0
        words, each = (plan.sharing.words, plan.sharing.each) if plan.sharing else (0, 0)
        threads = Places(plan.team, words, each, plan.private, plan.own)
        return cls(inputs, constants, plan.bytes, batch, layout.width, pointers, threads)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Signature":
        inputs = [Place(**place) for place in data["inputs"]]
        constants = [(Place(**place), Constant(**x)) for place, x in data["constants"]]
        threads = Places(*data["threads"])
        return cls(**{**data, "inputs": inputs, "constants": constants, "threads": threads})
