"""Floor 3: the compiler. A training step written in Python becomes one native function.

    Python step ── capture ──> Graph ── simplify ──> Graph ── lower ──> Program ── loop ──> epochs

recording, tracer, trace        what a run of the step does, as equations of the table (`graph`)
agree, capture                 two runs that do the same, as one graph
guard, snapshot                what must stay as it was for them to be the step
forms, patterns                what steps have in common, so that one of them is traced
simplify, check                the same numbers from fewer equations
lower                          loop nests, layout, LLVM IR, machine code
programs, cache, signature     from memory, from disk, or made
loop, steady                   programs on arrays
api, epochs, rows              `compile(step)`, `Epochs` and `Rows`
replay                         a graph evaluated with NumPy, the oracle of every check

It sees rows and tensors only: no layer and no optimizer has a place here.
"""

from steepest.compiler.api import Compiled, compile
from steepest.compiler.epochs import Epochs
from steepest.compiler.refusal import NotCompilable
from steepest.compiler.rows import Rows

__all__ = ["Compiled", "Epochs", "NotCompilable", "Rows", "compile"]
