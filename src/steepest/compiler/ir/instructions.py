"""Instructions of LLVM, as text, on numbers and on vectors of any width.

Each method writes one instruction, or a few, and gives the register that holds the result. What is
written needs no optimisation passes afterwards, because nothing is written twice: an expression is
computed `once` per scope (a scope is the body of a loop), and constants stand where they are used.
"""

from collections.abc import Callable, Sequence
from typing import Any

from steepest.compiler.ir.operands import FLOATS, NUMBER, PIECE, Op, kind, spelled

__all__ = ["Instructions"]


class Instructions:
    """Lines of one function, and what is already computed in each open scope.

    head       lines that run once, when the function begins
    lines      those after them, so far
    declared   what they need of LLVM's and the C library's
    scopes     per open scope, the outermost first: what is computed in it, by what makes it one
    block      the name of the block that is being written
    count      names that have been given
    estimates  whether the processor guesses 1/x and 1/√x, and chooses from tables
    unroll     whether every loop is written out: for steps so short that loops cost
    """

    def __init__(self) -> None:
        self.head: list[str] = []
        self.lines: list[str] = []
        self.declared: set[str] = set()
        self.scopes: list[dict] = [{}]
        self.block = "entry"
        self.count = 0
        self.estimates = False
        self.unroll = False

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What `make` gives, from the innermost open scope that has it; made now if none has."""
        for scope in reversed(self.scopes):
            made = scope.get(key)
            if made is not None:
                return made
        made = make()
        self.scopes[-1][key] = made
        return made

    # ---- instructions ----------------------------------------------------------------------------

    def new(self, text: str) -> str:
        """Write an instruction; gives the name of its result."""
        self.count += 1
        name = f"%t{self.count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def number(self, x: float, base: str = "float") -> Op:
        return Op(x, base, NUMBER)

    def spell(self, x: Op, width: int) -> str:
        """x as a value of this width; scalars are spread over the lanes, once per scope."""
        if x.width == NUMBER:
            text = spelled(x.name, x.base)
            return f"splat ({x.base} {text})" if width else text
        if x.width == width:
            return x.name
        assert x.width == 0, f"{x} cannot have {width} lanes"
        return self.once(("spread", x.name, width), lambda: self._spread(x, width))

    def _spread(self, x: Op, width: int) -> str:
        t = kind(x.base, width)
        one = self.new(f"insertelement {t} poison, {x.base} {x.name}, i64 0")
        zeros = f"<{width} x i32> zeroinitializer"
        return self.new(f"shufflevector {t} {one}, {t} poison, {zeros}")

    def lanes_of(self, *xs: Op) -> int:
        """Of what an instruction makes of these: those of the vectors among them, 0 for none."""
        width = 0
        for x in xs:
            width = max(width, x.width)
        return width

    def vector(self, x: Op, width: int) -> Op:
        return Op(self.spell(x, width), x.base, width)

    def binary(self, instruction: str, x: Op, y: Op) -> Op:
        w = self.lanes_of(x, y)
        left, right = self.spell(x, w), self.spell(y, w)
        return Op(self.new(f"{instruction} {kind(x.base, w)} {left}, {right}"), x.base, w)

    def add(self, x: Op, y: Op) -> Op:
        return self.binary("fadd contract" if x.base in FLOATS else "add", x, y)

    def sub(self, x: Op, y: Op) -> Op:
        return self.binary("fsub contract" if x.base in FLOATS else "sub", x, y)

    def mul(self, x: Op, y: Op) -> Op:
        return self.binary("fmul contract" if x.base in FLOATS else "mul", x, y)

    def div(self, x: Op, y: Op) -> Op:
        return self.binary("fdiv", x, y)

    def neg(self, x: Op) -> Op:
        if x.base not in FLOATS:
            return self.sub(self.number(0, x.base), x)
        w = self.lanes_of(x)
        return Op(self.new(f"fneg {kind(x.base, w)} {self.spell(x, w)}"), x.base, w)

    def compare(self, how: str, x: Op, y: Op) -> Op:
        w = self.lanes_of(x, y)
        instruction = "fcmp" if x.base in FLOATS else "icmp"
        left, right = self.spell(x, w), self.spell(y, w)
        return Op(self.new(f"{instruction} {how} {kind(x.base, w)} {left}, {right}"), "i1", w)

    def select(self, condition: Op, x: Op, y: Op) -> Op:
        w = self.lanes_of(condition, x, y)
        c = w if condition.width > 0 else 0
        t = kind(x.base, w)
        chosen = f"{kind('i1', c)} {self.spell(condition, c)}"
        text = f"select {chosen}, {t} {self.spell(x, w)}, {t} {self.spell(y, w)}"
        return Op(self.new(text), x.base, w)

    def call(self, name: str, *xs: Op, lanes: int | None = None) -> Op:
        """A function of LLVM's (`llvm.sqrt`), on vectors, or of the C library's, on scalars."""
        w = self.lanes_of(*xs) if lanes is None else lanes
        t = kind(xs[0].base, w)
        if name.startswith("llvm."):
            base = FLOATS.get(xs[0].base, xs[0].base)
            name += f".v{w}{base}" if w else f".{base}"
        self.declared.add(f"declare {t} @{name}({', '.join([t] * len(xs))})")
        operands = ", ".join([f"{t} {self.spell(x, w)}" for x in xs])
        return Op(self.new(f"call {t} @{name}({operands})"), xs[0].base, w)

    def fma(self, x: Op, y: Op, z: Op) -> Op:
        """x·y + z, rounded once."""
        if x.base not in FLOATS:
            return self.add(self.mul(x, y), z)
        return self.call("llvm.fma", x, y, z)

    def convert(self, how: str, x: Op, base: str) -> Op:
        if x.base == base:
            return x
        w = self.lanes_of(x)
        text = f"{how} {kind(x.base, w)} {self.spell(x, w)} to {kind(base, w)}"
        return Op(self.new(text), base, w)

    def library(self, name: str, *xs: Op) -> Op:
        """A function of the C library, one lane after the other."""
        width = self.lanes_of(*xs)
        each = [self.call(name, *(self.lane(x, i) for x in xs), lanes=0) for i in range(width or 1)]
        return self.gather(each, width) if width else each[0]

    # ---- lanes -----------------------------------------------------------------------------------

    def lane(self, x: Op, i: int) -> Op:
        """One lane as a scalar; of a scalar, itself."""
        if x.width <= 0:
            return x
        text = f"extractelement {kind(x.base, x.width)} {x.name}, i64 {i}"
        return Op(self.new(text), x.base, 0)

    def gather(self, scalars: Sequence[Op], width: int) -> Op:
        """A vector from one scalar per lane; lanes for which there is none are zero."""
        base, vector = scalars[0].base, "zeroinitializer" if len(scalars) < width else "poison"
        t = kind(base, width)
        for i, x in enumerate(scalars):
            vector = self.new(f"insertelement {t} {vector}, {base} {self.spell(x, 0)}, i64 {i}")
        return Op(vector, base, width)

    def ramp(self, base: str, width: int) -> Op:
        """0, 1, 2, … in the lanes."""
        return Op("<" + ", ".join(f"{base} {i}" for i in range(width)) + ">", base, width)

    def first_lanes(self, count: int, width: int) -> Op:
        """True in the first lanes. Where truths have registers, any instruction leaves lanes out at
        no cost; LLVM, if it knew the lanes, would write one more that clears them: it is not told.
        """
        if not self.estimates or width < 8:
            truth = ", ".join(f"i1 {'true' if i < count else 'false'}" for i in range(width))
            return Op(f"<{truth}>", "i1", width)
        name, bits = f"%lanes{count}of{width}", f"i{width}"
        line = f'  {name}bits = call {bits} asm "", "=r,0"({bits} {(1 << count) - 1})'
        if line not in self.head:
            self.head += [line, f"  {name} = bitcast {bits} {name}bits to {kind('i1', width)}"]
        return Op(name, "i1", width)

    def shuffle(self, x: Op, y: Op, lanes: Sequence[int]) -> Op:
        """A vector of these lanes of x, and of y, whose lanes are counted after those of x."""
        t = kind(x.base, x.width)
        mask = ", ".join([f"i32 {i}" for i in lanes])
        text = f"shufflevector {t} {x.name}, {t} {y.name}, <{len(lanes)} x i32> <{mask}>"
        return Op(self.new(text), x.base, len(lanes))

    def horizontal(self, combine: Callable[[Op, Op], Op], x: Op) -> Op:
        """The lanes of a vector folded into a scalar, by halves."""
        x = self._by_halves(combine, x, 2)
        return combine(self.lane(x, 0), self.lane(x, 1)) if x.width == 2 else x

    def horizontals(self, combine: Callable[[Op, Op], Op], xs: Sequence[Op]) -> list[Op]:
        """The same of several vectors at once."""
        if len(xs) > 1 and xs[0].width:
            total = self.fold(combine, xs)
            xs = [self.lane(total, k) for k in range(len(xs))]
        return [self.horizontal(combine, x) for x in xs]

    def fold(self, combine: Callable[[Op, Op], Op], rows: Sequence[Op]) -> Op:
        """The lanes of each vector folded into a scalar: one vector with a lane per row, and as
        many lanes as the next power of two. Transposing and adding in one: half the shuffles.

        First within the pieces of a register, which then have a lane per row, then among pieces:
        a processor has short instructions for either, but not for lanes from anywhere."""
        width = rows[0].width
        count = 1 << (len(rows) - 1).bit_length()
        if count > width:
            low = self.fold(combine, rows[: count // 2])
            high = self.fold(combine, [*rows[count // 2 :], *rows[: count - len(rows)]])
            return self.shuffle(low, high, range(count))
        piece = min(width, PIECE // 2 if rows[0].base in ("double", "i64") else PIECE)
        xs, done = list(rows), 1
        while done < count:
            unit, within = (1, piece) if done < piece else (piece, width)
            xs += xs[-1:] * (len(xs) % 2)
            firsts = [side + at for at in range(0, width, within) for side in (0, width)]
            even = [first + lane for first in firsts for lane in _every_other(unit, within)]
            odd = [lane + unit for lane in even]
            pairs = zip(xs[::2], xs[1::2], strict=True)
            xs = [combine(self.shuffle(a, b, even), self.shuffle(a, b, odd)) for a, b in pairs]
            done *= 2
        x = self._by_halves(combine, xs[0], piece) if count <= piece else xs[0]
        unit = 1 if count < piece else piece
        while x.width > count:
            even = _every_other(unit, x.width)
            x = combine(self.shuffle(x, x, even), self.shuffle(x, x, [i + unit for i in even]))
        return x

    def _by_halves(self, combine: Callable[[Op, Op], Op], x: Op, count: int) -> Op:
        while x.width > count:
            half = x.width // 2
            x = combine(self.shuffle(x, x, range(half)), self.shuffle(x, x, range(half, x.width)))
        return x

    def transpose(self, rows: Sequence[Op]) -> list[Op]:
        """Each square of as many lanes as there are vectors, transposed: log₂ rounds, in which the
        vectors of the first half are interleaved with those of the second, as cards are."""
        rows, size, width = list(rows), len(rows), rows[0].width
        starts, half = range(0, width, size), len(rows) // 2

        def interleaved(x: Op, y: Op, first: int) -> Op:
            each = [at + first + k for at in starts for k in range(half)]
            return self.shuffle(x, y, [lane for i in each for lane in (i, i + width)])

        for _ in range(size.bit_length() - 1):
            pairs = list(zip(rows[:half], rows[half:], strict=True))
            rows = [interleaved(x, y, first) for x, y in pairs for first in (0, half)]
        return rows


def _every_other(unit: int, count: int) -> list[int]:
    """Of so many lanes, one unit of them and not the next."""
    return [first + lane for first in range(0, count, 2 * unit) for lane in range(unit)]
