"""LLVM IR -> machine code in memory, and what is kept of it on disk. Nothing here knows a graph.

llvm, resident        LLVM's library, called as it is; no more of it in memory than is in use
processor             what LLVM calls this processor, and what it can do
engine                text becomes object code, on several cores
objects, executable   one image of it, as bytes and in memory
blas                  products of matrices by the address of a function
naming, cache         the names of entries on disk, and the entries
"""

__all__: list[str] = []
