"""Runs of nests: what the step writes where a nest is due.

A nest is a call of its function, with a pointer to where each of its arrays begins; where threads
take shares of it from one another (see `taking`), a loop of such calls. In a network of many equal
layers, or a sequence of many steps, these pointers would be most of the code that the step has. So
what another nest's function does once more is one line: a call of a second function, which all such
nests share. It reads the places of the arrays in the program's memory from a table of constants.
"""

from collections.abc import Callable, Mapping
from functools import partial

from steepest.compiler.emit.functions import Function
from steepest.compiler.emit.loops import Loops
from steepest.compiler.emit.outline import Outline, named
from steepest.compiler.emit.threads import SHARE
from steepest.compiler.memory.buffers import Buffer
from steepest.compiler.memory.layout import Layout
from steepest.compiler.memory.plan import Plan
from steepest.compiler.nests.affine import Affine, affine, plus
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.nest import Nest

__all__ = ["Runs"]

Arrays = dict[str, str]  # the names that a function has for its arrays -> what the step calls them
Share = dict[str, str]  # %which nest in which step, where its %words are, shares %of each thread


class Runs(Loops):
    """Emitter of what the step has where a nest is due.

    buffers  pointer -> the buffer in the program's memory that it points to
    begins   pointer -> elements before the first that the nest being written reads there
    written  what each function was written for
    offsets  the table: bytes from where the memory begins
    """

    def __init__(self, fusion: Fusion, layout: Layout, plan: Plan):
        super().__init__(fusion, layout, plan)
        self.buffers: dict[str, Buffer] = {}
        self.begins: dict[str, int] = {}
        self.written: dict[str, Outline] = {}
        self.offsets: list[int] = []

    def run(self, nest: Nest, write: Callable[[], None]) -> None:
        """Run a nest; `write` writes it, if no function does the same."""
        outline, divided = Outline(nest, self.fusion, self.layout, self.plan), self.divided
        again = outline.key in self.functions
        function = self._function_of(outline, write)
        names = zip(self.written[function.name].names(), outline.pointers, strict=True)
        arrays = {name: p for name, p in names if name in function.names}
        run = partial(self._run_again if again else self._run, function, outline, arrays)
        if divided:
            run(self._share_of(nest))
        else:
            self.alone(partial(run, {}))

    def _function_of(self, outline: Outline, write: Callable[[], None]) -> Function:
        """The function of all nests with this outline; `write` writes one of them."""
        if outline.key not in self.functions:
            self.begins = outline.begins
            function = self.functions[outline.key] = self.function(write)
            self.begins, self.written[function.name] = {}, outline
        return self.functions[outline.key]

    def pointer(self, memory: str, base: str, a: Affine) -> str:
        """In a nest's function, counted from where the nest begins."""
        start = self.begins.get(memory, 0)
        if not start:
            return super().pointer(memory, base, a)
        return super().pointer(named(memory, start), base, plus(a, affine(-start)))

    def _share_of(self, nest: Nest) -> Share:
        """What taking shares of the nest needs; nothing where threads do not."""
        if self.sharing is None or not self.is_taken(nest):
            return {}
        number = self.fusion.nests.index(nest)
        which = self.integer((number + 1, (("%s", len(self.fusion.nests) + 1),)))
        words = self.new(f"getelementptr i8, ptr %team, i64 {self.sharing.words_of(nest)}")
        return {"%which": which, "%words": words, "%of": f"{self.sharing.long[nest]}"}

    def _run(self, function: Function, outline: Outline, arrays: Arrays, share: Share) -> None:
        """Calls, with pointers that are computed for each."""

        def call(given: Mapping[str, str]) -> None:
            found = {name: self._beginning(p, outline) for name, p in arrays.items()}
            self.lines.append(self.call_of(function, {**found, **given}))

        self._take(share, call)

    def _beginning(self, pointer: str, outline: Outline) -> str:
        """Where a nest begins to read."""
        if pointer not in self.buffers:
            return pointer
        place, offset = self._place(pointer, outline)
        return self.new(f"getelementptr i8, ptr {place}, i64 {offset}")

    def _place(self, pointer: str, outline: Outline) -> tuple[str, int]:
        """The memory in which an array is, and how many bytes from there the nest begins to read
        it."""
        buffer = self.buffers[pointer]
        start = outline.begins.get(pointer, 0)
        return f"%{buffer.place}", buffer.offset + start * buffer.dtype.itemsize

    def _run_again(
        self, function: Function, outline: Outline, arrays: Arrays, share: Share
    ) -> None:
        """One call of the function that runs such nests."""
        inside = {name: p for name, p in arrays.items() if p in self.buffers}
        found = {name: self._place(p, outline) for name, p in inside.items()}
        memory = {name: place for name, (place, _) in found.items()}
        key = function.name, bool(share), tuple(memory.items())
        if key not in self.functions:
            write = partial(self._write_again, function, memory, {name: name for name in share})
            self.functions[key] = self.function(write)
        table = f"getelementptr (i64, ptr @offsets, i64 {len(self.offsets)})"
        self.offsets += [offset for _, offset in found.values()]
        given = {**arrays, **share, "%offsets": table}
        self.lines.append(self.call_of(self.functions[key], given))

    def _write_again(self, function: Function, memory: dict[str, str], share: Share) -> None:
        """Calls, with pointers from the table."""
        found: dict[str, str] = {}
        for k, (name, place) in enumerate(memory.items()):
            at = self.new(f"getelementptr i64, ptr %offsets, i64 {k}")
            offset = self.new(f"load i64, ptr {at}")
            found[name] = self.new(f"getelementptr i8, ptr {place}, i64 {offset}")

        def call(given: Mapping[str, str]) -> None:
            self.lines.append(self.call_of(function, {**found, **given}))

        self._take(share, call)

    def _take(self, share: Share, call: Callable[[Mapping[str, str]], None]) -> None:
        """One call, or calls for one share after the other, as long as any are left."""
        if not share:
            call({})
            return
        assert self.sharing is not None
        self.count += 1
        take, some, done = (f"{word}{self.count}" for word in ("take", "some", "taken"))
        self.lines += [f"  br label %{take}", f"{take}:"]
        whose = f"ptr {share['%words']}, i64 {self.sharing.each}, i64 %thread, i64 %threads"
        numbers = f"{whose}, i64 {share['%which']}, i64 {share['%of']}"
        part = self.new(f"call {{i64, i64, i64}} @take({numbers})")
        ends = [self.new(f"extractvalue {{i64, i64, i64}} {part}, {k}") for k in range(3)]
        left = self.new(f"icmp ne i64 {ends[2]}, 0")
        self.lines += [f"  br i1 {left}, label %{some}, label %{done}", f"{some}:"]
        call({**share, **dict(zip(SHARE, ends, strict=True))})
        self.lines += [f"  br label %{take}", f"{done}:"]
        self.block = done

    def table(self) -> list[str]:
        """The table, if anything is in it."""
        if not self.offsets:
            return []
        numbers = ", ".join(f"i64 {x}" for x in self.offsets)
        return [f"@offsets = private constant [{len(self.offsets)} x i64] [{numbers}]"]
