"""Floor 3: the compiler. A training step written in Python becomes one native function.

    Python step ── capture ──> Graph ── simplify ──> Graph ── lower ──> Program ── loop ──> epochs

tracer, trace, agree, guard, capture   what the step does, as equations of the table (`graph`)
simplify, check                the same numbers from fewer equations
lower                          loop nests, layout, LLVM IR, machine code
loop, steady, api, epochs      programs on arrays: `compile(step)` and `Epochs`
replay                         a graph evaluated with NumPy, the oracle of every check

It sees rows and tensors only: no layer and no optimizer has a place here.
"""

from steepest.compiler.api import Compiled, compile
from steepest.compiler.epochs import Epochs
from steepest.compiler.refusal import NotCompilable

__all__ = ["Compiled", "Epochs", "NotCompilable", "compile"]
