"""Calls: code of nests in functions of its own."""

import re
from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType

from steepest.compiler.emit.expressions import Expressions
from steepest.compiler.emit.functions import Function
from steepest.compiler.memory.layout import Layout
from steepest.compiler.nests.fuse import Fusion

__all__ = ["Calls"]

# What a nest's text names and does not define itself (see Builder for the names that it gives).
_OUTSIDE = re.compile(r"%(?!t\d|i\d|c\d|entry|loop|done|rare|join|when|take|some|scratch|lanes)\w+")

# Whole numbers among what is outside.
_SHARE = ("%which", "%whose", "%threads", "%from", "%to", "%of")
_COUNTS = (*_SHARE, "%thread", "%piece", "%since", "%until")


class Calls(Expressions):
    """Emitter of functions, and of calls.

    functions  those that the step calls, by what tells them apart
    """

    def __init__(self, fusion: Fusion, layout: Layout):
        super().__init__(fusion, layout)
        self.functions: dict[Hashable, Function] = {}

    def function(self, write: Callable[[], None]) -> Function:
        """A new function of what `write` writes: it takes all that this names and does not
        define."""
        inside: dict[str, str] = {}
        body = _OUTSIDE.sub(
            lambda found: inside.setdefault(found[0], f"%p{len(inside)}"), self.apart(write)
        )
        typed = [("i64" if x in _COUNTS else "ptr noalias", p) for x, p in inside.items()]
        takes = ", ".join(f"{kind} {x}" for kind, x in typed)
        name = f"@nest{len(self.functions)}"
        text = f"define hidden void {name}({takes}) nounwind {{\nentry:\n{body}\n  ret void\n}}"
        return Function(name, [kind.split()[0] for kind, _ in typed], text, tuple(inside))

    def call_of(self, function: Function, given: Mapping[str, str] = MappingProxyType({})) -> str:
        """A call of a function, where some of the names that its text had are others."""
        pairs = zip(function.takes, function.names, strict=True)
        operands = ", ".join(f"{kind} {given.get(name, name)}" for kind, name in pairs)
        return f"  call void {function.name}({operands})"
