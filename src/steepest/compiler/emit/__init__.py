"""Nests -> LLVM IR, as text.

The emitter is one class, a page for each thing that it can do; every page knows those before it,
and what it adds is overridden nowhere but where its own page says so. A nest is written by an
object that has the emitter and the nest.

supported    what has native code

The emitter
    elements     elements of buffers, a vector of them at a time
    expressions  a value at an index, in a register: `pull`
    scalars      what every elementwise row does to lanes
    functions    functions beside `run`;  calls: of a nest's code as one
    threads      loops of which every thread runs a part;  meeting, taking: what threads call
    loops        loops over several dimensions, and what is summed in them
    outline      what the code of a nest depends on: nests that are alike are one function
    runs         what the step writes where a nest is due: calls, and tables of arrays
    step         all nests, one after the other;  frame, carried, flushing: around them

Nests
    writers      which page writes a nest
    maps, scatters, reductions
    rows         row nests, block by block;  blocks, cells: over the rows of one, and along a row
    contraction  what contractions have in common
    packing      copies of their operands
    tiles, tile  register tiles: the loops around them, and one of them
    library      contractions that a library computes
    waiting      contractions whose sums wait in memory
"""

from steepest.compiler.emit.step import Emitted, emit, emit_modules, emit_nest

__all__ = ["Emitted", "emit", "emit_modules", "emit_nest"]
