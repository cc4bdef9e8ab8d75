"""Objects: the files that LLVM emits become one image, which runs wherever it lies.

An object file has the format ELF: sections of bytes; symbols, which say what begins where in them;
and relocations, the places that can be filled in only when it is known how far away a symbol is.
Here the sections that code needs are put one behind the other and all distances are filled in, so
an image from the disk is loaded (see `executable`) by whoever knows nothing of its inside. Only the
addresses of functions outside are left open. Each of these has a stub at the image's beginning:
instructions that jump to the address behind them, which may be any.

Sources: System V ABI, edition 4.1, chapter 4, "Object Files"; relocations from its x86-64
supplement, section 4.4, and from "ELF for the Arm 64-bit Architecture", section 5.7.
"""

import struct
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from steepest.core import Problem, said

__all__ = ["STUB", "Image", "linked"]

STUB = 16  # bytes of a stub; the second half is the address
_ENTRY = "run"  # what is called from outside
_PAGE = 4096  # images begin at pages, so a place in one says where in a page it will be
_REACH = 1 << 27  # bytes that a call can jump over on the processor where it is fewest

_HEAD = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = np.dtype([("place", "<i8"), ("kind", "<u4"), ("symbol", "<u4"), ("addend", "<i8")])
_BYTES, _SYMBOLS, _RELOCATIONS = 1, 2, 4  # types of sections
_WRITABLE, _ALLOCATED = 1, 2  # flags of sections

Rule = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _distance(target: np.ndarray, place: np.ndarray) -> np.ndarray:
    return target - place


def _jump(target: np.ndarray, place: np.ndarray) -> np.ndarray:
    return (target - place) >> 2 & 0x3FFFFFF


def _page(target: np.ndarray, place: np.ndarray) -> np.ndarray:
    pages = target // _PAGE - place // _PAGE
    return (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5


def _within(shift: int) -> Rule:
    """Where in its page the target is, counted in what the instruction loads."""
    return lambda target, place: target % _PAGE >> shift << 10


class _Machine(NamedTuple):
    """stub   the instructions that jump to the address behind them
    rules  by the kind of relocation, the bits that it adds to the four bytes at its place
    """

    stub: bytes
    rules: dict[int, Rule]


_MACHINES = {
    # x86-64: jmp *2(%rip)
    62: _Machine(bytes.fromhex("ff25020000006690"), {2: _distance, 4: _distance}),
    # AArch64: ldr x16, .+8; br x16
    183: _Machine(
        bytes.fromhex("5000005800021fd6"),
        {275: _page, 277: _within(0), 278: _within(0), 282: _jump, 283: _jump}
        | {284: _within(1), 285: _within(2), 286: _within(3), 299: _within(4)},
    ),
}


class Image(NamedTuple):
    """Linked code.

    entry    where the function `run` begins
    outside  names of the functions that its stubs jump to
    """

    entry: int
    outside: list[str]
    code: bytes

    def to_bytes(self) -> bytes:
        names = " ".join(self.outside).encode()
        return struct.pack("<qq", self.entry, len(names)) + names + self.code

    @classmethod
    def from_bytes(cls, data: bytes) -> "Image":
        entry, length = struct.unpack_from("<qq", data)
        return cls(entry, data[16 : 16 + length].decode().split(), data[16 + length :])


def linked(files: Iterable[bytes]) -> Image:
    """The image of object files, which may call each other's functions.

    Raises:
        Problem: a file has what LLVM does not emit for functions that may lie anywhere.
    """
    objects = [_Object(file) for file in files]
    inside = {name for x in objects for name in x.inside}
    outside = sorted({name for x in objects for name in x.outside} - inside)
    places = {name: STUB * number for number, name in enumerate(outside)}
    size = STUB * len(outside)
    for x in objects:
        size = x.lay_out(size)
        places |= {name: x.place(number, places) for name, number in x.inside.items()}
    if size > _REACH:
        raise _unlinkable(f"{size:,} bytes of code")
    if _ENTRY not in places:
        raise _unlinkable(f"no function {_ENTRY!r}")
    image = np.zeros(size, np.uint8)
    stubs = image[: STUB * len(outside)].reshape(-1, STUB)
    stubs[:, : STUB // 2] = list(objects[0].machine.stub)
    for x in objects:
        x.write(image, places)
    return Image(places[_ENTRY], outside, image.tobytes())


class _Section(NamedTuple):
    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    each: int


class _Symbol(NamedTuple):
    name: str
    section: int
    value: int
    known: bool  # to other files


class _Object:
    """An object file. Sections and symbols are told apart by their numbers.

    machine  the processor that it is for
    inside   the symbols that other files may use, by name
    outside  names that it uses and does not have
    """

    def __init__(self, file: bytes):
        if len(file) < _HEAD.size or file[:6] != b"\x7fELF\2\1":
            raise _unlinkable("no object file in the format ELF, of 64 bits")
        head = _HEAD.unpack_from(file)
        if head[2] not in _MACHINES:
            raise _unlinkable(f"code for processor {head[2]}")
        self._file, self.machine = file, _MACHINES[head[2]]
        table = file[head[6] : head[6] + head[12] * _SECTION.size]
        self._sections = [_Section(*fields) for fields in _SECTION.iter_unpack(table)]
        self._starts = dict.fromkeys(self._needed(self._sections[head[13]]), 0)
        self._symbols = [x for s in self._sections if s.type == _SYMBOLS for x in self._found(s)]
        self._relocations = [
            (s.info, np.frombuffer(file, _RELOCATION, s.size // _RELOCATION.itemsize, s.offset))
            for s in self._sections
            if s.type == _RELOCATIONS and s.info in self._starts
        ]
        used = {n for _, table in self._relocations for n in table["symbol"].tolist()}
        self.outside = {self._symbols[n].name for n in used if not self._symbols[n].section}
        symbols = enumerate(self._symbols)
        self.inside = {x.name: n for n, x in symbols if x.known and x.section in self._starts}

    def _text(self, names: _Section, at: int) -> str:
        start = names.offset + at
        return self._file[start : self._file.index(0, start)].decode()

    def _needed(self, names: _Section) -> Iterable[int]:
        """Sections that are memory when code runs, except for what unwinds the stack."""
        for number, section in enumerate(self._sections):
            name = self._text(names, section.name)
            if section.flags & _ALLOCATED and section.size and name != ".eh_frame":
                if section.type != _BYTES or section.flags & _WRITABLE:
                    raise _unlinkable(f"the section {name}")
                yield number

    def _found(self, section: _Section) -> Iterable[_Symbol]:
        names = self._sections[section.link]
        table = self._file[section.offset : section.offset + section.size]
        for name, info, _, number, value, _ in _SYMBOL.iter_unpack(table):
            yield _Symbol(self._text(names, name), number, value, bool(name and info >> 4))

    def lay_out(self, start: int) -> int:
        """Choose where the sections begin, from a place in the image on; gives where they end."""
        for number in self._starts:
            section = self._sections[number]
            self._starts[number] = -(-start // section.alignment) * section.alignment
            start = self._starts[number] + section.size
        return start

    def place(self, number: int, places: dict[str, int]) -> int:
        """Where in the image a symbol is; `places` are those of other files."""
        symbol = self._symbols[number]
        if not symbol.section:
            return places[symbol.name]
        if symbol.section not in self._starts:
            raise _unlinkable(f"the symbol {symbol.name!r}")
        return self._starts[symbol.section] + symbol.value

    def write(self, image: np.ndarray, places: dict[str, int]) -> None:
        """Put the sections into the image, all distances filled in."""
        for number, start in self._starts.items():
            section = self._sections[number]
            source = np.frombuffer(self._file, np.uint8, section.size, section.offset)
            image[start : start + section.size] = source
        for number, table in self._relocations:
            symbols, which = np.unique(table["symbol"], return_inverse=True)
            targets = np.array([self.place(n, places) for n in symbols.tolist()])[which]
            targets, at = targets + table["addend"], self._starts[number] + table["place"]
            for kind in sorted(set(table["kind"].tolist())):
                if kind not in self.machine.rules:
                    raise _unlinkable(f"relocation {kind}")
                chosen = table["kind"] == kind
                bits = self.machine.rules[kind](targets[chosen], at[chosen])
                _add(image, at[chosen], bits)


def _add(image: np.ndarray, places: np.ndarray, bits: np.ndarray) -> None:
    """Set these bits in the four bytes at each place."""
    fields = places[:, None] + np.arange(4)
    image[fields] |= bits.astype("<u4")[:, None].view(np.uint8)


def _unlinkable(got: str) -> Problem:
    return Problem(said("compiler", "LLVM has emitted what cannot be linked", got=got))
