"""LLVM IR as text: instructions on vectors of any width, memory, loops.

The text needs no optimisation passes afterwards, because nothing is written twice: an expression is
computed `once` per scope (a scope is the body of a loop), loops carry their accumulators as phis,
and constants are written where they are used.
"""

from collections.abc import Callable, Sequence
from typing import Any

from steepest.compiler.index import Affine, affine, plus
from steepest.compiler.operands import FLOATS, NUMBER, Op, kind, spelled

__all__ = ["Builder"]


class Builder:
    """Lines of one function, and what is already computed in each open scope."""

    def __init__(self) -> None:
        self.head: list[str] = []  # lines that run once, when the function begins
        self.lines: list[str] = []
        self.declared: set[str] = set()
        self.scopes: list[dict] = [{}]
        self.block = "entry"
        self.count = 0
        self.estimates = False  # does the processor guess 1/x and 1/√x, and choose from tables?
        self.unroll = False  # write every loop out: for steps so short that loops cost

    def apart(self, write: Callable[[], None]) -> str:
        """The body of a function of its own: what `write` writes, with names that begin anew."""
        around = self.head, self.lines, self.scopes, self.block, self.count
        self.head, self.lines, self.scopes, self.block, self.count = [], [], [{}], "entry", 0
        write()
        body = "\n".join([*self.head, *self.lines])
        self.head, self.lines, self.scopes, self.block, self.count = around
        return body

    # ---- instructions ----------------------------------------------------------------------------

    def new(self, text: str) -> str:
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
        many lanes as the next power of two. Transposing and adding in one: half the shuffles."""
        width = rows[0].width
        count = 1 << (len(rows) - 1).bit_length()
        if count > width:
            low = self.fold(combine, rows[: count // 2])
            high = self.fold(combine, [*rows[count // 2 :], *rows[: count - len(rows)]])
            return self.shuffle(low, high, range(count))
        xs, step = list(rows), 1
        while step < count:
            xs += xs[-1:] * (len(xs) % 2)
            even = [j if not j & step else width + j - step for j in range(width)]
            odd = [j + step if not j & step else width + j for j in range(width)]
            pairs = zip(xs[::2], xs[1::2], strict=True)
            xs = [combine(self.shuffle(a, b, even), self.shuffle(a, b, odd)) for a, b in pairs]
            step *= 2
        return self._by_halves(combine, xs[0], count)

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

    # ---- memory ----------------------------------------------------------------------------------

    def integer(self, a: Affine) -> str:
        """An affine number as an i64; its variable part is computed once per scope."""
        if not a[1]:
            return str(a[0])
        variable = self.once(("integer", a[1]), lambda: self._sum(a[1]))
        return self.new(f"add nsw i64 {variable}, {a[0]}") if a[0] else variable

    def _sum(self, terms: tuple[tuple[str, int], ...]) -> str:
        total = ""
        for symbol, c in terms:
            term = self.symbol(symbol)
            term = term if c == 1 else self.new(f"mul nsw i64 {term}, {c}")
            total = self.new(f"add nsw i64 {total}, {term}") if total else term
        return total

    def symbol(self, symbol: str) -> str:
        """The i64 that a symbol of an index stands for."""
        return symbol

    def pointer(self, memory: str, base: str, a: Affine) -> str:
        """Variable part once per scope, constant part as a displacement."""
        p = memory
        if a[1]:
            p = self.once(
                ("pointer", memory, base, a[1]),
                lambda: self.new(f"getelementptr {base}, ptr {memory}, i64 {self._sum_once(a)}"),
            )
        return self.new(f"getelementptr {base}, ptr {p}, i64 {a[0]}") if a[0] else p

    def _sum_once(self, a: Affine) -> str:
        return self.integer((0, a[1]))

    def load(self, memory: str, base: str, a: Affine, width: int = 0) -> Op:
        place = self.pointer(memory, base, a)
        return Op(self.new(f"load {kind(base, width)}, ptr {place}, align 1"), base, width)

    def store(self, x: Op, memory: str, a: Affine, width: int = 0) -> None:
        text = f"{kind(x.base, width)} {self.spell(x, width)}"
        self.lines.append(f"  store {text}, ptr {self.pointer(memory, x.base, a)}, align 1")

    def prefetch(self, memory: str, base: str, a: Affine) -> None:
        """Call a line into the nearest cache, to be written."""
        self.declared.add("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        place = self.pointer(memory, base, a)
        self.lines.append(f"  call void @llvm.prefetch.p0(ptr {place}, i32 1, i32 3, i32 1)")

    # ---- branches --------------------------------------------------------------------------------

    def rarely(self, condition: Op, usual: Op, make: Callable[[], Op]) -> Op:
        """`usual`, or what `make` writes where the condition holds in any lane."""
        truth = condition.name
        if condition.width > 0:
            whole = f"i{condition.width}"
            bits = self.new(f"bitcast {kind('i1', condition.width)} {condition.name} to {whole}")
            truth = self.new(f"icmp ne {whole} {bits}, 0")
        self.count += 1
        rare, join, before = f"rare{self.count}", f"join{self.count}", self.block
        self.declared.add('!0 = !{!"branch_weights", i32 1, i32 1000}')
        self.lines += [f"  br i1 {truth}, label %{rare}, label %{join}, !prof !0", f"{rare}:"]
        self.block = rare
        self.scopes.append({})
        x = make()
        self.scopes.pop()
        self.lines += [f"  br label %{join}", f"{join}:"]
        t = kind(usual.base, usual.width)
        pairs = f"[{usual.name}, %{before}], [{x.name}, %{self.block}]"
        self.block = join
        return Op(self.new(f"phi {t} {pairs}"), usual.base, usual.width)

    def when(self, condition: Op, body: Callable[[], Any]) -> None:
        """What `body` writes, only where the condition holds."""
        self.count += 1
        chosen, join = f"when{self.count}", f"join{self.count}"
        self.lines += [f"  br i1 {condition.name}, label %{chosen}, label %{join}", f"{chosen}:"]
        self.block = chosen
        self.scopes.append({})
        body()
        self.scopes.pop()
        self.lines += [f"  br label %{join}", f"{join}:"]
        self.block = join

    # ---- scopes and loops ------------------------------------------------------------------------

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        for scope in reversed(self.scopes):
            made = scope.get(key)
            if made is not None:
                return made
        made = make()
        self.scopes[-1][key] = made
        return made

    def loop(
        self,
        count: int | str,
        body: Callable[[Affine, list[Op]], Any],
        *,
        start: int | str = 0,
        step: int = 1,
        carried: Sequence[Op] = (),
        unroll: int = 1,
        within: tuple[str, str] | None = None,
    ) -> list[Op]:
        """body(i, carried) -> carried, for i from `start` below `count`.

        Written out when it runs at most once; else one phi per carried value. `unroll` must divide
        the number of rounds. A bound that is the name of an i64 is known when the program runs, and
        there is at least one round then. `within` takes the place of both bounds of a loop that
        carries nothing, and that may then run not at all.
        """
        values = list(carried)
        assert within is None or not values
        low, high = within or (start, count)
        if isinstance(low, int) and isinstance(high, int):
            rounds = range(low, high, step)
            if len(rounds) <= 1 or self.unroll:
                for at in rounds:
                    values = list(body(affine(at), values) or ())
                return values
        self.count += 1
        n, before = self.count, self.block
        head, done, i = f"loop{n}", f"done{n}", f"%i{n}"
        # What is there when the loop begins is spelled before it; numbers need no instruction.
        first = [self.spell(c, max(c.width, 0)) for c in values]
        enter = f"label %{head}"
        if within is not None:
            some = self.new(f"icmp slt i64 {low}, {high}")
            enter = f"i1 {some}, label %{head}, label %{done}"
        self.lines += [f"  br {enter}", f"{head}:"]
        at = len(self.lines)
        self.block = head
        self.scopes.append({})
        out = [Op(f"%c{n}_{k}", c.base, max(c.width, 0)) for k, c in enumerate(values)]
        phis = list(out)
        for u in range(unroll):
            out = list(body(plus(affine(i), affine(u * step)), out) or ())
        self.scopes.pop()
        after = self.new(f"add nuw nsw i64 {i}, {step * unroll}")
        more = self.new(f"icmp slt i64 {after}, {high}")
        lines = [f"  {i} = phi i64 [{low}, %{before}], [{after}, %{self.block}]"]
        for phi, begin, end in zip(phis, first, out, strict=True):
            t = kind(phi.base, phi.width)
            again = self.spell(end, phi.width)
            lines.append(f"  {phi.name} = phi {t} [{begin}, %{before}], [{again}, %{self.block}]")
        self.lines[at:at] = lines
        self.lines += [f"  br i1 {more}, label %{head}, label %{done}", f"{done}:"]
        self.block = done
        return out
