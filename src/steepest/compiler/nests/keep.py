"""Keeping: values that are stored although their users could compute them again.

What a larger array needs at many of its points is stored, unless it costs next to nothing: its
users would compute it once per row, one number at a time, or in every row. A chain of rows that is
too long to be followed ends in memory. And so does what is carried along, from nests to later ones,
again and again, like the state of a sequence: every step would compute it from the first step on.
"""

from collections.abc import Iterator

from steepest.compiler.graph import Value
from steepest.compiler.nests.costs import time
from steepest.compiler.nests.found import Found
from steepest.compiler.nests.reach import is_elementwise

__all__ = ["Keeping"]

_DEPTH = 40  # the longest chain of rows that is computed without storing anything
_CARRIED = 2  # times in a row that a value is carried along without storing it
_SPREAD = 6  # time (see `costs`) that is worth a place in memory


class Keeping:
    """Looks at one elementwise value after the other, in their order.

    kept     what it has asked to be stored because it is carried along
    carried  how many times in a row what a value is computed from was carried along
    length   of the longest chain of rows that a value is computed by
    """

    def __init__(self, found: Found):
        self.found = found
        self.kept: set[Value] = set()
        self.carried: dict[Value, int] = {}
        self.length: dict[Value, int] = {}

    def worthwhile(self, v: Value) -> Iterator[Value]:
        """What is to be stored now that v is met."""
        carried = 0
        for x in v.operands:
            if not is_elementwise(x) or (self.found.exists(x) and x not in self.kept):
                continue
            times = self.carried[x] + self._is_carried(x, v)
            if times > _CARRIED and x not in self.kept:
                self.kept.add(x)
                yield x
            carried = max(carried, times)
        self.carried[v] = carried
        chain = [self.length.get(x, 0) for x in v.operands if not self.found.exists(x)]
        self.length[v] = 1 + max(chain, default=0)
        spread = any(user.size > v.size for user in self.found.users.get(v, ()))
        if self.length[v] > _DEPTH or (spread and (v.size == 1 or self._time(v) > _SPREAD)):
            yield v

    def _is_carried(self, x: Value, user: Value) -> bool:
        """Whether the user of x waits for a nest that comes after those that x is computed from."""
        own = self.found.sources(x)
        later = self.found.sources(user) - own
        worth = x in self.kept or self._time(x) > _SPREAD
        return worth and any(n.waits_for(m) for n in later for m in own)

    def _time(self, v: Value) -> int:
        """What an element of v takes, from what is stored or held."""
        total, seen, stack = 0, {v}, [v]
        while stack:
            x = stack.pop()
            if is_elementwise(x):
                total += time(x)
            new = {y for y in x.operands if not (self.found.exists(y) or y in self.found.holder)}
            stack.extend(new - seen)
            seen |= new
        return total
