"""How messages are built: where, what was expected, what came, what to write instead.

One sentence a beginner can act on is worth more than a precise one they cannot. Every message the
library raises on a user's mistake goes through `said`, so that all of them read alike:

    cross_entropy: the target must hold one class per row
      expected  shape (32,)
      got       shape (32, 10)
      write     cross_entropy(output, target.argmax(1))
"""

import difflib
from collections.abc import Iterable

__all__ = ["Problem", "RequestError", "closest", "said"]


class RequestError(ValueError):
    """The request was wrong (a file, a column, a setting), not the library.

    The command line prints its message alone and leaves with exit status 2.
    """


class Problem(RuntimeError):
    """The request was right and the work failed (a loss that is not finite): exit status 1."""


def said(
    where: str, what: str, *, expected: object = None, got: object = None, write: object = None
) -> str:
    """Build one message: `where: what`, then the lines that are known."""
    lines = [f"{where}: {what}"]
    for label, text in (("expected", expected), ("got", got), ("write", write)):
        if text is not None:
            lines.append(f"  {label:<9} {text}")
    return "\n".join(lines)


def closest(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'adam'?)` when a known word is near, the list of known words otherwise."""
    known = list(known)
    lowered = {k.lower(): k for k in known}
    near = difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.6)
    if near:
        return f" (did you mean {lowered[near[0]]!r}?)"
    if not known:
        return ""
    shown = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
    return f" (known: {shown})"
