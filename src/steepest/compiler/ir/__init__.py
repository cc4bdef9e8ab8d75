"""LLVM's language: its intermediate representation, written from Python as text.

operands       numbers and vectors that have a name
instructions   arithmetic on them
builder        memory, branches and loops
"""

__all__: list[str] = []
