"""The builder: a function in LLVM's language, with its memory, branches and loops.

Loops carry their accumulators as phis, so no sum goes through memory that need not.
"""

from collections.abc import Callable, Sequence
from typing import Any

from steepest.compiler.ir.instructions import Instructions
from steepest.compiler.ir.operands import PIECE, Op, kind
from steepest.compiler.nests.affine import Affine, affine, plus

__all__ = ["Builder"]


class Builder(Instructions):
    """Writes functions."""

    def apart(self, write: Callable[[], None]) -> str:
        """The body of a function of its own: what `write` writes, with names that begin anew."""
        around = self.head, self.lines, self.scopes, self.block, self.count
        self.head, self.lines, self.scopes, self.block, self.count = [], [], [{}], "entry", 0
        write()
        body = "\n".join([*self.head, *self.lines])
        self.head, self.lines, self.scopes, self.block, self.count = around
        return body

    # ---- memory ----------------------------------------------------------------------------------

    def integer(self, a: Affine) -> str:
        """An affine number as an i64; its variable part is computed once per scope."""
        if not a[1]:
            return str(a[0])
        variable = self.once(("integer", a[1]), lambda: self._sum(a[1]))
        return self.new(f"add nsw i64 {variable}, {a[0]}") if a[0] else variable

    def index(self, a: Affine) -> Op:
        """The same, to compute with."""
        return Op(self.integer(a), "i64", 0)

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
        """Where an element is: the variable part once per scope, the constant part added to it."""
        p = memory
        if a[1]:
            p = self.once(
                ("pointer", memory, base, a[1]),
                lambda: self.new(
                    f"getelementptr {base}, ptr {memory}, i64 {self.integer((0, a[1]))}"
                ),
            )
        return self.new(f"getelementptr {base}, ptr {p}, i64 {a[0]}") if a[0] else p

    def load(self, memory: str, base: str, a: Affine, width: int = 0) -> Op:
        """The number at that element of the memory, or a vector of `width` from there on."""
        place = self.pointer(memory, base, a)
        return Op(self.new(f"load {kind(base, width)}, ptr {place}, align 1"), base, width)

    def store(self, x: Op, memory: str, a: Affine, width: int = 0) -> None:
        """Write a number, or a vector of `width`, from that element of the memory on."""
        text = f"{kind(x.base, width)} {self.spell(x, width)}"
        self.lines.append(f"  store {text}, ptr {self.pointer(memory, x.base, a)}, align 1")

    def columns_of(self, memory: str, base: str, first: Affine, rows: int, step: int) -> list[Op]:
        """Some columns of numbers in memory, each a vector with a lane per row: as many as shuffles
        exchange without leaving a part of a register. From one row to the next are `step` numbers.
        A row's piece is read where it will be in its vector: what is left to transpose are squares
        of such pieces."""
        count = min(rows, PIECE)

        def read(r: int) -> Op:
            places = [plus(first, affine(k * step)) for k in range(r, rows, count)]
            pieces = [self.load(memory, base, place, count) for place in places]
            while len(pieces) > 1:
                pairs = zip(pieces[::2], pieces[1::2], strict=True)
                pieces = [self.shuffle(x, y, range(2 * x.width)) for x, y in pairs]
            return pieces[0]

        return self.transpose([read(r) for r in range(count)])

    def prefetch(self, memory: str, base: str, a: Affine, *, write: bool = True) -> None:
        """Call a line into the nearest cache, to be written or to be read."""
        self.declared.add("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        how = f"ptr {self.pointer(memory, base, a)}, i32 {int(write)}, i32 3, i32 1"
        self.lines.append(f"  call void @llvm.prefetch.p0({how})")

    # ---- branches --------------------------------------------------------------------------------

    def rarely(self, condition: Op, usual: Op, make: Callable[[], Op]) -> Op:
        """`usual`, or what `make` writes where the condition holds in any lane."""
        truth = condition.name
        if condition.width > 0:
            whole = f"i{condition.width}"
            bits = self.new(f"bitcast {kind('i1', condition.width)} {condition.name} to {whole}")
            truth = self.new(f"icmp ne {whole} {bits}, 0")
        self.declared.add('!0 = !{!"branch_weights", i32 1, i32 1000}')
        before = self.block
        x, last = self._branch("rare", truth, make, ", !prof !0")
        pairs = f"[{usual.name}, %{before}], [{x.name}, %{last}]"
        text = f"phi {kind(usual.base, usual.width)} {pairs}"
        return Op(self.new(text), usual.base, usual.width)

    def when(self, condition: Op, body: Callable[[], Any]) -> None:
        """What `body` writes, only where the condition holds."""
        self._branch("when", condition.name, body)

    def _branch(
        self, name: str, truth: str, body: Callable[[], Any], weights: str = ""
    ) -> tuple[Any, str]:
        """What `body` writes in a block that is gone through where the truth holds; gives what it
        gives, and the block in which it ends."""
        self.count += 1
        chosen, join = f"{name}{self.count}", f"join{self.count}"
        self.lines += [f"  br i1 {truth}, label %{chosen}, label %{join}{weights}", f"{chosen}:"]
        self.block = chosen
        self.scopes.append({})
        made = body()
        self.scopes.pop()
        last, self.block = self.block, join
        self.lines += [f"  br label %{join}", f"{join}:"]
        return made, last

    # ---- loops -----------------------------------------------------------------------------------

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

        def each(i: str, values: list[Op]) -> list[Op]:
            for u in range(unroll):
                values = list(body(plus(affine(i), affine(u * step)), values) or ())
            return values

        return self._in_rounds((low, high), step * unroll, within is not None, values, each)

    def _in_rounds(
        self,
        bounds: tuple[int | str, int | str],
        step: int,
        maybe_none: bool,
        values: list[Op],
        body: Callable[[str, list[Op]], list[Op]],
    ) -> list[Op]:
        """body(name of the loop's variable, carried) -> carried, with one phi per value."""
        self.count += 1
        (low, high), n, before = bounds, self.count, self.block
        head, done, i = f"loop{n}", f"done{n}", f"%i{n}"
        # What is there when the loop begins is spelled before it; numbers need no instruction.
        first = [self.spell(c, max(c.width, 0)) for c in values]
        enter = f"label %{head}"
        if maybe_none:
            some = self.new(f"icmp slt i64 {low}, {high}")
            enter = f"i1 {some}, label %{head}, label %{done}"
        self.lines += [f"  br {enter}", f"{head}:"]
        at = len(self.lines)
        self.block = head
        self.scopes.append({})
        out = [Op(f"%c{n}_{k}", c.base, max(c.width, 0)) for k, c in enumerate(values)]
        phis, out = out, body(i, list(out))
        self.scopes.pop()
        after = self.new(f"add nuw nsw i64 {i}, {step}")
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
