"""What the verbs print with: one console, plain tables, notes."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from steepest.core import lazy

__all__ = ["console", "figures", "say", "table"]

rich_box = lazy("rich.box")
rich_console = lazy("rich.console")
rich_table = lazy("rich.table")


def console(stderr: bool = False) -> Any:
    """The terminal; colours and width are found out, and nothing is interpreted as markup."""
    return rich_console.Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def table(header: Sequence[str] | None, rows: Iterable[Sequence[str]]) -> Any:
    """A table with as few lines as it needs; numbers to the right."""
    made = rich_table.Table(
        box=rich_box.SIMPLE_HEAD,
        show_header=header is not None,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    rows = [list(map(str, row)) for row in rows]
    columns = len(rows[0]) if rows else len(header or ())
    for i in range(columns):
        numeric = all(row[i][:1].isdigit() or row[i][:1] in "−-" for row in rows) and bool(rows)
        made.add_column(
            header[i] if header else "", justify="right" if numeric and header else "left"
        )
    for row in rows:
        made.add_row(*row)
    return made


def figures(*numbers: float) -> list[str]:
    """Numbers that belong together, with as many decimals as show three digits of the largest.

    >>> figures(0.9987, 0.9981, 0.9992), figures(-0.0700, -1.2345, 0.0812), figures(214356.1)
    (['0.999', '0.998', '0.999'], ['-0.07', '-1.23', '0.08'], ['214356'])
    """
    largest = max(abs(n) for n in numbers)
    decimals = min(3, max(0, 2 - math.floor(math.log10(largest)))) if largest else 3
    return [f"{round(n, decimals) + 0.0:.{decimals}f}" for n in numbers]


def say(notes: Iterable[str]) -> None:
    """Remarks, one line each, on the standard error; answers alone go to the standard output."""
    for note in notes:
        console(stderr=True).print(f"note: {note}", soft_wrap=True)
