"""Nests -> LLVM IR, as text."""

from steepest.compiler.emit.step import Emitted, emit

__all__ = ["Emitted", "emit"]
