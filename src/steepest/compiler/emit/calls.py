"""Calls: code of a nest in functions of its own, where equal code is one function."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from steepest.compiler.emit.expressions import Expressions
from steepest.compiler.emit.functions import Function
from steepest.compiler.fuse import Fusion
from steepest.compiler.layout import Layout

__all__ = ["Calls"]

# What a nest's text names and does not define itself (see Builder for the names that it gives).
_OUTSIDE = re.compile(r"%(?!t\d|i\d|c\d|entry|loop|done|rare|join|mine|when|scratch)\w+")

_COUNTS = ("%thread", "%threads", "%piece")  # whole numbers among what is outside


class Calls(Expressions):
    """Emitter of calls.

    functions  those that the step calls, by what tells them apart
    """

    def __init__(self, fusion: Fusion, layout: Layout):
        super().__init__(fusion, layout)
        self.functions: dict[str, Function] = {}

    def call_of(self, body: str, others: Mapping[str, str] = MappingProxyType({})) -> str:
        """A call of the function with this body, where some names mean others."""
        names = list(dict.fromkeys(_OUTSIDE.findall(body)))
        inside = {name: f"%p{k}" for k, name in enumerate(names)}
        body = _OUTSIDE.sub(lambda found: inside[found[0]], body)
        typed = [("i64" if name in _COUNTS else "ptr noalias", name) for name in names]
        takes = ", ".join(f"{kind} {inside[name]}" for kind, name in typed)
        key = f"({takes}) nounwind {{\nentry:\n{body}\n  ret void\n}}"
        types = [kind.split()[0] for kind, _ in typed]
        if key not in self.functions:
            name = f"@nest{len(self.functions)}"
            self.functions[key] = Function(name, types, f"define hidden void {name}{key}")
        given = ", ".join(
            f"{kind} {others.get(x, x)}" for kind, x in zip(types, names, strict=True)
        )
        return f"  call void {self.functions[key].name}({given})"
