"""Nests: what the program does, as a list of loop nests over index spaces.

A nest is an index space and what happens at each of its points. There are six kinds:

contract  out[i, j] = Σₖ a·b   a register tile holds the sums; whatever is reachable from them at
                               (i, j) is the nest's epilogue
reduce    out[j] = Σᵢ x        the same with one operand, over any axes; several results of the same
                               axes are held side by side
row       for i: for j         sums and maxima over j are held at i; whatever is reachable at (i, j)
                               or i is computed there; sums over i leave the nest as accumulators
map       for i: for j         holds nothing
scatter   out[row[i]] += x     addresses that are data
join      out[k + i] = xₖ      parts one after the other; only those are copied that their own nests
                               cannot store where they belong

The first `depth` dimensions of a row nest are its rows.
"""

from collections.abc import Iterable
from functools import cached_property

from steepest.compiler.graph import Value
from steepest.compiler.nests.affine import ZERO, Affine, Index, affine
from steepest.primitives import split_spec

__all__ = ["Nest", "last_wide", "reduced_axes", "squeeze"]


def squeeze(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without its dimensions of one."""
    return tuple([n for n in shape if n != 1])


class Nest:
    """One loop nest.

    anchor  the value that a contract, reduce, scatter or join nest computes
    held    values in registers, and the index at which each is there
    sums    accumulators of a row nest: values that are complete only after it
    stores  values written to memory at their index
    bounded pads that the loops of a contract nest never leave: read where they are inside
    after   nests that must run first, directly or through others, as bits of their numbers
    """

    def __init__(
        self,
        number: int,
        kind: str,
        space: tuple[int, ...],
        anchor: Value | None = None,
        depth: int = 0,
    ):
        self.number, self.kind, self.space, self.anchor = number, kind, space, anchor
        self.depth = depth
        self.held: dict[Value, Index] = {}
        self.sums: list[Value] = []
        self.stores: list[Value] = []
        self.bounded: set[Value] = set()
        self.after = 0
        self.symbols = tuple(f"i{d}" for d in range(len(space)))
        self._indices: dict[tuple[int, ...], Index | None] = {}

    def index_of(self, v: Value) -> Index | None:
        """The index at which v is computed in this nest, or None where it does not fit."""
        if v.shape not in self._indices:
            self._indices[v.shape] = self._index_of(v.shape)
        return self._indices[v.shape]

    def _index_of(self, shape: tuple[int, ...]) -> Index | None:
        wide = squeeze(shape)
        if self.kind in ("scatter", "join"):
            return None  # what it runs through is not what it gives
        if wide != self.space and (self.kind != "row" or wide != self.space[: self.depth]):
            return None
        names = iter(self.symbols)
        return tuple([ZERO if n == 1 else affine(next(names)) for n in shape])

    def waits_for(self, other: "Nest") -> bool:
        """Whether `other` is, or must run before, this nest."""
        return other is self or self.after >> other.number & 1 == 1

    def is_row_level(self, v: Value) -> bool:
        """Whether v has one element per row, not one per point."""
        return self.kind == "row" and squeeze(v.shape) != self.space

    def roots(self) -> list[tuple[Value, Index]]:
        """Every value that the nest evaluates, and where."""
        found: list[tuple[Value, Index]] = []
        if self.kind == "contract":
            found = self.contracted_operands()
        elif self.kind == "reduce":
            found = [self.reduced_operand(v) for v in self.held]
        elif self.kind == "scatter":
            found = self.scattered_operands()
        elif self.kind == "join":
            found = self.joined_operands()
        for v in [*self.held, *self.sums] if self.kind == "row" else []:
            found.append(self.placed(v.operands[0]))
        return found + [self.placed(v) for v in self.stores if v not in self.held]

    def written(self) -> list[Value]:
        """Every value that the nest stores."""
        own = [self.anchor] if self.anchor and self.kind in ("scatter", "join") else []
        return [*self.stores, *self.sums, *own]

    @cached_property
    def letters(self) -> dict[str, Affine]:
        """The symbol of each letter of a contraction; letters of length one stay at 0."""
        assert self.anchor is not None
        a, b, out = split_spec(self.anchor.params["spec"])
        x, y = self.anchor.operands
        size = dict(zip(a + b, x.shape + y.shape, strict=True))
        names = iter(self.symbols)
        place = {i: ZERO if size[i] == 1 else affine(next(names)) for i in out}
        for i in a + b:
            if i not in place:
                place[i] = ZERO if size[i] == 1 else affine(f"k{i}")
        return place

    def symbol(self, letter: str) -> str:
        """The loop variable of a letter of a contraction; "" for one that has no loop, or for none
        ("")."""
        terms = self.letters[letter][1] if letter else ()
        return terms[0][0] if terms else ""

    def placed(self, v: Value) -> tuple[Value, Index]:
        """The value, and the index at which it is computed here."""
        index = self.index_of(v)
        assert index is not None, f"{v} does not fit {self.text()}"
        return v, index

    def contracted_operands(self) -> list[tuple[Value, Index]]:
        """Both operands of a contraction: result symbols on its letters, k… on the summed ones."""
        assert self.anchor is not None
        *words, _ = split_spec(self.anchor.params["spec"])
        pairs = zip(words, self.anchor.operands, strict=True)
        return [(x, tuple(self.letters[letter] for letter in word)) for word, x in pairs]

    def reduced_operand(self, v: Value) -> tuple[Value, Index]:
        """What a reduce nest runs over for v: result symbols on the axes kept, r0 … on others."""
        x, axes = v.operands[0], reduced_axes(v)
        kept = iter(self.symbols)
        index = tuple(
            ZERO if n == 1 else affine(f"r{d}") if d in axes else affine(next(kept))
            for d, n in enumerate(x.shape)
        )
        return x, index

    def scattered_operands(self) -> list[tuple[Value, Index]]:
        """A scatter nest runs over the space of what it adds."""
        assert self.anchor is not None
        x = self.anchor.operands[0]
        names = iter(self.symbols)
        index = tuple(ZERO if n == 1 else affine(next(names)) for n in x.shape)
        rows = [(i, index[: i.ndim]) for i in self.anchor.operands[1:]]
        return [(x, index), *rows]

    def joined_operands(self) -> list[tuple[Value, Index]]:
        """Every part, at an index into itself."""
        assert self.anchor is not None
        return [
            (x, tuple(ZERO if n == 1 else affine(f"j{d}") for d, n in enumerate(x.shape)))
            for x in self.anchor.operands
        ]

    def text(self) -> str:
        """One line for `explain`."""

        def shown(values: Iterable[Value]) -> str:
            return " ".join(map(repr, values)) or "-"

        shape = "×".join(map(str, self.space)) or "scalar"
        line = f"nest {self.number}: {self.kind} {shape}"
        line += f" of {self.anchor}" if self.anchor is not None else ""
        line += f" | holds {shown(self.held)}" if self.kind in ("row", "reduce") else ""
        line += f" | sums {shown(self.sums)}" if self.sums else ""
        return f"{line} | stores {shown(self.stores)}"


def reduced_axes(v: Value) -> tuple[int, ...]:
    """The axes over which a reduction runs."""
    return (v.params["axis"],) if "axis" in v.params else tuple(v.params["axes"])


def last_wide(shape: tuple[int, ...]) -> int:
    """The last dimension that is longer than one."""
    wide = [d for d, n in enumerate(shape) if n > 1]
    return wide[-1] if wide else max(len(shape) - 1, 0)
