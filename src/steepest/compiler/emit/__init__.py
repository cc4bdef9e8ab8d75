"""Nests -> LLVM IR, as text.

The emitter is one class, a page for each thing that it can do; every page knows those before it,
and what it adds is overridden nowhere but where its own page says so.

supported    what has native code
expressions  a value at an index, in a register: `pull`
scalars      what every elementwise row does to lanes
functions    functions beside `run`;  calls: of a nest's code as one
threads      loops of which every thread runs a part; barriers;  taking: of one another's parts
nests        map and join nests
cells, rows  row nests: along a row, and over blocks of rows
reductions   reduce and scatter nests
packing      copies of a contraction's operands
tile, tiles  contract nests: one register tile, and the loops around
library      contract nests that a library computes
dots         contract nests whose sums wait in memory
outline      what the code of a nest depends on: nests that are alike are one function
runs         what the step writes where a nest is due: calls, and tables of arrays
step         the function around all nests;  flushing: around that
"""

from steepest.compiler.emit.step import Emitted, emit, emit_modules, emit_nest

__all__ = ["Emitted", "emit", "emit_modules", "emit_nest"]
