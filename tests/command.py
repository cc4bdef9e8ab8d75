"""The command line in tests: run in this process or in one of its own, with what it left behind.

A process of its own costs half a second, so most cases run `main` here; `started` runs the real
thing, for what only a process has: its status, its streams, the modules that it loads.
"""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from steepest.cli import main

__all__ = ["Command", "Ended", "contents", "flowers", "houses", "started"]

HOUSES = "rooms,age,tax,price"


class Ended(NamedTuple):
    """How a command ended: its exit status and what it wrote on its two streams."""

    status: int
    out: str
    err: str


class Command:
    """`steepest ARGUMENTS` in the working folder, in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *arguments: object) -> Ended:
        self.monkeypatch.setattr(sys, "argv", ["steepest", *map(str, arguments)])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        out, err = self.capsys.readouterr()
        return Ended(int(left.value.code or 0), out, err)


def started(*arguments: object, folder: Path) -> Ended:
    """`steepest ARGUMENTS` in `folder`, as a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-c", "from steepest.cli import main; main()", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def contents(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder: the bytes of each file, None for a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def houses(path: Path, rows: int = 60) -> Path:
    """A table whose price is nearly a plane over its three features; rooms all begin with 1."""
    drawn = np.random.default_rng(0)
    x = drawn.uniform(1, 2, size=(rows, 3))
    price = 200_000 + 30_000 * x[:, 0] - 20_000 * x[:, 1] + 500 * drawn.normal(size=rows)
    lines = [",".join(f"{v:.4f}" for v in row) for row in np.column_stack([x, price])]
    return _written(path, [HOUSES, *lines])


def flowers(path: Path, rows: int = 60) -> Path:
    """A table with two features and three classes, written as words."""
    x = np.random.default_rng(1).normal(size=(rows, 2))
    kinds = np.array(["daisy", "rose", "tulip"])[np.digitize(x[:, 0], [-0.4, 0.4])]
    lines = [f"{a:.4f},{b:.4f},{kind}" for (a, b), kind in zip(x, kinds, strict=True)]
    return _written(path, ["width,length,kind", *lines])


def _written(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path
