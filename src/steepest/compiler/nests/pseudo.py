"""Nests as readable pseudo-code: loops, what is computed in them, what is stored where.

The same walk as the emitter's: from what a nest stores down to what it reads. What is used twice in
a nest has a line and a name of its own; everything else is written where it is used.
"""

from collections import Counter

import numpy as np

from steepest import primitives as P
from steepest.compiler.graph import Value, splat
from steepest.compiler.nests.affine import Affine, Derived, Index
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.index import inside, is_view, scatter_index, taken, through
from steepest.compiler.nests.nest import Nest, reduced_axes
from steepest.compiler.nests.reach import is_elementwise, is_leaf, is_read

__all__ = ["pseudo_code"]

_SIGNS = {"add": (" + ", 1), "mul": ("·", 2), "div": (" / ", 2), "less": (" < ", 0)}
_SIGNS |= {"equal": (" = ", 0)}
_UNARY, _ATOM = 3, 4  # how strongly a sign or a name binds, beside the second entries above


def pseudo_code(nest: Nest, fusion: Fusion, names: dict[Value, str]) -> list[str]:
    """The lines of one nest, without indentation of their own."""
    return _Page(nest, fusion, names).lines()


class _Page:
    def __init__(self, nest: Nest, fusion: Fusion, names: dict[Value, str]):
        self.nest, self.fusion, self.names = nest, fusion, names
        self.named: dict[tuple[Value, Index], str] = {}
        self.uses: Counter[tuple[Value, Index]] = Counter()
        self.written: list[str] = []
        for v, index in nest.roots():
            self._count(v, index)

    # ---- lines -----------------------------------------------------------------------------------

    def lines(self) -> list[str]:
        nest = self.nest
        loops = ", ".join(f"{s} < {n}" for s, n in zip(nest.symbols, nest.space, strict=True))
        start = [f"for {loops}:"] if loops else []
        if nest.kind not in ("map", "join"):
            getattr(self, f"_{nest.kind}")()
        if nest.kind == "join":
            assert nest.anchor is not None
            parts = " ".join(self.names[x] for x in nest.anchor.operands)
            return [f"{self.names[nest.anchor]} ← {parts} along axis {nest.anchor.params['axis']}"]
        for v in nest.stores if nest.kind != "scatter" else ():
            self._store(v)
        return start + [f"    {line}" if loops else line for line in self.written]

    def _store(self, v: Value) -> None:
        _, index = self.nest.placed(v)
        text, place = self.text(v, index), self._element(v, index)
        if text != place:  # else the line that gave it a name has stored it
            self.written.append(f"{place} ← {text}")

    def _contract(self) -> None:
        v = self.nest.anchor
        assert v is not None
        (x, at_x), (y, at_y) = self.nest.contracted_operands()
        summed = sorted({s for a in (*at_x, *at_y) for s, _ in a[1] if s not in self.nest.symbols})
        product = f"{self.text(x, at_x, 2)}·{self.text(y, at_y, 2)}"
        self._hold(v, f"Σ {' '.join(summed)}  {product}")

    def _reduce(self) -> None:
        for v in self.nest.held:
            x, index = self.nest.reduced_operand(v)
            over = " ".join(f"r{d}" for d in reduced_axes(v) if x.shape[d] != 1)
            self._hold(v, f"{_sign_of(v)} {over}  {self.text(x, index)}")

    def _row(self) -> None:
        nest = self.nest
        inner = " ".join(nest.symbols[nest.depth :])
        rows = " ".join(nest.symbols[: nest.depth])
        for v in nest.held:
            self._hold(v, f"{_sign_of(v)} {inner}  {self.text(*nest.placed(v.operands[0]))}")
        for v in nest.sums:
            x, index = nest.placed(v.operands[0])
            over = rows if v.size > 1 or nest.is_row_level(x) else f"{rows} {inner}"
            left = f"{self.names[v]}[{inner}]" if v.size > 1 else self.names[v]
            self.written.append(f"{left} ← {_sign_of(v)} {over}  {self.text(x, index)}")

    def _scatter(self) -> None:
        v = self.nest.anchor
        assert v is not None
        x, index = self.nest.scattered_operands()[0]
        at = ", ".join(self._affine(a) for a in scatter_index(v, index))
        self.written.append(f"{self.names[v]}[{at}] += {self.text(x, index)}")

    def _hold(self, v: Value, text: str) -> None:
        index = self.nest.held.get(v) or self.nest.placed(v)[1]
        self.named[v, index] = self.names[v]
        self.written.append(f"{self.names[v]} = {text}")

    # ---- expressions -----------------------------------------------------------------------------

    def _is_leaf(self, v: Value) -> bool:
        return is_leaf(v, self.nest, self.fusion.home)

    def _base(self, v: Value, index: Index) -> tuple[Value, Index]:
        """What a view is of, and where."""
        while is_view(v) and not self._is_leaf(v):
            v, index = through(v, index)
        return v, index

    def _count(self, v: Value, index: Index) -> None:
        """How often each element is used, to know which ones deserve a name."""
        v, index = self._base(v, index)
        self.uses[v, index] += 1
        if self.uses[v, index] > 1 or self._is_leaf(v) or v in self.nest.held:
            return
        if is_elementwise(v) and not v.is_row(P.uniform):
            for x in v.operands:
                self._count(x, index)

    def text(self, v: Value, index: Index, binds: int = 0) -> str:
        """v at this index; in parentheses where it is weaker than what stands around it."""
        v, index = self._base(v, index)
        if (v, index) in self.named:
            return self.named[v, index]
        if v.kind == "constant" and splat(v) is not None:
            return f"{np.asarray(splat(v)).item():.6g}"
        if self._is_leaf(v):
            return self._read(v, index)
        own, text = self._computed(v, index)
        if self.uses[v, index] > 1 and own < _ATOM:
            stored = v in self.nest.stores and index == self.nest.index_of(v)
            name = self.named[v, index] = self._element(v, index) if stored else self.names[v]
            self.written.append(f"{name} {'←' if stored else '='} {text}")
            return name
        return f"({text})" if own < binds else text

    def _computed(self, v: Value, index: Index) -> tuple[int, str]:
        """How strongly the expression binds, and the expression."""
        assert v.row is not None
        name = v.row.name
        if name == "pad":
            return _ATOM, f"({self.text(v.operands[0], inside(v, index)[0])} or 0)"
        if name == "take":
            return _ATOM, self.text(v.operands[0], taken(v, index)[1], _ATOM)
        if name == "uniform" or not is_elementwise(v):
            return _ATOM, self._element(v, index)
        if name == "neg":
            return _UNARY, f"−{self.text(v.operands[0], index, _UNARY)}"
        if name == "add":
            left, (right, at) = v.operands[0], self._base(v.operands[1], index)
            if right.is_row(P.neg) and not self._is_leaf(right):
                return 1, f"{self.text(left, index, 1)} − {self.text(right.operands[0], at, 2)}"
        if name in _SIGNS:
            sign, own = _SIGNS[name]
            left, right = v.operands
            return own, f"{self.text(left, index, own)}{sign}{self.text(right, index, own + 1)}"
        inner = ", ".join(self.text(x, index) for x in v.operands)
        return _ATOM, f"{v.dtype if name == 'cast' else name}({inner})"

    def _element(self, v: Value, index: Index) -> str:
        """A place in memory."""
        at = ", ".join(self._affine(a) for a in index)
        return f"{self.names[v]}[{at}]" if at else self.names[v]

    def _read(self, v: Value, index: Index) -> str:
        """A place that is read: of a gathered input, a row of the batch, or the copy of it."""
        copied = is_read(v, self.nest, self.fusion.home)
        if v.kind != "input" or v.role != "gathered" or copied:
            return self._element(v, index)
        at = ", ".join([f"batch[{self._affine(index[0])}]", *map(self._affine, index[1:])])
        return f"{self.names[v]}[{at}]"

    def _affine(self, a: Affine) -> str:
        terms = [f"{'' if c == 1 else c}{self._symbol(s)}" for s, c in a[1]]
        return " + ".join([*terms, str(a[0])] if a[0] or not terms else terms)

    def _symbol(self, s: str) -> str:
        if not isinstance(s, Derived):
            return s
        if s.kind == "row":
            return self.text(s.value, s.at)
        return f"{s.kind}({self._affine(s.operand)}, {s.size})"


def _sign_of(v: Value) -> str:
    assert v.row is not None
    return "Σ" if v.is_row(P.sum_) else v.row.name
