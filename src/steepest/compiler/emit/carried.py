"""Carried: what a step reads and writes whole stays in a register, from one step to the next too.

A number that is stored and loaded again takes as long as three multiplications. That is felt where
a step is no longer than the way through its weights: one that is written out, as one block of
lines. Of a place in memory that every line there loads or stores whole, as the same number or
vector, nothing needs to be loaded. It is still stored, for whoever looks at it after a step.
"""

import re
from collections.abc import Container
from typing import NamedTuple

__all__ = ["Carried", "carried"]

_LOAD = re.compile(r"  (?P<name>%\w+) = load (?P<kind>.+), ptr (?P<place>%m\d+), align 1")
_STORE = re.compile(r"  store (?P<kind><[^>]+>|\w+) (?P<x>.+), ptr (?P<place>%m\d+), align 1")
_BLOCK = re.compile(r"%(memory|private)\b")  # which a line names that computes its own pointers
_PLACE = re.compile(r"%m\d+\b")


class Carried(NamedTuple):
    """Lines before all steps, those with which each begins, and the others."""

    before: list[str]
    head: list[str]
    lines: list[str]


def carried(lines: list[str], block: str, places: Container[str]) -> Carried:
    """A step that ends in that block; if it is all one block, without needless loads.

    Args:
        places: pointers to memory that no other pointer reaches.
    """
    if block != "step" or any(map(_BLOCK.search, lines)):
        return Carried([], [], lines)
    kinds, found = _whole(lines, places), Carried([], [], [])
    held: dict[str, str] = {}  # what is in a place now
    kept: dict[str, str] = {}  # and was when the step began
    for line in lines:
        access = _LOAD.fullmatch(line) or _STORE.fullmatch(line)
        place = access["place"] if access else ""
        if not access or place not in kinds:
            found.lines.append(line)
        elif access.re is _STORE:
            held[place] = access["x"]
            found.lines.append(line)
        else:
            if place not in held:
                held[place] = kept[place] = f"%kept{place[2:]}"
            kind = kinds[place]
            found.lines.append(f"  {access['name']} = bitcast {kind} {held[place]} to {kind}")
    for place, name in kept.items():
        kind, first = kinds[place], f"{name}first"
        found.before.append(f"  {first} = load {kind}, ptr {place}, align 1")
        found.head.append(f"  {name} = phi {kind} [{first}, %entry], [{held[place]}, %{block}]")
    return found


def _whole(lines: list[str], places: Container[str]) -> dict[str, str]:
    """Those of the places that are only loaded and stored whole, and as what."""
    kinds: dict[str, set[str]] = {}
    for line in lines:
        access = _LOAD.fullmatch(line) or _STORE.fullmatch(line)
        for place in filter(places.__contains__, _PLACE.findall(line)):
            kinds.setdefault(place, set()).add(access["kind"] if access else "")
    return {place: kind for place, (kind, *others) in kinds.items() if kind and not others}
