"""Floor 3: the compiler. A training step written in Python becomes one native function.

    Python step ── capture ──> Graph ── simplify ──> Graph ── lower ──> Program ── loop ──> epochs

What all stages work on
    graph                           a step as equations of the table
    check, replay                   what must be true of one; one evaluated with NumPy, the oracle

From Python to equations
    trace, tracer, recording        what a run of the step does, written down
    agree, capture, captured        two runs that do the same, as one graph
    snapshot, guard                 what must stay as it was for them to be the step
    arguments, forms, patterns      what steps have in common, so that one of them is traced
    refusal                         what is said where a step cannot be a program

From equations to machine code
    simplify                        the same numbers from fewer equations
    lower                           all that follows, on one page
    supported, results, turned      what has native code; copies that the rest relies on
    affine, index                   indices, and what movement does to them
    nest, reach, costs, found       loop nests, and what can be computed in one
    fuse, keep, order               which values are stored, which nest computes each, and when
    buffers, layout, parts, images  where values are, along what they are contiguous
    contraction, matrices, tune     the register tiles of a product, or a library
    tiling, sharing, pieces         the tile of a nest, and what threads divide
    plan, offsets                   one block of memory
    operands, instructions, builder,
    vecmath, emit                   LLVM's language
    pseudo                          the nests as a page to read
    llvm, engine, resident          machine code
    objects, executable, blas       one image of it, in memory

Programs on arrays
    program, signature, programs    from memory, from disk, or made
    cache, naming, processor        what is kept on disk
    team                            the threads that run one program
    loop, steady                    a captured step, run many times
    api, epochs, rows               `compile(step)`, `Epochs` and `Rows`

It sees rows and tensors only: no layer and no optimizer has a place here.
"""

from steepest.compiler.api import Compiled, compile
from steepest.compiler.epochs import Epochs
from steepest.compiler.refusal import NotCompilable
from steepest.compiler.rows import Rows

__all__ = ["Compiled", "Epochs", "NotCompilable", "Rows", "compile"]
