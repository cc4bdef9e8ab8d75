"""Programs: a captured step's program, from memory, from disk, or made.

The name of a program is a digest of the text of the graph *as it was captured*, so one that exists
needs no other stage: two trainings of the same network share it, and so do two processes.
With STEEPEST_EXPLAIN=1 in the environment, every program that a process meets is explained on
standard error.
"""

import os
import sys
import threading
from collections import OrderedDict
from typing import NamedTuple

from steepest.compiler.capture.refusal import NotCompilable, refusal
from steepest.compiler.check import check
from steepest.compiler.graph import Graph, inlet
from steepest.compiler.lower import lower, stages
from steepest.compiler.machine import cache
from steepest.compiler.machine.naming import entry_name
from steepest.compiler.machine.processor import processor, vector_lanes
from steepest.compiler.run.program import Program
from steepest.compiler.run.signature import Signature
from steepest.compiler.simplify import merge_twins, simplify
from steepest.core import RequestError

__all__ = ["Made", "explained", "program_for"]

_KEPT = 128
_programs: "OrderedDict[str, Made]" = OrderedDict()
_lock = threading.Lock()


class Made(NamedTuple):
    """A program, and the states that it leaves out because they always equal another.

    twins  from the position of each among the graph's inputs to that of the other
    """

    program: Program
    twins: dict[int, int]


def program_for(graph: Graph, alike: list[list[int]]) -> Made:
    """The program of a captured graph; the same one for the same text.

    Args:
        alike: positions of state inputs that hold equal numbers now.
    """
    features = processor().features
    name = entry_name(f"{graph.digest} alike {alike}", vector_lanes(features), features)
    with _lock:
        if name in _programs:
            _programs.move_to_end(name)
            return _programs[name]
    if os.environ.get("STEEPEST_EXPLAIN") == "1":
        print(explained(graph, alike), file=sys.stderr)
    kept = cache.load(name)
    if kept is not None:
        made = _loaded(graph, *kept)
    else:
        made = _made(graph, alike)
        contents = {"signature": made.program.signature.to_json(), "twins": [*made.twins.items()]}
        cache.save(name, contents, made.program.code)
    with _lock:
        _programs[name] = made
        while len(_programs) > _KEPT:
            _programs.popitem(last=False)
    return made


def explained(graph: Graph, alike: list[list[int]]) -> str:
    """A captured graph after every stage: equations, simplified equations, loop nests."""
    final, twins = _final(graph, alike)
    lowered = stages(final)
    simple, nests = lowered.fusion.graph, lowered.fusion.nests
    merged = f", without {len(twins)} states that always equal another" if twins else ""
    parts = {
        f"Traced: {len(graph.equations())} equations": graph.text(),
        f"Simplified: {len(simple.equations())} equations{merged}": simple.text(),
        f"Fused: {len(nests)} loop nests, in the order in which they run": lowered.text(),
    }
    return "\n\n".join(f"{title}\n{'-' * len(title)}\n{text}" for title, text in parts.items())


def _final(graph: Graph, alike: list[list[int]]) -> tuple[Graph, dict[int, int]]:
    """The graph that is lowered, and its twins."""
    simple = simplify(graph)
    groups = [[simple.inputs[number] for number in group] for group in alike]
    final, twins = merge_twins(simple, groups)
    return check(final), {simple.inputs.index(x): simple.inputs.index(y) for x, y in twins.items()}


def _made(graph: Graph, alike: list[list[int]]) -> Made:
    try:
        final, twins = _final(graph, alike)
        return Made(lower(final), twins)
    except RequestError as unsupported:
        raise NotCompilable(str(unsupported)) from unsupported
    except AssertionError as broken:  # an invariant of ours: the step still runs eagerly
        raise refusal(f"the compiler does not master this step: {broken}") from broken


def _loaded(graph: Graph, contents: dict, code: bytes) -> Made:
    """A program as it was saved; its inputs are the graph's, in the shapes that it reads."""
    signature, twins = Signature.from_json(contents["signature"]), dict(contents["twins"])
    own = [x for number, x in enumerate(graph.inputs) if number not in twins]
    inputs = [
        inlet(x.name, x.aval._replace(shape=tuple(place.shape)), x.role)
        for x, place in zip(own, signature.inputs, strict=True)
    ]
    outputs = [x.aval for x in graph.outputs]
    return Made(Program(inputs, outputs, signature, code), twins)
