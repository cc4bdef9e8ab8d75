"""Nests -> LLVM IR, as text."""

from steepest.compiler.emit.step import Emitted, emit, emit_modules, emit_nest

__all__ = ["Emitted", "emit", "emit_modules", "emit_nest"]
