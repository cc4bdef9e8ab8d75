"""Floor 3: the compiler. A training step written in Python becomes one native function.

    Python step ── capture ──> Graph ── simplify ──> Graph ── lower ──> Program ── loop ──> epochs

What all stages work on
    graph           a step as equations of the table
    check, replay   what must be true of one; one evaluated with NumPy, the oracle
    spans           where arrays are in memory

The stages; imports between them point up this list only, and each package says what is in it
    machine         LLVM IR -> machine code, in memory and on disk
    capture         Python -> Graph
    simplify        Graph -> Graph, the same numbers from fewer equations
    nests           Graph -> loop nests
    memory          loop nests -> places, register tiles, shares of threads
    ir, vecmath     LLVM's language, and mathematics on vectors in it
    emit            all of that -> LLVM IR
    run             a program on arrays

Programs, from first to last
    lower, tune     the stages on one page; the fastest tiles, timed
    programs        from memory, from disk, or made
    loop, steady    a captured step, run many times
    api, epochs, rows   `compile(step)`, `Epochs` and `Rows`

It sees rows and tensors only: no layer and no optimizer has a place here.
"""

from steepest.compiler.api import Compiled, compile
from steepest.compiler.capture.refusal import Mistaken, NotCompilable
from steepest.compiler.epochs import Epochs
from steepest.compiler.rows import Rows

__all__ = ["Compiled", "Epochs", "Mistaken", "NotCompilable", "Rows", "compile"]
